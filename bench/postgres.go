package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
)

// narrowColumns are those of transform.go's facts: 10 columns, 126 bytes a row in binary COPY. h gives numbers in no order.
const narrowColumns = `(%[1]s(i * 3) %% 200000)::bigint AS account_id, (%[1]s(i * 5) %% 60000)::bigint AS sku_id,
  DATE '%[2]s' + (%[1]s(i * 7) %% 28)::int AS usage_date,
  'service-' || (%[1]s(i * 11) %% 34) AS service, 'region-' || (%[1]s(i * 13) %% 10) AS region,
  'charge-' || (%[1]s(i * 17) %% 6) AS charge, 'unit-' || (%[1]s(i * 19) %% 12) AS unit,
  ((%[1]s(i * 23) %% 1000000000) / 1000000.0)::numeric(18,6) AS cost,
  ((%[1]s(i * 29) %% 100000) / 1000.0)::numeric(18,6) AS quantity, (%[1]s(i * 31) %% 24)::int AS hours`

// wideColumns are 20 more: 30 columns, about 400 bytes a row.
const wideColumns = narrowColumns + `,
  (%[1]s(i * 37) %% 100000)::bigint AS payer_id, %[1]s(i * 41)::bigint AS line_id, (%[1]s(i * 43) %% 2 = 0) AS taxable,
  TIMESTAMP '2021-01-01' + (%[1]s(i * 47) %% 2419200) * interval '1 second' AS started_at,
  TIMESTAMPTZ '2021-01-01 00:00+00' + (%[1]s(i * 53) %% 2419200) * interval '1 second' AS ended_at,
  ((%[1]s(i * 59) %% 1000000) / 7.0)::numeric(18,9) AS list_price, ((%[1]s(i * 61) %% 1000000) / 11.0)::numeric(18,9) AS discount,
  (%[1]s(i * 67) %% 1000)::double precision / 8 AS weight, (%[1]s(i * 71) %% 1000)::real AS share,
  'arn:aws:resource/' || %[1]s(i * 73) AS resource, 'description of usage type ' || (%[1]s(i * 79) %% 900) AS description,
  'operation-' || (%[1]s(i * 83) %% 300) AS operation, 'zone-' || (%[1]s(i * 89) %% 20) AS zone,
  CASE WHEN i %% 3 = 0 THEN 'tag-' || (%[1]s(i * 97) %% 5000) END AS tag, 'USD' AS currency,
  (%[1]s(i * 101) %% 100)::smallint AS tier, (%[1]s(i * 103) %% 12)::int AS term, md5(i::text)::uuid AS invoice,
  CASE WHEN i %% 5 = 0 THEN %[1]s(i * 107) END AS reservation, 'plan-' || (%[1]s(i * 109) %% 50) AS plan`

// scramble is a hash that every version of PostgreSQL has.
const scramble = `CREATE FUNCTION h(x bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT hashint8(x)::bigint & 2147483647'`

// makeTable makes a month's table with these columns, with its statistics and without work left for the first reader.
func (d *database) makeTable(name, columns string, i, rows int) {
	d.run(fmt.Sprintf("CREATE TABLE %s AS SELECT %s FROM generate_series(%d::bigint, %d) AS r(i)", name,
		fmt.Sprintf(columns, "h", month(i)), i*rows+1, (i+1)*rows), "VACUUM (FREEZE, ANALYZE) "+name, "CHECKPOINT")
}

// moved is one table's way out of PostgreSQL and back.
type moved struct {
	name    string
	table   string // of a month, and named after it
	columns string
	rows    int
	out, in map[string][]float64 // rows a second, by program
}

const (
	ours, extension, connectorx, sling = "hindcast", "DuckDB's extension", "ConnectorX + pyarrow", "sling"
	nowhere, copyFrom                  = "COPY to nowhere, one connection", "server-side COPY FROM a file"
)

// moves measures unloads from PostgreSQL and loads into it, next to programs that do the same.
func (b *bench) moves(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		d := h.postgres()
		d.run(scramble)
		peers, err := b.postgresPeers(ctx)
		if err != nil {
			return err
		}

		rows := b.size(2_000_000, 1_000_000)
		for _, m := range []*moved{{name: "10 columns, 126 bytes", table: "narrow_2021_01", columns: narrowColumns, rows: rows},
			{name: "30 columns, 400 bytes", table: "wide_2021_01", columns: wideColumns, rows: rows / 2}} {
			say("postgres: %d rows of %s", m.rows, m.name)
			d.makeTable(m.table, m.columns, 0, m.rows)
			if err := b.move(d, peers, m); err != nil {
				return err
			}
			b.compareMoves(m)
		}

		return nil
	})
}

// move alternates between all ways of moving the table.
func (b *bench) move(d *database, peers *postgresPeers, m *moved) error {
	m.out, m.in = map[string][]float64{}, map[string][]float64{}
	dir := filepath.Join(b.dir, "moves-"+m.table)
	note := func(of map[string][]float64, who string, seconds float64) {
		of[who] = append(of[who], float64(m.rows)/seconds)
		say("  %s %s: %.2f s", m.table, who, seconds)
	}

	for i := range b.size(7, 2) {
		o, err := b.moveOurs(d, m, filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}

		note(m.out, ours, o.whole(hindcast.StepUnload))
		note(m.in, ours, o.whole(hindcast.StepLoad))
		if err := peers.move(d, m, dir, i == 0, note); err != nil {
			return err
		}
	}

	return os.RemoveAll(dir)
}

// moveOurs takes the table through a run whose SQL changes nothing, into an existing table. The steps are timed with
// everything they do, from the snapshot to the checksum and from the lock to the status row.
func (b *bench) moveOurs(d *database, m *moved, dir string) (*observed, error) {
	file := filepath.Join(dir, "moves.yml")
	text := fmt.Sprintf("pipeline: moves\nwarehouse: %q\nlake: ./lake\nhistory: {from: 2021-01-01, to: 2021-02-01, every: 1 month}\n"+
		"facts: {rows: {table: %q}}\ntransform: {sql: moves.sql, dialect: duckdb}\ntarget: {table: moved, time: usage_date}\nrun: {memory: 4GB}\n",
		d.url, strings.Replace(m.table, "2021_01", "{yyyy}_{mm}", 1))
	if err := writePipeline(file, text, "SELECT * FROM rows"); err != nil {
		return nil, err
	}

	d.run("DROP TABLE IF EXISTS moved", "CREATE TABLE moved (LIKE "+m.table+")", "DROP TABLE IF EXISTS hindcast_status, hindcast_lease", "CHECKPOINT")
	o, err := b.hindcastRun(d.ctx, file)
	if err != nil {
		return nil, err
	}
	if n := o.rows(); n != int64(m.rows) {
		return nil, fmt.Errorf("hindcast moved %d rows of %d", n, m.rows)
	}

	return o, d.compare(m.table, "moved")
}

// compare checks that two tables hold the same number of rows and the same sums.
func (d *database) compare(table, other string) error {
	sums := func(t string) string {
		return strings.Join(d.run("SELECT count(*), sum(account_id), sum(cost), sum(quantity), sum(length(service)) FROM " + t)[0], " ")
	}
	if was, is := sums(table), sums(other); was != is {
		return fmt.Errorf("%s has %s, %s has %s", table, was, other, is)
	}

	return nil
}

// compareMoves adds the rows of the report.
func (b *bench) compareMoves(m *moved) {
	ratio := func(of map[string][]float64, who string) float64 { return medianRatio(of[ours], of[who]) }
	speeds := func(of map[string][]float64, who string) string {
		return fmt.Sprintf("%.2f against %.2f M rows/s", median(of[ours])/1e6, median(of[who])/1e6)
	}
	b.ratio("PostgreSQL to Parquet, "+m.name+", against "+extension, ratio(m.out, extension), 1, speeds(m.out, extension))
	b.ratio("the same against "+sling+" (to CSV)", ratio(m.out, sling), 10, speeds(m.out, sling))
	b.peer("the same against "+connectorx, fmt.Sprintf("%.2f (%s)", ratio(m.out, connectorx), speeds(m.out, connectorx)))
	b.peer("the same against "+nowhere, fmt.Sprintf("%.2f (%s)", ratio(m.out, nowhere), speeds(m.out, nowhere)))
	b.ratio("Parquet to PostgreSQL, "+m.name+", against "+extension, ratio(m.in, extension), 1, speeds(m.in, extension))
	b.ratio("the same against "+copyFrom, ratio(m.in, copyFrom), 0.9, speeds(m.in, copyFrom))
	b.peer("the same against "+sling+" (from CSV)", fmt.Sprintf("%.2f (%s)", ratio(m.in, sling), speeds(m.in, sling)))
}

// medianRatio is the median of the ratios of paired measurements.
func medianRatio(a, b []float64) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		ratios = append(ratios, a[i]/b[i])
	}
	return median(ratios)
}
