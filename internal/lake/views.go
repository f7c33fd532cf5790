package lake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Views writes the script of views: one for each fact over the files of the units that gather gives, in their order, and
// one for each dimension. Any DuckDB client can run it; it names files by absolute path or URL. Units of one
// fact may differ in their columns: what a unit lacks is NULL. Nothing is gathered where the script that is there was written
// of the same catalog, and of the same text of what else decides it.
func (l *Lake) Views(ctx context.Context, of string, gather func() (map[string]iter.Seq[*hindcast.Manifest], map[string]*hindcast.Manifest, error)) error {
	mark, err := l.mark(ctx) // before they are read: what changes after it changes the mark
	if err != nil {
		return err
	}

	opening := l.opening("")
	if mark != "" {
		sum := sha256.Sum256([]byte(of + "\x00" + mark))
		opening = l.opening("-- Written of " + hex.EncodeToString(sum[:8]) + ".\n")
		if body, _, err := l.store.Get(ctx, l.ViewsKey()); err == nil && bytes.HasPrefix(body, []byte(opening)) {
			return nil
		}
	}

	facts, dims, err := gather()
	if err != nil {
		return err
	}
	return l.writeViews(ctx, opening, facts, dims)
}

// mark changes whenever an entry of the catalog does; "" if the store cannot tell, or something has just changed.
func (l *Lake) mark(ctx context.Context) (string, error) {
	watched, ok := l.store.(objstore.Watched)
	if !ok {
		return "", nil
	}

	var mark strings.Builder
	kinds, err := objstore.Folders(ctx, l.store, l.catalogPrefix())
	if err != nil {
		return "", broken("the catalog", "cannot be listed", err)
	}
	for _, kind := range kinds {
		folders := []string{""}
		if kind != "dimensions" {
			if folders, err = objstore.Folders(ctx, l.store, l.catalogPrefix()+kind+"/"); err != nil {
				return "", broken("the catalog", "cannot be listed", err)
			}
		}
		for _, name := range folders {
			prefix := strings.TrimSuffix(l.catalogPrefix()+kind+"/"+name, "/") + "/"
			stamp, err := watched.Settled(ctx, prefix)
			if err != nil {
				return "", broken("the catalog", "cannot be listed", err)
			}
			if stamp == "" {
				return "", nil
			}
			fmt.Fprintf(&mark, "%q %x\n", prefix, stamp)
		}
	}
	return mark.String(), nil
}

// opening is how the script begins.
func (l *Lake) opening(mark string) string {
	return "-- Views over the current generations of pipeline " + strings.ReplaceAll(l.pipeline, "\n", " ") +
		", written by hindcast after each run.\n" + mark + "-- Run it in any DuckDB client: .read views.sql\n" +
		l.where() + l.area.opening()
}

// Script is the script of views, as Views writes it.
func (l *Lake) Script(facts map[string]iter.Seq[*hindcast.Manifest], dims map[string]*hindcast.Manifest) string {
	script := l.script(l.opening(""), facts, dims)
	return script.String()
}

func (l *Lake) script(opening string, facts map[string]iter.Seq[*hindcast.Manifest], dims map[string]*hindcast.Manifest) *bytes.Buffer {
	script := bytes.NewBufferString(opening)

	for _, name := range slices.Sorted(maps.Keys(facts)) {
		l.view(script, name, facts[name])
	}
	for _, name := range slices.Sorted(maps.Keys(dims)) {
		l.view(script, name, func(yield func(*hindcast.Manifest) bool) { yield(dims[name]) })
	}

	return script
}

func (l *Lake) writeViews(ctx context.Context, opening string, facts map[string]iter.Seq[*hindcast.Manifest], dims map[string]*hindcast.Manifest) error {
	script := l.script(opening, facts, dims)
	if err := l.may(ctx); err != nil {
		return err
	}

	if _, err := l.store.Put(ctx, l.ViewsKey(), script.Bytes(), objstore.Condition{}); err != nil {
		return broken(l.Absolute(l.ViewsKey()), "cannot be written", err)
	}
	return nil
}

// where says in the script's head where the lake is, or how to say it.
func (l *Lake) where() string {
	if l.written != "" {
		return "-- The lake is " + strings.ReplaceAll(l.written, "\n", " ") + ", a secret, which does not stand here. In each session, first:\n" +
			"-- SET VARIABLE lake = '…';\n"
	}
	return "-- The lake is " + strings.ReplaceAll(l.store.URL(), "\n", " ") + ": where it was moved, run the pipeline again, or replace that path below.\n"
}

// readable is the SQL expression that names a file.
func (l *Lake) readable(path string) string {
	if l.written != "" && !foreign(path) {
		return "getvariable('lake') || " + quote("/"+globless(path), '\'')
	}
	return quote(globless(l.Absolute(path)), '\'')
}

// view writes one view's statement; none where no column is known.
func (l *Lake) view(script *bytes.Buffer, name string, units iter.Seq[*hindcast.Manifest]) {
	columns, files := l.gather(units)
	if len(columns) == 0 {
		return
	}

	exprs := make([]string, len(columns))
	for n, c := range columns {
		ident := quote(c.Name, '"')
		switch {
		case len(files) == 0:
			exprs[n] = fmt.Sprintf("CAST(NULL AS %s) AS %s", c.Type, ident)
		case c.Stored != "":
			exprs[n] = fmt.Sprintf("CAST(%s AS %s) AS %s", ident, c.Type, ident)
		default:
			exprs[n] = ident
		}
	}

	fmt.Fprintf(script, "\nCREATE OR REPLACE VIEW %s AS SELECT\n  %s\n", quote(name, '"'), strings.Join(exprs, ",\n  "))

	if len(files) == 0 {
		script.WriteString("WHERE false;\n")
		return
	}
	script.WriteString("FROM read_parquet([\n")
	script.Write(files)
	script.WriteString("\n], union_by_name = true, hive_partitioning = false);\n")
}

// gather gives the units' columns together, and the list of their files.
func (l *Lake) gather(units iter.Seq[*hindcast.Manifest]) ([]hindcast.Column, []byte) {
	var files bytes.Buffer
	columns := union(func(yield func(*hindcast.Manifest) bool) {
		for m := range units {
			for _, f := range m.Files {
				if files.Len() > 0 {
					files.WriteString(",\n")
				}
				files.WriteString("  ")
				files.WriteString(l.readable(f.Path))
			}

			if !yield(m) {
				return
			}
		}
	})
	return columns, files.Bytes()
}

// union gives all units' columns in the order in which they first come; the last unit that has a column
// says its type. Names that differ in case only are one column, as they are for DuckDB.
func union(units iter.Seq[*hindcast.Manifest]) []hindcast.Column {
	var columns, last []hindcast.Column
	at := map[string]int{}

	for m := range units {
		if len(m.Columns) > 0 && len(last) > 0 && &m.Columns[0] == &last[0] && len(m.Columns) == len(last) {
			continue // many share a list
		}
		last = m.Columns

		for _, c := range m.Columns {
			n, known := at[strings.ToLower(c.Name)]
			if !known {
				at[strings.ToLower(c.Name)] = len(columns)
				columns = append(columns, c)
				continue
			}

			if c.Stored == "" && c.Type != columns[n].Stored {
				c.Stored = columns[n].Stored // an older unit still needs the cast
			}

			c.Name = columns[n].Name
			columns[n] = c
		}
	}
	return columns
}

// quote makes an SQL identifier or string of any text.
func quote(text string, mark byte) string {
	q := string(mark)
	return q + strings.ReplaceAll(text, q, q+q) + q
}

// globless keeps DuckDB from reading a path's own characters as a pattern.
var globless = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace
