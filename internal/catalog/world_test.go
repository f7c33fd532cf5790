package catalog

import (
	"database/sql"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// world is a lake with real files in it.
type world struct {
	testing.TB
	lake  *lake.Lake
	store objstore.Store
	db    *sql.DB
	facts map[string][]*hindcast.Manifest
	dims  map[string]*hindcast.Manifest
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := file.Open(filepath.Join(t.TempDir(), "lake"))
	if err != nil {
		t.Fatal(err)
	}
	return worldIn(t, store, lake.New(store, "costs"))
}

func worldIn(t testing.TB, store objstore.Store, l *lake.Lake) *world {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	w := &world{TB: t, lake: l, store: store, db: db, facts: map[string][]*hindcast.Manifest{}, dims: map[string]*hindcast.Manifest{}}
	w.exec("SET TimeZone = 'UTC'")
	return w
}

func (w *world) exec(statement string) {
	w.Helper()
	if _, err := w.db.Exec(statement); err != nil {
		w.Fatalf("%v\n%s", err, statement)
	}
}

var march = hindcast.Interval{Start: time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2019, 4, 1, 0, 0, 0, 0, time.UTC)}

// unit publishes a generation of a fact's unit, of the rows of a query; no columns make a unit of a table that was missing.
func (w *world) unit(fact, key string, generation int, query string, columns ...hindcast.Column) *hindcast.Manifest {
	w.Helper()
	m := w.publish(&hindcast.Manifest{Name: fact, Key: key, Interval: march, Generation: generation, Run: "r1", Fence: 1, Attempt: 1}, query, columns)
	w.facts[fact] = append(slices.DeleteFunc(w.facts[fact], func(was *hindcast.Manifest) bool { return was.Key == key }), m)
	return m
}

func (w *world) dim(name string, generation int, query string, columns ...hindcast.Column) *hindcast.Manifest {
	w.Helper()
	w.dims[name] = w.publish(&hindcast.Manifest{Name: name, Key: hindcast.WholeKey, Generation: generation, Run: "r1", Fence: 1, Attempt: 1}, query, columns)
	return w.dims[name]
}

func (w *world) publish(m *hindcast.Manifest, query string, columns []hindcast.Column) *hindcast.Manifest {
	w.Helper()
	stored, err := duck.Store(m.Name, columns)
	if err != nil {
		w.Fatal(err)
	}
	m.Columns = stored

	if query != "" {
		dir, err := w.lake.Folder(w.lake.Prefix(m))
		if err != nil {
			w.Fatal(err)
		}
		path := filepath.Join(dir, "part-0.parquet")
		w.exec("COPY (SELECT " + duck.Encode(stored) + " FROM (" + query + ")) TO " + duck.String(path) + " (FORMAT parquet)")
		info, err := os.Stat(path)
		if err != nil {
			w.Fatal(err)
		}
		m.Files = []hindcast.File{{Path: path, Bytes: info.Size()}}
		if err := w.db.QueryRow("SELECT count(*) FROM (" + query + ")").Scan(&m.Sums.Rows); err != nil {
			w.Fatal(err)
		}
		m.Files[0].Rows = m.Sums.Rows
	}

	if err := w.lake.PublishUnit(w.Context(), m); err != nil {
		w.Fatal(err)
	}
	return m
}

// source is what is current.
func (w *world) source() Source {
	s := Source{Pipeline: "costs", URL: w.store.URL(), Lake: w.lake, Facts: map[string]iter.Seq[*hindcast.Manifest]{}, Dims: w.dims}
	for fact, units := range w.facts {
		s.Facts[fact] = slices.Values(units)
	}
	return s
}

func (w *world) tables(system System) []Table {
	w.Helper()
	tables, err := w.source().Tables(system)
	if err != nil {
		w.Fatal(err)
	}
	return tables
}

func column(name, typ string) hindcast.Column { return hindcast.Column{Name: name, Type: typ} }
