package drivers

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/objstore"
)

// The test binary is also the program that the drivers start as a child.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		if err := ServeWorker(os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// What a pipeline names and this program does not have is refused at its place, with what it has.
func TestWhatThereIsNoDriverFor(t *testing.T) {
	places := map[string]hindcast.Place{"lake": {File: "p.yml", Line: 1}, "warehouse": {File: "p.yml", Line: 2}, "transform.engine": {File: "p.yml", Line: 3}}
	p := &hindcast.Pipeline{Lake: hindcast.Location{Scheme: "gs"}, Warehouse: hindcast.Location{Scheme: "oracle"}, Transform: hindcast.Transform{Engine: "ray"}, Places: places}
	for key, open := range map[string]func() error{
		"lake":             func() error { _, err := Lake(p); return err },
		"warehouse":        func() error { _, err := Warehouse(t.Context(), p, WarehouseOptions{}); return err },
		"transform.engine": func() error { _, _, err := Engine(p, EngineOptions{}); return err },
	} {
		e := hindcast.AsError(open())
		if e == nil || e.Code != hindcast.EValue || e.Class != hindcast.ClassPermanent || e.Place != places[key] || !strings.HasPrefix(e.Next, "use ") {
			t.Errorf("%s: %v", key, e)
		}
	}
	if err := ServeWorker("nosuch", strings.NewReader(""), io.Discard); err == nil {
		t.Error("a worker of an unknown role was served")
	}
}

// A folder, a DuckDB file and the engine are opened as a pipeline names them, each in a process of this program.
func TestWhatAPipelineNamesIsOpened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.duckdb")
	db, err := duck.Open(t.Context(), duck.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE sales (day DATE)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p := &hindcast.Pipeline{Dir: dir, Lake: hindcast.Location{Scheme: "file", Path: filepath.Join(dir, "lake")}, Warehouse: hindcast.Location{Scheme: "duckdb", Path: path},
		Transform: hindcast.Transform{Engine: "duckdb"}, History: hindcast.History{TimeZone: "UTC"}}

	store, err := Lake(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), "a/b", []byte("x"), objstore.Condition{}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "lake", "a", "b")); err != nil || string(text) != "x" {
		t.Errorf("the lake's folder has %q, %v", text, err)
	}

	w, err := Warehouse(t.Context(), p, WarehouseOptions{ReadOnly: true, Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if tables, err := w.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Name != "sales" || w.Properties().Name != "duckdb" {
		t.Errorf("%+v, %v", tables, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}

	e, _, err := Engine(p, EngineOptions{Room: engine.Room{Cores: 1, Memory: 1 << 30}, Slots: 3, Spill: t.TempDir(), Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if is, err := EngineVersion(p); err != nil || e.Properties() != is || e.Capacity().Slots != 3 {
		t.Errorf("the engine is %+v with %+v", e.Properties(), e.Capacity())
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// Of a child's environment only the warehouse's driver sees what may hold credentials.
func TestWhichVariablesAWorkerIsGiven(t *testing.T) {
	p := &hindcast.Pipeline{}
	for role, sees := range map[string]string{roleEngine: "", roleDuckDB: "AWS_*", rolePostgres: "PG*"} {
		spec := worker(p, "a worker", role, io.Discard, nil)
		if (sees == "") != (len(spec.Private) == 0) || sees != "" && !slices.Contains(spec.Private, sees) {
			t.Errorf("%s is given %q", role, spec.Private)
		}
		if !slices.Equal(spec.Args, []string{"worker", role}) || !filepath.IsAbs(spec.Path) {
			t.Errorf("%s is started as %s %q", role, spec.Path, spec.Args)
		}
	}
}

// The engine reaches the folders of the user's own files, up to the first wildcard, and no others.
func TestFileFolders(t *testing.T) {
	p := &hindcast.Pipeline{Dir: "/home/me", Facts: []hindcast.Fact{{Files: "billing/{yyyy}/*.parquet"}, {Files: "/data/2020-*/x.parquet"}, {Table: "sales"}},
		Dims: []hindcast.Dim{{Files: "stores.parquet"}, {Files: "../shared/[ab].parquet"}}}
	want := []string{"/home/me/billing", "/data", "/home/me", "/home/shared"}
	if got := fileFolders(p); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Where an engine works decides whether a resume finds what it has computed over a bucket.
func TestElsewhere(t *testing.T) {
	for name, on := range map[string]map[string]bool{"duckdb": {"local[*]": false}, "spark": {"local[*]": false, "local[2]": false, "spark://c:7077": true, "yarn": true},
		"glue": {"local[*]": true, "": true}} {
		for master, want := range on {
			p := &hindcast.Pipeline{Transform: hindcast.Transform{Engine: name, Spark: hindcast.Spark{Master: master}}}
			if got := Elsewhere(p); got != want {
				t.Errorf("%s on %q: %v", name, master, got)
			}
		}
	}
}
