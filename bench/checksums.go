package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
)

// read are the columns that each of the queries reads.
var read = []map[string][]string{
	{"facts/usage/*": {"usage_date", "account_id", "service", "region", "cost", "quantity"}, "dimensions/accounts": {"account_id", "cost_center"}},
	{"facts/usage/*": {"usage_date", "account_id", "sku_id", "charge", "cost", "quantity", "hours"}, "dimensions/skus": {"sku_id", "family"}},
}

// checksums measures what it costs to compare the columns that a transform reads with their checksums, relative to the
// CPU seconds of bare DuckDB's COPYs over them, in one process.
func (b *bench) checksums(ctx context.Context) error {
	months, rows := b.size(4, 2), b.size(2_000_000, 1_000_000)
	say("checksums: %d slices of %d rows", months, rows)
	dir := filepath.Join(b.dir, "checksums")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeUsage(ctx, filepath.Join(dir, "warehouse.duckdb"), months, rows); err != nil {
		return err
	}

	for i, q := range queries {
		s := &subject{query: q, name: fmt.Sprintf("sums_%d", i+1), dir: dir, months: months}
		if err := os.WriteFile(filepath.Join(dir, s.name+".sql"), []byte(s.sql+"\n"), 0o644); err != nil {
			return err
		}

		file, err := s.pipeline(false)
		if err != nil {
			return err
		}
		if _, err := b.hindcastRun(ctx, file); err != nil { // puts the slices into the lake
			return err
		}
		if err := b.sums(ctx, s, read[i]); err != nil {
			return err
		}
	}

	return nil
}

func (b *bench) sums(ctx context.Context, s *subject, columns map[string][]string) error {
	w, err := s.bare(b)
	if err != nil {
		return err
	}

	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // in memory

	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := execute(ctx, conn, w.Settings...); err != nil {
		return err
	}

	var checks, copies, ratios []float64
	for range b.size(7, 3) {
		var bytes int64
		check, err := used(func() error { bytes, err = compared(s, columns); return err })
		if err != nil {
			return err
		}

		copied, err := used(func() error {
			for _, c := range w.Copies {
				if err := execute(ctx, conn, append(c.Views, "COPY ("+c.SQL+") TO '"+c.Path+"' (FORMAT parquet, COMPRESSION snappy)")...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}

		say("  compared %.0f MB in %.3f CPU s", float64(bytes)/1e6, check)
		checks, copies, ratios = append(checks, check), append(copies, copied), append(ratios, check/copied)
	}

	b.most("columns compared with their checksums before a transform to "+s.query.name+", of bare DuckDB's COPYs", median(ratios), 0.02,
		fmt.Sprintf("%.0f ms against %.2f s of CPU", 1000*median(checks), median(copies)))
	return nil
}

// compared compares the columns of all files, and returns their total size.
func compared(s *subject, columns map[string][]string) (bytes int64, err error) {
	lake := filepath.Join(s.dir, "lake")
	for folder, names := range columns {
		manifests, err := filepath.Glob(filepath.Join(lake, s.name, folder, "*", "_manifest.json"))
		if err != nil || len(manifests) == 0 {
			return 0, fmt.Errorf("no manifest below %s: %w", folder, err)
		}
		for _, path := range manifests {
			text, err := os.ReadFile(path)
			if err != nil {
				return 0, err
			}

			var m hindcast.Manifest
			if err := json.Unmarshal(text, &m); err != nil {
				return 0, err
			}

			for _, f := range m.Files {
				if err := new(chunks.Checker).Check(filepath.Join(lake, f.Path), f, names); err != nil {
					return 0, err
				}
				bytes += f.Bytes
			}
		}
	}

	return bytes, nil
}

// used is the CPU time that this process spends in f, in seconds.
func used(f func() error) (float64, error) {
	before, err := ownCPU()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}

	after, err := ownCPU()
	return (after - before).Seconds(), err
}

func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
