package attempt

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Footers say what numbers, dates and times lie in; of what they cannot say it of nothing is known.
func TestBounds(t *testing.T) {
	t.Parallel()
	db, err := duck.Open(t.Context(), duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	columns := []hindcast.Column{{Name: "i", Type: "INTEGER"}, {Name: "s", Type: "SMALLINT"}, {Name: "b", Type: "BIGINT"}, {Name: "d", Type: "DECIMAL(8,2)"}, {Name: "w", Type: "DECIMAL(38,10)"},
		{Name: "day", Type: "DATE"}, {Name: "ts", Type: "TIMESTAMP"}, {Name: "tz", Type: "TIMESTAMP WITH TIME ZONE"}, {Name: "forever", Type: "DATE"}, {Name: "early", Type: "TIMESTAMP"},
		{Name: "x", Type: "DOUBLE"}, {Name: "none", Type: "INTEGER"}, {Name: "v", Type: "VARCHAR"}, {Name: "span", Type: "INTERVAL", Stored: "VARCHAR"}}
	dir := t.TempDir()
	var files []hindcast.File
	for n, rows := range []string{
		"(1, -3, 1, 0.05, 1, DATE '2024-01-31', TIMESTAMP '1969-12-31 23:59:59', TIMESTAMPTZ '2024-03-01 00:30:00+02', DATE 'infinity', TIMESTAMP '2000-01-01', 1.5, NULL, 'a', '1 day')",
		"(NULL, 7, -9223372036854775808, -12.50, 2.5, DATE '2023-02-01', TIMESTAMP '2024-01-01', NULL, DATE '2024-01-01', TIMESTAMP '0044-03-15 (BC) 10:00:00', NULL, NULL, 'b', '2 days'), " +
			"(20, NULL, 9, 900, NULL, NULL, NULL, TIMESTAMPTZ '2024-05-01 12:00:00+00', NULL, NULL, 'NaN', NULL, NULL, NULL)",
	} {
		path := filepath.Join(dir, fmt.Sprintf("%d.parquet", n))
		list := ""
		for _, c := range columns {
			typ := c.Type
			if c.Stored != "" {
				typ = c.Stored
			}
			list += fmt.Sprintf(", CAST(%s AS %s) AS %s", duck.Name(c.Name), typ, duck.Name(c.Name))
		}
		if _, err := db.ExecContext(t.Context(), "COPY (SELECT "+list[2:]+" FROM (VALUES "+rows+") t(i, s, b, d, w, day, ts, tz, forever, early, x, none, v, span)) TO "+duck.String(path)+" (FORMAT parquet)"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, hindcast.File{Path: path, Bytes: info.Size()})
	}
	texts := map[string]hindcast.Facts{"v": {NoBlanks: true, ASCII: true}}
	want := map[string]hindcast.Facts{"v": texts["v"], "i": {Least: "1", Most: "20"}, "s": {Least: "-3", Most: "7"}, "b": {Least: "-9223372036854775808", Most: "9"},
		"d": {Least: "-12.50", Most: "900.00"}, "day": {Least: "2023-02-01", Most: "2024-01-31"}, "ts": {Least: "1969-12-31", Most: "2024-01-01"}, "tz": {Least: "2024-02-29", Most: "2024-05-01"}}
	got := bounded(texts, columns, files)
	delete(got, "w") // whose values are too long for bounds in some versions
	if !maps.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := bounded(nil, columns, []hindcast.File{{Path: filepath.Join(dir, "there is none")}}); got != nil {
		t.Errorf("of no file it is known that %+v", got)
	}
	if got := bounded(texts, columns, append(files, hindcast.File{Path: filepath.Join(dir, "there is none")})); !maps.Equal(got, texts) {
		t.Errorf("of files that are not all there it is known that %+v", got)
	}
}
