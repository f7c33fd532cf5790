//go:build unix

package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// several are options under which an unload uses several connections however few cores there are.
func several(url string) postgres.Options { return postgres.Options{URL: url, Threads: 3} }

func extract(t *testing.T, w warehouse.Warehouse, table, column string, in hindcast.Interval) warehouse.Extract {
	t.Helper()
	tables, err := w.Describe(t.Context(), []string{table})
	if err != nil {
		t.Fatal(err)
	}
	return warehouse.Extract{Table: table, Columns: tables[table].Columns, Time: column, Window: in, TimeZone: "UTC"}
}

func unload(t *testing.T, w warehouse.Warehouse, x warehouse.Extract) warehouse.Unloaded {
	t.Helper()
	out, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// events has 250,000 rows of 2020, in an order that has nothing to do with time, with holes and moved rows.
const events = `
CREATE TABLE events (id bigint, at timestamp, day date, z timestamptz, n numeric(18,2), note text);
INSERT INTO events SELECT i, at, at, at AT TIME ZONE 'UTC', (i % 1000) / 100.0, repeat('x', 20 + (i % 40)::int)
  FROM (SELECT i, TIMESTAMP '2020-01-01' + (i * 7919 % 366) * interval '1 day' + (i % 86400) * interval '1 second' AS at FROM generate_series(1, 260000::bigint) i) g;
DELETE FROM events WHERE id % 5 = 0 OR id < 10000;
UPDATE events SET n = n + 1 WHERE id % 3 = 0;
INSERT INTO events SELECT id + 1000000, at, day, z, n, note FROM events WHERE id % 4 = 0;
ANALYZE events;`

// Every row comes exactly once, however the table is divided and whatever shape it has.
func TestUnloadsAreWhole(t *testing.T) {
	c, url := database(t, events+`
		CREATE TABLE indexed AS TABLE events; CREATE INDEX ON indexed (at); CREATE INDEX ON indexed (day); ANALYZE indexed;
		CREATE TABLE parted (LIKE events) PARTITION BY RANGE (at);
		CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2020-04-01');
		CREATE TABLE parted_2 (note text, n numeric(18,2), z timestamptz, day date, at timestamp, id bigint);
		ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM ('2020-04-01') TO ('2020-12-01');
		CREATE TABLE parted_3 PARTITION OF parted DEFAULT PARTITION BY HASH (id);
		CREATE TABLE parted_3a PARTITION OF parted_3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE parted_3b PARTITION OF parted_3 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO parted SELECT * FROM events; ANALYZE parted;
		CREATE TABLE parent (LIKE events); CREATE TABLE child () INHERITS (parent);
		INSERT INTO parent SELECT * FROM events WHERE id % 2 = 0; INSERT INTO child SELECT * FROM events WHERE id % 2 = 1; ANALYZE parent; ANALYZE child;
		CREATE VIEW seen AS SELECT * FROM indexed; CREATE MATERIALIZED VIEW kept AS TABLE events; ANALYZE kept;
		CREATE VIEW joined AS SELECT e.* FROM events e JOIN (VALUES (0), (1)) v(k) ON e.id % 2 = v.k`)
	if c.Version(t) >= 18 {
		c.Exec(t, url, "ALTER TABLE events ADD COLUMN computed bigint GENERATED ALWAYS AS (id * 2) VIRTUAL")
	}
	c.Exec(t, url, foreign(warehousetest.Text(c.Exec(t, url, "SELECT current_database()")), c))
	w := open(t, several(url))
	spring := hindcast.Interval{Start: time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)}
	week := hindcast.Interval{Start: spring.Start, End: spring.Start.AddDate(0, 0, 7)}
	for _, table := range []string{"events", "indexed", "parted", "parent", "seen", "kept", "joined", "far", "file", "mixed"} {
		for _, cut := range []struct {
			column string
			in     hindcast.Interval
		}{{"", hindcast.Interval{}}, {"at", spring}, {"day", spring}, {"z", spring}, {"at", week}} {
			x := extract(t, w, table, cut.column, cut.in)
			where := "true"
			if cut.column != "" {
				where = fmt.Sprintf("at >= '%s' AND at < '%s'", cut.in.Start.Format("2006-01-02"), cut.in.End.Format("2006-01-02"))
			}
			out := unload(t, w, x)
			got := fmt.Sprintf("%d,%s,%s", out.Sums.Rows, out.Sums.Totals["id"], out.Sums.Totals["n"])
			want := warehousetest.Text(c.Exec(t, url, "SELECT count(*), sum(id), sum(n) FROM events WHERE "+where))
			if got != want {
				t.Errorf("%s by %q: got %s, want %s", table, cut.column, got, want)
			}
			if sum, err := w.Sum(t.Context(), x); err != nil || !sum.Agrees(out.Sums) {
				t.Errorf("%s by %q: Sum gives %+v, %v", table, cut.column, sum, err)
			}
			if held := warehousetest.Sums(t, out.Columns, paths(out.Files)); held.Rows != out.Sums.Rows || held.Totals["id"] != out.Sums.Totals["id"] {
				t.Errorf("%s by %q: the files hold %+v", table, cut.column, held)
			}
		}
	}
}

// foreign makes tables of rows that lie elsewhere: behind a server, in a file, and in one partition of several.
func foreign(database string, c *pgtest.Cluster) string {
	return fmt.Sprintf(`CREATE EXTENSION postgres_fdw; CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
		CREATE SERVER near FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%d', dbname '%s'); CREATE USER MAPPING FOR CURRENT_USER SERVER near;
		CREATE FOREIGN TABLE far (id bigint, at timestamp, day date, z timestamptz, n numeric(18,2), note text) SERVER near OPTIONS (table_name 'indexed');
		COPY events TO '%[1]s/%[3]s.csv' (FORMAT csv);
		CREATE FOREIGN TABLE file (id bigint, at timestamp, day date, z timestamptz, n numeric(18,2), note text) SERVER files OPTIONS (filename '%[1]s/%[3]s.csv', format 'csv');
		CREATE TABLE mixed (LIKE events) PARTITION BY RANGE (at); CREATE TABLE mixed_1 PARTITION OF mixed FOR VALUES FROM ('2020-04-01') TO (MAXVALUE);
		INSERT INTO mixed SELECT * FROM events WHERE at >= '2020-04-01'; CREATE VIEW before_april AS SELECT * FROM events WHERE at < '2020-04-01';
		CREATE FOREIGN TABLE mixed_2 PARTITION OF mixed FOR VALUES FROM (MINVALUE) TO ('2020-04-01') SERVER near OPTIONS (table_name 'before_april'); ANALYZE mixed_1`,
		c.Dir, c.Port, database)
}

func paths(files []hindcast.File) []string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = f.Path
	}
	return list
}

// All connections of an unload see one state: rows wander about the table and money between them meanwhile, and neither is
// ever lost or doubled.
func TestAnUnloadSeesOneState(t *testing.T) {
	_, url := database(t, `CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint, filler text) WITH (fillfactor = 60);
		INSERT INTO accounts SELECT i, 1000, repeat('x', 50) FROM generate_series(1, 210000) i; ANALYZE accounts`)
	w := open(t, several(url))
	x := extract(t, w, "accounts", "", hindcast.Interval{})
	conn, stop, ended := pgtest.Connect(t, url), make(chan struct{}), make(chan error, 1)
	go func() { ended <- wander(t, conn, stop) }()
	for range 3 {
		out := unload(t, w, x)
		if out.Sums.Rows != 210000 || out.Sums.Totals["balance"] != "210000000" {
			t.Errorf("got %+v", out.Sums)
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// wander moves rows and money in transactions, from one end of the table to the other.
func wander(t *testing.T, conn *pgconn.PgConn, stop chan struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		a, b := i*997%210000+1, i*31%210000+1
		if a == b {
			continue
		}
		_, err := conn.Exec(t.Context(), fmt.Sprintf(`BEGIN; UPDATE accounts SET balance = balance - 7 WHERE id = %d; UPDATE accounts SET balance = balance + 7 WHERE id = %d;
			WITH gone AS (DELETE FROM accounts WHERE id = %[1]d RETURNING *) INSERT INTO accounts SELECT id + 1000000, balance, filler FROM gone;
			WITH gone AS (DELETE FROM accounts WHERE id = %[1]d + 1000000 RETURNING *) INSERT INTO accounts SELECT id - 1000000, balance, filler FROM gone; COMMIT`,
			a, b)).ReadAll()
		if err != nil {
			return err
		}
	}
}

// The server's log tells by how many connections, and by what, tables were divided.
func TestHowUnloadsAreDivided(t *testing.T) {
	c := pgtest.Start(t, "", "log_statement=all", "log_line_prefix='%p '")
	url := c.Database(t)
	c.Exec(t, url, events+`CREATE INDEX ON events (at); ANALYZE events; CREATE TABLE plain AS TABLE events; ANALYZE plain; CREATE TABLE small AS SELECT * FROM events LIMIT 1000; ANALYZE small;
		CREATE ROLE limited LOGIN; CREATE TABLE secured AS TABLE events; ANALYZE secured; ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
		CREATE POLICY half ON secured USING (id % 2 = 0); GRANT SELECT ON secured TO limited`)
	w := open(t, several(url))
	limited := open(t, several(strings.Replace(url, "postgres@", "limited@", 1)))
	indexes := open(t, several(url+"&enable_seqscan=off"))
	year := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)}
	all := hindcast.Interval{}
	pages, byPages := 2, "ctid"
	if c.Version(t) < 14 { // which reads all pages before a range
		pages, byPages = 1, ""
	}
	for _, s := range []struct {
		name, table, column string
		w                   warehouse.Warehouse
		in                  hindcast.Interval
		sessions            int
		by                  string
	}{
		{"small", "small", "", w, all, 1, ""},
		{"whole", "plain", "", w, all, pages, byPages},
		{"a time without an index", "plain", "day", w, year, pages, byPages},
		{"a time with an index that serves", "events", "at", indexes, year, 2, "at"},
		{"rows hidden by policies", "secured", "", limited, all, 1, ""},
	} {
		before := len(c.Log())
		out := unload(t, s.w, extract(t, s.w, s.table, s.column, s.in))
		sessions := map[string]bool{}
		by := ""
		for line := range strings.Lines(c.Log()[before:]) {
			if pid, statement, _ := strings.Cut(line, " "); strings.Contains(statement, "COPY (SELECT") {
				sessions[pid] = true
				switch {
				case strings.Contains(statement, "ctid"):
					by = "ctid"
				case strings.Count(statement, `"at" >=`) == 2: // the window and a part of it
					by = "at"
				}
			}
		}
		if len(sessions) != s.sessions || by != s.by || out.Sums.Rows == 0 {
			t.Errorf("%s: %d sessions by %q, want %d by %q", s.name, len(sessions), by, s.sessions, s.by)
		}
	}
}

// Civil columns are cut by the reading of the pipeline's clock, instants by the instants.
func TestWindowsInATimeZone(t *testing.T) {
	_, url := database(t, `CREATE TABLE v (i int, day date, at timestamp, z timestamptz);
		INSERT INTO v VALUES (1, '2020-03-28', '2020-03-28 23:30:00', '2020-03-28 23:30:00+00'), (2, '2020-03-29', '2020-03-29 00:00:00', '2020-03-28 23:00:00+00'),
			(3, '2020-03-29', '2020-03-29 23:59:59.999999', '2020-03-29 21:59:59.999999+00'), (4, '2020-03-30', '2020-03-30 00:00:00', '2020-03-29 22:00:00+00')`)
	w := open(t, postgres.Options{URL: url})
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := hindcast.Interval{Start: time.Date(2020, 3, 29, 0, 0, 0, 0, berlin), End: time.Date(2020, 3, 30, 0, 0, 0, 0, berlin)} // of 23 hours
	for column, want := range map[string]string{"day": "5", "at": "5", "z": "6"} {
		x := extract(t, w, "v", column, day)
		x.TimeZone = "Europe/Berlin"
		if got := unload(t, w, x).Sums.Totals["i"]; got != want {
			t.Errorf("%s: the rows sum to %s, want %s", column, got, want)
		}
	}
}

// What has no type in the lake is carried as its text where that is asked for, through several connections as well.
func TestUnloadAsText(t *testing.T) {
	_, url := database(t, `CREATE TABLE v (id integer, n numeric, doc jsonb);
		INSERT INTO v SELECT i, CASE i WHEN 0 THEN 'NaN' ELSE i / 3.0 END, jsonb_build_object('i', i) FROM generate_series(0, 200000) i; ANALYZE v`)
	w := open(t, several(url))
	x := extract(t, w, "v", "", hindcast.Interval{})
	for i := 1; i < 3; i++ {
		x.Columns[i].Type, x.Columns[i].Text = "VARCHAR", true
	}
	out := unload(t, w, x)
	if held := warehousetest.Sums(t, out.Columns, paths(out.Files)); held.Rows != 200001 || !out.Columns[1].Text || out.Columns[1].Type != "VARCHAR" {
		t.Errorf("%+v of %+v", held, out.Columns)
	}
	if again, err := w.Sum(t.Context(), x); err != nil || !again.Agrees(out.Sums) {
		t.Errorf("Sum gives %+v, %v; the unload %+v", again, err, out.Sums)
	}
}

// A column that changed since the plan was made is not read as what it was.
func TestAColumnThatChangedIsRefused(t *testing.T) {
	c, url := database(t, "CREATE TABLE v (a integer, b point, c numeric); INSERT INTO v VALUES (1)")
	w := open(t, postgres.Options{URL: url})
	x := extract(t, w, "v", "", hindcast.Interval{})
	for table, code := range map[string]hindcast.Code{"v": hindcast.EType, "nowhere": hindcast.ETableMissing} {
		_, err := w.Unload(t.Context(), warehouse.Unload{Extract: warehouse.Extract{Table: table, Columns: x.Columns[2:]}, Dir: t.TempDir()})
		if e := hindcast.AsError(err); e == nil || e.Code != code || e.Class != hindcast.ClassPermanent {
			t.Errorf("%s: got %v, want %s", table, err, code)
		}
	}
	x.Columns = x.Columns[:1]
	c.Exec(t, url, "ALTER TABLE v ALTER COLUMN a TYPE bigint")
	_, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EPlanChanged || !strings.Contains(e.Message, `"a"`) {
		t.Errorf("got %v", err)
	}
}

// With one connection allowed, everything still works, one after the other.
func TestOneConnectionIsEnough(t *testing.T) {
	c, url := database(t, events)
	o := several(url + "&max_connections=1")
	w := open(t, o)
	x := extract(t, w, "events", "", hindcast.Interval{})
	errs := make(chan error, 3)
	for range cap(errs) {
		dir := t.TempDir()
		go func() {
			_, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: dir})
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hindcast'")); got != "1" {
		t.Errorf("%s connections", got)
	}
	if n := w.Properties().Unloads; n != 1 {
		t.Errorf("%d unloads at the same time", n)
	}
}

// A role that may have fewer connections than the pool would take works with those, and no work fails of it.
func TestARolesOwnLimitIsKept(t *testing.T) {
	c, url := database(t, events)
	for _, limit := range []string{"1", "2"} {
		role := "limited_" + limit + "_" + warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
		c.Exec(t, url, "CREATE ROLE "+role+" LOGIN CONNECTION LIMIT "+limit+"; GRANT SELECT ON events TO "+role+"; CREATE SCHEMA "+role+" AUTHORIZATION "+role)
		w := open(t, several(strings.Replace(url, "postgres@", role+"@", 1)+"&search_path="+role+",public"))
		x := extract(t, w, "events", "", hindcast.Interval{})
		prepare(t, w, 1)
		errs := make(chan error, 6)
		for i := range cap(errs) {
			dir := t.TempDir()
			go func() {
				if i%2 == 0 {
					_, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: dir})
					errs <- err
					return
				}
				l := january("r", 1)
				l.Hooks.Before = []string{"SELECT 1"} // whose session is not used again
				_, err := l.Into(t.Context(), w)
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("limit %s: %v", limit, err)
			}
		}
	}
}

// A replica serves as source, with several connections, and not as target.
func TestAReplicaIsASource(t *testing.T) {
	c := pgtest.Start(t, "", "log_statement=all", "log_line_prefix='%p '")
	c.Exec(t, c.URL("postgres"), events+"CREATE INDEX ON events (at); ANALYZE events")
	replica := c.Replica(t)
	w := open(t, several(replica.URL("postgres")+"&enable_seqscan=off"))
	all := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)}
	out := unload(t, w, extract(t, w, "events", "at", all))
	want := warehousetest.Text(c.Exec(t, c.URL("postgres"), "SELECT count(*), sum(id) FROM events"))
	if got := fmt.Sprintf("%d,%s", out.Sums.Rows, out.Sums.Totals["id"]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.Contains(replica.Log(), "SET TRANSACTION SNAPSHOT") {
		t.Error("the replica was read by one connection")
	}
	err := w.Prepare(t.Context(), "p", hindcast.Target{Table: "result", Time: "day"}, []hindcast.Column{{Name: "day", Type: "DATE"}}, warehouse.Claim{Fence: 1})
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Message, "replica") {
		t.Errorf("got %v", err)
	}
	if rows, err := w.Committed(t.Context(), "p", false); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
}

// A query that a replica cancels because the rows that it reads have gone on the primary costs an attempt.
func TestAReplicaThatCancels(t *testing.T) {
	c := pgtest.Start(t, "", "max_standby_streaming_delay=0", "autovacuum=off")
	primary := c.URL("postgres")
	c.Exec(t, primary, `CREATE TABLE source AS SELECT i FROM generate_series(1, 50000) i;
		CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF i = 40000 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN i; END';
		CREATE VIEW slowly AS SELECT slow(i) AS i FROM source`)
	replica := c.Replica(t).URL("postgres")
	w := open(t, postgres.Options{URL: replica})
	x := extract(t, w, "slowly", "", hindcast.Interval{})
	holder := pgtest.Connect(t, replica)
	pgtest.Query(t, holder, "SELECT pg_advisory_lock(7)")
	ended := make(chan error, 1)
	dir := t.TempDir()
	go func() {
		_, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: dir})
		ended <- err
	}()
	await(t, holder, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7")
	c.Exec(t, primary, "DELETE FROM source WHERE i > 45000")
	c.Exec(t, primary, "VACUUM source")
	e := hindcast.AsError(<-ended)
	if e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, "conflict with recovery") {
		t.Errorf("got %v", e)
	}
	pgtest.Query(t, holder, "SELECT pg_advisory_unlock_all()")
	now := warehousetest.Text(c.Exec(t, primary, "SELECT pg_current_wal_lsn()"))
	await(t, holder, "SELECT count(*) FROM (SELECT pg_last_wal_replay_lsn() >= '"+now+"' AS all_of_it) r WHERE all_of_it") // nothing else can conflict
	if out := unload(t, w, x); out.Sums.Rows != 45000 {
		t.Errorf("%d rows", out.Sums.Rows)
	}
}
