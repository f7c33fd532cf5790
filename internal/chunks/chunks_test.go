package chunks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// written has DuckDB write a file of several row groups, with a nested column, and returns its bytes.
func written(t *testing.T) []byte {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()

	path := filepath.Join(t.TempDir(), "a.parquet")
	_, err = db.ExecContext(t.Context(), "COPY (SELECT i AS id, 'name ' || i % 70 AS name, {'a': i, 'b': [i % 3]} AS pair, i * 1.5 AS cost FROM range(9000) r(i)) TO "+
		duck.String(path)+" (FORMAT parquet, ROW_GROUP_SIZE 2048)")
	if err != nil {
		t.Fatal(err)
	}

	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	return body
}

func sumsOf(t *testing.T, body []byte) string {
	t.Helper()
	digest := sha256.New()
	sums, err := Sum(strings.NewReader(string(body)), int64(len(body)), digest)
	want := sha256.Sum256(body)
	if err != nil || len(sums) != 5*digits || !slices.Equal(digest.Sum(nil), want[:]) {
		t.Fatalf("%q, %v", sums, err)
	}

	return sums
}

// within reports whether a byte belongs to the footer or to one of the columns.
func within(l *Layout, at int64, columns []string) bool {
	if at >= l.Footer.From {
		return true
	}

	for _, c := range l.Columns {
		for _, s := range c.Spans {
			if at >= s.From && at < s.To && (columns == nil || slices.Contains(columns, c.Name)) {
				return true
			}
		}
	}

	return false
}

// Every flipped bit in what is read is found, and flips elsewhere are ignored.
func TestFlippedBits(t *testing.T) {
	body := written(t)
	sums, size := sumsOf(t, body), int64(len(body))
	layout, err := Read(size, func(s Span) ([]byte, error) { return body[s.From:s.To], nil })
	if err != nil || layout.Rows != 9000 {
		t.Fatalf("%+v, %v", layout, err)
	}

	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	choices := [][]string{nil, {}, {"id"}, {"pair", "cost"}, {"name", "none"}}
	for n := range 3000 {
		at, bit := random.Int64N(size), byte(1)<<random.IntN(8)
		if n%3 == 0 {
			at = layout.Footer.From + random.Int64N(size-layout.Footer.From)
		}

		columns := choices[random.IntN(len(choices))]
		body[at] ^= bit
		err := Check(strings.NewReader(string(body)), size, sums, columns)
		body[at] ^= bit

		if damage, is := errors.AsType[*DamageError](err); is != within(layout, at, columns) || !is && err != nil {
			t.Fatalf("seed %d: byte %d of %d flipped, reading %q: %v, %v", seed, at, size, columns, err, damage)
		}
	}

	if err := Check(strings.NewReader(string(body)), size, sums, []string{"ID", "Cost"}); err != nil {
		t.Error(err)
	}
}

func TestWhatHasNoLayoutHasNoSums(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("nothing of the kind", 9)} {
		if sums, err := Sum(strings.NewReader(text), int64(len(text)), nil); sums != "" || err != nil {
			t.Errorf("%q: %q, %v", text, sums, err)
		}
	}

	body := written(t)
	for _, sums := range []string{"", "0123", strings.Repeat("x", digits), sumsOf(t, body)[digits:]} {
		err := Check(strings.NewReader(string(body)), int64(len(body)), sums, nil)
		if _, is := errors.AsType[*DamageError](err); !is {
			t.Errorf("compared with %q: %v", sums, err)
		}
	}
}

// A file is read once, unless somebody writes to it, and whole if only a checksum of the whole is known.
func TestChecker(t *testing.T) {
	body := written(t)
	path := filepath.Join(t.TempDir(), "a.parquet")
	digest := sha256.Sum256(body)
	f := hindcast.File{Bytes: int64(len(body)), CRC32C: sumsOf(t, body)}
	earlier := hindcast.File{Bytes: f.Bytes, SHA256: hex.EncodeToString(digest[:])}
	var c Checker
	check := func(what string, f hindcast.File, columns []string, want string) {
		t.Helper()
		err := c.Check(path, f, columns)
		if damage, is := errors.AsType[*DamageError](err); is != (want != "") || is && !strings.Contains(damage.What, want) || !is && err != nil {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}

	write := func(change func(b []byte) []byte, changed time.Time) {
		t.Helper()
		err := os.WriteFile(path, change(slices.Clone(body)), 0o600)
		if err == nil {
			err = os.Chtimes(path, changed, changed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	first := func(b []byte) []byte { b[10] ^= 1; return b } // a byte of the column id
	then := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

	check("no file", f, nil, "it is not there")
	write(func(b []byte) []byte { return b }, then)
	check("whole", f, []string{"id"}, "")
	write(first, then)
	check("read before, and nobody seems to have written", f, []string{"ID"}, "")
	check("another column as well", f, []string{"id", "cost"}, `column "id"`)
	write(first, then.Add(time.Second))
	check("written since", f, []string{"id"}, `column "id"`)
	check("another column", f, []string{"cost"}, "")
	check("rows only", f, []string{}, "")
	check("everything", f, nil, `column "id"`)
	check("everything, as earlier versions wrote manifests", earlier, []string{"cost"}, "SHA-256")
	write(func(b []byte) []byte { return b }, then.Add(2*time.Second))
	check("the same, whole", earlier, []string{"cost"}, "")
	write(func(b []byte) []byte { return b[1:] }, then.Add(3*time.Second))
	check("cut", f, []string{}, fmt.Sprintf("it has %d bytes and its manifest says %d", f.Bytes-1, f.Bytes))
	check("cut, and nothing is known", hindcast.File{Bytes: f.Bytes - 1}, nil, "")
}

func TestSumFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if _, err := SumFile(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(path, []byte("123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if sum, err := SumFile(t.Context(), path); sum != "e3069283" || err != nil {
		t.Errorf("got %q, %v", sum, err)
	}

	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := SumFile(stopped, path); !errors.Is(err, context.Canceled) {
		t.Errorf("within a file a stop is not heeded: %v", err)
	}
}
