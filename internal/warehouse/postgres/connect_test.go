//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// refused tries to connect, or to work, and gives the error. No message may hold the password.
func refused(t *testing.T, url string) *hindcast.Error {
	t.Helper()
	w, err := postgres.NewOwner(t.Context(), postgres.Options{URL: url})
	if err == nil {
		_ = w.Close()
		t.Fatalf("%s: no error", url)
	}
	e := hindcast.AsError(err)
	if all := fmt.Sprint(e.Message, e.Next, e.Detail); strings.Contains(all, "hunter2") || strings.Contains(all, pgtest.Password) {
		t.Errorf("the password is told: %s", all)
	}
	if e.Next == "" {
		t.Errorf("%s: no next step", e.Message)
	}
	return e
}

// What is wrong with a URL, a server or a right is said in words that lead on.
func TestConnectionsThatFail(t *testing.T) {
	c := pgtest.Shared(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	_ = closed.Close()
	tcp := c.TCP("postgres")
	for _, s := range []struct {
		name, url string
		code      hindcast.Code
		class     hindcast.Class
		says      string
	}{
		{"wrong password", strings.Replace(tcp, pgtest.Password, "hunter2", 1), hindcast.EPermission, hindcast.ClassPermanent, "password authentication failed"},
		{"no password", strings.Replace(tcp, ":"+pgtest.Password, "", 1), hindcast.EPermission, hindcast.ClassPermanent, "password"},
		{"no such user", strings.Replace(c.URL("postgres"), "postgres@", "nobody:hunter2@", 1), hindcast.EPermission, hindcast.ClassPermanent, `"nobody"`},
		{"no such database", c.URL("nowhere"), hindcast.EWarehouse, hindcast.ClassPermanent, `"nowhere"`},
		{"no such host", "postgres://u:hunter2@no-such-host.invalid/db", hindcast.EWarehouse, "", "no-such-host.invalid"},
		{"port closed", "postgres://u:hunter2@" + nobody + "/db", hindcast.EWarehouse, hindcast.ClassTransient, "refused"},
		{"no socket", "postgres://u:hunter2@/db?host=" + t.TempDir(), hindcast.EWarehouse, hindcast.ClassTransient, "socket"},
		{"no TLS there", strings.Replace(pgtest.Start(t, "", "ssl=off").TCP("postgres"), "sslmode=disable", "sslmode=require", 1), hindcast.EWarehouse, hindcast.ClassPermanent, "TLS"},
		{"unknown setting", c.URL("postgres") + "&no_such_setting=1", hindcast.EWarehouse, hindcast.ClassPermanent, "no_such_setting"},
		{"unknown sslmode", tcp + "x", hindcast.EWarehouse, hindcast.ClassPermanent, "sslmode"},
		{"no such service", "postgres://u:hunter2@/db?service=nothing&servicefile=/no/such/file", hindcast.EWarehouse, hindcast.ClassPermanent, "/no/such/file"},
		{"connections", c.URL("postgres") + "&max_connections=0", hindcast.EWarehouse, hindcast.ClassPermanent, "max_connections"},
		{"no such authority", strings.Replace(tcp, "sslmode=disable", "sslmode=verify-full&sslrootcert=/no/such/ca", 1), hindcast.EWarehouse, hindcast.ClassPermanent, "/no/such/ca"},
	} {
		e := refused(t, s.url)
		if e.Code != s.code || s.class != "" && e.Class != s.class || !strings.Contains(e.Message, s.says) {
			t.Errorf("%s: %s %s: %s\nnext: %s", s.name, e.Code, e.Class, e.Message, e.Next)
		}
	}
}

// What cannot be reached is named with host, port and database, and what a URL says wrongly is corrected by what is told.
func TestConnectionsThatFailSayWhereAndWhatNext(t *testing.T) {
	c := pgtest.Shared(t)
	tcp := c.TCP("postgres")
	at := fmt.Sprintf(`cannot connect to 127.0.0.1:%d (database "postgres"): `, c.Port)
	for _, s := range []struct{ url, says, next string }{
		{strings.Replace(tcp, pgtest.Password, "hunter2", 1), at + "password authentication failed", "password"},
		{"postgres://u:hunter2@no-such-host.invalid/db", `cannot connect to no-such-host.invalid:5432 (database "db"): no such host`, ""},
		{"postgres://u:hunter2@127.0.0.1:1", `cannot connect to 127.0.0.1:1 (database "u"): connection refused`, ""},
		{strings.Replace(tcp, "disable", "bogus", 1), "sslmode is invalid", "verify-full"},
		{strings.Replace(tcp, "sslmode=disable", "sslmode=verify-full&sslrootcert=/no/such/ca", 1), "/no/such/ca", "sslrootcert=FILE"},
		{strings.Replace(tcp, "disable", "require", 1) + "&sslcert=/no/such/cert", "sslcert", "sslkey"},
		{"postgres://u:hunter2@localhost:99999/db", "invalid port", "65535"},
		{tcp + "&connect_timeout=soon", "connect_timeout", "in seconds"},
	} {
		if e := refused(t, s.url); !strings.Contains(e.Message, s.says) || !strings.Contains(e.Next, s.next) {
			t.Errorf("%s: %s\nnext: %s", s.says, e.Message, e.Next)
		}
	}
}

// What the server refuses of a connection's settings is named, and its value is not shown: it may be meant for something else.
func TestRefusedSettingsAreNotQuoted(t *testing.T) {
	c := pgtest.Shared(t)
	for _, s := range []struct{ settings, says string }{
		{"options=-c%20work_mem%3Dhunter2", `invalid value for parameter "work_mem": "***"`},
		{"options=-c%20work_mem%3Dx1", `invalid value for parameter "work_mem": "***"`},
		{"options=-c%20search_path%3Dpublic%20--statement-timeout%3Dhunter2", `invalid value for parameter "statement_timeout": "***"`},
		{"options=-c%20app.token%3Dhunter2%20-c%20DateStyle%3Dhunter2%5C%20too", `invalid value for parameter "DateStyle": "***"`},
		{"options=--hunter2", `*** requires a value`},
		{"options=-chunter2", `*** requires a value`},
	} {
		e := refused(t, c.URL("postgres")+"&"+s.settings)
		if all := fmt.Sprint(e.Message, e.Detail, e.Next); !strings.Contains(e.Message, s.says) || strings.Contains(all, "hunter2") {
			t.Errorf("%s: %s %q", s.settings, e.Message, e.Detail)
		}
	}
}

func TestAServerThatIsFullOrStopped(t *testing.T) {
	c := pgtest.Start(t, "", "max_connections=5", "superuser_reserved_connections=1")
	c.Exec(t, c.URL("postgres"), "CREATE ROLE ordinary LOGIN")
	url := strings.Replace(c.URL("postgres"), "postgres@", "ordinary@", 1)
	w := open(t, postgres.Options{URL: url})
	first := pgtest.Connect(t, url)
	for pgtest.Query(t, first, "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL AND usename <> 'ordinary'")[0][0] != "0" {
	} // until the superuser's session has ended
	for range 2 {
		pgtest.Connect(t, url)
	}
	if e := refused(t, url); e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassTransient || !strings.Contains(e.Next, "max_connections") {
		t.Errorf("full: %+v", e)
	}
	c.Stop(t, "fast")
	if e := refused(t, url); e.Class != hindcast.ClassTransient {
		t.Errorf("stopped: %+v", e)
	}
	_, err := w.Fence(t.Context(), "p")
	if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient {
		t.Errorf("a session of before: %v", err)
	}
	c.Resume(t)
	if _, err := w.Fence(t.Context(), "p"); err != nil {
		t.Errorf("after the server's return: %v", err)
	}
}

// sslmode is obeyed up to verify-full.
func TestTLS(t *testing.T) {
	c := pgtest.Start(t, "")
	authority := c.Certificate() // for 127.0.0.1
	url := func(host, rest string) string {
		return fmt.Sprintf("postgres://%s:%s@%s:%d/postgres?%s", pgtest.User, pgtest.Password, host, c.Port, rest)
	}
	w := open(t, postgres.Options{URL: url("127.0.0.1", "sslmode=verify-full&sslrootcert="+authority)})
	if _, err := w.Tables(t.Context()); err != nil {
		t.Error(err)
	}
	if got := warehousetest.Text(c.Exec(t, c.URL("postgres"), "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl AND application_name = 'hindcast'")); got != "1" {
		t.Errorf("%s sessions have TLS", got)
	}
	if e := refused(t, url("localhost", "sslmode=verify-full&sslrootcert="+authority)); e.Class != hindcast.ClassPermanent || !strings.Contains(e.Next, "verify-ca") {
		t.Errorf("another name: %+v", e)
	}
	if e := refused(t, url("127.0.0.1", "sslmode=verify-full")); e.Class != hindcast.ClassPermanent || !strings.Contains(e.Next, "sslrootcert") {
		t.Errorf("an unknown authority: %+v", e)
	}
	open(t, postgres.Options{URL: url("localhost", "sslmode=verify-ca&sslrootcert="+authority)})
	plain := pgtest.Start(t, "", "ssl=off")
	for _, mode := range []string{"disable", "allow", "prefer", "require"} {
		there := strings.Replace(plain.TCP("postgres"), "sslmode=disable", "sslmode="+mode, 1)
		if mode == "require" {
			if e := refused(t, there); e.Class != hindcast.ClassPermanent || !strings.Contains(e.Next, "no TLS") {
				t.Errorf("require without TLS: %+v", e)
			}
			continue
		}
		open(t, postgres.Options{URL: there})
	}
	modes := "SELECT string_agg(DISTINCT ssl::text, ',') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = "
	for mode, want := range map[string]string{"disable": "false", "allow": "false", "prefer": "true", "require": "true"} {
		open(t, postgres.Options{URL: url("localhost", "application_name="+mode+"&sslmode="+mode)})
		if got := warehousetest.Text(c.Exec(t, c.URL("postgres"), modes+"'"+mode+"'")); got != want {
			t.Errorf("sslmode=%s: TLS is %s", mode, got)
		}
	}
}

// libpq's environment, service file and password file are read.
func TestLibpqsWaysToSayWhere(t *testing.T) {
	c := pgtest.Shared(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	port := strconv.Itoa(c.Port)
	service := write("services", "[warehouse]\nhost=127.0.0.1\nport="+port+"\nuser=postgres\ndbname=postgres\nsslmode=disable\n")
	pass := write("pass", "127.0.0.1:"+port+":*:postgres:"+pgtest.Password+"\n")
	for name, s := range map[string]struct {
		url string
		env map[string]string
	}{
		"PGPASSWORD":                      {"postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", map[string]string{"PGPASSWORD": pgtest.Password}},
		"PGPASSFILE":                      {"postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", map[string]string{"PGPASSFILE": pass}},
		"PGHOST":                          {"postgres://", map[string]string{"PGHOST": c.Dir, "PGPORT": port, "PGUSER": "postgres", "PGDATABASE": "postgres"}},
		"service":                         {"postgres:///?service=warehouse", map[string]string{"PGSERVICEFILE": service, "PGPASSFILE": pass}},
		"PGSERVICE":                       {"postgres://", map[string]string{"PGSERVICEFILE": service, "PGSERVICE": "warehouse", "PGPASSFILE": pass}},
		"keep-alives, as psql takes them": {c.URL("postgres") + "&keepalives_idle=10&gssencmode=disable&connect_timeout=5&application_name=mine", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range s.env {
				t.Setenv(key, value)
			}
			open(t, postgres.Options{URL: s.url})
		})
	}
}

// Limits that a role or a database has for other work do not end ours; the user's own settings hold.
func TestSessions(t *testing.T) {
	c, url := database(t, "CREATE TABLE v (i int)")
	name := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
	c.Exec(t, url, "ALTER DATABASE "+name+" SET statement_timeout = '1ms'; ALTER DATABASE "+name+" SET DateStyle = 'German'; ALTER DATABASE "+name+" SET synchronous_commit = off")
	w := open(t, postgres.Options{URL: url, Session: []string{"SET work_mem = '77MB'"}})
	c.Exec(t, url+"&statement_timeout=0", `CREATE VIEW settings AS SELECT current_setting('statement_timeout') || ' ' || current_setting('work_mem') || ' ' ||
		current_setting('synchronous_commit') || ' ' || current_setting('DateStyle') || ' ' || current_setting('application_name') AS said`)
	out := unload(t, w, extract(t, w, "settings", "", hindcast.Interval{}))
	var said string
	query := "SELECT said FROM read_parquet('" + out.Files[0].Path + "')"
	if err := warehousetest.Memory(t).QueryRowContext(t.Context(), query).Scan(&said); err != nil || said != "0 77MB on ISO, YMD hindcast" {
		t.Errorf("sessions have %q, %v", said, err)
	}
	_, err := postgres.NewOwner(t.Context(), postgres.Options{URL: url, Session: []string{"SET work_mem = '77MB'", "SET nonsense = 1"}})
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EHook || e.Class != hindcast.ClassPermanent || !strings.HasPrefix(e.Message, "load.session[1]: ") {
		t.Errorf("a setting that does not exist: %v", err)
	}
	reader := open(t, postgres.Options{URL: url, ReadOnly: true})
	err = reader.Prepare(t.Context(), "p", hindcast.Target{Table: "result", Time: "day"}, []hindcast.Column{{Name: "day", Type: "DATE"}}, warehouse.Claim{Fence: 1})
	if err == nil || warehousetest.Text(c.Exec(t, url+"&statement_timeout=0", "SELECT to_regclass('result')")) != "NULL" {
		t.Errorf("a warehouse that is opened to read was written to: %v", err)
	}
}

// Work that takes longer than the limits that the role has for other work is done all the same: a statement, a wait in a
// transaction, a lock, a session that has nothing to do. A peer that is gone is noticed by the server's side too.
func TestTheRolesLimitsOfTime(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint); INSERT INTO result VALUES ('2020-01-05', 1); CREATE VIEW slow AS SELECT 1 AS i FROM pg_sleep(0.6)")
	database := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
	role := "hasty_" + database
	c.Exec(t, url, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD '%[2]s'; GRANT SELECT ON slow TO %[1]s; GRANT SELECT, INSERT, DELETE ON result TO %[1]s;
		CREATE SCHEMA %[1]s AUTHORIZATION %[1]s; ALTER ROLE %[1]s SET statement_timeout = '300ms'; ALTER ROLE %[1]s SET idle_in_transaction_session_timeout = '300ms';
		ALTER ROLE %[1]s SET lock_timeout = '1ms'; ALTER ROLE %[1]s SET tcp_keepalives_idle = 7200`, role, pgtest.Password))
	if c.Version(t) >= 14 {
		c.Exec(t, url, "ALTER ROLE "+role+" SET idle_session_timeout = '300ms'")
	}
	if c.Version(t) >= 17 {
		c.Exec(t, url, "ALTER ROLE "+role+" SET transaction_timeout = '400ms'")
	}
	w := open(t, postgres.Options{URL: strings.Replace(c.TCP(database), "//postgres:", "//"+role+":", 1) + "&search_path=" + role + ",public&max_connections=1"})
	prepare(t, w, 1)
	unload(t, w, extract(t, w, "slow", "", hindcast.Interval{}))
	l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, CAST(1 AS BIGINT) AS n")
	l.Hooks.Before = []string{"SELECT pg_sleep(0.5)", "SELECT set_config('hindcast.seen', string_agg(current_setting(name), ' '), true) FROM unnest(ARRAY['tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count']) name"}
	l.Hooks.After = []string{"DO 'BEGIN IF current_setting(''hindcast.seen'') <> ''15 5 3'' THEN RAISE ''%'', current_setting(''hindcast.seen''); END IF; END'"}
	holder := pgtest.Connect(t, url)
	l.Keep = func(context.Context, []warehouse.Kept) error { // the load's transaction is open, and does nothing
		pgtest.Query(t, holder, "SELECT pg_sleep(0.6)")
		return nil
	}
	pgtest.Query(t, holder, "BEGIN; LOCK TABLE result IN SHARE MODE")
	ended := make(chan error, 1)
	go func() {
		_, err := l.Into(context.WithoutCancel(t.Context()), w)
		ended <- err
	}()
	watching := pgtest.Connect(t, url)
	await(t, watching, "SELECT count(*) FROM pg_locks WHERE relation = 'result'::regclass AND NOT granted")
	pgtest.Query(t, holder, "SELECT pg_sleep(0.4); COMMIT")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	pgtest.Query(t, holder, "SELECT pg_sleep(0.5)")
	if n, err := w.Fence(t.Context(), "p"); err != nil || n != 1 {
		t.Errorf("the fence is %d, %v", n, err)
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM pg_stat_activity WHERE usename = '"+role+"'")); got != "1" {
		t.Errorf("%s sessions", got)
	}
}

// A statement that runs when the context ends is ended at the server.
func TestStoppingEndsStatements(t *testing.T) {
	_, url := database(t, "CREATE VIEW slow AS SELECT i FROM generate_series(1, 2) i, pg_sleep(600)")
	w := open(t, postgres.Options{URL: url})
	x := extract(t, w, "slow", "", hindcast.Interval{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := w.Sum(ctx, x)
		ended <- err
	}()
	watching := pgtest.Connect(t, url)
	sleeping := func() string {
		return warehousetest.Text(pgtest.Query(t, watching, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"))
	}
	for sleeping() != "1" {
	}
	cancel()
	if e := hindcast.AsError(<-ended); e == nil || e.Code != hindcast.EStopped || e.Class != hindcast.ClassCanceled {
		t.Errorf("got %v", e)
	}
	if sleeping() != "0" {
		t.Error("the statement goes on at the server")
	}

}
