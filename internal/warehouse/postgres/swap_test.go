//go:build unix

package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// partitioned are the suite's targets with a partition for each slice.
const partitioned = `
CREATE TABLE result (day date, total numeric(38,6)) PARTITION BY RANGE (day);
CREATE TABLE result_2020_01 PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE result_2020_02 PARTITION OF result FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE TABLE result_2020_03 PARTITION OF result FOR VALUES FROM ('2020-03-01') TO ('2020-04-01');
CREATE TABLE result_2020_04 PARTITION OF result FOR VALUES FROM ('2020-04-01') TO ('2020-05-01');
CREATE TABLE another (day date, total numeric(38,6)) PARTITION BY RANGE (day);
CREATE TABLE another_2020_01 PARTITION OF another FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE another_2020_02 PARTITION OF another FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
CREATE INDEX ON result (day); CREATE INDEX ON another (day);`

func TestConformanceOfPartitions(t *testing.T) {
	warehousetest.Run(t, func(t *testing.T) *warehousetest.World {
		w := world(t)
		w.Exec(t, partitioned)
		return w
	})
}

// divided is a target with partitions of two months and 20 rows in January.
const divided = `
CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day);
CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE TABLE february PARTITION OF result FOR VALUES FROM ('2020-02-01') TO ('2020-03-01');
INSERT INTO result SELECT DATE '2020-01-05', n FROM generate_series(1, 20) n; INSERT INTO result VALUES ('2020-02-03', 1);`

// thirty is a load of 30 rows into January.
func thirty(t *testing.T, run string, fence int64) warehousetest.Load {
	return filled(t, january(run, fence), "SELECT DATE '2020-01-07' AS day, range AS n FROM range(30)")
}

// shape is all that a partition has, with its name as "it".
const shape = `
SELECT replace(string_agg(said, E'\n' ORDER BY place, said), (SELECT relname FROM pg_class WHERE oid = %[1]s), 'it') FROM (
  SELECT 1, concat_ws(' ', relowner::regrole, reloptions, (SELECT reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid), pg_get_expr(relpartbound, oid), obj_description(oid, 'pg_class'), relispartition)
    FROM pg_class c WHERE oid = %[1]s
  UNION ALL SELECT 2, concat_ws(' ', attname, atttypid::regtype, atttypmod, attnotnull, attstattarget, attoptions, attstorage, attcompression, attgenerated, col_description(attrelid, attnum),
      (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)) FROM pg_attribute WHERE attrelid = %[1]s AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT 3, concat_ws(' ', regexp_replace(pg_get_indexdef(indexrelid), '^.* USING', CASE WHEN indisunique THEN 'UNIQUE' ELSE '' END),
      (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = indexrelid)) FROM pg_index WHERE indrelid = %[1]s
  UNION ALL SELECT 4, concat_ws(' ', CASE WHEN contype = 'c' THEN conname END, contype, pg_get_constraintdef(oid), conislocal, coninhcount) FROM pg_constraint WHERE conrelid = %[1]s
  UNION ALL SELECT 5, concat_ws(' ', grantee::regrole, privilege_type, is_grantable AND grantee <> relowner) FROM pg_class, aclexplode(relacl) WHERE oid = %[1]s
  UNION ALL SELECT 6, pg_get_statisticsobjdef_columns(oid) FROM pg_statistic_ext WHERE stxrelid = %[1]s
  UNION ALL SELECT 7, concat_ws(' ', tgname, tgenabled, pg_get_triggerdef(oid) LIKE '%%UPDATE%%') FROM pg_trigger WHERE tgrelid = %[1]s AND NOT tgisinternal
) each(place, said)`

func shapeOf(t *testing.T, c *pgtest.Cluster, url, oid string) string {
	t.Helper()
	return warehousetest.Text(c.Exec(t, url, fmt.Sprintf(shape, oid)))
}

// of is the partition that has January, as an oid.
func of(t *testing.T, c *pgtest.Cluster, url string) string {
	t.Helper()
	return warehousetest.Text(c.Exec(t, url, "SELECT inhrelid FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'result'::regclass AND pg_get_expr(relpartbound, inhrelid) LIKE '%2020-01-01%'"))
}

// A slice that is exactly one partition is exchanged: what takes its place is as the old one was in everything, has frozen rows and no
// dead ones, is indexed and analysed, was not scanned by ATTACH, and goes on being exchanged.
func TestAPartitionIsExchanged(t *testing.T) {
	c, url := database(t, `
CREATE TABLE result (id bigint NOT NULL DEFAULT 7, day date NOT NULL, n bigint CHECK (n >= 0), "od d" text COLLATE "C" DEFAULT 'x', twice bigint GENERATED ALWAYS AS (n * 2) STORED,
  PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
CREATE INDEX ON result (n) INCLUDE (id) WHERE n > 3; CREATE UNIQUE INDEX ON result (day, n, lower("od d"));
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted BEFORE UPDATE ON result FOR EACH ROW EXECUTE FUNCTION nothing();
CREATE TABLE january ("od d" text COLLATE "C" DEFAULT 'y', gone int, day date NOT NULL, n bigint NOT NULL CONSTRAINT of_its_own CHECK (n < 1000000), id bigint NOT NULL DEFAULT 7, twice bigint GENERATED ALWAYS AS (n * 2) STORED,
  CONSTRAINT result_n_check CHECK (n >= 0)) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.3, toast.autovacuum_enabled = false);
ALTER TABLE january DROP COLUMN gone; ALTER TABLE result ATTACH PARTITION january FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
CREATE INDEX "its own ""index""" ON january USING hash (id) WITH (fillfactor = 50); CREATE STATISTICS both_of ON n, id FROM january;
ALTER TABLE january ALTER n SET STATISTICS 77, ALTER id SET (n_distinct = -0.5), ALTER "od d" SET STORAGE EXTERNAL;
COMMENT ON TABLE january IS 'it''s January'; COMMENT ON COLUMN january."od d" IS 'an odd one';
INSERT INTO result (day, n) SELECT '2020-01-05', n FROM generate_series(1, 20) n`)
	role, _ := ordinary(t, c, url)
	c.Exec(t, url, "GRANT SELECT, INSERT ON january TO "+role+" WITH GRANT OPTION; GRANT SELECT ON january TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO PUBLIC; ALTER TABLE january OWNER TO "+role+"; GRANT CREATE ON SCHEMA public TO "+role)

	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	was, before := of(t, c, url), shapeOf(t, c, url, of(t, c, url))
	for _, run := range []string{"r1", "r2"} {
		committed, err := thirty(t, run, 1).Into(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		is := of(t, c, url)
		if is == was {
			advice, err := w.Advise(t.Context(), nil, target)
			t.Fatal("the partition is still the old one", advice, err)
		}
		if after := shapeOf(t, c, url, is); after != before {
			t.Errorf("%s: got\n%s\nwant\n%s", run, after, before)
		}
		sameAsPublished(t, w, columns, committed)
		if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*), sum(n), sum(twice), min(id), min(\"od d\") FROM result")); got != "30,435,870,7,y" {
			t.Errorf("%s: the target has %s", run, got)
		}
		if got := warehousetest.Text(c.Exec(t, url, "SELECT reltuples, relallvisible > 0, (SELECT count(*) FROM pg_stats WHERE tablename = relname) > 3 FROM pg_class WHERE oid = "+is)); got != "30,t,t" {
			t.Errorf("%s: rows, frozen, analysed: %s", run, got)
		}
		if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*), count(*) FILTER (WHERE relispartition), string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'hindcast%'")); !strings.HasPrefix(got, "1,1,january_hc") {
			t.Errorf("%s: tables that are left: %s", run, got)
		}
		was = is
	}
}

// ATTACH does not read the new partition: the constraint that it has says enough.
func TestAttachReadsNothing(t *testing.T) {
	for typ, civil := range map[string]string{"date": "", "timestamp": " 00:00:00", "timestamptz": " 00:00:00+00"} {
		c, url := database(t, `CREATE TABLE result (day `+typ+`, n bigint) PARTITION BY RANGE (day);
			CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2020-01-01`+civil+`') TO ('2020-02-01`+civil+`'); INSERT INTO result VALUES ('2020-01-05', 1)`)
		w := open(t, postgres.Options{URL: url, Session: []string{"SET client_min_messages = debug1", "SET log_min_messages = debug1"}})
		l := january("r", 1)
		l.TimeZone = "UTC"
		l.Columns = []hindcast.Column{{Name: "day", Type: map[string]string{"date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE"}[typ]}, {Name: "n", Type: "BIGINT"}}
		if err := w.Prepare(t.Context(), "p", target, l.Columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		was := of(t, c, url)
		if _, err := filled(t, l, "SELECT CAST('2020-01-07' AS "+l.Columns[0].Type+") AS day, range AS n FROM range(30)").Into(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		is := of(t, c, url)
		if is == was {
			t.Errorf("%s: the partition was not exchanged", typ)
		}
		name := warehousetest.Text(c.Exec(t, url, "SELECT relname FROM pg_class WHERE oid = "+is))
		if log := c.Log(); !strings.Contains(log, `partition constraint for table "`+name+`" is implied by existing constraints`) {
			t.Errorf("%s: ATTACH read the rows of %s", typ, name)
		}
	}
}

// What keeps a partition from being exchanged: then its rows are replaced where they are.
func TestPartitionsThatStay(t *testing.T) {
	for why, setup := range map[string]string{
		"foreign key to it":        "ALTER TABLE result ADD PRIMARY KEY (day, n); CREATE TABLE refers (day date, n bigint, FOREIGN KEY (day, n) REFERENCES result)",
		"foreign key of its own":   "CREATE TABLE days (day date PRIMARY KEY); INSERT INTO days VALUES ('2020-01-05'), ('2020-01-07'), ('2020-02-03'); ALTER TABLE result ADD FOREIGN KEY (day) REFERENCES days",
		"publication of it":        "CREATE PUBLICATION p FOR TABLE january; ALTER TABLE january REPLICA IDENTITY FULL",
		"publication of the whole": "CREATE PUBLICATION p FOR TABLE result WITH (publish_via_partition_root = true, publish = 'insert')",
		"publication of all":       "CREATE PUBLICATION p FOR ALL TABLES WITH (publish = 'insert')",
		"default partition":        "CREATE TABLE others PARTITION OF result DEFAULT",
		"trigger of the target":    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(NEW, OLD); END'; CREATE TRIGGER g BEFORE DELETE ON result FOR EACH ROW EXECUTE FUNCTION f()",
		"trigger of the partition": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE UPDATE ON january FOR EACH ROW EXECUTE FUNCTION f()",
		"rule":                     "CREATE RULE r AS ON UPDATE TO january DO ALSO NOTHING",
		"row security":             "ALTER TABLE january ENABLE ROW LEVEL SECURITY",
		"replica identity":         "ALTER TABLE january REPLICA IDENTITY FULL",
		"unlogged":                 "ALTER TABLE january SET UNLOGGED",
		"rights on a column":       "GRANT SELECT (n) ON january TO PUBLIC",
		"a view of the partition":  "CREATE VIEW v AS SELECT * FROM january",
		"a column of its type":     "CREATE TABLE uses (j january[])",
		"a sequence of its own":    "CREATE SEQUENCE s OWNED BY january.n",
		"an index with a comment":  "CREATE INDEX i ON january (n); COMMENT ON INDEX i IS 'kept'",
		"a clustered index":        "CREATE INDEX i ON january (n); ALTER TABLE january CLUSTER ON i",
		"options of a key":         "ALTER TABLE january ADD UNIQUE (day, n) WITH (fillfactor = 50)",
		"a slice of another size":  "ALTER TABLE result DETACH PARTITION february; DROP TABLE january; CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2019-12-01') TO ('2020-02-01'); INSERT INTO january VALUES ('2020-01-05', 1)",
		"by another column":        "DROP TABLE result; CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (n); CREATE TABLE january PARTITION OF result FOR VALUES FROM (0) TO (100)",
		"by a list":                "DROP TABLE result; CREATE TABLE result (day date, n bigint) PARTITION BY LIST (day); CREATE TABLE january PARTITION OF result FOR VALUES IN ('2020-01-01', '2020-01-07')",
		"by two columns":           "DROP TABLE result; CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day, n); CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2020-01-01', MINVALUE) TO ('2020-02-01', MINVALUE)",
		"partitioned again": `DROP TABLE january; CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01') PARTITION BY RANGE (n);
			CREATE TABLE all_of_it PARTITION OF january FOR VALUES FROM (0) TO (100)`,
		"a partition of another table": "CREATE TABLE all_years (day date, n bigint) PARTITION BY RANGE (day); ALTER TABLE all_years ATTACH PARTITION result FOR VALUES FROM ('2019-01-01') TO ('2021-01-01')",
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			c, url := database(t, divided+setup)
			w := open(t, postgres.Options{URL: url})
			prepare(t, w, 1)
			was := warehousetest.Text(c.Exec(t, url, "SELECT 'january'::regclass::oid"))
			committed, err := thirty(t, "r", 1).Into(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if is := warehousetest.Text(c.Exec(t, url, "SELECT oid FROM pg_class WHERE oid = to_regclass('january') AND relispartition")); is != was {
				t.Errorf("the partition was %s and is %s", was, is)
			}
			sameAsPublished(t, w, columns, committed)
			if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_hc%'")); got != "0" {
				t.Errorf("%s tables are left", got)
			}
		})
	}
}

// Roles that may not make the table, or not alter the target, load as before.
func TestRightsThatAnExchangeNeeds(t *testing.T) {
	c, url := database(t, divided+"CREATE SCHEMA home; CREATE SCHEMA parts; ALTER TABLE january SET SCHEMA parts; ALTER TABLE result SET SCHEMA parts")
	role, its := ordinary(t, c, url)
	c.Exec(t, url, "GRANT ALL ON SCHEMA home TO "+role+"; GRANT USAGE ON SCHEMA parts TO "+role+"; GRANT ALL ON parts.result TO "+role)
	w := open(t, postgres.Options{URL: its + "&search_path=home,parts"})
	prepare(t, w, 1)
	for _, step := range []struct {
		grant    string
		exchange bool
	}{{"", false}, {"ALTER TABLE parts.result OWNER TO ROLE", false}, {"ALTER TABLE parts.january OWNER TO ROLE", false}, {"GRANT CREATE ON SCHEMA parts TO ROLE", true}} {
		c.Exec(t, url, strings.ReplaceAll(step.grant, "ROLE", role))
		was := warehousetest.Text(c.Exec(t, url, "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'parts.result'::regclass AND inhrelid <> 'public.february'::regclass"))
		if _, err := thirty(t, "r", 1).Into(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		is := warehousetest.Text(c.Exec(t, url, "SELECT inhrelid FROM pg_inherits WHERE inhparent = 'parts.result'::regclass AND inhrelid <> 'public.february'::regclass"))
		if (is != was) != step.exchange {
			t.Errorf("after %q the partition was exchanged: %v", step.grant, is != was)
		}
		if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM parts.result")); got != "31" {
			t.Errorf("after %q: %s rows", step.grant, got)
		}
	}
}

// reader reads January and says how many rows it found.
type reader struct {
	before string // in a transaction, if it is not empty, before the exchange begins
	read   string
}

// readers are all kinds of statements by which a slice is read. Each finds 20 rows or 30.
var readers = map[string]reader{
	"select":                          {"", "SELECT count(*) FROM result WHERE day < '2020-02-01'"},
	"select of the partition":         {"", "SELECT count(*) FROM january"},
	"view":                            {"", "SELECT count(*) FROM view_of_it"},
	"prepared":                        {"PREPARE s AS SELECT count(*) FROM result WHERE day < '2020-02-01'", "EXECUTE s"},
	"prepared, generic":               {"SET plan_cache_mode = force_generic_plan; PREPARE s(date) AS SELECT count(*) FROM result WHERE day < $1", "EXECUTE s('2020-02-01')"},
	"prepared, used before":           {"SET plan_cache_mode = force_generic_plan; PREPARE s(date) AS SELECT count(*) FROM result WHERE day < $1; EXECUTE s('2020-02-01')", "EXECUTE s('2020-02-01')"},
	"prepared, of the partition":      {"PREPARE s AS SELECT count(*) FROM january; EXECUTE s", "EXECUTE s"},
	"copy":                            {"", "COPY (SELECT count(*) FROM result WHERE day < '2020-02-01') TO STDOUT"},
	"cursor":                          {"", "BEGIN; DECLARE c CURSOR FOR SELECT count(*) FROM result WHERE day < '2020-02-01'; FETCH c"},
	"cursor with hold":                {"", "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT count(*) FROM result WHERE day < '2020-02-01'; COMMIT; FETCH c"},
	"table as":                        {"", "CREATE TEMP TABLE t AS SELECT * FROM result WHERE day < '2020-02-01'; SELECT count(*) FROM t"},
	"materialized view":               {"", "REFRESH MATERIALIZED VIEW stored; SELECT n FROM stored"},
	"for share":                       {"", "SELECT count(*) FROM (SELECT FROM result WHERE day < '2020-02-01' FOR SHARE) r"},
	"function":                        {"", "SELECT counted()"},
	"repeatable read":                 {"", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM result WHERE day < '2020-02-01'"},
	"repeatable read, older snapshot": {"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1", "SELECT count(*) FROM result WHERE day < '2020-02-01'"},
	"repeatable read, older snapshot, partition": {"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1", "SELECT count(*) FROM january"},
	"repeatable read, older snapshot, copy":      {"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1", "COPY (SELECT count(*) FROM result WHERE day < '2020-02-01') TO STDOUT"},
	"repeatable read, older snapshot, prepared":  {"PREPARE s AS SELECT count(*) FROM result WHERE day < '2020-02-01'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1", "EXECUTE s"},
	"repeatable read, older snapshot, cursor":    {"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1", "DECLARE c CURSOR FOR SELECT count(*) FROM result WHERE day < '2020-02-01'; FETCH c"},
	"serializable, older snapshot":               {"BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT FROM pg_class LIMIT 1", "SELECT count(*) FROM result WHERE day < '2020-02-01'"},
	"serializable, read only, older snapshot":    {"BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT FROM pg_class LIMIT 1", "SELECT count(*) FROM result WHERE day < '2020-02-01'"},
}

// answer is the last value of a session's statements; that of COPY comes as bytes.
func (r reader) answer(ctx context.Context, conn *pgconn.PgConn) (string, error) {
	if strings.HasPrefix(r.read, "COPY") {
		var out bytes.Buffer
		_, err := conn.CopyTo(ctx, &out, r.read)
		return strings.TrimSpace(out.String()), err
	}
	results, err := conn.Exec(ctx, r.read).ReadAll()
	if err != nil {
		return "", err
	}
	last := results[len(results)-1].Rows
	return string(last[0][0]), nil
}

// No reader finds the slice empty, or half of it: neither one that waits for the exchange, nor one that comes after it with a snapshot
// from before, by whatever statement.
func TestReadersNeverFindASliceEmpty(t *testing.T) {
	for _, when := range []string{"while it waits", "afterwards"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			_, url := database(t, divided+`CREATE VIEW view_of_it AS SELECT * FROM result WHERE day < '2020-02-01';
				CREATE MATERIALIZED VIEW stored AS SELECT count(*) AS n FROM result WHERE day < '2020-02-01' WITH NO DATA;
				CREATE FUNCTION counted() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM result WHERE day < ''2020-02-01''); END'`)
			w := open(t, postgres.Options{URL: url})
			prepare(t, w, 1)
			sessions := map[string]*pgconn.PgConn{}
			for name, r := range readers {
				sessions[name] = pgtest.Connect(t, url)
				for _, statement := range strings.Split(r.before, ";") { // a message each: together they would be one transaction
					pgtest.Query(t, sessions[name], statement)
				}
			}

			holder := pgtest.Connect(t, url)
			was := warehousetest.Text(pgtest.Query(t, holder, "SELECT 'january'::regclass::oid"))
			pgtest.Query(t, holder, "BEGIN; LOCK TABLE hindcast_status IN SHARE MODE")
			ended := make(chan error, 1)
			go func() {
				_, err := thirty(t, "r", 1).Into(context.WithoutCancel(t.Context()), w)
				ended <- err
			}()
			await(t, holder, "SELECT count(*) FROM pg_locks WHERE relation = 'hindcast_status'::regclass AND NOT granted")
			if when == "afterwards" {
				pgtest.Query(t, holder, "COMMIT")
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			}

			var all sync.WaitGroup
			for name, r := range readers {
				all.Go(func() {
					n, err := r.answer(context.WithoutCancel(t.Context()), sessions[name])
					if gone := strings.Contains(r.read, "january") || strings.Contains(r.before, "january"); gone && err != nil && strings.Contains(err.Error(), "42P01") {
						return // the old partition is not there any more: an error, and no rows that are missing
					}
					if err != nil || n != "20" && n != "30" {
						t.Errorf("%s finds %s rows, %v", name, n, err)
					}
				})
			}
			if when == "while it waits" {
				await(t, holder, fmt.Sprintf("SELECT (count(DISTINCT pid) = %d)::int FROM pg_locks WHERE NOT granted AND relation IN ('result'::regclass, %s)", len(readers), was))
				pgtest.Query(t, holder, "COMMIT")
				if err := <-ended; err != nil {
					t.Fatal(err)
				}
			}
			all.Wait()
			if got := warehousetest.Text(pgtest.Query(t, holder, "SELECT count(*) FROM result WHERE day < '2020-02-01'")); got != "30" {
				t.Errorf("afterwards there are %s rows", got)
			}
		})
	}
}

// Somebody who reads for long, and a cursor that was opened before, cost the exchange and nothing else: they go on reading what they
// read, and the rows are replaced where they are.
func TestAReaderWhoStays(t *testing.T) {
	defer postgres.ExchangeQuickly("20ms", 0)()
	c, url := database(t, divided)
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	reader := pgtest.Connect(t, url)
	pgtest.Query(t, reader, "BEGIN; DECLARE c CURSOR FOR SELECT n FROM result WHERE day < '2020-02-01' ORDER BY n; FETCH 5 FROM c")
	was := of(t, c, url)
	committed, err := thirty(t, "r", 1).Into(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	sameAsPublished(t, w, columns, committed)
	if rest := pgtest.Query(t, reader, "FETCH ALL FROM c"); len(rest) != 15 || of(t, c, url) != was {
		t.Errorf("the cursor found %d rows more, and the partition is %s instead of %s", len(rest), of(t, c, url), was)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*), (SELECT count(*) FROM pg_class WHERE relname LIKE 'january\\_hc%') FROM result")); got != "31,0" {
		t.Errorf("rows, tables left: %s", got)
	}
}

// A partition that is altered between Stage and Publish is not replaced by what was made like it: the attempt is tried again.
func TestAPartitionThatIsAlteredMeanwhile(t *testing.T) {
	for what, alter := range map[string]string{
		"a grant":  "GRANT SELECT ON january TO PUBLIC",
		"an index": "CREATE INDEX ON result (n)",
		"a view":   "CREATE VIEW v AS SELECT * FROM january",
		"another":  "ALTER TABLE result DETACH PARTITION january; CREATE TABLE january2 PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); INSERT INTO result SELECT * FROM january",
		"gone":     "DROP TABLE january; CREATE TABLE january2 PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c, url := database(t, divided)
			w := open(t, postgres.Options{URL: url})
			prepare(t, w, 1)
			l := thirty(t, "r", 1)
			p := l.Publication
			p.Replacements = append(p.Replacements, l.Replacement)
			p, err := w.Stage(t.Context(), p)
			if err != nil || p.Replacements[0].Staged == "" {
				t.Fatal(p.Replacements[0].Staged, err)
			}
			c.Exec(t, url, alter)
			_, err = w.Publish(t.Context(), p)
			if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient {
				t.Errorf("got %v", err)
			}
			if _, err := thirty(t, "r", 1).Into(t.Context(), w); err != nil {
				t.Error(err)
			}
			if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*), (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE '%\\_hc%' AND NOT relispartition) FROM result")); got != "31,0" {
				t.Errorf("rows, tables left: %s", got)
			}
		})
	}
}

// cutting passes connections on to an address until the n-th piece that a client sends, which it does not; from then on everything is
// cut. Sent says how many pieces there were.
func cutting(t *testing.T, to string, n int) (address string, sent func() int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var mutex sync.Mutex
	count := 0
	next := func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		count++
		return n == 0 || count < n
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
			go func() {
				defer func() { _ = server.Close(); _ = client.Close() }()
				buffer := make([]byte, 1<<16)
				for {
					n, err := client.Read(buffer)
					if err != nil || !next() {
						return
					}
					if _, err := server.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String(), func() int { mutex.Lock(); defer mutex.Unlock(); return count }
}

// Wherever a load is cut off, the slice has its old rows or its new ones, all of them; the next holder loads it and leaves nothing behind.
func TestAnExchangeThatIsCutAnywhere(t *testing.T) {
	c, url := database(t, divided)
	healthy := open(t, postgres.Options{URL: url})
	database := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
	server := fmt.Sprintf("127.0.0.1:%d", c.Port)
	through := func(n int) (*postgres.Owner, func() int, error) {
		address, sent := cutting(t, server, n)
		w, err := postgres.NewOwner(t.Context(), postgres.Options{URL: strings.Replace(c.TCP(database), server, address, 1)})
		return w, sent, err
	}
	load := func(fence int64, rows int) warehousetest.Load {
		return filled(t, january(fmt.Sprintf("r%d", fence), fence), fmt.Sprintf("SELECT DATE '2020-01-07' AS day, range AS n FROM range(%d)", rows))
	}
	count := func() string {
		return warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result WHERE day < '2020-02-01'"))
	}

	prepare(t, healthy, 1)
	w, sent, err := through(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(1, 30).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	steps := sent()
	old, cut, done := 30, 0, 0
	for step := 1; step <= steps; step++ {
		fence, fresh := int64(step+1), 30+step
		prepare(t, healthy, fence)
		w, _, err := through(step)
		if err == nil {
			_, err = load(fence, fresh).Into(t.Context(), w)
			_ = w.Close()
		}
		if err != nil {
			cut++
		}
		switch got := count(); got {
		case fmt.Sprint(old):
		case fmt.Sprint(fresh):
			old = fresh
			done++
		default:
			t.Fatalf("cut at %d of %d the slice has %s rows, neither %d nor %d", step, steps, got, old, fresh)
		}
	}
	if cut < steps/2 || done == 0 {
		t.Errorf("of %d loads %d were cut, %d of all committed", steps, cut, done)
	}

	last := int64(steps + 2)
	prepare(t, healthy, last)
	if _, err := load(last, 7).Into(t.Context(), healthy); err != nil {
		t.Fatal(err)
	}
	prepare(t, healthy, last+1)
	left := warehousetest.Text(c.Exec(t, url, "SELECT count(*), (SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace AND relname NOT IN ('hindcast_status', 'hindcast_lease')) FROM result WHERE day < '2020-02-01'"))
	if left != "7,NULL" {
		t.Errorf("rows, and tables that are left: %s", left)
	}
}

// plan says of a large target that is replaced again what would help, and of a partitioned one what is in the way; init takes no table
// of an exchange for one of the user's.
func TestAdviceOnPartitions(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint); CREATE INDEX ON result (day)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	advice := func() string {
		told, err := w.Advise(t.Context(), nil, target)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(told, "\n")
	}
	if _, err := thirty(t, "r1", 1).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	c.Exec(t, url, "UPDATE pg_class SET reltuples = 3000000, relpages = 9000 WHERE relname = 'result'")
	if got := advice(); strings.Contains(got, "partition") {
		t.Errorf("of a target that was loaded once is told %q", got)
	}
	if _, err := thirty(t, "r2", 1).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	c.Exec(t, url, "UPDATE pg_class SET reltuples = 3000000, relpages = 9000 WHERE relname = 'result'")
	if got := advice(); !strings.Contains(got, `PARTITION BY RANGE ("day")`) {
		t.Errorf("of a large target is told %q", got)
	}

	c.Exec(t, url, "DROP TABLE result; "+divided+"CREATE TABLE others PARTITION OF result DEFAULT")
	if got := advice(); !strings.Contains(got, "not by exchanging partitions: it has a default partition, others") {
		t.Errorf("of a default partition is told %q", got)
	}
	c.Exec(t, url, "DROP TABLE others")
	if got := advice(); strings.Contains(got, "exchang") {
		t.Errorf("of partitions that are exchanged is told %q", got)
	}

	l := thirty(t, "r3", 1)
	p := l.Publication
	p.Replacements = append(p.Replacements, l.Replacement)
	staged, err := open(t, postgres.Options{URL: url}).Stage(t.Context(), p)
	if err != nil || staged.Replacements[0].Staged == "" {
		t.Fatal(staged.Replacements[0].Staged, err)
	}
	tables, err := w.Tables(t.Context())
	for _, table := range tables {
		if strings.Contains(table.Name, "_hc") {
			t.Errorf("%s is offered as a table", table.Name)
		}
	}
	if err != nil || len(tables) == 0 {
		t.Error(tables, err)
	}
}
