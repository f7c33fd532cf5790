package cache

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/duck"
)

// sparse is a file with only the bytes that the columns need; the rest is the filler.
func sparse(body string, columns []string, filler byte) (text string, fetched int64, err error) {
	var read int64
	want, err := wanted(int64(len(body)), columns, func(s span) ([]byte, error) {
		read += s.bytes()
		return []byte(body[s.from:s.to]), nil
	})
	if err != nil {
		return "", 0, err
	}

	out := slices.Repeat([]byte{filler}, len(body))
	for _, s := range want {
		copy(out[s.from:s.to], body[s.from:s.to])
	}

	return string(out), want.bytes(), nil
}

// quoted is a select list.
func quoted(columns []string) string {
	if len(columns) == 0 {
		return "count(*)"
	}

	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = duck.Name(c)
	}

	return strings.Join(list, ", ")
}

// conditions are filters on a column that an engine answers by statistics, by bloom filters or by reading.
func conditions(random *rand.Rand, column string) string {
	name, n := duck.Name(column), random.IntN(2000)
	return []string{
		fmt.Sprintf("hash(%s) %% 7 = %d", name, n%7),
		fmt.Sprintf("CAST(%s AS VARCHAR) = '%d'", name, n),
		fmt.Sprintf("TRY_CAST(CAST(%s AS VARCHAR) AS BIGINT) > %d", name, n),
		name + " IS NOT NULL",
		name + " = (SELECT max(" + name + ") FROM FILES)",
		name + " IN (SELECT " + name + " FROM FILES LIMIT 2)",
	}[random.IntN(6)]
}

// reads compares what the database reads from a file and from its sparse copies: with holes of zeros, as in the cache,
// and with non-zero holes, so that nothing that looks empty passes for what was read.
func reads(db *database, random *rand.Rand, body string, all []string) error {
	columns := []string{}
	for _, c := range all {
		if random.IntN(3) == 0 {
			columns = append(columns, c)
		}
	}

	queries := []string{"SELECT count(*) FROM FILES", "SELECT " + quoted(columns) + " FROM FILES"}
	for range min(len(columns), 2) {
		queries = append(queries, "SELECT "+quoted(columns)+" FROM FILES WHERE "+conditions(random, columns[random.IntN(len(columns))]))
	}

	whole := db.save(body)
	for _, filler := range []byte{0, 0xff} {
		text, fetched, err := sparse(body, columns, filler)
		if err != nil {
			return err
		}
		if len(columns) < len(all) && fetched >= int64(len(body)) {
			return fmt.Errorf("all of it is wanted for %d of %d columns", len(columns), len(all))
		}

		copied := db.save(text)
		for _, q := range queries {
			got, err := db.run(strings.ReplaceAll(q, "FILES", "read_parquet("+duck.String(copied)+")"))
			if err != nil {
				return fmt.Errorf("%s with columns %q: %w", q, columns, err)
			}
			if want := db.ask(q, whole); got != want {
				return fmt.Errorf("%s with columns %q: got\n%.300s\nwant\n%.300s", q, columns, got, want)
			}
		}
	}

	return nil
}

var madeByOthers = []string{"indexed.parquet", "pages-v2.parquet"}

func testdata(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Files by another writer, with page indexes, bloom filters and pages of version 2.
func TestWantedIsEnoughForFilesOfOthers(t *testing.T) {
	db := newDatabase(t)
	for _, name := range madeByOthers {
		body := testdata(t, name)
		holds(t, 20, func(random *rand.Rand) error { return reads(db, random, body, []string{"id", "g", "s", "r", "n"}) })
	}
}

// table is a random query and its columns.
func table(random *rand.Rand) (query string, columns []string) {
	kinds := []string{"i", "i %% %d", "'text ' || i %% %d", "CASE WHEN hash(i) %% %d > 2 THEN i * 1.5 END", "CAST(i %% %d AS DECIMAL(18,6))",
		"CASE WHEN i %% %d > 0 THEN md5(CAST(i AS VARCHAR)) END", "DATE '2020-01-01' + CAST(i %% %d AS INTEGER)", "{'a': i, 'b': {'c': 'x' || i %% %d}}",
		"[i, i %% %d]", "MAP {'k' || i %% %d: i}", "[{'z': i %% %d}]", "i %% %d = 0", "CAST(NULL AS INTEGER)", "TIMESTAMPTZ '2020-01-01' + i * INTERVAL %d SECONDS"}
	var list []string
	for n := range 2 + random.IntN(7) {
		name := []string{"id", "größe", `it's "odd"`, "a.b", "SELECT", "x y", "c%d"}[n%7]
		if strings.Contains(name, "%d") || n >= 7 {
			name = fmt.Sprintf("c%d", n)
		}

		kind := kinds[random.IntN(len(kinds))]
		if strings.Contains(kind, "%d") {
			kind = fmt.Sprintf(kind, 3+random.IntN(500))
		}

		columns = append(columns, name)
		list = append(list, strings.ReplaceAll(kind, "%%", "%")+" AS "+duck.Name(name))
	}

	return fmt.Sprintf("SELECT %s FROM range(%d) AS r(i)", strings.Join(list, ", "), 1+random.IntN(9000)), columns
}

func options(random *rand.Rand) string {
	codecs := []string{"snappy", "zstd", "gzip", "uncompressed", "lz4_raw", "brotli"}
	return fmt.Sprintf(", ROW_GROUP_SIZE %d, CODEC %s, PARQUET_VERSION V%d, DICTIONARY_SIZE_LIMIT %d, WRITE_BLOOM_FILTER %t",
		2048*(1+random.IntN(3)), codecs[random.IntN(len(codecs))], 1+random.IntN(2), random.IntN(3000), random.IntN(2) == 0)
}

// Any file of DuckDB's own, with any of its columns.
func TestWantedIsEnoughForAnyFile(t *testing.T) {
	db := newDatabase(t)
	holds(t, 40, func(random *rand.Rand) error {
		query, columns := table(random)
		return reads(db, random, db.parquet(query, options(random)), columns)
	})
}

func TestWantedIsTheWholeFileWhereItIsNotSure(t *testing.T) {
	db := newDatabase(t)
	for name, body := range map[string]string{
		"alike":     db.parquet("SELECT i AS a, i AS b FROM range(9) r(i)", ""),
		"encrypted": "PAR1 and something " + "\x05\x00\x00\x00PARE",
	} {
		if name == "alike" {
			body = strings.ReplaceAll(body, "\x01b", "\x01A") // the same length, another name
			if strings.Contains(body, "\x01b") || !strings.Contains(body, "\x01A") {
				t.Fatal("the file has no name to change")
			}
		}

		text, fetched, err := sparse(body, []string{"a"}, 0)
		if err != nil || fetched != int64(len(body)) || text != body {
			t.Errorf("%s: %d of %d bytes, %v", name, fetched, len(body), err)
		}
	}
}

func TestWhatIsNoParquetFileIsBroken(t *testing.T) {
	good := newDatabase(t).parquet("SELECT i FROM range(9) r(i)", "")
	for name, body := range map[string]string{
		"text":           strings.Repeat("nothing of the kind", 9),
		"cut":            good[:len(good)-9],
		"long footer":    good[:len(good)-8] + "\xff\xff\xff\x7fPAR1",
		"shorter footer": good[:len(good)-8] + "\x09\x00\x00\x00PAR1",
		"zeros":          strings.Repeat("\x00", 100) + "\x50\x00\x00\x00PAR1",
		"many columns":   "PAR1" + "\x15\x02\x19\xfc\xff\xff\xff\xff\x07" + "\x09\x00\x00\x00PAR1",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := sparse(body, []string{"i"}, 0); !errors.Is(err, chunks.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 10<<20 {
			t.Errorf("%s: %d bytes of memory", name, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// The footer comes from outside: whatever it says, the answer is an error or lies within the file.
func FuzzWanted(f *testing.F) {
	for _, name := range madeByOthers {
		f.Add(testdata(f, name), "id")
	}

	f.Add("PAR1\x15\x02\x19\xfc\xff\xff\xff\xff\x07\x09\x00\x00\x00PAR1", "a")
	f.Fuzz(func(t *testing.T, body, column string) {
		size := int64(len(body))
		want, err := wanted(size, []string{column}, func(s span) ([]byte, error) {
			if s.from < 0 || s.to > size || s.from > s.to {
				t.Fatalf("reads %v of %d", s, size)
			}
			return []byte(body[s.from:s.to]), nil
		})
		if err == nil && !(spans{{0, size}}).covers(want) {
			t.Errorf("wants %v of %d", want, size)
		}
	})
}
