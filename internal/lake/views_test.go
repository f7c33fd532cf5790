package lake

import (
	"database/sql"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2" // the views are for DuckDB: it must be able to run them

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// gathered gives these units and dimensions.
func gathered(facts map[string][]*hindcast.Manifest, dims map[string]*hindcast.Manifest) func() (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error) {
	return func() (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error) {
		chosen := map[string]iter.Seq[*hindcast.Manifest]{}
		for fact, units := range facts {
			chosen[fact] = slices.Values(units)
		}
		return chosen, dims, nil
	}
}

// The script is written again only if what it was written of has changed.
func TestViewsAreWrittenOnce(t *testing.T) {
	l, store := longLake(t)
	writes := func(of string) bool {
		t.Helper()
		wrote := false
		err := l.Views(t.Context(), of, func() (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error) {
			wrote = true
			return l.all(t)
		})
		if err != nil {
			t.Fatal(err)
		}
		return wrote
	}

	entryOf(t, l, hourOf(l, "events", 1, 1))
	for range 2 {
		if !writes("a") {
			t.Error("the script is not written while the catalog has just changed")
		}
	}
	settle(t, l, "events")
	if !writes("a") || writes("a") {
		t.Error("the script is to be written once of the same catalog")
	}
	if !writes("b") || !writes("a") {
		t.Error("the script is not written of something else")
	}
	entryOf(t, l, hourOf(l, "events", 1, 2))
	settle(t, l, "events")
	if !writes("a") || writes("a") {
		t.Error("the script is not written of the next generation")
	}
	if err := store.Delete(t.Context(), l.ViewsKey()); err != nil {
		t.Fatal(err)
	}
	if !writes("a") {
		t.Error("a script that was deleted is not written")
	}
}

// all are the current generations.
func (l *Lake) all(t *testing.T) (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error) {
	t.Helper()
	facts, dims, err := l.Current(t.Context())
	chosen := map[string]iter.Seq[*hindcast.Manifest]{}
	for fact, units := range facts {
		chosen[fact] = maps.Values(units)
	}
	return chosen, dims, err
}

func TestViews(t *testing.T) {
	store, err := file.Open(filepath.Join(t.TempDir(), "it's [a] lake*"))
	if err != nil {
		t.Fatal(err)
	}
	l := New(store, "p")
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	made := 0
	parquet := func(m *hindcast.Manifest, query string) *hindcast.Manifest {
		t.Helper()
		dir, err := l.Folder(l.Prefix(m))
		if err != nil {
			t.Fatal(err)
		}
		made++
		path := filepath.Join(dir, "data_0.parquet")
		if _, err := db.Exec("COPY (" + query + ") TO " + quote(path, '\'') + " (FORMAT parquet)"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		m.Files = []hindcast.File{{Path: path, Rows: 1, Bytes: info.Size()}}
		return publish(t, l, m)
	}
	const fact, dim = `bill"ing`, "select"
	span := hindcast.Column{Name: "a span", Type: "INTERVAL", Stored: "VARCHAR"}
	cost := hindcast.Column{Name: `co"st`, Type: "DECIMAL(18,6)"}
	note := hindcast.Column{Name: "note", Type: "VARCHAR"}
	units := []*hindcast.Manifest{
		parquet(&hindcast.Manifest{Name: fact, Key: "2020", Interval: january, Generation: 1, Run: "r1", Attempt: 1, Columns: []hindcast.Column{span, cost}},
			`SELECT '00:00:01.000001' AS "a span", 1.5::DECIMAL(18,6) AS "co""st"`),
		parquet(&hindcast.Manifest{Name: fact, Key: "2021", Interval: january, Generation: 1, Run: "r1", Attempt: 1, Columns: []hindcast.Column{note, cost, span}},
			`SELECT 'x' AS note, 2.5::DECIMAL(18,6) AS "co""st", '2 days' AS "a span"`),
		publish(t, l, &hindcast.Manifest{Name: fact, Key: "2022", Interval: january, Generation: 1, Run: "r1", Attempt: 1, Missing: true, Columns: []hindcast.Column{cost}}),
	}
	dims := map[string]*hindcast.Manifest{
		dim:     parquet(&hindcast.Manifest{Name: dim, Key: "all", Generation: 1, Run: "r1", Attempt: 1, Columns: []hindcast.Column{note}}, "SELECT 'y' AS note"),
		"empty": publish(t, l, &hindcast.Manifest{Name: "empty", Key: "all", Generation: 1, Run: "r1", Attempt: 1, Columns: []hindcast.Column{span, cost}}),
	}
	if err := l.Views(t.Context(), "", gathered(map[string][]*hindcast.Manifest{fact: units, "unknown": nil}, dims)); err != nil {
		t.Fatal(err)
	}
	script, _, err := store.Get(t.Context(), l.ViewsKey())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it replaces its own views
		if _, err := db.Exec(string(script)); err != nil {
			t.Fatalf("%v\n%s", err, script)
		}
	}
	for query, want := range map[string]string{
		`SELECT string_agg(format('{}/{}/{}', "a span", "co""st", coalesce(note, '-')), ' ' ORDER BY "co""st") FROM "bill""ing"`: "00:00:01.000001/1.5/- 2 days/2.5/x",
		`SELECT typeof("a span") FROM "bill""ing" LIMIT 1`:                                                                       "INTERVAL",
		`SELECT note FROM "select"`:    "y",
		`SELECT count(*) FROM "empty"`: "0",
		`SELECT string_agg(column_type, ' ' ORDER BY column_name) FROM (DESCRIBE "empty")`: "INTERVAL DECIMAL(18,6)",
	} {
		var got string
		if err := db.QueryRow(query).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", query, got, err, want)
		}
	}
	if strings.Contains(string(script), "unknown") {
		t.Error("a fact without units has a view")
	}
}

// The script of a lake whose place is a secret does not hold it, and works where the place is given.
func TestViewsOfAHiddenLake(t *testing.T) {
	root := filepath.Join(t.TempDir(), "tenant-4711")
	store, err := file.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	l := New(store, "p")
	l.Hide("${LAKE}")
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // a variable is its session's

	m := &hindcast.Manifest{Name: "billing", Key: "a [b]", Interval: january, Generation: 1, Run: "r1", Attempt: 1,
		Columns: []hindcast.Column{{Name: "n", Type: "INTEGER"}}}
	dir, err := l.Folder(l.Prefix(m))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "data_0.parquet")
	if _, err := db.Exec("COPY (SELECT 42::INTEGER AS n) TO " + quote(path, '\'') + " (FORMAT parquet)"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	m.Files = []hindcast.File{{Path: path, Rows: 1, Bytes: info.Size()}}
	if err := l.Views(t.Context(), "", gathered(map[string][]*hindcast.Manifest{"billing": {publish(t, l, m)}}, nil)); err != nil {
		t.Fatal(err)
	}

	script, _, err := store.Get(t.Context(), l.ViewsKey())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(script), "4711") || !strings.Contains(string(script), "${LAKE}") {
		t.Errorf("the script names the lake:\n%s", script)
	}
	var n int
	if _, err := db.Exec("SET VARIABLE lake = " + quote(root, '\'') + ";" + string(script)); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
	if err := db.QueryRow("SELECT n FROM billing").Scan(&n); err != nil || n != 42 {
		t.Errorf("the view gives %d, %v", n, err)
	}
}
