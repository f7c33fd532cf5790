package chunks

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checksummed is a file that Spark 3.5.9 wrote: 3,000 rows in several groups and pages, one column of them nested.
func checksummed(t *testing.T) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "spark-3.5.9.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A bit that flips in a page is found by the checksum that the page's writer gave it.
func TestCheckPages(t *testing.T) {
	body := checksummed(t)
	size := int64(len(body))
	if err := CheckPages(bytes.NewReader(body), size); err != nil {
		t.Fatal(err)
	}
	pages := bodies(t, body)
	random := rand.New(rand.NewPCG(1, 0))
	for range 1000 {
		page := pages[random.IntN(len(pages))]
		at, bit := page.From+random.Int64N(page.bytes()), byte(1)<<random.IntN(8)
		body[at] ^= bit
		err := CheckPages(bytes.NewReader(body), size)
		body[at] ^= bit
		if damage, is := errors.AsType[*DamageError](err); !is || !strings.Contains(damage.What, "checksum of a page of its column") {
			t.Fatalf("byte %d flipped: %v", at, err)
		}
	}

	for range 1000 { // anywhere: some are found, and no file is too broken to say so
		at := random.Int64N(size)
		body[at] ^= 0x55
		err := CheckPages(bytes.NewReader(body), size)
		body[at] ^= 0x55
		if _, is := errors.AsType[*DamageError](err); !is && err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	for _, none := range [][]byte{nil, []byte("PAR1"), body[:size/2]} {
		if _, is := errors.AsType[*DamageError](CheckPages(bytes.NewReader(none), int64(len(none)))); !is {
			t.Errorf("%d bytes are a file", len(none))
		}
	}
}

// DuckDB gives its pages no checksums: nothing is compared then.
func TestPagesWithoutChecksums(t *testing.T) {
	body := written(t)
	body[100] ^= 1
	if err := CheckPages(bytes.NewReader(body), int64(len(body))); err != nil {
		t.Error(err)
	}
}

// bodies are where the bytes of the pages lie.
func bodies(t *testing.T, body []byte) (pages []Span) {
	t.Helper()
	_, text, err := readFooter(int64(len(body)), func(s Span) ([]byte, error) { return body[s.From:s.To], nil })
	if err != nil {
		t.Fatal(err)
	}
	meta, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range meta.RowGroups {
		for _, chunk := range group.Columns {
			for at := chunk.spans()[0]; at.From < at.To; {
				header, length, err := readHeader(bytes.NewReader(body), at)
				if err != nil || header.CRC == 0 {
					t.Fatalf("%+v, %v", header, err)
				}
				at.From += length
				if header.Compressed > 0 {
					pages = append(pages, Span{at.From, at.From + int64(header.Compressed)})
				}
				at.From += int64(header.Compressed)
			}
		}
	}
	if len(pages) < 20 {
		t.Fatalf("%d pages", len(pages))
	}
	return pages
}
