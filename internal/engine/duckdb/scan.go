package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Scan looks at the user's files in a worker.
func (p *Pool) Scan(ctx context.Context, s engine.Search) (out engine.Scanned, err error) {
	err = p.with(ctx, func(w *child.Process) error { return w.Call(ctx, "scan", s, &out) })
	return out, err
}

// Scan finds the files, and reads their footers only: reading years of files to see whether they changed would cost
// more than the work.
func (r *Runner) Scan(ctx context.Context, s engine.Search) (engine.Scanned, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	defer r.helpers.Call(false)()
	found := newFinder(s)
	out := engine.Scanned{Matches: make([]engine.Matched, len(s.Patterns))}
	var all []string
	matches := make([][]string, len(s.Patterns))
	for i, pattern := range s.Patterns {
		paths, err := found.find(pattern)
		if err != nil {
			return out, err
		}
		matches[i] = slices.Clone(paths)
		before := len(out.Damaged)
		if s.Tolerant {
			paths = sound(ctx, paths, &out.Damaged)
		}
		if out.Matches[i], err = found.look(paths); err != nil {
			return out, err
		}
		out.Matches[i].Damaged = len(out.Damaged) > before
		all = append(all, paths...)
	}

	out.Notes = append(found.notes(), found.shared(matches)...)
	var err error
	if out.Outside, err = found.outside(s); err != nil {
		return out, err
	}
	if len(all) == 0 {
		return out, nil
	}
	slices.Sort(all)
	all = slices.Compact(all)
	footers, err := r.footers(ctx, all)
	if err != nil {
		return out, r.blame(ctx, all, err)
	}
	shapes, err := r.shapes(ctx, footers, found)
	if err != nil {
		return out, err
	}
	for i := range out.Matches {
		arrange(&out.Matches[i], footers, shapes)
	}
	var notes []string
	out.Columns, notes, err = r.unite(ctx, s, found.base, all, shapes)
	out.Notes = append(out.Notes, notes...)
	return out, err
}

// outside names the files that the search could have meant and did not find. Nothing else is known of them.
func (f *finder) outside(s engine.Search) ([]string, error) {
	if len(s.All) == 0 {
		return nil, nil
	}
	used := make(map[string]bool, len(f.ids))
	for _, id := range f.ids {
		used[id.file] = true
	}

	every := newFinder(s)
	var names []string
	for _, pattern := range s.All {
		all, err := every.find(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range all {
			if !used[every.ids[path].file] {
				names = append(names, every.short(path))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// sound leaves out the files that cannot be read, and notes why.
func sound(ctx context.Context, paths []string, damaged *[]engine.Damaged) []string {
	return slices.DeleteFunc(paths, func(path string) bool {
		err := readable(ctx, path)
		bad := err != nil && hindcast.AsError(err).Code == hindcast.EParquet
		if bad {
			*damaged = append(*damaged, engine.Damaged{Path: path, Why: hindcast.AsError(err).Message})
		}
		return bad
	})
}

// look takes the sizes, times and footers of a pattern's files: a footer holds the sizes and statistics of all columns,
// so that it shows a file that was replaced by one of the same size and time.
func (f *finder) look(paths []string) (engine.Matched, error) {
	m := engine.Matched{}
	hash := sha256.New()
	for _, path := range paths {
		file, err := lookAt(path, f.short(path), hash)
		if err != nil {
			return m, err
		}
		m.Files = append(m.Files, file)
	}

	if len(paths) > 0 {
		m.Content = hex.EncodeToString(hash.Sum(nil)[:8])
	}
	return m, nil
}

func lookAt(path, name string, hash hash.Hash) (hindcast.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return hindcast.File{}, unreadable(err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return hindcast.File{}, unreadable(err)
	}
	_, _ = fmt.Fprintf(hash, "%s\x00%d\x00%d\x00", name, info.Size(), info.ModTime().UnixNano())
	if err := hashFooter(f, info.Size(), hash); err != nil {
		return hindcast.File{}, duck.Damaged(path, err.Error())
	}
	return hindcast.File{Path: path, Bytes: info.Size(), Modified: info.ModTime().UnixNano()}, nil
}

// arrange fills in the rows of a pattern's files, and says which of them are alike.
func arrange(m *engine.Matched, footers map[string]footer, shapes []shape) {
	files := map[string][]string{}
	for i := range m.Files {
		path := m.Files[i].Path
		m.Files[i].Rows = footers[path].rows
		files[footers[path].kind] = append(files[footers[path].kind], path)
	}

	for _, s := range shapes {
		if paths := files[s.kind]; len(paths) > 0 {
			m.Layouts = append(m.Layouts, hindcast.Layout{Columns: s.names(), Files: paths})
		}
	}
	if len(m.Layouts) == 1 {
		m.Layouts[0].Files = nil
	}
}

// footer is what a file's footer says of it as a whole.
type footer struct {
	rows int64
	kind string // the same for files of the same columns
}

// footers reads the footers of files. DuckDB's own common type would round (DECIMAL(38,2) beside DECIMAL(38,10)), so
// files are distinguished by everything that defines their values; the writer counts where it gives bytes a meaning.
func (r *Runner) footers(ctx context.Context, paths []string) (map[string]footer, error) {
	list := duck.Paths(paths)
	rows, err := r.conn.QueryContext(ctx, `SELECT m.file_name, m.num_rows, s.kind || coalesce(m.created_by ILIKE 'Polars%', false)::VARCHAR
		FROM parquet_file_metadata(`+list+`) AS m JOIN (
			SELECT file_name, md5(string_agg(concat_ws(chr(1), name, type, type_length, num_children, repetition_type, converted_type, scale, precision,
				logical_type), chr(2) ORDER BY column_id)) AS kind
			FROM parquet_schema(`+list+`) GROUP BY ALL) AS s USING (file_name)`)
	if err != nil {
		return nil, duck.Translate(err)
	}
	defer rows.Close()
	found := make(map[string]footer, len(paths))
	for rows.Next() {
		var path string
		var f footer
		var kind *string
		if err := rows.Scan(&path, &f.rows, &kind); err != nil {
			return nil, duck.Translate(err)
		}
		if kind != nil {
			f.kind = *kind
		}
		found[path] = f
	}
	return found, duck.Translate(rows.Err())
}

// shape is the columns of files that are alike.
type shape struct {
	kind    string
	files   []string
	file    string // the first of them
	name    string // as people see it
	columns []hindcast.Column
	odd     map[string]oddity // by column: what DuckDB would not read as written
}

func (s shape) names() []string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.Name
	}
	return names
}

// shapes describes one file of each kind, in the order of their names.
func (r *Runner) shapes(ctx context.Context, footers map[string]footer, found *finder) ([]shape, error) {
	alike := map[string][]string{}
	for path, f := range footers {
		alike[f.kind] = append(alike[f.kind], path)
	}
	var shapes []shape
	for kind, files := range alike {
		first := slices.Min(files)
		shapes = append(shapes, shape{kind: kind, files: files, file: first, name: found.short(first)})
	}
	slices.SortFunc(shapes, func(a, b shape) int { return strings.Compare(a.file, b.file) })
	for i := range shapes {
		s := &shapes[i]
		var err error
		if s.columns, err = r.describe(ctx, "SELECT * FROM read_parquet("+duck.Paths([]string{s.file})+", hive_partitioning=false)"); err != nil {
			return nil, r.blame(ctx, []string{s.file}, err)
		}
		if s.odd, err = r.oddities(ctx, s); err != nil {
			return nil, err
		}
	}
	return shapes, nil
}
