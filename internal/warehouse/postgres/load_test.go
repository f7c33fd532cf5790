//go:build unix

package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

var (
	target  = hindcast.Target{Table: "result", Time: "day"}
	columns = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "BIGINT"}}
)

// january is a load of January 2020 without rows, which empties it.
func january(run string, fence int64) warehousetest.Load {
	return warehousetest.Load{Publication: warehouse.Publication{Pipeline: "p", Run: run, Fence: fence},
		Replacement: warehouse.Replacement{Target: target, Slice: hindcast.Slice{Key: "2020-01-01", Interval: warehousetest.January}, TimeZone: "Asia/Tokyo", Attempt: 1, Print: "print", Columns: columns}}
}

// filled is a load of what a SELECT gives.
func filled(t *testing.T, l warehousetest.Load, selectSQL string) warehousetest.Load {
	t.Helper()
	path := filepath.Join(t.TempDir(), "staged.parquet")
	warehousetest.Parquet(t, path, selectSQL)
	l.Files, l.Previous = warehousetest.Files(path), filepath.Join(t.TempDir(), "previous")
	l.Rows = warehousetest.Sums(t, l.Columns, l.Paths()).Rows
	return l
}

func prepare(t *testing.T, w warehouse.Warehouse, fence int64) {
	t.Helper()
	if err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: fence}); err != nil {
		t.Fatal(err)
	}
}

// begun runs a load whose hook waits, and returns once it does; let lets it go on.
func begun(t *testing.T, url string, w warehouse.Warehouse, l warehousetest.Load) (ended chan error, let func()) {
	t.Helper()
	holder := pgtest.Connect(t, url)
	pgtest.Query(t, holder, "SELECT pg_advisory_lock(42)")
	l.Hooks.After = append(l.Hooks.After, "SELECT pg_advisory_xact_lock(42)")
	ended = make(chan error, 1)
	go func() {
		_, err := l.Into(context.WithoutCancel(t.Context()), w)
		ended <- err
	}()
	await(t, holder, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 42")
	return ended, func() { pgtest.Query(t, holder, "SELECT pg_advisory_unlock(42)") }
}

// await asks until the answer is 1.
func await(t *testing.T, conn *pgconn.PgConn, query string) {
	t.Helper()
	for warehousetest.Text(pgtest.Query(t, conn, query)) != "1" {
	}
}

// Locks are taken in one order, whatever the order of the replacements and of the names: who waits for the first has no other.
func TestLocksAreTakenInOneOrder(t *testing.T) {
	_, url := database(t, "CREATE TABLE zebra (day date, n bigint); CREATE TABLE ant (day date, n bigint)")
	w := open(t, postgres.Options{URL: url})
	publication := january("r", 1).Publication
	for _, table := range []string{"ant", "public.zebra", "zebra"} {
		r := january("r", 1).Replacement
		r.Target.Table, r.Slice.Key = table, "2020-01-01 of "+table
		if err := w.Prepare(t.Context(), "p", r.Target, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
		publication.Replacements = append(publication.Replacements, r)
	}
	holder := pgtest.Connect(t, url)
	pgtest.Query(t, holder, "BEGIN; LOCK TABLE zebra IN ROW EXCLUSIVE MODE")
	ended := make(chan error, 1)
	go func() {
		_, err := w.Publish(context.WithoutCancel(t.Context()), publication)
		ended <- err
	}()
	await(t, holder, "SELECT count(*) FROM pg_locks WHERE relation = 'zebra'::regclass AND NOT granted")
	if got := warehousetest.Text(pgtest.Query(t, holder, "SELECT count(*) FROM pg_locks WHERE relation = 'ant'::regclass AND mode = 'ShareRowExclusiveLock'")); got != "0" {
		t.Error("a publication that waits for its first target holds the lock of another")
	}
	pgtest.Query(t, holder, "COMMIT")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A load that waits for another session in vain says which, and how to end it.
func TestWhoHoldsATableIsNamed(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint)")
	w := open(t, postgres.Options{URL: url, Session: []string{"SET lock_timeout = '50ms'"}})
	prepare(t, w, 1)
	holder := pgtest.Connect(t, url+"&application_name=notebook")
	pid := strconv.Itoa(int(holder.PID()))
	pgtest.Query(t, holder, "BEGIN; UPDATE result SET n = 1")
	check := func(what string, err error, says ...string) {
		t.Helper()
		e := hindcast.AsError(err)
		if e == nil || e.Code != hindcast.EWarehouseBusy || e.Class != hindcast.ClassTransient {
			t.Fatalf("%s: %v", what, err)
		}
		all := e.Message + " " + e.Next + " " + strings.Join(e.Detail, " ")
		for _, s := range append(says, pid, "notebook", "postgres", "pg_terminate_backend("+pid+")") {
			if !strings.Contains(all, s) {
				t.Errorf("%s: %q is not in: %s", what, s, all)
			}
		}
	}
	_, err := january("r", 1).Into(t.Context(), w)
	check("load", err, "result", "UPDATE result")
	x := extract(t, w, "result", "", hindcast.Interval{})
	pgtest.Query(t, holder, "LOCK TABLE result IN ACCESS EXCLUSIVE MODE")
	_, err = w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
	check("unload", err, "LOCK TABLE")
	pgtest.Query(t, holder, "ROLLBACK")
	if _, err = january("r", 1).Into(t.Context(), w); err != nil {
		t.Error(err)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT run FROM hindcast_status")); got != "r" {
		t.Errorf("the status table has %q", got)
	}
}

// Readers see the old rows until the commit, and other writers wait; whoever asks for resolved rows waits too.
func TestWhileALoadIsUnderWay(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint); INSERT INTO result VALUES ('2020-01-05', 1), ('2020-02-05', 2)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	ended, let := begun(t, url, w, january("r", 1))
	if got := warehousetest.Text(c.Exec(t, url, "SELECT sum(n) FROM result")); got != "3" {
		t.Errorf("a reader sees %s", got)
	}
	if rows, err := w.Committed(t.Context(), "p", false); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
	resolved := make(chan int, 1)
	go func() {
		rows, err := w.Committed(context.WithoutCancel(t.Context()), "p", true)
		if err != nil {
			t.Error(err)
		}
		resolved <- len(rows)
	}()
	watching := pgtest.Connect(t, url)
	await(t, watching, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%hindcast_lease%FOR UPDATE%' AND pid <> pg_backend_pid()")
	let()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := <-resolved; n != 1 {
		t.Errorf("%d resolved rows", n)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT sum(n) FROM result")); got != "2" {
		t.Errorf("after it the rows sum to %s", got)
	}
}

// Readers who ask again and again while a slice is replaced see the one state or the other, never less, more or a mixture.
func TestReadersNeverSeeHalfASlice(t *testing.T) {
	_, url := database(t, "CREATE TABLE result (day date, n bigint); CREATE INDEX ON result (day)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	one := filled(t, january("one", 1), "SELECT DATE '2020-01-01' + CAST(range % 31 AS INTEGER) AS day, CAST(1 AS BIGINT) AS n FROM range(5000)")
	two := filled(t, january("two", 1), "SELECT DATE '2020-01-01' + CAST(range % 31 AS INTEGER) AS day, CAST(2 AS BIGINT) AS n FROM range(9000)")
	if _, err := one.Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	conn, stop, read := pgtest.Connect(t, url), make(chan struct{}), make(chan map[string]int, 1)
	go func() {
		seen := map[string]int{}
		for {
			select {
			case <-stop:
				read <- seen
				return
			default:
				seen[warehousetest.Text(pgtest.Query(t, conn, "SELECT count(*), min(n), max(n), (SELECT run FROM hindcast_status) FROM result"))]++
			}
		}
	}()
	for range 10 {
		for _, l := range []warehousetest.Load{two, one} {
			l.Previous = filepath.Join(t.TempDir(), "previous")
			if _, err := l.Into(t.Context(), w); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	seen := <-read
	if seen["5000,1,1,one"] == 0 || seen["9000,2,2,two"] == 0 || len(seen) != 2 {
		t.Errorf("readers saw %v", seen)
	}
}

// A load in flight of a process that lost the pipeline is ended by the one that has it, and not the other way round.
func TestATakeoverEndsLoadsInFlight(t *testing.T) {
	postgres.GiveUpQuickly("200ms")
	_, url := database(t, "CREATE TABLE result (day date, n bigint); INSERT INTO result VALUES ('2020-01-05', 1)")
	zombie, heir := open(t, postgres.Options{URL: url}), open(t, postgres.Options{URL: url})
	prepare(t, zombie, 1)
	ended, let := begun(t, url, zombie, january("zombie", 1))
	prepare(t, heir, 2)
	let()
	if e := hindcast.AsError(<-ended); e == nil || e.Class != hindcast.ClassTransient {
		t.Errorf("the zombie's load: %v", e)
	}
	if rows, err := heir.Committed(t.Context(), "p", true); err != nil || len(rows) != 0 {
		t.Errorf("%v, %v", rows, err)
	}
	ended, let = begun(t, url, heir, january("heir", 2))
	if e := hindcast.AsError(zombie.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1})); e == nil || e.Code != hindcast.EFenced {
		t.Errorf("the zombie's prepare: %v", e)
	}
	let()
	if err := <-ended; err != nil {
		t.Errorf("the heir's load: %v", err)
	}
	if n, err := zombie.Fence(t.Context(), "p"); err != nil || n != 2 {
		t.Errorf("the fence is %d, %v", n, err)
	}
}

// So is a preparation that stopped half-way: with what it was about to create, or with the fence that it was about to raise.
// One of another pipeline is in nobody's way where all is there.
func TestATakeoverEndsAPreparation(t *testing.T) {
	postgres.GiveUpQuickly("200ms")
	c, url := database(t, "")
	stopped := func(name string, statements ...string) *pgconn.PgConn {
		conn := pgtest.Connect(t, url)
		pgtest.Query(t, conn, "BEGIN; SET LOCAL application_name = '"+postgres.SessionName(name)+"'; SELECT pg_advisory_xact_lock(hashtext('hindcast prepare'))")
		for _, s := range statements {
			pgtest.Query(t, conn, s)
		}
		return conn
	}
	gone := func(conn *pgconn.PgConn) bool {
		_, err := conn.Exec(t.Context(), "SELECT 1").ReadAll()
		return err != nil
	}
	creating := stopped("p", "CREATE TABLE hindcast_lease (name text PRIMARY KEY, n bigint NOT NULL)", "INSERT INTO hindcast_lease VALUES ('pipeline p', 1)")
	heir := open(t, postgres.Options{URL: url})
	prepare(t, heir, 2)
	raising := stopped("p", "INSERT INTO hindcast_lease VALUES ('pipeline p', 2) ON CONFLICT (name) DO UPDATE SET n = excluded.n")
	prepare(t, heir, 3)
	other := stopped("another")
	prepare(t, heir, 4)
	if !gone(creating) || !gone(raising) || gone(other) {
		t.Errorf("ended: who was creating %t, who was raising %t, another pipeline's %t", gone(creating), gone(raising), gone(other))
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT n FROM hindcast_lease")); got != "4" {
		t.Errorf("the fence is %s", got)
	}
}

// proxy passes connections on to an address, until one of them sends a COMMIT: that it passes on and waits for its answer,
// or not, and then it cuts the connection without an answer.
func proxy(t *testing.T, to string, pass bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var cut atomic.Bool // once: afterwards the network is well again
	resolved := make(chan struct{})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			if cut.Load() {
				<-resolved // what asks to cancel comes too late
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			answers := &tail{to: client}
			back := make(chan struct{})
			go func() {
				defer close(back)
				_, _ = io.Copy(answers, server)
				_ = client.Close()
			}()
			go func() {
				defer func() { _ = server.Close() }()
				buffer := make([]byte, 1<<16)
				for {
					n, err := client.Read(buffer)
					if err != nil {
						return
					}
					if !cut.Load() && strings.Contains(string(buffer[:n]), "hindcast_status (pipeline, ") {
						cut.Store(true)
						defer close(resolved)
						answers.mute()
						_ = client.Close()
						if pass {
							_, _ = server.Write(buffer[:n])
							select { // what it says before that is not a commit, and closing on it would be a reset
							case <-answers.committed:
							case <-back:
							}
						}
						return
					}
					if _, err := server.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// tail passes a server's answers on until it is muted, and then waits for that to COMMIT.
type tail struct {
	mutex     sync.Mutex
	to        io.Writer
	text      []byte
	committed chan struct{} // nil until it is muted
}

func (a *tail) mute() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.committed = make(chan struct{})
}

func (a *tail) Write(p []byte) (int, error) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.committed == nil {
		return a.to.Write(p)
	}
	before := bytes.Contains(a.text, []byte("COMMIT\x00"))
	if a.text = append(a.text, p...); !before && bytes.Contains(a.text, []byte("COMMIT\x00")) {
		close(a.committed)
	}
	return len(p), nil
}

// Where the answer to COMMIT is lost nobody knows how the load ended, until the status rows are asked under their lock.
func TestALostAnswerToCommit(t *testing.T) {
	for name, pass := range map[string]bool{"committed": true, "not committed": false} {
		t.Run(name, func(t *testing.T) {
			c, url := database(t, "CREATE TABLE result (day date, n bigint); INSERT INTO result VALUES ('2020-01-05', 1)")
			database := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
			here := fmt.Sprintf("127.0.0.1:%d", c.Port)
			w := open(t, postgres.Options{URL: strings.Replace(c.TCP(database), here, proxy(t, here, pass), 1)})
			prepare(t, w, 1)
			_, err := january("r", 1).Into(t.Context(), w)
			if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, "status row") {
				t.Errorf("got %v", err)
			}
			rows, err := w.Committed(t.Context(), "p", true)
			if err != nil || (len(rows) == 1) != pass {
				t.Errorf("%v, %v", rows, err)
			}
			if got, want := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result")), map[bool]string{true: "0", false: "1"}[pass]; got != want {
				t.Errorf("the target has %s rows, want %s", got, want)
			}
		})
	}
}

// A backend that is ended at COMMIT has not committed; the error may heal.
func TestABackendThatIsEndedAtCommit(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date, n bigint); INSERT INTO result VALUES ('2020-01-05', 1); CREATE TABLE trap (i int);
		CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
		CREATE CONSTRAINT TRIGGER fall AFTER INSERT ON trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fall()`)
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	l := january("r", 1)
	l.Hooks.After = []string{"INSERT INTO trap VALUES (1)"}
	_, err := l.Into(t.Context(), w)
	if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient {
		t.Errorf("got %v", err)
	}
	rows, err := w.Committed(t.Context(), "p", true)
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result")); err != nil || len(rows) != 0 || got != "1" {
		t.Errorf("%v, %v; %s rows in the target", rows, err, got)
	}
}

// Backends that are ended in the middle of a COPY cost the attempt; the next finds everything as it was.
func TestBackendsThatAreEndedInMidCopy(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date, n bigint); CREATE TABLE source AS SELECT i FROM generate_series(1, 50000) i;
		CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF i = 40000 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN i; END';
		CREATE VIEW slowly AS SELECT slow(i) AS i FROM source;
		CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.n = 40000 THEN PERFORM pg_advisory_xact_lock_shared(7); END IF; RETURN NEW; END';
		CREATE TRIGGER wait BEFORE INSERT ON result FOR EACH ROW EXECUTE FUNCTION wait()`)
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, range AS n FROM range(50000)")
	x := extract(t, w, "slowly", "", hindcast.Interval{})
	holder := pgtest.Connect(t, url)
	for what, do := range map[string]func() error{
		"unload": func() error {
			_, err := w.Unload(t.Context(), warehouse.Unload{Extract: x, Dir: t.TempDir()})
			return err
		},
		"load": func() error { _, err := l.Into(t.Context(), w); return err },
	} {
		pgtest.Query(t, holder, "SELECT pg_advisory_lock(7)")
		ended := make(chan error, 1)
		go func() { ended <- do() }()
		await(t, holder, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7")
		pgtest.Query(t, holder, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7")
		if e := hindcast.AsError(<-ended); e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassTransient {
			t.Errorf("%s: %v", what, e)
		}
		pgtest.Query(t, holder, "SELECT pg_advisory_unlock(7)")
		if err := do(); err != nil {
			t.Errorf("%s again: %v", what, err)
		}
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result")); got != "50000" {
		t.Errorf("%s rows", got)
	}
}

// Columns that the result does not give fill themselves, and those that it gives are taken as they are.
func TestTargetsOfAllShapes(t *testing.T) {
	shapes := map[string]string{
		"generated, identity and default columns": `CREATE TABLE result (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, day date NOT NULL, n bigint,
			doubled bigint GENERATED ALWAYS AS (n * 2) STORED, note text DEFAULT 'none', CHECK (n >= 0))`,
		"partitioned": `CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day);
			CREATE TABLE result_1 PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-01-15');
			CREATE TABLE result_2 (n bigint, day date); ALTER TABLE result ATTACH PARTITION result_2 DEFAULT; CREATE INDEX ON result (day)`,
		"foreign keys": `CREATE TABLE days (day date PRIMARY KEY); INSERT INTO days SELECT DATE '2020-01-01' + i FROM generate_series(0, 60) i;
			CREATE TABLE result (day date REFERENCES days, n bigint UNIQUE)`,
		"foreign keys that are checked at the end, inward too": `CREATE TABLE days (day date PRIMARY KEY); INSERT INTO days SELECT DATE '2020-01-01' + i FROM generate_series(0, 60) i;
			CREATE TABLE result (day date REFERENCES days DEFERRABLE INITIALLY DEFERRED, n bigint UNIQUE DEFERRABLE INITIALLY DEFERRED, k bigint GENERATED ALWAYS AS (n) STORED UNIQUE);
			CREATE TABLE notes (n bigint REFERENCES result (k) DEFERRABLE INITIALLY DEFERRED); INSERT INTO days VALUES ('2019-12-31'); INSERT INTO result VALUES ('2019-12-31', 7);
			INSERT INTO notes SELECT 7; UPDATE result SET day = '2020-01-07'`,
		"an identity that the result gives": "CREATE TABLE result (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, day date, mood text COLLATE \"C\")",
		"constraints of other kinds": `CREATE EXTENSION btree_gist; CREATE TABLE result (day date, n bigint, EXCLUDE USING gist (n WITH =), CHECK (n < 100));
			CREATE INDEX ON result (n) WHERE n > 5; CREATE INDEX ON result USING brin (day); CREATE INDEX ON result ((n * 2)); CREATE STATISTICS day_and_n ON day, n FROM result`,
		"triggers": `CREATE TABLE result (day date, n bigint); CREATE TABLE log (what text, rows bigint);
			CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log SELECT TG_OP, count(*) FROM changed; RETURN NULL; END';
			CREATE TRIGGER ins AFTER INSERT ON result REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note();
			CREATE TRIGGER del AFTER DELETE ON result REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note()`,
		"inherited by another": "CREATE TABLE parent (day date, n bigint); CREATE TABLE result () INHERITS (parent)",
		"unlogged":             "CREATE UNLOGGED TABLE result (day date, n bigint)",
		"a schema":             `CREATE SCHEMA s; CREATE TABLE s.result (n bigint, "select" int, day date)`,
	}
	if pgtest.Shared(t).Version(t) >= 18 {
		shapes["generated columns that are computed when they are read"] = "CREATE TABLE result (day date, n bigint, doubled bigint GENERATED ALWAYS AS (n * 2) VIRTUAL)"
	}
	for name, create := range shapes {
		t.Run(name, func(t *testing.T) {
			server, url := database(t, create)
			w := open(t, postgres.Options{URL: url + "&search_path=s,public"})
			prepare(t, w, 1)
			for _, run := range []string{"r1", "r2", "r1"} {
				rows := map[string]string{"r1": "range(0, 20)", "r2": "range(5, 31)"}[run]
				l := filled(t, january(run, 1), "SELECT DATE '2020-01-01' + CAST(range AS INTEGER) AS day, range AS n FROM "+rows)
				c, err := l.Into(t.Context(), w)
				if err != nil {
					t.Fatalf("%s: %v", run, err)
				}
				want := "20,190"
				if run == "r2" {
					want = "26,455"
				}
				sameAsPublished(t, w, l.Columns, c)
				if got := warehousetest.Text(server.Exec(t, url+"&search_path=s,public", "SELECT count(*), sum(n) FROM result WHERE day BETWEEN '2020-01-01' AND '2020-01-31'")); got != want {
					t.Errorf("%s: got %s, want %s", run, got, want)
				}
			}
			for of, look := range map[string][2]string{
				"generated, identity and default columns": {"SELECT sum(doubled) = 2 * sum(n), count(DISTINCT id) = count(*), min(note) FROM result", "t,t,none"},
				"triggers": {"SELECT string_agg(what || ' ' || rows, ', ') FROM log", "INSERT 20, DELETE 20, INSERT 26, DELETE 26, INSERT 20"},
			} {
				if name == of && warehousetest.Text(server.Exec(t, url, look[0])) != look[1] {
					t.Errorf("%s says %s", look[0], warehousetest.Text(server.Exec(t, url, look[0])))
				}
			}
		})
	}
}

// sameAsPublished compares what a load says that it stored with what stands in the target.
func sameAsPublished(t *testing.T, w *postgres.Owner, columns []hindcast.Column, c hindcast.Committed) {
	t.Helper()
	is, err := w.Published(t.Context(), warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{warehousetest.January}})
	if err != nil || c.Sums.Rows == 0 || is[0].Rows != c.Sums.Rows || !is[0].Agrees(c.Sums) || !maps.Equal(is[0].Totals, c.Sums.Totals) {
		t.Errorf("the status row says %+v, the target holds %+v, %v", c.Sums, is, err)
	}
}

// Whole numbers may go into a floating-point target, which PostgreSQL sums otherwise.
func TestTotalsOfAFloatingPointTarget(t *testing.T) {
	_, url := database(t, "CREATE TABLE result (day date, n double precision, small real)")
	w := open(t, postgres.Options{URL: url})
	l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, CAST(2147483647 - range AS INTEGER) AS n, CAST(range - 3 AS SMALLINT) AS small FROM range(1000)")
	l.Columns = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "INTEGER"}, {Name: "small", Type: "SMALLINT"}}
	if err := w.Prepare(t.Context(), "p", target, l.Columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	c, err := l.Into(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sums.Totals) != 2 {
		t.Errorf("totals %v", c.Sums.Totals)
	}
	sameAsPublished(t, w, l.Columns, c)
}

// What a trigger stores is not what was sent, wherever the trigger is.
func TestTriggersOfTargets(t *testing.T) {
	const adding = `CREATE FUNCTION add() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n = NEW.n + 1; RETURN NEW; END';`
	for name, create := range map[string]string{
		"of a partition": `CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day); CREATE TABLE result_1 PARTITION OF result DEFAULT; ` + adding + `
			CREATE TRIGGER add BEFORE INSERT ON result_1 FOR EACH ROW EXECUTE FUNCTION add()`,
		"of the table": "CREATE TABLE result (day date, n bigint); " + adding + "CREATE TRIGGER add BEFORE INSERT ON result FOR EACH ROW EXECUTE FUNCTION add()",
		"that is off": "CREATE TABLE result (day date, n bigint); " + adding + `
			CREATE TRIGGER add BEFORE INSERT ON result FOR EACH ROW EXECUTE FUNCTION add(); ALTER TABLE result DISABLE TRIGGER add`,
	} {
		t.Run(name, func(t *testing.T) {
			_, url := database(t, create)
			w := open(t, postgres.Options{URL: url})
			prepare(t, w, 1)
			l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, range AS n FROM range(10)")
			l.Hooks.MayChange = true
			c, err := l.Into(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]string{true: "45", false: "55"}[name == "that is off"]; c.Sums.Totals["n"] != want {
				t.Errorf("totals %v, want %s", c.Sums.Totals, want)
			}
			sameAsPublished(t, w, columns, c)
		})
	}
}

// What cannot be replaced in one transaction is refused before anything runs.
func TestTargetsThatAreRefused(t *testing.T) {
	for create, says := range map[string]string{
		"CREATE VIEW result AS SELECT DATE '2020-01-01' AS day, 1::bigint AS n":                                                            "result is not a table",
		"CREATE MATERIALIZED VIEW result AS SELECT DATE '2020-01-01' AS day, 1::bigint AS n":                                               "result is not a table",
		"CREATE FOREIGN DATA WRAPPER f; CREATE SERVER s FOREIGN DATA WRAPPER f; CREATE FOREIGN TABLE result (day date, n bigint) SERVER s": "result is not a table",
		`CREATE FOREIGN DATA WRAPPER f; CREATE SERVER s FOREIGN DATA WRAPPER f; CREATE TABLE result (day date, n bigint) PARTITION BY RANGE (day);
			CREATE FOREIGN TABLE elsewhere PARTITION OF result DEFAULT SERVER s`: "elsewhere of result is a foreign table",
		`CREATE TABLE result (day date, n bigint, "N" int)`: "differ in case only",
	} {
		_, url := database(t, create)
		w := open(t, postgres.Options{URL: url})
		err := w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || e.Class != hindcast.ClassPermanent || e.Next == "" || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v", create, err)
		}
	}
}

// The status row says what is in the target, also where a hook or a trigger changed it: else the next plan would take the
// slice for edited, for ever.
func TestStatusRowsAreOfTheTarget(t *testing.T) {
	_, url := database(t, `CREATE TABLE result (day date, n bigint); CREATE FUNCTION add() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN NEW.n = NEW.n + 1; RETURN NEW; END';
		CREATE TRIGGER add BEFORE INSERT ON result FOR EACH ROW EXECUTE FUNCTION add()`)
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	for _, after := range [][]string{nil, {"UPDATE result SET n = n * 10"}, {"DELETE FROM result WHERE n = 1"}, {"DO 'BEGIN UPDATE result SET n = 7 WHERE n = 3; EXCEPTION WHEN others THEN NULL; END'"}} {
		l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' + CAST(range AS INTEGER) AS day, range AS n FROM range(4)")
		l.Hooks.After, l.Hooks.MayChange = after, true
		c, err := l.Into(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int64{true: 3, false: 4}[strings.HasPrefix(strings.Join(after, ""), "DELETE")]; c.Sums.Rows != want {
			t.Errorf("after %v the status row says %+v", after, c.Sums)
		}
		sameAsPublished(t, w, columns, c)
	}
}

// Any change of a row is seen, even one that leaves rows and totals as they are; reading and VACUUM change nothing.
func TestEditsAreSeen(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint, note text)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' + CAST(range AS INTEGER) AS day, range AS n FROM range(10)")
	committed, err := l.Into(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	published := func() hindcast.Sums {
		t.Helper()
		is, err := w.Published(t.Context(), warehouse.Published{Target: target, Columns: columns,
			Intervals: []hindcast.Interval{warehousetest.February, warehousetest.January}})
		if err != nil {
			t.Fatal(err)
		}
		if is[0].Rows != 0 {
			t.Errorf("February has %+v", is[0])
		}
		return is[1]
	}
	edited := func() string {
		t.Helper()
		keys, err := w.Edited(t.Context(), "p", warehouse.Published{Target: target, Columns: columns, TimeZone: "UTC"})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(keys, ",")
	}
	for _, harmless := range []string{"VACUUM FULL result", "VACUUM (FREEZE, ANALYZE) result", "CLUSTER result USING by_day", "ALTER TABLE result ADD COLUMN more int DEFAULT 3",
		"INSERT INTO result VALUES ('2020-03-01', 5)"} {
		if strings.HasPrefix(harmless, "CLUSTER") {
			c.Exec(t, url, "CREATE INDEX by_day ON result (day)")
		}
		c.Exec(t, url, harmless)
		if is := published(); !is.Agrees(committed.Sums) {
			t.Errorf("after %s: %+v, committed %+v", harmless, is, committed.Sums)
		}
		if keys := edited(); keys != "" {
			t.Errorf("after %s these slices are edited: %s", harmless, keys)
		}
	}
	for _, edit := range []string{"UPDATE result SET note = 'by hand' WHERE n = 3", "DELETE FROM result WHERE n = 0; INSERT INTO result VALUES ('2020-01-05', 0)"} {
		before := published()
		c.Exec(t, url, edit)
		if is := published(); is.Agrees(committed.Sums) || is.Agrees(before) {
			t.Errorf("%s was not seen: %+v", edit, is)
		}
		if keys := edited(); keys != committed.Slice.Key {
			t.Errorf("%s was seen in %q", edit, keys)
		}
	}
}

// What ALTER TABLE and its like do to a target without a change of its rows: where the values are what was committed nothing is
// edited, and where they may not be everything is.
func TestAlteredTargets(t *testing.T) {
	c, url := database(t, "")
	w := open(t, postgres.Options{URL: url})
	const plain = "CREATE TABLE result (day date, n bigint, note varchar(9))"
	const parts = "CREATE TABLE result (day date, n bigint, note varchar(9)) PARTITION BY RANGE (day); CREATE TABLE january PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); " +
		"CREATE TABLE others PARTITION OF result DEFAULT"
	for _, a := range []struct {
		create, alter string
		edits         bool
	}{
		{plain, "ALTER TABLE result ALTER COLUMN note TYPE varchar(20), ALTER COLUMN n SET NOT NULL, ALTER COLUMN n SET STATISTICS 7, SET (fillfactor = 70), ADD UNIQUE (n)", false},
		{plain, "ALTER TABLE result RENAME TO elsewhere; ALTER TABLE elsewhere RENAME TO result", false},
		{plain, "CREATE SCHEMA s; ALTER TABLE result SET SCHEMA s; ALTER TABLE s.result SET SCHEMA public", false},
		{plain, "SET allow_in_place_tablespaces = on; CREATE TABLESPACE TABLESPACE_OF_TEST LOCATION ''; ALTER TABLE result SET TABLESPACE TABLESPACE_OF_TEST; " +
			"ALTER TABLE result SET TABLESPACE pg_default; DROP TABLESPACE TABLESPACE_OF_TEST", false},
		{plain, "ALTER TABLE result SET UNLOGGED; ALTER TABLE result SET LOGGED", true}, // the rows are written again, as they are
		{plain, "ALTER TABLE result ALTER COLUMN n TYPE bigint USING 0", true},
		{plain, "ALTER TABLE result ALTER COLUMN n TYPE numeric(38,2)", true}, // the same values, written again
		{plain, "ALTER TABLE result ADD COLUMN random double precision DEFAULT random()", true},
		{plain, "ALTER TABLE result DROP COLUMN n, ADD COLUMN n bigint DEFAULT 3", true},
		{plain, "ALTER TABLE result ADD COLUMN more bigint; ALTER TABLE result RENAME n TO was; ALTER TABLE result RENAME more TO n", true},
		{plain, "TRUNCATE result", true},
		{plain, "CREATE TABLE other AS TABLE result; DROP TABLE result; ALTER TABLE other RENAME TO result", true},
		{parts, "ALTER TABLE result DETACH PARTITION january; ALTER TABLE result ATTACH PARTITION january FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')", false},
		{parts, "CREATE TABLE march PARTITION OF result FOR VALUES FROM ('2020-03-01') TO ('2020-04-01')", false},
		{parts, "VACUUM FULL january", false},
		{parts, "ALTER TABLE result DROP COLUMN n, ADD COLUMN n bigint", true},
		{parts, "ALTER TABLE result DETACH PARTITION january", true},
		{parts, "ALTER TABLE result DETACH PARTITION january; CREATE TABLE again PARTITION OF result FOR VALUES FROM ('2020-01-01') TO ('2020-02-01'); INSERT INTO result TABLE january", true},
		{parts, "TRUNCATE january", true},
	} {
		c.Exec(t, url, "DROP TABLE IF EXISTS result, january; DROP SCHEMA IF EXISTS s; "+a.create)
		prepare(t, w, 1)
		committed, err := filled(t, january("r", 1), "SELECT DATE '2020-01-05' + CAST(range AS INTEGER) AS day, range AS n FROM range(10)").Into(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}

		session := pgtest.Connect(t, url)
		own := "hindcast_" + warehousetest.Text(c.Exec(t, url, "SELECT oid FROM pg_database WHERE datname = current_database()"))
		for statement := range strings.SplitSeq(strings.ReplaceAll(a.alter, "TABLESPACE_OF_TEST", own), "; ") { // each in a transaction of its own
			pgtest.Query(t, session, statement)
		}
		is, err := w.Published(t.Context(), warehouse.Published{Target: target, Columns: columns, Intervals: []hindcast.Interval{warehousetest.January}})
		if err != nil || is[0].Agrees(committed.Sums) == a.edits {
			t.Errorf("after %s there are %+v, %v; committed %+v", a.alter, is, err, committed.Sums)
		}
		keys, err := w.Edited(t.Context(), "p", warehouse.Published{Target: target, Columns: columns, TimeZone: "UTC"})
		if err != nil || (len(keys) == 1) != a.edits {
			t.Errorf("after %s these slices are edited: %v, %v", a.alter, keys, err)
		}
	}
}

// A status row of an earlier version does not say where its values are, and is compared as far as it says.
func TestEditsOfEarlierStatusRows(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint, note text)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	if _, err := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, range AS n FROM range(3)").Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}

	for _, s := range []struct{ statement, edited string }{
		{"UPDATE hindcast_status SET content = split_part(content, '@', 1)", ""},
		{"ALTER TABLE result DROP COLUMN n, ADD COLUMN n bigint", ""},
		{"UPDATE result SET n = 1 WHERE ctid = (SELECT min(ctid) FROM result)", "2020-01-01"},
	} {
		c.Exec(t, url, s.statement)
		keys, err := w.Edited(t.Context(), "p", warehouse.Published{Target: target, Columns: columns, TimeZone: "UTC"})
		if err != nil || strings.Join(keys, ",") != s.edited {
			t.Errorf("after %s these slices are edited: %v, %v", s.statement, keys, err)
		}
	}
}

// A load that writes a row into another slice, and loses one of its own to somebody, still has as many rows as it committed.
func TestEditsInTwoSlicesDoNotEvenOut(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint, note text)")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)

	if _, err := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, range AS n FROM range(3)").Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}

	february := january("r", 1)
	february.Slice = hindcast.Slice{Key: "2020-02-01", Interval: warehousetest.February}
	february.Hooks.After = []string{"INSERT INTO result VALUES ('2020-01-06', 7)"}
	if _, err := filled(t, february, "SELECT DATE '2020-02-05' AS day, range AS n FROM range(3)").Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}

	c.Exec(t, url, "DELETE FROM result WHERE day >= '2020-02-01' AND n = 0")
	keys, err := w.Edited(t.Context(), "p", warehouse.Published{Target: target, Columns: columns, TimeZone: "UTC"})
	if err != nil || strings.Join(keys, " ") != "2020-01-01 2020-02-01" {
		t.Errorf("these slices are edited: %q, %v", keys, err)
	}
}

// A constraint of the target that a row breaks fails the slice for good, and says which.
func TestConstraintsThatRowsBreak(t *testing.T) {
	for _, s := range []struct {
		name, create string
		code         hindcast.Code
		class        hindcast.Class
		says         string
	}{
		{"key", "CREATE TABLE result (day date, n bigint PRIMARY KEY)", hindcast.EKeyViolated, hindcast.ClassCheck, "result_pkey"},
		{"check", "CREATE TABLE result (day date, n bigint CONSTRAINT small CHECK (n < 0))", hindcast.ETarget, hindcast.ClassPermanent, "small"},
		{"not null", "CREATE TABLE result (day date, n bigint, needed int NOT NULL)", hindcast.ETarget, hindcast.ClassPermanent, "needed"},
		{"reference", "CREATE TABLE ns (n bigint PRIMARY KEY); CREATE TABLE result (day date, n bigint REFERENCES ns DEFERRABLE INITIALLY DEFERRED)", hindcast.ETarget, hindcast.ClassPermanent, "result_n_fkey"},
	} {
		t.Run(s.name, func(t *testing.T) {
			c, url := database(t, s.create)
			w := open(t, postgres.Options{URL: url})
			prepare(t, w, 1)
			_, err := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, CAST(1 AS BIGINT) AS n FROM range(2)").Into(t.Context(), w)
			if e := hindcast.AsError(err); e == nil || e.Code != s.code || e.Class != s.class || !strings.Contains(e.Message, s.says) {
				t.Errorf("got %v", err)
			}
			if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result")); got != "0" {
				t.Errorf("%s rows", got)
			}
		})
	}
}

// A new target has columns that hold what the result has, and an index on its time.
func TestTargetsAreCreated(t *testing.T) {
	values := map[string]string{
		"BOOLEAN": "true", "TINYINT": "-128", "SMALLINT": "-32768", "INTEGER": "-2147483648", "BIGINT": "-9223372036854775808",
		"UTINYINT": "255", "USMALLINT": "65535", "UINTEGER": "4294967295", "UBIGINT": "18446744073709551615",
		"FLOAT": "'nan'", "DOUBLE": "'-infinity'", "DECIMAL(18,6)": "999999999999.999999", "DECIMAL(38,10)": "9999999999999999999999999999.9999999999",
		"VARCHAR": "'it''s\n\"odd\"'", "BLOB": "'\\x00\\xFF'", "TIME": "'23:59:59.999999'", "TIMESTAMP": "'2020-01-01 01:02:03.000001'",
		"TIMESTAMP WITH TIME ZONE": "'2020-01-01 01:02:03.123456+05'", "UUID": "'00112233-4455-6677-8899-aabbccddeeff'",
		"JSON": "'{\"b\":1, \"a\":2,\"a\":[3, null]}'", "INTEGER[]": "[1, NULL, 3]", "VARCHAR[]": "['a', NULL]",
	}
	c, url := database(t, "")
	w := open(t, postgres.Options{URL: url})
	wanted := []hindcast.Column{{Name: "Day", Type: "DATE"}}
	list := "DATE '2020-01-05' AS \"Day\""
	for typ, value := range values {
		wanted = append(wanted, hindcast.Column{Name: "c " + typ, Type: typ})
		list += ", CAST(" + value + " AS " + typ + ") AS \"c " + typ + "\""
	}
	wanted = append(wanted, hindcast.Column{Name: "mine", Type: "VARCHAR", Source: "character varying(9)"},
		hindcast.Column{Name: "gone", Type: "VARCHAR", Source: "a_type_of_before"})
	list += ", 'nine long' AS mine, 'any' AS gone"
	created := hindcast.Target{Table: "New_Result", Time: "day"}
	if err := w.Prepare(t.Context(), "p", created, wanted, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}
	l := january("r", 1)
	l.Target, l.Columns = created, wanted
	if _, err := filled(t, l, "SELECT "+list).Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	out := unload(t, w, extract(t, w, "new_result", "", hindcast.Interval{}))
	if out.Sums.Rows != 1 {
		t.Errorf("%d rows", out.Sums.Rows)
	}
	for typ, value := range values {
		var same bool
		query := fmt.Sprintf(`SELECT CAST("c %s" AS VARCHAR) = CAST(CAST(%s AS %s) AS VARCHAR) FROM read_parquet('%s')`, typ, value, typ, out.Files[0].Path)
		if err := warehousetest.Memory(t).QueryRowContext(t.Context(), query).Scan(&same); err != nil || !same {
			t.Errorf("%s comes back changed, %v", typ, err)
		}
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT string_agg(format_type(atttypid, atttypmod), ',' ORDER BY attname) FROM pg_attribute "+
		"WHERE attrelid = 'new_result'::regclass AND attname IN ('c JSON', 'mine', 'gone')")); got != "json,text,character varying(9)" {
		t.Errorf("the types are %q", got)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT indexdef FROM pg_indexes WHERE tablename = 'new_result'")); !strings.Contains(got, `("Day")`) {
		t.Errorf("the indexes are %q", got)
	}
	for _, typ := range []string{"STRUCT(a INTEGER)", "TIMESTAMP_NS", "MAP(VARCHAR, INTEGER)"} {
		err := w.Prepare(t.Context(), "p", hindcast.Target{Table: "bad", Time: "day"}, []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "bad", Type: typ}}, warehouse.Claim{Fence: 1})
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETarget || !strings.Contains(e.Message, `"bad"`) {
			t.Errorf("%s: %v", typ, err)
		}
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT to_regclass('bad')")); got != "NULL" {
		t.Errorf("a table that could not be created is %s", got)
	}
}

// Text goes into a numeric of any size, and what its scale would round is refused: the server rounds without a word.
func TestTextIntoNumeric(t *testing.T) {
	c, url := database(t, "CREATE DOMAIN rate AS numeric(60,1); CREATE TABLE result (day date, n bigint, a numeric, b numeric(50,2), c rate, d numeric(45,1)[])")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	l := january("r", 1)
	for _, name := range []string{"a", "b", "c", "d"} {
		l.Columns = append(l.Columns[:len(l.Columns):len(l.Columns)], hindcast.Column{Name: name, Type: "VARCHAR"})
	}
	l.Columns = append(l.Columns[:1:1], l.Columns[2:]...)
	row := func(a, b, c, d string) warehousetest.Load {
		return filled(t, l, fmt.Sprintf("SELECT DATE '2020-01-05' AS day, '%s' AS a, '%s' AS b, '%s' AS c, '%s' AS d", a, b, c, d))
	}
	const large = "12345678901234567890123456789012345678901"
	if _, err := row("NaN", large+".25", large+".500", "{"+large+".5,NULL}").Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT a, b, c, d FROM result")); got != "NaN,"+large+".25,"+large+".5,{"+large+".5,NULL}" {
		t.Errorf("the target holds %s", got)
	}
	for column, bad := range map[string]warehousetest.Load{"b": row("1", "1.005", "1", "{1}"), "c": row("1", "1", "0.25", "{1}"), "d": row("1", "1", "1", "{0.25}")} {
		_, err := bad.Into(t.Context(), w)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow || !strings.Contains(e.Message, `"`+column+`"`) {
			t.Errorf("%s: %v", column, err)
		}
	}
}

// What will hurt is told before a run.
func TestAdvice(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date PRIMARY KEY, n bigint); CREATE TABLE lines (day date CONSTRAINT of_day REFERENCES result ON DELETE CASCADE);
		CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER each_row BEFORE INSERT ON result FOR EACH ROW EXECUTE FUNCTION nothing();
		CREATE TABLE bare (n bigint, day date) WITH (autovacuum_enabled = off); INSERT INTO bare SELECT i, DATE '2020-01-01' FROM generate_series(1, 150000) i;
		DELETE FROM bare WHERE n > 20000; CREATE INDEX ON bare (n, day); CREATE TABLE fine (day date PRIMARY KEY)`)
	c.Exec(t, url, "ANALYZE bare")
	w := open(t, postgres.Options{URL: url})
	for table, says := range map[string][]string{"result": {"lines references result (of_day): ON DELETE CASCADE", "rows of result that are replaced pass trigger"},
		"bare": {`bare has no index on day`, "bare holds more dead rows"}, "fine": {}, "nowhere": {}} {
		advice, err := w.Advise(t.Context(), nil, hindcast.Target{Table: table, Time: "day"})
		if err != nil || len(advice) != len(says) {
			t.Errorf("%s: %q, %v", table, advice, err)
			continue
		}
		for i, s := range says {
			if !strings.HasPrefix(advice[i], s) {
				t.Errorf("%s: %q does not begin with %q", table, advice[i], s)
			}
		}
	}
}

// Hooks and triggers see the pipeline's clock, and what a hook does to its session ends with it.
func TestHooksDoNotLeaveTheirSession(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint); CREATE TABLE seen (zone text, load text); CREATE SCHEMA empty")
	w := open(t, postgres.Options{URL: url + "&max_connections=1"})
	prepare(t, w, 1)
	l := january("r", 1)
	l.Hooks = hindcast.Load{Before: []string{"SET search_path = empty", "SET client_min_messages = 'error'"},
		After: []string{"INSERT INTO public.seen VALUES (current_setting('TimeZone'), current_setting('application_name'))"}}
	if _, err := l.Into(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	if rows, err := w.Committed(t.Context(), "p", true); err != nil || len(rows) != 1 {
		t.Errorf("%v, %v", rows, err)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT zone, load LIKE 'hindcast _%' FROM seen")); got != "Asia/Tokyo,t" {
		t.Errorf("the hook saw %s", got)
	}
}
