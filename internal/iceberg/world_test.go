package iceberg

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// world is a table over results of a lake.
type world struct {
	testing.TB
	store objstore.Store
	table *Table
	now   time.Time
	kept  Results
	db    *sql.DB
	env   []string // of readers
}

const root = "p/results/totals/"

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := file.Open(filepath.Join(t.TempDir(), "my lake"))
	if err != nil {
		t.Fatal(err)
	}
	return worldIn(t, store)
}

func worldIn(t testing.TB, store objstore.Store) *world {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	w := &world{TB: t, store: store, now: time.Now(), kept: Results{}, db: db}
	w.exec("SET TimeZone = 'UTC'")
	w.table = w.open(1)
	return w
}

// open is the table as another process has it.
func (w *world) open(fence int64) *Table {
	return &Table{Store: w.store, Root: root, Pipeline: "p", Target: "totals", Fence: fence, May: func(context.Context) error { return nil },
		Pinned: func(context.Context) ([]string, error) { return nil, nil }, Now: func() time.Time { return w.now }}
}

func (w *world) exec(query string) {
	w.Helper()
	if _, err := w.db.ExecContext(w.Context(), query); err != nil {
		w.Fatalf("%s: %v", query, err)
	}
}

// keep keeps the rows of a query as a slice's next generation.
func (w *world) keep(slice, query string, columns ...hindcast.Column) {
	w.Helper()
	generation := 1
	if was := w.kept[slice]; was != nil {
		generation = was.Generation + 1
	}
	prefix := fmt.Sprintf("%s%s/g%d-r1-f1-a1/", root, objstore.Escape(slice), generation)
	path := filepath.Join(w.TempDir(), "data_0.parquet")
	w.exec("COPY (" + query + ") TO '" + path + "' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
	body, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.store.Put(w.Context(), prefix+"data_0.parquet", body, objstore.Condition{}); err != nil {
		w.Fatal(err)
	}

	f := hindcast.File{Path: prefix + "data_0.parquet", Bytes: int64(len(body))}
	if err := w.db.QueryRowContext(w.Context(), "SELECT count(*) FROM ("+query+")").Scan(&f.Rows); err != nil {
		w.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	w.kept[slice] = &hindcast.Manifest{Target: "totals", Key: slice, Generation: generation, Columns: columns, Files: []hindcast.File{f}, CreatedAt: w.now}
}

// publish shows what is kept of slices.
func (w *world) publish(keys ...string) {
	w.Helper()
	now := Results{}
	for _, slice := range keys {
		now[slice] = w.kept[slice]
	}
	if err := w.table.Publish(w.Context(), "r1", now); err != nil {
		w.Fatal(err)
	}
}

// read has the table read by others: as it is, or with what they take.
func (w *world) read(args ...string) pythontest.IcebergTable {
	w.Helper()
	version, err := newest(w.Context(), w.store, Folder(root))
	if err != nil {
		w.Fatal(err)
	}
	return pythontest.Iceberg(w, w.env, objstore.Location(w.store, strings.TrimSuffix(root, "/")), objstore.Location(w.store, versionKey(Folder(root), version)), args...)
}

// at is the argument of read for a snapshot.
func at(id int64) []string { return []string{"--snapshot", strconv.FormatInt(id, 10)} }

// rows are those of a query as DuckDB has them, in the readers' form.
func (w *world) rows(query string) (all [][]*string) {
	w.Helper()
	rows, err := w.db.QueryContext(w.Context(), "SELECT COLUMNS(*)::VARCHAR FROM ("+query+")")
	if err != nil {
		w.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		w.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]*string, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			w.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return all
}

// same compares what readers see with the rows of a query, without regard to their order.
func (w *world) same(s pythontest.IcebergTable, query string) {
	w.Helper()
	want := pythontest.Texts(w.rows(query))
	for reader, rows := range map[string][]string{"pyiceberg": s.PyIceberg, "DuckDB": s.DuckDB} {
		if !slices.Equal(rows, want) {
			w.Errorf("%s reads %d rows\n%s\nwant %d\n%s", reader, len(rows), unlike(rows, want), len(want), unlike(want, rows))
		}
	}
}

// unlike are the first rows that others have not.
func unlike(rows, others []string) string {
	return start(slices.DeleteFunc(slices.Clone(rows), func(r string) bool { return slices.Contains(others, r) }))
}

func start(rows []string) string { return strings.Join(rows[:min(len(rows), 10)], "\n") }

// shows checks that the table, as another process reads it, has what is kept, and nothing else.
func (w *world) shows(what string) {
	w.Helper()
	t := w.open(1 << 40)
	if err := t.load(w.Context()); err != nil {
		w.Fatalf("%s: %v", what, err)
	}
	got, want := []string{}, []string{}
	for _, files := range t.at.live {
		for location := range files {
			got = append(got, location)
		}
	}
	for _, m := range w.kept {
		for _, f := range m.Files {
			if f.Rows > 0 {
				want = append(want, t.url(f.Path))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("%s: the table has %d files\n%s\nwant %d\n%s", what, len(got), start(got), len(want), start(want))
	}
	s := t.at.metadata.current()
	if s == nil {
		return
	}
	var files, rows int64
	for _, m := range w.kept {
		for _, f := range m.Files {
			if f.Rows > 0 {
				files, rows = files+1, rows+f.Rows
			}
		}
	}
	for name, n := range map[string]int64{"total-data-files": files, "total-records": rows} {
		if s.Summary[name] != strconv.FormatInt(n, 10) {
			w.Errorf("%s: the summary has %s = %s, want %d", what, name, s.Summary[name], n)
		}
	}
}
