package duckdb

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

//go:embed script.py
var library string

var _ engine.Scripter = (*Pool)(nil)

// Script opens the tables in the DuckDB of PyPI, with the statements that a Runner would run.
func (p *Pool) Script(q engine.Query) (engine.Script, error) {
	zone, err := time.LoadLocation(q.TimeZone)
	if err != nil {
		return engine.Script{}, fmt.Errorf("opening tables in Python: %w", err)
	}

	settings := duck.Options{TimeZone: q.TimeZone, Allowed: foldersOf(q.Tables)}.Settings()
	settings = slices.DeleteFunc(settings, func(s string) bool { return strings.HasPrefix(s, "SET errors_as_json") }) // people read them here

	var open strings.Builder
	version := strings.TrimPrefix(Version, "v")
	open.WriteString("same_version(\"duckdb\", duckdb.__version__, " + engine.PythonText(version) + ")\n")
	open.WriteString("db = connect(\n    [\n")
	for _, s := range settings {
		open.WriteString("        " + engine.PythonText(s) + ",\n")
	}
	open.WriteString("    ]\n)\n\n# Functions of time give the time of PARAMS[\"run_time\"], as they do in a run.\n")
	for macro := range strings.Lines(clockMacros(q.Now, zone)) {
		open.WriteString("db.execute(" + engine.PythonText(strings.TrimSuffix(macro, ";\n")) + ")\n")
	}
	for _, t := range q.Tables {
		open.WriteString("\ndb.execute(\n    " + engine.PythonText(createView(t.Name, viewed(t, t.Window, q.TimeZone))) + "\n)\n")
	}
	return engine.Script{Packages: []string{"duckdb==" + version, "pytz"}, Library: library, Open: open.String(),
		Session: "`db`, a connection of DuckDB"}, nil
}

// foldersOf are those that the tables' files lie in.
func foldersOf(tables []engine.Table) []string {
	found := []string{}
	add := func(files []string) {
		for _, file := range files {
			found = append(found, filepath.Dir(file))
		}
	}
	for _, t := range tables {
		add(t.Files)
		for _, g := range t.Groups {
			add(g.Files)
		}
		for _, l := range t.Layouts {
			add(l.Files)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
