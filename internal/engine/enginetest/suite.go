// Package enginetest is the conformance suite of the engine contract: what every driver must hold. A driver's own test
// brings an engine, a binder, a way to write Parquet and what its dialect spells differently, and runs it.
package enginetest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// World is a fresh engine that may read and write below Dir.
type World struct {
	Engine  engine.Engine
	Binder  engine.SQLBinder
	Scanner engine.Scanner // for RunScanner
	Dir     string
	Kill    func(t *testing.T) // kills the process that works
	// Orphan starts the work in another process, kills that one with SIGKILL as soon as the work has begun, and gives the
	// engine of a third process.
	Orphan func(t *testing.T, work engine.Work) engine.Engine

	// Counts says that the engine's progress has stages and tasks, and the rows that Slow has read.
	Counts bool

	// What dialects spell differently.
	Slow   string                   // a SELECT of a column day that takes minutes
	Hungry string                   // a SELECT of day and n that needs more than 64 MiB
	Micros string                   // an expression: the microseconds since 1970 of the current time, as BIGINT
	Zoned  func(text string) string // an expression: the TIMESTAMP WITH TIME ZONE of a text
}

var january = hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}

// Run runs the suite; each test gets a fresh world.
func Run(t *testing.T, world func(t *testing.T) *World) {
	Only(t, world, slices.Sorted(maps.Keys(suite))...)
}

// Only runs the named tests of the suite, for an engine that shares the rest with one that runs it whole.
func Only(t *testing.T, world func(t *testing.T) *World, names ...string) {
	for _, name := range names {
		test := suite[name]
		if test == nil {
			t.Errorf("the suite has no test %q", name)
			continue
		}
		t.Run(name, func(t *testing.T) { test(t, world(t)) })
	}
}

var suite = map[string]func(*testing.T, *World){
	"bind gives columns and types":           bind,
	"bind places errors":                     bindErrors,
	"bind names the check at fault":          bindChecks,
	"used columns are those that are read":   used,
	"the SQL sees its slice only":            window,
	"all functions of time give one instant": oneTime,
	"checks see the slice's own rows":        own,
	"files of other columns are read apart":  groups,
	"rows of the window are counted":         counts,
	"the result has the bound types":         casts,
	"a value that does not fit is an error":  misfits,
	"a row outside its slice fails":          outside,
	"times are numbers and texts too":        formats,
	"rows outside may be dropped":            dropped,
	"a slice's days are those of its zone":   zones,
	"a NULL or doubled key fails":            keys,
	"failed checks show rows":                checks,
	"named checks hold as in dbt":            namedChecks,
	"an empty result is a result":            empty,
	"a slice's outputs are apart":            outputs,
	"files are out of reach":                 reach,
	"the engine says what it can run":        capacity,
	"a tag that is started again is one":     twice,
	"an end is given once":                   once,
	"stop is confirmed":                      stop,
	"work after a stop is well":              afterStop,
	"close ends all work":                    closed,
	"progress is reported":                   progress,
	"alive names what runs":                  alive,
	"a process that dies is transient":       death,
	"too little memory is a resource error":  hungry,
	"what a dead supervisor left":            orphan,
}

// RunScanner runs the suite of engines that look at the user's own files themselves.
func RunScanner(t *testing.T, world func(t *testing.T) *World) {
	tests := map[string]func(*testing.T, *World){
		"a scan finds files and their columns": scan,
		"rows outside of a window are counted": strays,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, world(t)) })
	}
}

var columns = []hindcast.Column{{Name: "id", Type: "BIGINT"}, {Name: "day", Type: "DATE"}, {Name: "cost", Type: "DECIMAL(18,6)"}}

// facts has rows before, in and after January.
func (w *World) facts(t *testing.T) engine.Table {
	t.Helper()
	path := filepath.Join(w.Dir, "it's facts.parquet")
	Parquet(t, path, `SELECT CAST(a AS BIGINT) AS id, CAST(b AS DATE) AS day, CAST(c AS DECIMAL(18,6)) AS cost FROM (VALUES
		(1, '2019-12-31', 10.5), (2, '2020-01-01', 1.000001), (3, '2020-01-31', NULL), (4, '2020-01-31', 2), (5, '2020-02-01', 100)) AS v(a, b, c)`)
	return engine.Table{Name: "facts", Columns: columns, Files: []string{path}, Time: "day", Window: january, Own: january}
}

const perDay = "SELECT day, CAST(sum(cost) AS DECIMAL(38,6)) AS total FROM facts GROUP BY day"

var (
	day      = hindcast.Column{Name: "day", Type: "DATE"}
	dayTotal = []hindcast.Column{day, {Name: "total", Type: "DECIMAL(38,6)"}}
)

// work is January's, of the SQL; name keeps tags and folders of one test apart.
func (w *World) work(t *testing.T, name, sql string, result ...hindcast.Column) engine.Work {
	t.Helper()
	folder := strings.NewReplacer("/", "-", "'", "").Replace(t.Name() + name)
	dir := filepath.Join(w.Dir, "staging", folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return engine.Work{Tag: "pipeline/r1/" + folder + "/a1", Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Dir: dir, Columns: result,
		Query:  engine.Query{SQL: sql, File: "x.sql", Tables: []engine.Table{w.facts(t)}, TimeZone: "UTC"},
		Target: hindcast.Target{Table: "out", Time: "day"}, Limits: engine.Limits{Memory: 1 << 30, Threads: 2}}
}

func (w *World) start(t *testing.T, work engine.Work) hindcast.Handle {
	t.Helper()
	h, err := w.Engine.Start(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (w *World) run(t *testing.T, work engine.Work) (engine.Result, error) {
	t.Helper()
	h, err := w.Engine.Start(t.Context(), work)
	if err != nil {
		return engine.Result{}, err
	}
	return w.Engine.Wait(t.Context(), h, work.Dir, nil)
}

func (w *World) mustRun(t *testing.T, work engine.Work) engine.Result {
	t.Helper()
	result, err := w.run(t, work)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// wantError wants an error of the code and class.
func wantError(t *testing.T, what string, err error, code hindcast.Code, class hindcast.Class) {
	t.Helper()
	if e := hindcast.AsError(err); e == nil || e.Code != code || e.Class != class {
		t.Errorf("%s: got %v, want %s, %s", what, err, code, class)
	}
}
