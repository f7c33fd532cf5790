package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A wide table, like a cloud bill: 93 columns, of which the query reads 8.
const (
	billColumns = 93
	wideMonths  = 12
	wideSQL     = `SELECT date_trunc('month', usage_date)::DATE AS usage_month, account_id, service, count(DISTINCT region) AS regions, max(charge) AS charge,
  sum(cost) AS cost, sum(quantity) AS quantity, count(*) FILTER (WHERE usage_hours > 12) AS long
FROM usage GROUP BY ALL`
	wideRead = "usage_date, account_id, service, region, charge, cost, quantity, usage_hours"
)

// wideFacts is the table: the columns that are read, and others of texts, numbers and times, a third of them NULL.
func wideFacts(rows int) string {
	columns := []string{"DATE '2021-01-01' + (hash(i) % 365)::INTEGER AS usage_date", "'account-' || hash(i, 1) % 500 AS account_id",
		"'service-' || hash(i, 2) % 34 AS service", "'region-' || hash(i, 3) % 10 AS region", "'charge-' || hash(i, 4) % 6 AS charge",
		"((hash(i, 5) % 1000000000) / 1000000.0)::DECIMAL(18,6) AS cost", "((hash(i, 6) % 100000) / 1000.0)::DECIMAL(18,6) AS quantity",
		"(hash(i, 7) % 24)::INTEGER AS usage_hours"}

	kinds := []string{"'resource-' || hash(i, %[1]d) %% 50000", "((hash(i, %[1]d) %% 1000000) / 1000.0)::DECIMAL(18,6)", "'tag-' || hash(i, %[1]d) %% 40",
		"TIMESTAMP '2021-01-01' + INTERVAL 1 HOUR * (hash(i, %[1]d) %% 8760)", "(hash(i, %[1]d) %% 1000)::BIGINT", "CASE WHEN i < 0 THEN 'never' END"}
	for n := len(columns); n < billColumns; n++ {
		columns = append(columns, fmt.Sprintf(kinds[n%len(kinds)]+" AS column_%[1]d", n))
	}

	return fmt.Sprintf("CREATE TABLE usage AS SELECT %s FROM range(%d) AS r(i)", strings.Join(columns, ", "), rows)
}

func widePipeline(name, columns string) string {
	return fmt.Sprintf(`pipeline: %[1]s
warehouse: duckdb:warehouse.duckdb
lake: ./lake
history: {from: 2021-01-01, to: 2022-01-01, every: 1 month}
facts:
  usage: {table: usage, time: usage_date%[2]s}
transform: {sql: wide.sql}
target: {table: %[1]s, time: usage_month, key: [usage_month, account_id, service]}
checks:
  - total: {of: cost, equals: "SELECT SUM(cost) FROM usage", within: 0}
`, name, columns)
}

// wide measures unloading and computing a wide table: with the columns that are read, with all of them, and with a loop
// of bare DuckDB over a hand-written list of columns. CPU seconds, of all processes.
func (b *bench) wide(ctx context.Context) error {
	rows := b.size(1_000_000, 200_000)
	say("wide: %d rows of %d columns", rows, billColumns)
	dir := filepath.Join(b.dir, "wide")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeDatabase(ctx, filepath.Join(dir, "warehouse.duckdb"), wideFacts(rows)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "wide.sql"), []byte(wideSQL+"\n"), 0o644); err != nil {
		return err
	}

	seconds := map[string]float64{}
	for name, columns := range map[string]string{"narrow": ", columns: used", "whole": ""} {
		file := filepath.Join(dir, name+".yml")
		if err := os.WriteFile(file, []byte(widePipeline(name, columns)), 0o644); err != nil {
			return err
		}

		o, err := b.hindcastRun(ctx, file)
		if err != nil {
			return err
		}

		seconds[name] = o.cpu.Seconds()
	}

	bare, err := b.bareWide(ctx, dir)
	if err != nil {
		return err
	}

	text := fmt.Sprintf("%.1f against %%.1f CPU s", seconds["narrow"])
	b.most(fmt.Sprintf("%d columns, the SQL reads 8: columns: used, against all columns", billColumns), seconds["narrow"]/seconds["whole"], 0.4, fmt.Sprintf(text, seconds["whole"]))
	b.peer("the same against a loop of bare DuckDB over these 8, which compares nothing", fmt.Sprintf("%.2f (%s)", seconds["narrow"]/bare, fmt.Sprintf(text, bare)))
	return nil
}

// bareWide is the loop that people write: a month's columns to Parquet, the SQL over that, the result into the
// database.
func (b *bench) bareWide(ctx context.Context, dir string) (cpu float64, err error) {
	out := filepath.Join(dir, "bare")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}

	w := work{Database: filepath.Join(dir, "warehouse.duckdb"), Settings: []string{"SET preserve_insertion_order=false", fmt.Sprintf("SET threads=%d", b.threads),
		"ATTACH '" + filepath.Join(dir, "warehouse.duckdb") + "' AS warehouse"}}
	for i := range wideMonths {
		unloaded := filepath.Join(out, fmt.Sprintf("usage-%d.parquet", i))
		w.Copies = append(w.Copies, copied{SQL: wideSQL, Path: filepath.Join(out, fmt.Sprintf("result-%d.parquet", i)), Views: []string{
			fmt.Sprintf("COPY (SELECT %s FROM warehouse.usage WHERE usage_date >= '%s' AND usage_date < '%s') TO '%s' (FORMAT parquet, COMPRESSION snappy)",
				wideRead, month(i), month(i+1), unloaded),
			"CREATE OR REPLACE VIEW usage AS SELECT * FROM read_parquet('" + unloaded + "')"}})
	}

	s, _, err := b.bareProcess(ctx, w)
	return s.Seconds, err
}
