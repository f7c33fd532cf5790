package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// demoStart is where the demo's history begins; its tables are of two months each.
var demoStart = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)

// first measures the first run over the demo's default, unload included.
func (b *bench) first(ctx context.Context) error {
	return b.demoRuns(ctx, "first run over the demo", b.size(36, 12), 100_000, b.size(5, 3), 1.15, 0.6)
}

// small measures many small slices in the demo's shape.
func (b *bench) small(ctx context.Context) error {
	return b.demoRuns(ctx, "small slices in the demo's shape", b.size(200, 100), 1000, b.size(5, 3), 0.6, 0)
}

// demoRuns alternates hindcast and a bare loop of COPY, COPY, INSERT over copies of one demo folder. cpu and wall are the ratios to
// reach; 0 is none.
func (b *bench) demoRuns(ctx context.Context, what string, n, rows, times int, cpu, wall float64) error {
	say("%s: %d slices of %d rows", what, n, rows)
	seed := filepath.Join(b.dir, "demo")
	defer func() { _ = os.RemoveAll(seed) }()
	if _, err := b.spent(ctx, "demo", seed, "--slices", fmt.Sprint(n), "--rows", fmt.Sprint(rows), "--no-run"); err != nil {
		return err
	}

	var ours, bare, walls, bareWalls []float64
	for range times {
		o, loop, err := b.demoRun(ctx, seed, n)
		if err != nil {
			return err
		}
		say("  hindcast %.2f CPU s in %.2f s, bare %.2f CPU s in %.2f s", o.cpu.Seconds(), o.wall.Seconds(), loop.Seconds, loop.Wall.Seconds())
		ours, walls = append(ours, o.cpu.Seconds()), append(walls, o.wall.Seconds())
		bare, bareWalls = append(bare, loop.Seconds), append(bareWalls, loop.Wall.Seconds())
	}

	detail := func(unit string, a, b []float64) string {
		per := 1000 / float64(n)
		return fmt.Sprintf("%.1f against %.1f %s a slice", median(a)*per, median(b)*per, unit)
	}
	b.most(what+", CPU of a bare loop of COPY, COPY, INSERT", medianRatio(ours, bare), cpu, detail("CPU ms", ours, bare))
	took := fmt.Sprintf("%.2f (%s)", medianRatio(walls, bareWalls), detail("ms", walls, bareWalls))
	if wall > 0 {
		b.most("the same in time", medianRatio(walls, bareWalls), wall, detail("ms", walls, bareWalls))
	} else {
		b.peer("the same in time", took)
	}
	return nil
}

// demoRun is one run of each, over a copy of the demo folder of its own.
func (b *bench) demoRun(ctx context.Context, seed string, n int) (ours *observed, loop spent, err error) {
	dir := filepath.Join(b.dir, "demo-run")
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, os.DirFS(seed)); err != nil {
		return nil, loop, err
	}
	if ours, err = b.hindcastRun(ctx, filepath.Join(dir, "hindcast.yml")); err != nil {
		return nil, loop, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, loop, err
	}

	if err := os.CopyFS(dir, os.DirFS(seed)); err != nil {
		return nil, loop, err
	}
	w, err := b.demoLoop(dir, n)
	if err != nil {
		return nil, loop, err
	}
	loop, _, err = b.bareProcess(ctx, w)
	return ours, loop, err
}

// demoLoop is what hindcast does, by hand: each table to Parquet, the SQL over that to Parquet, and that into the same file's target.
// It has no sums, no checks, no manifest, no status row and no retry.
func (b *bench) demoLoop(dir string, n int) (w work, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "cost_summary.sql"))
	if err != nil {
		return w, err
	}
	query := strings.ReplaceAll(string(text), ":rate", "1.0")
	w = work{Database: filepath.Join(dir, "warehouse.duckdb"), Settings: []string{"SET preserve_insertion_order=false", fmt.Sprintf("SET threads=%d", b.threads),
		"ATTACH '" + filepath.Join(dir, "warehouse.duckdb") + "' AS warehouse"}}

	unloaded := func(table string) string { return filepath.Join(dir, table+".parquet") }
	view := func(name, table string) string {
		return "CREATE OR REPLACE VIEW " + name + " AS SELECT * FROM read_parquet('" + unloaded(table) + "')"
	}
	unload := func(table string) copied {
		return copied{SQL: "SELECT * FROM warehouse." + table, Path: unloaded(table), Unload: true}
	}
	w.Copies = append(w.Copies, unload("accounts"))
	for i := range n {
		table := demoStart.AddDate(0, 2*i, 0).Format("billing_2006_01")
		w.Copies = append(w.Copies, unload(table), copied{SQL: query + "\n", Path: filepath.Join(dir, "result-"+table+".parquet"),
			Views: []string{view("accounts", "accounts"), view("billing", table)}})
	}
	return w, nil
}
