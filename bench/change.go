package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// changedKey is what stays of a row when its definition changes.
const changedKey = "day, line_id"

// changedFrom is where the history begins; its slices are of one month each.
var changedFrom = time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)

// changedFacts are so many lines in each of so many months.
const changedFacts = `CREATE TABLE lines AS SELECT (DATE '2018-01-01' + to_months((i // %[1]d)::INTEGER))::DATE + (i %% 28)::INTEGER AS day, i::BIGINT AS line_id,
  (hash(i, 1) %% 50000)::BIGINT AS account_id, 'service-' || hash(i, 2) %% 34 AS service,
  ((hash(i, 3) %% 100000000) / 1000000.0)::DECIMAL(18,6) AS cost, ((hash(i, 4) %% 100000) / 1000.0)::DECIMAL(18,6) AS quantity
FROM range(%[1]d * %[2]d) AS r(i)`

// The definition changes by its parameter: one line in ten costs something else, and of a thousand lines one goes and one comes.
const changedSQL = `SELECT CAST(day AS DATE) AS day, line_id, account_id, service,
  CAST(cost * CASE WHEN line_id % 10 = 0 THEN :rate ELSE 1 END AS DECIMAL(18,6)) AS cost, quantity
FROM lines WHERE line_id % 1000 <> CAST(:rate * 10 AS INTEGER)`

func changedPipeline(months int, rate float64) string {
	return fmt.Sprintf(`pipeline: changed
warehouse: duckdb:warehouse.duckdb
lake: ./lake
history: {from: 2018-01-01, to: %s, every: 1 month}
facts:
  lines: {table: lines, time: day}
transform: {sql: changed.sql}
target: {table: published, time: day, key: [%s]}
params: {rate: %.1f}
`, changedFrom.AddDate(0, months, 0).Format(time.DateOnly), changedKey, rate)
}

// change measures what it costs to hold a run and publish it whole, against a run that publishes slice by slice; and its diff, against
// a bare FULL JOIN of what is staged and what is published.
func (b *bench) change(ctx context.Context) error {
	months, rows := b.size(36, 6), b.size(1_000_000, 200_000)
	say("change: %d slices of %d rows", months, rows)
	dir := filepath.Join(b.dir, "change")
	if err := b.makeChanged(ctx, dir, months, rows); err != nil {
		return err
	}

	var whole, plain, wholeCPU, plainCPU, last []float64
	var diff, bare spent
	for i := range b.size(3, 1) {
		rate := 1.1 + float64(i)/5
		held, published, err := b.heldAndPublished(ctx, dir, months, rate, func(run string) (err error) {
			if i == 0 {
				diff, bare, err = b.diffAndJoin(ctx, dir, run, months)
			}
			return err
		})
		if err != nil {
			return err
		}
		one, err := b.changedRun(ctx, dir, months, rate+0.1)
		if err != nil {
			return err
		}
		wall, cpu := (held.wall + published.Wall).Seconds(), held.cpu.Seconds()+published.Seconds
		say("  held and published %.1f s, %.1f CPU s (publication %.1f s), published by slice %.1f s, %.1f CPU s", wall, cpu, published.Wall.Seconds(),
			one.wall.Seconds(), one.cpu.Seconds())
		whole, plain, last = append(whole, wall), append(plain, one.wall.Seconds()), append(last, published.Wall.Seconds())
		wholeCPU, plainCPU = append(wholeCPU, cpu), append(plainCPU, one.cpu.Seconds())
	}

	b.most("a run that is held and then published, against one published by slice, CPU", medianRatio(wholeCPU, plainCPU), 1.05,
		fmt.Sprintf("%.1f CPU s against %.1f", median(wholeCPU), median(plainCPU)))
	b.peer("the same in time", fmt.Sprintf("%.2f (%.1f s, of which %.1f s publish, against %.1f s)", medianRatio(whole, plain), median(whole),
		median(last), median(plain)))
	b.most(fmt.Sprintf("diff of %d slices of %d rows by key, against a bare FULL JOIN, time", months, rows), diff.Wall.Seconds()/bare.Wall.Seconds(), 2,
		diff.detail()+fmt.Sprintf(" against %.2f s", bare.Wall.Seconds()))
	b.most("the same in CPU", diff.Seconds/bare.Seconds, 2, fmt.Sprintf("%.1f CPU s against %.1f", diff.Seconds, bare.Seconds))
	return nil
}

func (b *bench) makeChanged(ctx context.Context, dir string, months, rows int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeDatabase(ctx, filepath.Join(dir, "warehouse.duckdb"), fmt.Sprintf(changedFacts, rows, months)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "changed.sql"), []byte(changedSQL+"\n"), 0o644); err != nil {
		return err
	}
	_, err := b.changedRun(ctx, dir, months, 1)
	return err
}

// changedRun runs the pipeline with a rate.
func (b *bench) changedRun(ctx context.Context, dir string, months int, rate float64, args ...string) (*observed, error) {
	file := filepath.Join(dir, "changed.yml")
	if err := os.WriteFile(file, []byte(changedPipeline(months, rate)), 0o644); err != nil {
		return nil, err
	}
	return b.hindcastRun(ctx, file, args...)
}

// heldAndPublished holds a run, looks at it, and publishes it.
func (b *bench) heldAndPublished(ctx context.Context, dir string, months int, rate float64, look func(run string) error) (held *observed, published spent, err error) {
	if held, err = b.changedRun(ctx, dir, months, rate, "--hold"); err != nil {
		return nil, published, err
	}
	run := held.events[0].Run
	if err := look(run); err != nil {
		return nil, published, err
	}
	published, err = b.spent(ctx, "publish", run, "-f", filepath.Join(dir, "changed.yml"))
	return held, published, err
}

// diffAndJoin is what a diff of a held run takes, and what a bare loop of FULL JOINs, slice by slice.
func (b *bench) diffAndJoin(ctx context.Context, dir, run string, months int) (diff, bare spent, err error) {
	if diff, err = b.spent(ctx, "diff", run, "-f", filepath.Join(dir, "changed.yml")); err != nil {
		return diff, bare, err
	}

	warehouse := filepath.Join(dir, "warehouse.duckdb")
	w := work{Settings: []string{"SET preserve_insertion_order=false", fmt.Sprintf("SET threads=%d", b.threads), "ATTACH '" + warehouse + "' AS warehouse (READ_ONLY)"}}
	for i := range months {
		first := changedFrom.AddDate(0, i, 0)
		staged := filepath.Join(dir, "lake", "_hindcast", "changed", "runs", run, "staging", first.Format(time.DateOnly), "*", "*.parquet")
		w.Copies = append(w.Copies, copied{SQL: joined(staged, first), Path: filepath.Join(dir, fmt.Sprintf("joined-%d.parquet", i))})
	}

	bare, _, err = b.bareProcess(ctx, w)
	return diff, bare, err
}

// joined compares what is staged with what is published in a month: rows added, removed and changed, and the totals before and after.
func joined(staged string, first time.Time) string {
	return fmt.Sprintf(`SELECT count(*) FILTER (WHERE b.line_id IS NULL) AS added, count(*) FILTER (WHERE a.line_id IS NULL) AS removed,
  count(*) FILTER (WHERE a.line_id IS NOT NULL AND b.line_id IS NOT NULL AND (a.account_id, a.service, a.cost, a.quantity)
    IS DISTINCT FROM (b.account_id, b.service, b.cost, b.quantity)) AS changed,
  sum(a.account_id) AS a1, sum(a.cost) AS a2, sum(a.quantity) AS a3, sum(b.account_id) AS b1, sum(b.cost) AS b2, sum(b.quantity) AS b3
FROM read_parquet('%s') a FULL JOIN (FROM warehouse.published WHERE day >= '%s' AND day < '%s') b ON a.day = b.day AND a.line_id = b.line_id`,
		staged, first.Format(time.DateOnly), first.AddDate(0, 1, 0).Format(time.DateOnly))
}
