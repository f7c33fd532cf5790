package duck_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

func TestCopyTellsWhatItsFileHolds(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{TimeZone: "America/New_York"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	dir := t.TempDir()
	copied, err := duck.Copy(t.Context(), conn, `SELECT * FROM (VALUES
		(DATE '2020-01-31', TIMESTAMPTZ '2020-01-01 00:00:00.5+00', 1, NULL::INTEGER, TIMESTAMP 'infinity', {'x': 1}),
		(DATE '2020-01-01', TIMESTAMPTZ '2020-02-01 00:00:00+00', NULL, NULL, TIMESTAMP '2020-01-01', NULL))
		AS t(day, "an ""odd"".name", "some", "none", forever, nested)`, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]duck.Range{
		"day":            {Min: "2020-01-01", Max: "2020-01-31", Nulls: "0"},
		`an "odd".name`:  {Min: "2020-01-01 00:00:00.5+00", Max: "2020-02-01 00:00:00+00", Nulls: "0"},
		"some":           {Min: "1", Max: "1", Nulls: "1"},
		"none":           {Nulls: "2"},
		"forever":        {Min: "2020-01-01 00:00:00", Max: "infinity", Nulls: "0"},
		"nested":         {},
		"there is none!": {},
	} {
		if got := copied.Columns[name]; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	info, err := os.Stat(copied.Files[0].Path)
	if err != nil || info.Size() != copied.Files[0].Bytes || copied.Rows() != 2 {
		t.Errorf("%+v, %v", copied.Files, err)
	}
	nothing, err := duck.Copy(t.Context(), conn, "SELECT 1 WHERE false", dir)
	if entries, _ := os.ReadDir(dir); err != nil || nothing.Rows() != 0 || len(nothing.Files) != 0 || len(entries) != 0 {
		t.Errorf("no rows: %+v, %v, %v", nothing, entries, err)
	}
}

// The driver parses a path as a URL; one that it would misread is refused by name.
func TestPathsThatTheDriverMisreads(t *testing.T) {
	for _, name := range []string{"what?.duckdb", "a?access_mode=read_only", "50%.duckdb"} {
		path := filepath.Join(t.TempDir(), name)
		_, err := duck.Open(t.Context(), duck.Options{Path: path})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
