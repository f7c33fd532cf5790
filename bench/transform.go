package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast"
)

// facts is a month of usage: 10 columns, 36 bytes a row in Parquet.
const facts = `CREATE TABLE usage_%04d_%02d AS SELECT
  (hash(i * 3 + %[3]d) %% 200000)::BIGINT AS account_id, (hash(i * 5 + %[3]d) %% 60000)::BIGINT AS sku_id,
  DATE '%04[1]d-%02[2]d-01' + (hash(i * 7 + %[3]d) %% 28)::INTEGER AS usage_date,
  'service-' || (hash(i * 11 + %[3]d) %% 34) AS service, 'region-' || (hash(i * 13 + %[3]d) %% 10) AS region,
  'charge-' || (hash(i * 17 + %[3]d) %% 6) AS charge, 'unit-' || (hash(i * 19 + %[3]d) %% 12) AS unit,
  ((hash(i * 23 + %[3]d) %% 1000000000) / 1000000.0)::DECIMAL(18,6) AS cost,
  ((hash(i * 29 + %[3]d) %% 100000) / 1000.0)::DECIMAL(18,6) AS quantity, (hash(i * 31 + %[3]d) %% 24)::INTEGER AS hours
FROM range(%[4]d) AS r(i)`

const (
	accounts = `CREATE TABLE accounts AS SELECT i::BIGINT AS account_id, 'center-' || (hash(i) % 100) AS cost_center, 'account ' || i AS account_name
		FROM range(200000) AS r(i)`
	skus = `CREATE TABLE skus AS SELECT i::BIGINT AS sku_id, 'family-' || (hash(i) % 40) AS family, 'sku ' || i AS sku_name FROM range(60000) AS r(i)`
)

// query is a transform to measure.
type query struct {
	name, sql string
	key       string
}

var queries = []query{
	{"34 k rows", `SELECT date_trunc('month', u.usage_date)::DATE AS usage_month, a.cost_center, u.service, u.region,
  sum(u.cost) AS cost, sum(u.quantity) AS quantity, count(DISTINCT u.account_id) AS accounts
FROM usage u JOIN accounts a ON a.account_id = u.account_id
GROUP BY ALL`, "usage_month, cost_center, service, region"},
	{"1 M rows", `SELECT date_trunc('month', u.usage_date)::DATE AS usage_month, u.account_id, u.charge,
  any_value(s.family) AS family, sum(u.cost) AS cost, sum(u.quantity) AS quantity, sum(u.hours)::BIGINT AS hours
FROM usage u JOIN skus s ON s.sku_id = u.sku_id
GROUP BY ALL`, "usage_month, account_id, charge"},
}

const firstYear = 2021

// pipelineText is a pipeline over the months; target and checks differ from repetition to repetition.
func pipelineText(name, warehouse string, months int, target, memory string, checked *query) string {
	text := fmt.Sprintf(`pipeline: %s
warehouse: duckdb:%s
lake: ./lake
history: {from: %d-01-01, to: %s, every: 1 month, time_zone: UTC}
facts:
  usage: {table: "usage_{yyyy}_{mm}", every: 1 month}
dimensions:
  accounts: {table: accounts, refresh: 24h}
  skus: {table: skus, refresh: 24h}
transform: {sql: %s.sql, dialect: duckdb}
run: {memory: %s}
`, name, warehouse, firstYear, month(months), name, memory)

	if checked == nil {
		return text + "target: {table: " + target + ", time: usage_month}\n"
	}

	return text + "target: {table: " + target + ", time: usage_month, key: [" + checked.key + "]}\n" + `checks:
  - rows: {min: 1}
  - total: {of: cost, equals: "SELECT SUM(cost) FROM usage", within: 0}
  - sql: "SELECT * FROM result WHERE cost < 0"
`
}

// month is the first day of the i-th month, counted from 0.
func month(i int) string { return fmt.Sprintf("%04d-%02d-01", firstYear+i/12, i%12+1) }

// makeUsage makes a warehouse of months of usage.
func makeUsage(ctx context.Context, path string, months, rows int) error {
	statements := []string{accounts, skus}
	for i := range months {
		statements = append(statements, fmt.Sprintf(facts, firstYear+i/12, i%12+1, i*1_000_003, rows))
	}
	return makeDatabase(ctx, path, statements...)
}

// subject is one query's pipeline, its slices already unloaded.
type subject struct {
	query
	name, dir string
	months    int
	runs      int
}

// pipeline writes the pipeline file for the next run: with a new target, so that every run publishes again.
func (s *subject) pipeline(checked bool) (string, error) {
	s.runs++
	var q *query
	if checked {
		q = &s.query
	}

	file := filepath.Join(s.dir, s.name+".yml")
	return file, os.WriteFile(file, []byte(pipelineText(s.name, "warehouse.duckdb", s.months, fmt.Sprintf("%s_%d", s.name, s.runs), "8GB", q)), 0o644)
}

// bare is the same work for bare DuckDB, over the same files.
func (s *subject) bare(b *bench) (work, error) {
	// What hindcast gives its worker of 8 GB: 1/4 is the warehouse's, and DuckDB's limit is 70 % of the rest.
	limit := int64(8e9*3/4) * 7 / 10
	w := work{Settings: []string{"SET preserve_insertion_order=false", fmt.Sprintf("SET threads=%d", b.threads),
		fmt.Sprintf("SET memory_limit='%dB'", limit), "SET temp_directory='" + filepath.Join(b.dir, "spill") + "'"}}
	out := filepath.Join(b.dir, "bare-"+s.name)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return w, err
	}

	lake := filepath.Join(s.dir, "lake", s.name)
	for i := range s.months {
		view := func(name, glob string) string {
			return "CREATE OR REPLACE VIEW " + name + " AS SELECT * FROM read_parquet('" + filepath.Join(lake, glob) + "')"
		}
		w.Copies = append(w.Copies, copied{SQL: s.sql, Path: filepath.Join(out, fmt.Sprintf("%d.parquet", i)), Views: []string{
			view("accounts", "dimensions/accounts/*/*.parquet"), view("skus", "dimensions/skus/*/*.parquet"),
			view("usage", "facts/usage/"+month(i)+"/*/*.parquet")}})
	}

	return w, nil
}

// transform measures the transform step, and the whole run, against bare DuckDB.
func (b *bench) transform(ctx context.Context) error {
	months, rows := b.size(6, 2), b.size(2_000_000, 1_000_000)
	say("transform: %d slices of %d rows", months, rows)
	dir := filepath.Join(b.dir, "transform")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeUsage(ctx, filepath.Join(dir, "warehouse.duckdb"), months, rows); err != nil {
		return err
	}

	for i, q := range queries {
		s := &subject{query: q, name: fmt.Sprintf("query_%d", i+1), dir: dir, months: months}
		if err := b.compare(ctx, s, rows); err != nil {
			return err
		}
	}

	return nil
}

// seconds are the measurements of each repetition, hindcast's and bare DuckDB's, paired.
type seconds struct{ steps, bareSteps, whole, bareWhole, again, bareLoaded []float64 }

// compare alternates hindcast and bare DuckDB on one query.
func (b *bench) compare(ctx context.Context, s *subject, rows int) error {
	if err := os.WriteFile(filepath.Join(s.dir, s.name+".sql"), []byte(s.sql+"\n"), 0o644); err != nil {
		return err
	}

	file, err := s.pipeline(false)
	if err != nil {
		return err
	}
	if _, err := b.hindcastRun(ctx, file); err != nil { // puts the slices into the lake
		return err
	}

	var took seconds
	for range b.size(5, 1) {
		steps, bareSteps, err := b.steps(ctx, s)
		if err != nil {
			return err
		}
		took.steps, took.bareSteps = append(took.steps, steps), append(took.bareSteps, bareSteps)
		if err := b.whole(ctx, s, &took); err != nil {
			return err
		}
	}

	perSecond := func(seconds float64) string {
		return fmt.Sprintf("%.2f", float64(rows*s.months)/seconds/float64(b.threads)/1e6)
	}
	b.ratio("transform step to "+s.query.name+", against bare DuckDB", medianRatio(took.bareSteps, took.steps), 0.95,
		perSecond(median(took.steps))+" against "+perSecond(median(took.bareSteps))+" M rows/s/core")
	b.ratio("whole run to "+s.query.name+", checks and load, against bare DuckDB's COPYs", medianRatio(took.bareWhole, took.whole), 0.85,
		fmt.Sprintf("%.1f s against %.1f s", median(took.whole), median(took.bareWhole)))
	b.peer("the same, bare DuckDB also inserting the results", fmt.Sprintf("%.2f", medianRatio(took.bareLoaded, took.whole)))
	b.peer("the same, over published slices, whose rows are kept and replaced", fmt.Sprintf("%.2f", medianRatio(took.bareWhole, took.again)))

	return nil
}

// steps measures the transform step, slice by slice: in a run of one slice no load runs in parallel.
func (b *bench) steps(ctx context.Context, s *subject) (seconds, bareSeconds float64, err error) {
	plain, err := s.pipeline(false)
	if err != nil {
		return 0, 0, err
	}

	w, err := s.bare(b)
	if err != nil {
		return 0, 0, err
	}

	for i, one := range w.Copies {
		o, err := b.hindcastRun(ctx, plain, "--force", "--slices", month(i)[:7])
		if err != nil {
			return 0, 0, err
		}

		seconds += o.step(hindcast.StepTransform)
		_, each, err := b.bareRun(ctx, work{Settings: w.Settings, Copies: []copied{one}})
		if err != nil {
			return 0, 0, err
		}

		bareSeconds += each[0]
	}

	return seconds, bareSeconds, nil
}

// whole measures whole runs: into a new target, and again over what is published then.
func (b *bench) whole(ctx context.Context, s *subject, took *seconds) error {
	checked, err := s.pipeline(true)
	if err != nil {
		return err
	}

	w, err := s.bare(b)
	if err != nil {
		return err
	}

	first, err := b.hindcastRun(ctx, checked, "--force")
	if err != nil {
		return err
	}

	bareWhole, _, err := b.bareRun(ctx, w)
	if err != nil {
		return err
	}

	again, err := b.hindcastRun(ctx, checked, "--force")
	if err != nil {
		return err
	}

	w.Database = filepath.Join(b.dir, fmt.Sprintf("bare-%s-%d.duckdb", s.name, s.runs))
	bareLoaded, _, err := b.bareRun(ctx, w)
	if err != nil {
		return err
	}

	took.whole, took.bareWhole = append(took.whole, first.wall.Seconds()), append(took.bareWhole, bareWhole)
	took.again, took.bareLoaded = append(took.again, again.wall.Seconds()), append(took.bareLoaded, bareLoaded)
	return os.Remove(w.Database)
}
