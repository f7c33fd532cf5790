// Package notebook writes a Jupyter notebook in which a slice's SQL is developed: its facts and dimensions are open as views, as a
// run would have them, in the engine's own package of Python. The notebook needs no hindcast; where its rows come from and how an
// engine opens them is the caller's and the engine's responsibility.
package notebook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/query"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Options say which notebook to write.
type Options struct {
	query.Ask
	Output string // the file; "" is PIPELINE-SLICE.ipynb in the current folder
	Force  bool   // also over one that somebody has changed
}

// Written is what was written.
type Written struct {
	Notebook string   `json:"notebook"`
	Data     string   `json:"data,omitempty"` // the folder with rows that are not in a lake on this machine
	Pipeline string   `json:"pipeline"`
	Slice    string   `json:"slice"`
	Label    string   `json:"-"`
	Engine   string   `json:"engine"`
	Sample   float64  `json:"sample,omitempty"` // per cent
	Copied   []string `json:"copied,omitempty"` // tables of which rows are in Data
	Packages []string `json:"packages"`         // of PyPI, without Jupyter itself
}

// Write writes a slice's notebook. The session's engine is open.
func Write(ctx context.Context, s *session.Session, o Options, now time.Time) (w *Written, err error) {
	scripter, ok := s.Binder.(engine.Scripter)
	if !ok {
		return nil, refused("the engine "+s.Engine.Properties().Name+" has no notebooks", "use the engine duckdb or spark")
	}
	if s.Pipeline.Transform.Translates() {
		return nil, refused("a notebook runs SQL in the engine's own dialect, and the pipeline's SQL is written in "+s.Pipeline.Transform.Dialect, "use hindcast sql, which translates it")
	}
	folder, err := filepath.Abs(filepath.Dir(o.Output)) // the current one, if none is named
	if err != nil {
		return nil, fmt.Errorf("finding the notebook's folder: %w", err)
	}
	if o.Dir, err = os.MkdirTemp(folder, ".hindcast-"); err != nil {
		return nil, unwritable(folder, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	slice, err := query.Open(ctx, s, o.Ask, now)
	if err != nil {
		return nil, err
	}

	at := placed(folder, o, s.Pipeline.Name, slice.Label)
	moveTo(slice.Tables, o.Dir, at.data)
	script, err := scripter.Script(engine.Query{Dialect: dialect(s.Pipeline), Tables: slice.Tables, TimeZone: s.Pipeline.History.TimeZone, Now: now})
	if err != nil {
		return nil, err
	}
	is := s.Engine.Properties()
	w = &Written{Notebook: at.file, Pipeline: s.Pipeline.Name, Slice: slice.Slice.Key, Label: slice.Label, Engine: is.Name + " " + strings.TrimPrefix(is.Version, "v"),
		Sample: o.Sample, Copied: slice.Copied, Packages: append(slices.Clone(script.Packages), "pandas", "matplotlib")}
	if len(slice.Copied) > 0 {
		w.Data = at.data
	}
	cells := (&author{pipeline: s.Pipeline, slice: slice, script: script, now: now, written: w}).cells()
	text, err := encode(document{Cells: cells, Metadata: map[string]any{
		"kernelspec":    map[string]string{"name": "python3", "display_name": "Python 3", "language": "python"},
		"language_info": map[string]string{"name": "python"},
	}, Format: 4, Minor: 5})
	if err != nil {
		return nil, fmt.Errorf("writing the notebook: %w", err)
	}
	if redactor := config.PipelineRedactor(s.Pipeline); redactor.String(string(text)) != string(text) {
		return nil, &hindcast.Error{Code: hindcast.ESecret, Class: hindcast.ClassPermanent,
			Message: "the notebook would hold the value of a ${VAR} or ${file:…} of the pipeline file: in the SQL, or in a path",
			Next:    "take it out of the SQL, or write the notebook into another folder with --output"}
	}
	if err := at.free(ctx, cells, o.Force); err != nil {
		return nil, err
	}
	return w, at.replace(text, o.Dir, w.Data != "")
}

func dialect(p *hindcast.Pipeline) sqltext.Dialect { return sqltext.Dialect(p.Transform.Native()) }

var special = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// placed are the places of a notebook.
func placed(folder string, o Options, pipeline, label string) places {
	file := filepath.Join(folder, filepath.Base(o.Output))
	if o.Output == "" {
		file = filepath.Join(folder, special.ReplaceAllString(pipeline+"-"+label, "-")+suffix)
	}
	return places{file: file, data: strings.TrimSuffix(file, suffix) + ".data"}
}

// moveTo names files that are to be moved from one folder to another.
func moveTo(tables []engine.Table, from, to string) {
	move := func(files []string) {
		for i, file := range files {
			if rest, found := strings.CutPrefix(file, from+string(filepath.Separator)); found {
				files[i] = filepath.Join(to, rest)
			}
		}
	}
	for _, t := range tables {
		move(t.Files)
		for _, g := range t.Groups {
			move(g.Files)
		}
	}
}
