package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// postgresMemory measures what the processes hold that rows go through on their way out of PostgreSQL and in, over a slice
// of 1 x and 10 x the rows. The engine's memory is the SQL's, and has a figure of its own.
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
