package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// postgresMemory measures the processes that rows pass through on their way out of PostgreSQL and back, over a slice of
// 1 x and 10 x the rows. The engine's memory depends on the SQL, and is measured separately.
func (b *bench) postgresMemory(ctx context.Context) error {
	b.watching = true
	defer func() { b.watching = false }()
	return hosted(ctx, b.dir, func(h *host) error {
		d := h.postgres()
		d.run(scramble)
		small := b.size(2_000_000, 500_000)
		for _, rows := range []int{small, 10 * small} {
			say("memory: %d rows out of PostgreSQL and in", rows)
			m := &moved{table: fmt.Sprintf("narrow%d_2021_01", rows), rows: rows}
			d.makeTable(m.table, narrowColumns, 0, rows)
			o, err := b.moveOurs(d, m, filepath.Join(b.dir, m.table))
			if err != nil {
				return err
			}

			d.run("DROP TABLE "+m.table, "DROP TABLE moved")
			held, err := o.held("warehouse-postgres", "supervisor")
			if err != nil {
				return err
			}

			b.below(fmt.Sprintf("memory, %g M rows out of PostgreSQL and in", float64(rows)/1e6), held[0]+held[1], 300, "MB",
				fmt.Sprintf("warehouse's process %.0f, supervisor %.0f", held[0], held[1]))
		}

		return nil
	})
}
