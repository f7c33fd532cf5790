package notebook

import (
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/query"
	"github.com/hindcast/hindcast/internal/sqltext"
)

//go:embed notebook.py
var library string

// author writes the cells of a slice's notebook.
type author struct {
	pipeline *hindcast.Pipeline
	slice    *query.Opened
	script   engine.Script
	now      time.Time
	written  *Written
}

// most is how many rows of a result are read.
const most = 10_000

func (a *author) cells() []cell {
	cells := []cell{
		newCell("markdown", "about", a.about(), false),
		newCell("code", "helpers", a.helpers(), true),
		newCell("code", "slice", a.opening(), false),
	}
	for i := range a.pipeline.Outputs {
		o := &a.pipeline.Outputs[i]
		number := strings.Repeat(fmt.Sprintf("-%d", i+1), min(i, 1))
		cells = append(cells, newCell("code", "sql"+number, "%%sql "+a.nameOf(o)+"\n"+strings.ReplaceAll(o.Text, "\r\n", "\n"), false),
			newCell("code", "plot"+number, "plot()  # or plot(x=\"…\", y=\"…\"); the rows are also in `result`, a DataFrame of pandas", false))
	}
	cells = append(cells, newCell("code", "query", a.exploring(), false))
	return append(cells, newCell("code", "bring-back", a.bringingBack(), false))
}

func (a *author) about() string {
	var text strings.Builder
	w := a.written
	fmt.Fprintf(&text, "# %s, slice %s, on %s\n\n", w.Pipeline, w.Label, w.Engine)
	fmt.Fprintf(&text, "Facts and dimensions are open as views, as a run has them, in %s. Run all cells. Then change the SQL and run its cell again.\n\n", a.script.Session)
	fmt.Fprintf(&text, "```\npip install jupyterlab %s\n```\n\n", strings.Join(w.Packages, " "))
	if w.Sample > 0 {
		fmt.Fprintf(&text, "- Facts are a sample: %g %% of their rows, other ones each time.\n", w.Sample)
	}
	if w.Data != "" {
		fmt.Fprintf(&text, "- %s: rows were read for this notebook into the folder `%s` beside it. Remove both together.\n", strings.Join(w.Copied, ", "), filepath.Base(w.Data))
	}
	if len(w.Copied) < len(a.slice.Tables) {
		text.WriteString("- Other rows are read in the lake, where they lie. If a later run has replaced them, write the notebook again: `hindcast notebook`.\n")
	}
	if a.narrow() {
		text.WriteString("- Of a table with `columns: used`, those columns are there that the pipeline's SQL read when this was written. All of them: `hindcast notebook --all-columns`.\n")
	}
	text.WriteString("- The last cell writes changed SQL to the pipeline's SQL file. A run also casts the result to the target's types, and checks it.\n")
	return text.String()
}

// narrow reports whether columns of a table may be missing.
func (a *author) narrow() bool {
	return slices.ContainsFunc(a.pipeline.Facts, func(f hindcast.Fact) bool { return f.Used }) ||
		slices.ContainsFunc(a.pipeline.Dims, func(d hindcast.Dim) bool { return d.Used })
}

// helpers are the definitions that the other cells call.
func (a *author) helpers() string {
	imports, definitions := parted(a.script.Library)
	mine, rest := parted(library)
	return "# What the other cells call. It is a part of hindcast: there is nothing to change in it.\n\n" + merged(imports, mine) + "\n\n" + definitions + "\n\n\n" + rest
}

// parted cuts Python into the imports that it begins with, and the rest.
func parted(text string) (imports []string, rest string) {
	var others []string
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "from "):
			imports = append(imports, line)
		default:
			others = append(others, line)
		}
	}
	return imports, strings.TrimSpace(strings.Join(others, ""))
}

// merged are imports, each once, those of modules first.
func merged(lists ...[]string) string {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b string) int {
		return slices.Compare([]string{a[:1], a}, []string{b[:1], b})
	})
	slices.Reverse(all) // import before from
	return strings.Join(slices.Compact(all), "")
}

// opening opens the slice.
func (a *author) opening() string {
	var text strings.Builder
	in := a.slice.Slice
	fmt.Fprintf(&text, "# The slice from %s up to %s, and the values of the parameters in the SQL.\n", in.Start.Format(time.DateTime), in.End.Format(time.DateTime))
	text.WriteString("PARAMS = {\n")
	params := plan.Params(in, a.now, a.pipeline)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		fmt.Fprintf(&text, "    %s: %s,\n", engine.PythonText(name), engine.PythonText(params[name]))
	}
	fmt.Fprintf(&text, "}\nROWS = %d  # at most so many of a result are read\n", most)
	fmt.Fprintf(&text, "KEYS = %s  # are not plotted\n", texts(a.pipeline.Output().Target.Key))
	fmt.Fprintf(&text, "DIALECT = %s\n", engine.PythonText(string(dialect(a.pipeline))))
	if words := a.script.Words; len(words) > 0 {
		text.WriteString("WORDS = {  # mean the time of a run\n")
		for _, literal := range slices.Sorted(maps.Keys(words)) {
			fmt.Fprintf(&text, "    %s: %s,\n", engine.PythonText(literal), engine.PythonText(words[literal]))
		}
		fmt.Fprintf(&text, "}\nPIPELINE_FOLDER = %s\n", engine.PythonText(a.pipeline.Dir))
	}
	text.WriteString("SQL_FILES = {\n")
	for i := range a.pipeline.Outputs {
		o := &a.pipeline.Outputs[i]
		fmt.Fprintf(&text, "    %s: {\"path\": %s, \"sha256\": %s},\n", engine.PythonText(a.nameOf(o)), engine.PythonText(o.SQLFile), engine.PythonText(hash(o.Text)))
	}
	var names []string
	for _, t := range a.slice.Tables {
		names = append(names, t.Name)
	}
	text.WriteString("}\n\n" + a.script.Open + "\nprint(" + engine.PythonText(a.slice.Label+" is open: "+strings.Join(names, ", ")) + ")\n")
	return text.String()
}

// nameOf is how the notebook names an output's SQL file.
func (a *author) nameOf(o *hindcast.Output) string {
	if name, err := filepath.Rel(a.pipeline.Dir, o.SQLFile); err == nil && !strings.HasPrefix(name, "..") {
		return name
	}
	return o.SQLFile
}

func (a *author) exploring() string {
	if len(a.slice.Tables) == 0 {
		return "%%sql\nSELECT 1 AS n"
	}
	name := a.slice.Tables[0].Name
	if dialect(a.pipeline) == sqltext.Spark {
		name = "`" + strings.ReplaceAll(name, "`", "``") + "`"
	} else {
		name = sqltext.Identifier(name)
	}
	return "%%sql\n-- A query of your own: %%sql alone. Its rows are also in `query`.\nSELECT * FROM " + name + " LIMIT 10"
}

func (a *author) bringingBack() string {
	var text strings.Builder
	text.WriteString("# Writes the SQL, as its cell was run last, to the pipeline's SQL file. Take the # away, and run the cell.\n")
	for i := range a.pipeline.Outputs {
		name := ""
		if len(a.pipeline.Outputs) > 1 {
			name = engine.PythonText(a.nameOf(&a.pipeline.Outputs[i]))
		}
		text.WriteString("# bring_back(" + name + ")\n")
	}
	return text.String()
}

func texts(list []string) string {
	var quoted []string
	for _, t := range list {
		quoted = append(quoted, engine.PythonText(t))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
