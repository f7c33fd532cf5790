//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// waiting is 1 when a session of hindcast waits for a table's lock.
const waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hindcast' AND wait_event_type = 'Lock'"

// Who waits for a table that somebody else fills again reads what is there afterwards, and not the nothing that an older
// snapshot sees.
func TestASourceThatIsFilledAnewMeanwhile(t *testing.T) {
	const refill = "INSERT INTO source SELECT DATE '2020-01-01' + i, i, 'new' FROM generate_series(0, 29) i"
	const create = "CREATE TABLE source (day date, n bigint, note text); INSERT INTO source SELECT DATE '2020-01-01' + i, i, 'old' FROM generate_series(0, 19) i; "
	const parted = "CREATE TABLE source (day date, n bigint, note text) PARTITION BY RANGE (day); CREATE TABLE part PARTITION OF source FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); " +
		"INSERT INTO source SELECT DATE '2020-01-01' + i, i, 'old' FROM generate_series(0, 19) i; "
	for name, s := range map[string]struct{ create, table, change string }{
		"truncated":             {create, "source", "TRUNCATE source; " + refill},
		"a partition truncated": {parted, "source", "TRUNCATE part; " + refill},
		"a partition exchanged": {parted, "source", "CREATE TABLE other (LIKE source); ALTER TABLE source DETACH PARTITION part; " +
			"ALTER TABLE source ATTACH PARTITION other FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); " + refill},
		"renamed":                           {create, "source", "ALTER TABLE source RENAME TO gone; CREATE TABLE source (LIKE gone); " + refill},
		"behind a view":                     {create + "CREATE VIEW seen AS SELECT * FROM source", "seen", "TRUNCATE source; " + refill},
		"of which some columns may be read": {create + "DO 'BEGIN CREATE ROLE reader_of_some; EXCEPTION WHEN duplicate_object THEN NULL; END'; GRANT SELECT (day, n) ON source TO reader_of_some", "source", "TRUNCATE source; " + refill},
		"a materialised view":               {create + "CREATE MATERIALIZED VIEW kept AS SELECT * FROM source; DELETE FROM source; " + refill, "kept", "REFRESH MATERIALIZED VIEW kept"},
	} {
		for what, read := range reads {
			if what != "unload" && !strings.HasSuffix(name, "truncated") {
				continue
			}
			t.Run(name+", "+what, func(t *testing.T) {
				_, url := database(t, s.create)
				o := postgres.Options{URL: url}
				if strings.Contains(s.create, "reader_of_some") {
					o.Session = []string{"SET ROLE reader_of_some"}
				}
				w := open(t, o)
				x := extract(t, w, s.table, "day", warehousetest.January)
				holder := pgtest.Connect(t, url)
				pgtest.Query(t, holder, "BEGIN; "+s.change)

				type answer struct {
					rows int64
					err  error
				}
				answers := make(chan answer, 1)
				go func() {
					rows, err := read(context.WithoutCancel(t.Context()), t, w, x)
					answers <- answer{rows, err}
				}()
				await(t, pgtest.Connect(t, url), waiting)
				pgtest.Query(t, holder, "COMMIT")
				if got := <-answers; got.err != nil || got.rows != 30 {
					t.Errorf("%d rows, %v", got.rows, got.err)
				}
			})
		}
	}
}

// reads are the ways in which a table is read; each gives the number of rows.
var reads = map[string]func(context.Context, *testing.T, *postgres.Owner, warehouse.Extract) (int64, error){
	"unload": func(ctx context.Context, t *testing.T, w *postgres.Owner, x warehouse.Extract) (int64, error) {
		out, err := w.Unload(ctx, warehouse.Unload{Extract: x, Dir: t.TempDir()})
		return out.Sums.Rows, err
	},
	"sum": func(ctx context.Context, _ *testing.T, w *postgres.Owner, x warehouse.Extract) (int64, error) {
		sums, err := w.Sum(ctx, x)
		return sums.Rows, err
	},
	"published": func(ctx context.Context, _ *testing.T, w *postgres.Owner, x warehouse.Extract) (int64, error) {
		sums, err := w.Published(ctx, warehouse.Published{Target: hindcast.Target{Table: x.Table, Time: "day"}, Columns: x.Columns,
			Intervals: []hindcast.Interval{warehousetest.January}})
		return sums[0].Rows, err
	},
}

// Another server's locks cannot be taken from here: there the rows are counted afterwards, and read again if need be.
func TestAForeignSourceThatIsFilledAnewMeanwhile(t *testing.T) {
	c, far := database(t, "CREATE TABLE source (day date, n bigint); INSERT INTO source SELECT '2020-01-05', i FROM generate_series(1, 20) i")
	_, near := database(t, "CREATE EXTENSION postgres_fdw")
	there := warehousetest.Text(c.Exec(t, far, "SELECT current_database()"))
	c.Exec(t, near, fmt.Sprintf("CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%d', dbname '%s'); "+
		"CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user '%s'); CREATE FOREIGN TABLE source (day date, n bigint) SERVER far", c.Dir, c.Port, there, pgtest.User))
	w := open(t, postgres.Options{URL: near})
	x := extract(t, w, "source", "day", warehousetest.January)
	holder := pgtest.Connect(t, far)
	pgtest.Query(t, holder, "BEGIN; TRUNCATE source; INSERT INTO source SELECT '2020-01-05', i FROM generate_series(1, 30) i")

	rows, failed := make(chan int64, 1), make(chan error, 1)
	go func() {
		out, err := w.Unload(context.WithoutCancel(t.Context()), warehouse.Unload{Extract: x, Dir: t.TempDir()})
		rows <- out.Sums.Rows
		failed <- err
	}()
	await(t, pgtest.Connect(t, far), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
	pgtest.Query(t, holder, "COMMIT")
	if n, err := <-rows, <-failed; err != nil || n != 30 {
		t.Errorf("%d rows, %v", n, err)
	}
}
