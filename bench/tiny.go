package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/hindcast/hindcast"
)

// tinyFacts is the table of the tiny slices: one table with a time column, 1,000 rows a day.
const tinyFacts = `CREATE TABLE events AS SELECT (DATE '2020-01-01' + (i // 1000)::INTEGER) AS event_date, i::BIGINT AS event_id,
  (i %% 100)::BIGINT AS account_id, ((hash(i * 7) %% 1000000) / 100.0)::DECIMAL(18,6) AS cost FROM range(%d) AS r(i)`

const tinySQL = `SELECT event_date, account_id, sum(cost) AS cost, count(*) AS events FROM events GROUP BY ALL`

var tinyFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func tinyPipeline(days int) string {
	return fmt.Sprintf(`pipeline: tiny
warehouse: duckdb:warehouse.duckdb
lake: ./lake
history: {from: 2020-01-01, to: %s, every: 1 day, time_zone: UTC}
facts:
  events: {table: events, time: event_date}
transform: {sql: tiny.sql}
target: {table: daily, time: event_date, key: [event_date, account_id]}
checks:
  - rows: {min: 1}
  - total: {of: cost, equals: "SELECT SUM(cost) FROM events", within: 0}
`, tinyFrom.AddDate(0, 0, days).Format(time.DateOnly))
}

// makeTiny makes a folder with the tiny slices' warehouse, pipeline and SQL.
func makeTiny(ctx context.Context, dir string, days int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeDatabase(ctx, filepath.Join(dir, "warehouse.duckdb"), fmt.Sprintf(tinyFacts, days*1000)); err != nil {
		return err
	}
	return writePipeline(filepath.Join(dir, "tiny.yml"), tinyPipeline(days), tinySQL)
}

// tiny measures what a slice with next to no rows costs, and what its peers take for such a batch.
func (b *bench) tiny(ctx context.Context) error {
	days := b.size(500, 200)
	say("tiny: %d slices of 1,000 rows", days)
	var each, first []float64
	var last *observed
	for i := range b.size(3, 1) {
		dir := filepath.Join(b.dir, fmt.Sprintf("tiny-%d", i))
		if err := makeTiny(ctx, dir, days); err != nil {
			return err
		}

		o, err := b.hindcastRun(ctx, filepath.Join(dir, "tiny.yml"))
		if err != nil {
			return err
		}
		if want := int64(days) * 100; o.rows() != want {
			return fmt.Errorf("hindcast published %d rows, not %d", o.rows(), want)
		}

		each = append(each, (o.wall-o.first).Seconds()*1000/float64(days-1))
		first = append(first, o.first.Seconds())
		last = o
	}

	share := func(step hindcast.Step) float64 { return last.step(step) * 1000 / float64(days) }
	b.below("a tiny slice of 1,000 rows, all steps", median(each), 15, "ms",
		fmt.Sprintf("steps overlap: unload %.1f, transform %.1f, load %.1f", share(hindcast.StepUnload), share(hindcast.StepTransform), share(hindcast.StepLoad)))
	b.below("process start to the first committed slice", median(first), 0.3, "s", "")

	if !b.peers {
		return nil
	}

	return b.tinyPeers(ctx, b.size(200, 60))
}
