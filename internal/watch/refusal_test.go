package watch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/watch"
)

// A run that was begun on another engine than the pipeline file's is resumed on its own.
func TestRefusalGoesByTheRunsEngine(t *testing.T) {
	s, err := session.OpenLake(&hindcast.Pipeline{Name: "shop", Lake: hindcast.Location{Path: t.TempDir(), Scheme: "file"},
		Transform: hindcast.Transform{Engine: "duckdb", Dialect: "duckdb"}})
	if err != nil {
		t.Fatal(err)
	}
	spark := installation(t, "3.5.9")
	for version, want := range map[string]string{"3.5.9": "", "3.5.1": "", "4.0.5": "planned for spark 4.0.5"} {
		p := &plan.Plan{Engine: plan.Version{Name: "spark", Version: version}, Pipeline: hindcast.Pipeline{Outputs: make([]hindcast.Output, 1),
			Transform: hindcast.Transform{Engine: "spark", Dialect: "spark", Spark: hindcast.Spark{Master: "local[*]", Submit: spark}}}}
		trace := watch.NewTrace("r1", p, &hindcast.RunState{})
		if got, err := watch.Refuses(t.Context(), s, trace, []*watch.Trace{trace}, time.Now()); err != nil || got.Why != want {
			t.Errorf("planned for %s: %+v, %v; want %q", version, got, err, want)
		}
	}
}

// installation is a folder in which everything is there by which a version of Spark is found.
func installation(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bin/spark-submit", "jars/spark-core_2.12-" + version + ".jar"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
