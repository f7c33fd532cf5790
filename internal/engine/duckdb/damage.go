package duckdb

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
)

// blame calls the function blame for an error of this instance.
func (r *Runner) blame(ctx context.Context, paths []string, err error) error {
	r.spent = r.spent || duck.Fatal(err)
	return blame(ctx, paths, err)
}

// last lets the process end after an error that leaves its instance useless.
func (r *Runner) last(err error) error {
	if err != nil && (r.spent || duck.Fatal(err)) {
		return child.Last(err)
	}
	return err
}

// blame finds the file that an error is from: DuckDB names a file only if it cannot open it; other damage makes it fail
// elsewhere. Every file is read whole, in a separate instance. An error that no file explains is returned as is.
func blame(ctx context.Context, paths []string, err error) error {
	if err == nil || ctx.Err() != nil || !duck.OfFile(err) {
		return err
	}
	for _, path := range paths {
		if fault := readable(ctx, path); fault != nil {
			return fault
		}
	}
	return err
}

// readable reads a Parquet file whole, every column of it and what its footer says. E-PARQUET names it if that fails.
func readable(ctx context.Context, path string) error {
	db, err := duck.Open(ctx, duck.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	list := duck.Paths([]string{path})
	for _, part := range []string{"read_parquet(" + list + ", hive_partitioning=false)", "parquet_file_metadata(" + list + ")",
		"parquet_schema(" + list + ")", "parquet_kv_metadata(" + list + ")"} {
		var sum any
		if err = duck.Translate(db.QueryRowContext(ctx, "SELECT bit_xor(hash(whole)) FROM "+part+" AS whole").Scan(&sum)); err != nil {
			break
		}
	}
	if err == nil {
		return nil
	}
	if e := hindcast.AsError(err); e.Class == hindcast.ClassCanceled || e.Class == hindcast.ClassResource || e.Code == hindcast.EPermission {
		return err
	}
	return duck.Damaged(path, hindcast.AsError(err).Message)
}
