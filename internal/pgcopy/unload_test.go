package pgcopy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// integers are fields n (and more) of type integer.
func integers(t testing.TB, conn *pgconn.PgConn, names ...string) []pgcopy.Field {
	t.Helper()
	types, err := pgcopy.Resolve(t.Context(), conn, []pgcopy.Ref{{OID: 23, Mod: -1}})
	if err != nil {
		t.Fatal(err)
	}

	var fields []pgcopy.Field
	for _, name := range names {
		f, err := pgcopy.Carry(name, types[0], false)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, f)
	}

	return fields
}

// unloadOne unloads one query.
func unloadOne(ctx context.Context, t testing.TB, conn *pgconn.PgConn, fields []pgcopy.Field, from string) ([]hindcast.File, hindcast.Sums, error) {
	t.Helper()
	return unloadAll(ctx, t, fields, pgcopy.One(conn, pgcopy.CopyOut(fields, from)), pgcopy.Options{Dir: t.TempDir()})
}

func TestUnloadOfNothing(t *testing.T) {
	conn := open(t)
	fields := integers(t, conn, "n")
	for _, from := range []pgcopy.Source{{}, pgcopy.One(conn, pgcopy.CopyOut(fields, "generate_series(1, 0) n"))} {
		dir := t.TempDir()
		files, sums, err := pgcopy.Unload(t.Context(), fields, from, pgcopy.Options{Dir: dir})
		if err != nil || len(files) != 0 || sums.Rows != 0 || sums.Totals != nil {
			t.Errorf("got %v, %v, %v", files, sums, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%v was left behind", left)
		}
	}
}

// More statements than connections, and more connections than threads: each statement is run once.
func TestMoreStatementsThanConnections(t *testing.T) {
	conn := open(t)
	fields := integers(t, conn, "n")
	from := pgcopy.Source{Conns: []*pgconn.PgConn{beside(t, conn), beside(t, conn), beside(t, conn)}}
	for i := range 50 {
		from.SQL = append(from.SQL, pgcopy.CopyOut(fields, fmt.Sprintf("generate_series(%d, %d) n", i*1000+1, i*1000+1000)))
	}

	files, sums, err := unloadAll(t.Context(), t, fields, from, pgcopy.Options{Dir: t.TempDir(), Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	if sums.Rows != 50000 || sums.Totals["n"] != "1250025000" || len(files) != 1 || files[0].Rows != 50000 {
		t.Errorf("got %v, %v", files, sums)
	}

	whole, err := pgcopy.Sum(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, "generate_series(50000, 1, -1) n")))
	if err != nil || whole.Content != sums.Content {
		t.Errorf("in fifty parts the rows hash to %s, and in one to %s, %v", sums.Content, whole.Content, err)
	}
}

// Content counts duplicates and distinguishes rows whose values are in different columns.
func TestContent(t *testing.T) {
	conn := open(t)
	fields := integers(t, conn, "a", "b")
	content := func(values string) string {
		sums, err := pgcopy.Sum(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, "(VALUES "+values+") v(a, b)")))
		if err != nil {
			t.Fatal(err)
		}

		return sums.Content
	}
	if content("(1,2),(3,4)") != content("(3,4),(1,2)") {
		t.Error("the order counts")
	}

	seen := map[string]string{}
	for _, values := range []string{"(1,2)", "(2,1)", "(1,2),(1,2)", "(1,2),(2,1)", "(1,NULL)", "(NULL::int,1)", "(1,2),(1,2),(1,2)", "(NULL::int,NULL::int)"} {
		if other, twice := seen[content(values)]; twice {
			t.Errorf("%s and %s have the same content", values, other)
		}
		seen[content(values)] = values
	}
}

// The server's own error comes back unchanged, and the connection is in a failed transaction, not lost.
func TestTheServersErrorInMidCopy(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "BEGIN")
	fields := integers(t, conn, "n")
	_, _, err := unloadOne(t.Context(), t, conn, fields, "(SELECT 7 / (n - 90000) AS n FROM generate_series(1, 100000) n) q")
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "22012" {
		t.Fatalf("got %v", err)
	}
	if conn.IsClosed() || conn.TxStatus() != 'E' {
		t.Errorf("closed %t, transaction %c", conn.IsClosed(), conn.TxStatus())
	}

	pgtest.Query(t, conn, "ROLLBACK")
	if _, sums, err := unloadOne(t.Context(), t, conn, fields, "generate_series(1, 3) n"); err != nil || sums.Rows != 3 {
		t.Errorf("after it: %v, %v", sums, err)
	}
}

// waitFor polls until a backend other than this one runs a query like this.
func waitFor(t testing.TB, conn *pgconn.PgConn, like string) string {
	t.Helper()
	for t.Context().Err() == nil {
		rows := pgtest.Query(t, conn, "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE "+duck.String(like))
		if len(rows) > 0 {
			return rows[0][0]
		}
	}

	t.Fatal("it never ran")
	return ""
}

// A stopped unload cancels the server's query, even one that sends nothing, and leaves the connections idle.
func TestUnloadEndsWithItsContext(t *testing.T) {
	for name, from := range map[string]string{"silent": "(SELECT n, pg_sleep(1000) FROM generate_series(1, 9) n) q",
		"busy": "(SELECT a.n FROM generate_series(1, 1000000) a(n), generate_series(1, 1000000) b) q"} {
		t.Run(name, func(t *testing.T) {
			conn, other := open(t), open(t)
			fields := integers(t, conn, "n")
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				waitFor(t, other, "COPY%")
				cancel()
			}()

			copying := pgcopy.CopyOut(fields, from)
			both := pgcopy.Source{Conns: []*pgconn.PgConn{conn, beside(t, conn)}, SQL: []string{copying, copying, copying}}
			_, _, err := pgcopy.Unload(ctx, fields, both, pgcopy.Options{Dir: t.TempDir()})
			if e := hindcast.AsError(err); e.Code != hindcast.EStopped || e.Class != hindcast.ClassCanceled {
				t.Fatalf("got %v", err)
			}

			for _, c := range both.Conns {
				if rows := pgtest.Query(t, c, "SELECT 7"); rows[0][0] != "7" {
					t.Error("a connection is unusable")
				}
			}
		})
	}
}

// A backend that is terminated ends the unload, and the other connection's query with it.
func TestALostConnectionEndsTheUnload(t *testing.T) {
	conn, other := open(t), open(t)
	fields := integers(t, conn, "n")
	go func() {
		pid := waitFor(t, other, "COPY%one%")
		pgtest.Query(t, other, "SELECT pg_terminate_backend("+pid+")")
	}()

	second := beside(t, conn)
	_, _, err := pgcopy.Unload(t.Context(), fields, pgcopy.Source{Conns: []*pgconn.PgConn{conn, second}, SQL: []string{
		pgcopy.CopyOut(fields, "(SELECT n, pg_sleep(1000) FROM generate_series(1, 9) n) one"),
		pgcopy.CopyOut(fields, "(SELECT n, pg_sleep(1000) FROM generate_series(1, 9) n) two"),
	}}, pgcopy.Options{Dir: t.TempDir()})
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "57P01" {
		t.Fatalf("got %v", err)
	}
	if conn.IsClosed() == second.IsClosed() {
		t.Fatalf("closed: %t, %t", conn.IsClosed(), second.IsClosed())
	}

	for _, c := range []*pgconn.PgConn{conn, second} {
		if !c.IsClosed() {
			pgtest.Query(t, c, "SELECT 7")
		}
	}
}

// Notices and notifications between the rows, and after them, are not mistaken for rows.
func TestNoticesBetweenRows(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, `CREATE FUNCTION noisy(n int) RETURNS int LANGUAGE plpgsql AS $$
		BEGIN IF n % 100 = 0 THEN RAISE NOTICE 'at % %', n, repeat('x', n); PERFORM set_config('application_name', 'at ' || n, false); PERFORM pg_notify('news', 'at ' || n); END IF; RETURN n; END $$`)
	pgtest.Query(t, conn, "LISTEN news")
	fields := integers(t, conn, "n")
	for range 3 {
		_, sums, err := unloadOne(t.Context(), t, conn, fields, "(SELECT noisy(n) AS n FROM generate_series(1, 20000) n) q")
		if err != nil || sums.Rows != 20000 || sums.Totals["n"] != "200010000" {
			t.Fatalf("got %v, %v", sums, err)
		}
	}

	if rows := pgtest.Query(t, conn, "SELECT 7"); rows[0][0] != "7" {
		t.Error("the connection is unusable")
	}
}

// Values far larger than any buffer, and many columns, go through.
func TestHugeRowsAndManyColumns(t *testing.T) {
	conn := open(t)
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprintf("c%d int DEFAULT %d", i, i))
	}

	pgtest.Query(t, conn, "CREATE TABLE one (n int, a text, b bytea, "+strings.Join(list, ", ")+`);
		INSERT INTO one SELECT n, repeat('äb', 300000 * n), decode(repeat('00ff', 700000 * (n % 3)), 'hex') FROM generate_series(1, 12) n;
		INSERT INTO one SELECT n, 'small', NULL FROM generate_series(13, 5000) n; CREATE TABLE two (LIKE one)`)
	fields := carry(t, describe(t, conn, "one"))
	files, sums, err := unload(t, conn, "one", fields, 2)
	if err != nil {
		t.Fatal(err)
	}

	loaded, err := load(t, conn, "two", columnsOf(fields), files)
	if err != nil || loaded.Content != sums.Content || loaded.Rows != sums.Rows {
		t.Fatalf("%v were unloaded and %v loaded, %v", sums, loaded, err)
	}
	if !bytes.Equal(content(t, conn, "one"), content(t, conn, "two")) {
		t.Error("the tables differ")
	}
}

// What holds for all values of a text column is found in passing, over all connections; of other types nothing is said.
func TestFactsOfTexts(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, `CREATE TABLE one (n int, plain text, blank varchar(10), wide text, padded char(4), j jsonb);
		INSERT INTO one SELECT n, 'a b', 'x', 'e', 'ab', '"a "' FROM generate_series(1, 5000) n;
		UPDATE one SET blank = 'y ' WHERE n = 5000; UPDATE one SET wide = 'naïve' WHERE n = 1; UPDATE one SET plain = NULL WHERE n = 2`)
	fields := carry(t, describe(t, conn, "one"))
	var from pgcopy.Source
	for _, where := range []string{"n <= 2500", "n > 2500"} {
		from.Conns, from.SQL = append(from.Conns, beside(t, conn)), append(from.SQL, pgcopy.CopyOut(fields, "one WHERE "+where))
	}
	got := map[string]hindcast.Facts{}
	if _, _, err := pgcopy.Unload(t.Context(), fields, from, pgcopy.Options{Dir: t.TempDir(), Facts: got}); err != nil {
		t.Fatal(err)
	}
	want := map[string]hindcast.Facts{"plain": {NoBlanks: true, ASCII: true}, "blank": {ASCII: true}, "wide": {NoBlanks: true}, "padded": {NoBlanks: true, ASCII: true}}
	if !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Over TLS the rows come through Go's reader; everything else is the same.
func TestTLS(t *testing.T) {
	conn := open(t)
	name := pgtest.Query(t, conn, "SELECT current_database()")[0][0]
	secure := connect(t, strings.Replace(pgtest.Shared(t).TCP(name), "sslmode=disable", "sslmode=require", 1))
	plain := connect(t, pgtest.Shared(t).TCP(name))
	table(t, conn, rand.New(rand.NewPCG(3, 4)), "one", []made{{"text", letters(60)}, {"numeric(18,6)", digits(12, 6)}}, 30000)
	fields := carry(t, describe(t, conn, "one"))
	var all []hindcast.Sums
	for _, c := range []*pgconn.PgConn{conn, secure, plain} {
		files, sums, err := unloadOne(t.Context(), t, c, fields, "one")
		if err != nil {
			t.Fatal(err)
		}

		all = append(all, sums)
		pgtest.Query(t, c, "DROP TABLE IF EXISTS two; CREATE TABLE two (LIKE one)")
		if loaded, err := load(t, c, "two", columnsOf(fields), files); err != nil || loaded.Content != sums.Content {
			t.Errorf("%v were unloaded and %v loaded, %v", sums, loaded, err)
		}
	}

	if all[0].Content != all[1].Content || all[0].Content != all[2].Content {
		t.Errorf("over the socket, TLS and TCP the sums are %v", all)
	}
}

// A server without an encoding holds any bytes, and text that is not UTF-8 is refused.
func TestTextThatIsNotUTF8(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
	raw := connect(t, pgtest.Shared(t).URL("ascii"))
	t.Cleanup(func() {
		_ = raw.Close(context.Background())
		_, _ = conn.Exec(context.Background(), "DROP DATABASE ascii").ReadAll()
	})

	pgtest.Query(t, raw, `CREATE TABLE bad ("the name" text); INSERT INTO bad VALUES ('fine'), (convert_from('\xe9', 'SQL_ASCII'))`)
	_, _, err := unloadOne(t.Context(), t, raw, carry(t, describe(t, raw, "bad")), "bad")
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "22021" {
		t.Errorf("got %v", err)
	}
}

func TestAConnectionOfAnotherMakeIsRefused(t *testing.T) {
	conn := open(t)
	foreign := pgtest.Connect(t, pgtest.Shared(t).URL("postgres"))
	if _, _, err := unloadOne(t.Context(), t, foreign, integers(t, conn, "n"), "generate_series(1, 3) n"); err == nil || !strings.Contains(err.Error(), "pgcopy.Connect") {
		t.Errorf("got %v", err)
	}
}

// A folder that cannot be written to is a distinct error; the connection is idle after it.
func TestUnloadIntoNowhere(t *testing.T) {
	conn := open(t)
	fields := integers(t, conn, "n")
	_, _, err := pgcopy.Unload(t.Context(), fields, pgcopy.One(conn, pgcopy.CopyOut(fields, "generate_series(1, 1000000) n")), pgcopy.Options{Dir: filepath.Join(t.TempDir(), "not there")})
	if err == nil || !strings.Contains(err.Error(), "not there") {
		t.Errorf("got %v", err)
	}

	pgtest.Query(t, conn, "SELECT 7")
}

// -0 and NaN are written unchanged, though a dictionary would replace them by their equals.
func TestTwins(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, `CREATE TABLE one (n int, a float8, b real[]); INSERT INTO one SELECT n, 0, '{0,NaN}' FROM generate_series(1, 10000) n;
		INSERT INTO one VALUES (10001, '-0', '{-0,0}'), (10002, float8 'Infinity' - float8 'Infinity', NULL); CREATE TABLE two (LIKE one)`)
	fields := carry(t, describe(t, conn, "one"))
	files, sums, err := unload(t, conn, "one", fields, 2)
	if err != nil || sums.Rows != 10002 {
		t.Fatal(sums, err)
	}
	if loaded, err := load(t, conn, "two", columnsOf(fields), files); err != nil || loaded.Content != sums.Content {
		t.Errorf("%v were unloaded and %v loaded, %v", sums, loaded, err)
	}
	if !bytes.Equal(content(t, conn, "one"), content(t, conn, "two")) {
		t.Error("the tables differ")
	}
}

// What the server refuses fails the load with the server's message; the transaction is failed, the connection not lost.
func TestTheServersErrorInMidLoad(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE TABLE target (n int CHECK (n <> 90000)); BEGIN")
	columns := []hindcast.Column{{Name: "n", Type: "INTEGER"}}
	files := stage(t, "SELECT range::INTEGER AS n FROM range(200000)", columns)
	_, err := load(t, conn, "target", columns, files)
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "23514" {
		t.Fatalf("got %v", err)
	}
	if conn.IsClosed() || conn.TxStatus() != 'E' {
		t.Errorf("closed %t, transaction %c", conn.IsClosed(), conn.TxStatus())
	}

	pgtest.Query(t, conn, "ROLLBACK")
}

// No files, or no rows, load nothing.
func TestLoadOfNothing(t *testing.T) {
	conn := open(t)
	pgtest.Query(t, conn, "CREATE TABLE target (n int)")
	sums, err := load(t, conn, "target", []hindcast.Column{{Name: "n", Type: "INTEGER"}}, nil)
	if err != nil || sums.Rows != 0 || sums.Content != strings.Repeat("0", 32) {
		t.Errorf("got %v, %v", sums, err)
	}
}
