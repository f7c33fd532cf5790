package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// memory measures the peak memory of a run's processes over slices of 1 x and 10 x the rows, with the same setting.
func (b *bench) memory(ctx context.Context) error {
	const setting = 2e9
	b.watching = true
	defer func() { b.watching = false }()
	small := b.size(2_000_000, 500_000)
	peaks := map[int]*observed{}
	for _, rows := range []int{small, 10 * small} {
		say("memory: 1 slice of %d rows", rows)
		dir := filepath.Join(b.dir, fmt.Sprintf("memory-%d", rows))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := makeUsage(ctx, filepath.Join(dir, "warehouse.duckdb"), 1, rows); err != nil {
			return err
		}

		q := queries[1]
		file := filepath.Join(dir, "memory.yml")
		if err := writePipeline(file, pipelineText("memory", "warehouse.duckdb", 1, "result_of", "2GB", &q), q.sql); err != nil {
			return err
		}

		o, err := b.hindcastRun(ctx, file)
		if err != nil {
			return err
		}

		peaks[rows] = o
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}

	for _, rows := range []int{small, 10 * small} {
		o := peaks[rows]
		held, err := o.held("engine", "warehouse-duckdb", "supervisor")
		if err != nil {
			return err
		}
		b.below(fmt.Sprintf("memory with run.memory 2GB, %g M rows a slice", float64(rows)/1e6), (held[0]+held[1]+held[2])*1e6/setting, 1, "of it",
			fmt.Sprintf("worker %.0f, warehouse %.0f, supervisor %.0f MB; %.1f s", held[0], held[1], held[2], o.wall.Seconds()))
	}

	return nil
}
