package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// historySQL aggregates a slice to 34 k rows, in SQL that both PostgreSQL and DuckDB understand.
const historySQL = `SELECT date_trunc('month', u.usage_date)::date AS usage_month, a.cost_center, u.service, u.region,
  sum(u.cost) AS cost, sum(u.quantity) AS quantity, count(DISTINCT u.account_id) AS accounts
FROM %s u JOIN accounts a ON a.account_id = u.account_id
GROUP BY 1, 2, 3, 4`

// wholeHistory measures a run over a whole history against the same SQL inside the server, slice by slice.
func (b *bench) wholeHistory(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		d := h.postgres()
		months, rows := b.size(6, 3), b.size(2_000_000, 1_000_000)
		say("history: %d slices of %d rows in PostgreSQL", months, rows)
		d.run(scramble, `CREATE TABLE accounts AS SELECT i AS account_id, 'center-' || h(i) % 100 AS cost_center, 'account ' || i AS account_name
			FROM generate_series(0::bigint, 199999) AS r(i)`, "VACUUM (FREEZE, ANALYZE) accounts")

		for i := range months {
			d.makeTable(fmt.Sprintf("usage_%d_%02d", firstYear, i+1), narrowColumns, i, rows)
		}

		var inside, withUnload, unloaded, loadedBefore, loadedAfter []float64
		for i := range b.size(2, 1) {
			seconds := d.inside(months)
			first, again, err := b.outside(d, filepath.Join(b.dir, fmt.Sprintf("history-%d", i)), months)
			if err != nil {
				return err
			}

			inside, withUnload, unloaded = append(inside, seconds), append(withUnload, first), append(unloaded, again)
			loadedBefore, loadedAfter = append(loadedBefore, seconds/first), append(loadedAfter, seconds/again)
			say("  inside %.1f s, hindcast %.1f s, once unloaded %.1f s", seconds, first, again)
		}

		perSlice := func(ours []float64) string {
			return fmt.Sprintf("%.2f s a slice against %.2f s", median(ours)/float64(months), median(inside)/float64(months))
		}
		b.ratio("whole history to 34 k rows a slice, once unloaded, against the same SQL in PostgreSQL", median(loadedAfter), 5, perSlice(unloaded))
		b.ratio("the same with the unload", median(loadedBefore), 1.7, perSlice(withUnload))
		return nil
	})
}

// inside runs the SQL in the server, replacing each slice in a transaction.
func (d *database) inside(months int) float64 {
	d.run("DROP TABLE IF EXISTS inside", "CREATE TABLE inside AS SELECT * FROM ("+fmt.Sprintf(historySQL, "usage_2021_01")+") q LIMIT 0",
		"CREATE INDEX ON inside (usage_month)", "CHECKPOINT")
	began := time.Now()
	for i := range months {
		d.run(fmt.Sprintf("BEGIN; DELETE FROM inside WHERE usage_month >= '%[1]s' AND usage_month < '%[2]s'; INSERT INTO inside %[3]s; COMMIT",
			month(i), month(i+1), fmt.Sprintf(historySQL, fmt.Sprintf("usage_%d_%02d", firstYear, i+1))))
	}

	return time.Since(began).Seconds()
}

// outside runs the pipeline twice: from scratch, and over what is then unloaded, into another target.
func (b *bench) outside(d *database, dir string, months int) (first, again float64, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, "history.sql"), []byte(fmt.Sprintf(historySQL, "usage")+"\n"), 0o644); err != nil {
		return 0, 0, err
	}

	var seconds []float64
	for _, target := range []string{"outside_1", "outside_2"} {
		text := strings.Replace(pipelineText("history", "", months, target, "8GB", nil), "warehouse: duckdb:\n", fmt.Sprintf("warehouse: %q\n", d.url), 1)
		text = strings.Replace(text, "  skus: {table: skus, refresh: 24h}\n", "", 1)
		file := filepath.Join(dir, "history.yml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return 0, 0, err
		}

		d.run("DROP TABLE IF EXISTS "+target, "CHECKPOINT")
		o, err := b.hindcastRun(d.ctx, file)
		if err != nil {
			return 0, 0, err
		}

		seconds = append(seconds, o.wall.Seconds())
		if n := d.run("SELECT count(*) FROM (TABLE inside EXCEPT ALL TABLE " + target + ") q")[0][0]; n != "0" {
			return 0, 0, fmt.Errorf("%s rows of PostgreSQL's result are not in hindcast's", n)
		}
	}

	return seconds[0], seconds[1], os.RemoveAll(dir)
}
