package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/hindcast/hindcast"
)

// wholeSQL makes so many rows of each row of its facts: what is measured is the publication, so that the facts are few.
const wholeSQL = `SELECT day + (i %% 28)::INTEGER AS day, i AS line_id, (hash(i, 1) %% 50000)::BIGINT AS account_id, 'service-' || hash(i, 2) %% 34 AS service,
  ((hash(i, 3) %% 100000000) / 1000000.0)::DECIMAL(18,6) AS cost, ((hash(i, 4) %% 100000) / 1000.0)::DECIMAL(18,6) AS quantity
FROM months, range(%d) AS r(i)`

func wholePipeline(months int, url, target string) string {
	return fmt.Sprintf(`pipeline: whole-%[1]s
warehouse: %[2]q
lake: ./lake
history: {from: 2018-01-01, to: %[3]s, every: 1 month}
facts:
  months: {table: months, time: day}
transform: {sql: whole.sql, dialect: duckdb}
target: {table: %[1]s, time: day}
load: {publish: run}
run: {memory: 4GB}
`, target, url, changedFrom.AddDate(0, months, 0).Format(time.DateOnly))
}

// wholeTransaction publishes a history in one PostgreSQL transaction, into a table of two indexes and into one that is partitioned by
// its time: first into nothing, then in the place of what is there.
func (b *bench) wholeTransaction(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		d := h.postgres()
		months, rows := b.size(36, 6), b.size(2_000_000, 200_000)
		say("whole: %d slices of %d rows in one transaction", months, rows)
		d.run(fmt.Sprintf("CREATE TABLE months AS SELECT (DATE '2018-01-01' + make_interval(months => i))::date AS day FROM generate_series(0, %d) AS i", months-1))

		for _, target := range []string{"deleted", "exchanged"} {
			d.makeWhole(target, months)
			for _, how := range []string{"into nothing", "in the place of what is there"} {
				if err := b.publishWhole(d, target, how, months, rows); err != nil {
					return err
				}
			}
			d.run("DROP TABLE "+target, "CHECKPOINT")
		}
		return nil
	})
}

// makeWhole makes a target with a primary key and an index.
func (d *database) makeWhole(target string, months int) {
	suffix := ""
	if target == "exchanged" {
		suffix = " PARTITION BY RANGE (day)"
	}
	d.run("CREATE TABLE "+target+" (day date NOT NULL, line_id bigint NOT NULL, account_id bigint, service text, cost numeric(18,6), quantity numeric(18,6))"+suffix,
		"ALTER TABLE "+target+" ADD PRIMARY KEY (day, line_id)", "CREATE INDEX ON "+target+" (account_id)")
	if suffix == "" {
		return
	}
	for i := range months {
		first, end := changedFrom.AddDate(0, i, 0).Format(time.DateOnly), changedFrom.AddDate(0, i+1, 0).Format(time.DateOnly)
		d.run(fmt.Sprintf("CREATE TABLE exchanged_%d PARTITION OF exchanged FOR VALUES FROM ('%s') TO ('%s')", i, first, end))
	}
}

// publishWhole runs a pipeline that publishes all of its slices at once, and says what the publication took.
func (b *bench) publishWhole(d *database, target, how string, months, rows int) error {
	file := filepath.Join(b.dir, "whole-"+target, "whole.yml")
	if err := writePipeline(file, wholePipeline(months, d.url, target), fmt.Sprintf(wholeSQL, rows)); err != nil {
		return err
	}

	o, locked, wal, err := b.watchedRun(d, file, target)
	if err != nil {
		return err
	}
	if n := int(d.number("SELECT count(*) FROM " + target)); n != months*rows {
		return fmt.Errorf("%d rows are published of %d", n, months*rows)
	}

	took, err := o.published()
	if err != nil {
		return err
	}
	b.peer(fmt.Sprintf("%d slices of %d rows in one PostgreSQL transaction, %s, %s", months, rows, target, how),
		fmt.Sprintf("%.0f s of %.0f s, %.0f s of it locked, %.1f GB of WAL", took.Seconds(), o.wall.Seconds(), locked, wal/1e9))
	return nil
}

// published is how long the publication of a whole run took: from its last staged slice to its end.
func (o *observed) published() (time.Duration, error) {
	var last time.Time
	for _, e := range o.events {
		if e.Type == hindcast.EventStaged {
			last = e.Time
		}
	}
	if last.IsZero() {
		return 0, fmt.Errorf("no slice was staged")
	}
	return o.events[len(o.events)-1].Time.Sub(last), nil
}
