package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

var _ engine.Scanner = (*Pool)(nil)

// Scan looks at the user's files in a worker.
func (p *Pool) Scan(ctx context.Context, glob string) (out engine.Scanned, err error) {
	err = p.with(ctx, func(w *child.Process) error { return w.Call(ctx, "scan", glob, &out) })
	return out, err
}

// Scan lists the files that match. Content hashes their names, sizes and times: reading years of files to see
// whether they changed would cost more than the job.
func (r *Runner) Scan(ctx context.Context, glob string) (engine.Scanned, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	out := engine.Scanned{}
	names, err := r.values(ctx, "SELECT file FROM glob("+duck.String(glob)+") ORDER BY file", 1)
	if err != nil || len(names) == 0 {
		return out, err
	}
	paths := make([]string, len(names))
	hash := sha256.New()
	for i, row := range names {
		paths[i] = *row[0]
		info, err := os.Stat(paths[i])
		if err != nil {
			return out, duck.Translate(err)
		}
		out.Files = append(out.Files, hindcast.File{Path: paths[i], Bytes: info.Size()})
		_, _ = fmt.Fprintf(hash, "%s\x00%d\x00%d\n", paths[i], info.Size(), info.ModTime().UnixNano())
	}
	out.Content = hex.EncodeToString(hash.Sum(nil)[:8])
	if err := r.countRows(ctx, paths, out.Files); err != nil {
		return out, err
	}
	out.Columns, err = r.describe(ctx, "SELECT * FROM read_parquet("+duck.Strings(paths)+", union_by_name=true)")
	return out, err
}

func (r *Runner) countRows(ctx context.Context, paths []string, files []hindcast.File) error {
	rows, err := r.conn.QueryContext(ctx, "SELECT file_name, num_rows FROM parquet_file_metadata("+duck.Strings(paths)+")")
	if err != nil {
		return duck.Translate(err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return duck.Translate(err)
		}
		counts[name] = n
	}
	for i := range files {
		files[i].Rows = counts[files[i].Path]
	}
	return duck.Translate(rows.Err())
}
