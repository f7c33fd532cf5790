//go:build unix

package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pgtest"
)

// postgresShop is `postgres [SETTING…]`: the shop of `shop`, in a database of its own; with settings (ssl=off) in a server
// of its own. The role $ROLE has the password of the cluster's superuser, which stands in the pipeline file as
// ${SHOP_PASSWORD}. CERTIFICATE is the server's, for 127.0.0.1; SOCKET is the folder of its socket.
func postgresShop(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	c := pgtest.Shared(w.test)
	if len(args) > 0 {
		c = pgtest.Start(w.test, "", args...)
	}
	w.cluster, w.postgres = c, c.Database(w.test)
	database := w.postgres[strings.LastIndex(w.postgres, "/db")+1 : strings.Index(w.postgres, "?")]
	role := "shopkeeper_" + database
	w.postgres += "&search_path=" + role + ",public"
	for name, value := range map[string]string{"PORT": strconv.Itoa(c.Port), "DATABASE": database, "ROLE": role,
		"CERTIFICATE": c.Certificate(), "SOCKET": c.Dir, "OWNER_URL": w.postgres} {
		ts.Setenv(name, value)
		w.vars = append(w.vars, name+"="+value)
	}
	for _, name := range []string{"monthly.sql", "hindcast.yml"} {
		body, err := os.ReadFile(w.source + "/" + name)
		ts.Check(err)
		text := strings.Replace(string(body), "duckdb:warehouse.duckdb",
			fmt.Sprintf("postgres://%s:${SHOP_PASSWORD}@127.0.0.1:%d/%s?sslmode=disable", role, c.Port, database), 1)
		text = strings.Replace(text, "transform: {", "transform: {dialect: duckdb, ", 1)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
	inPostgres(ts, false, []string{fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD '%s'; CREATE SCHEMA %[1]s AUTHORIZATION %[1]s;
		CREATE TABLE sales AS SELECT DATE '2024-01-01' + d AS day, store, (d + 1)::numeric(10,2) AS amount
		FROM generate_series(0, 90) AS days(d), (VALUES ('a'), ('b')) AS stores(store);
		CREATE TABLE stores AS SELECT 'a' AS store, 'Ulm' AS city; ANALYZE; GRANT SELECT ON sales, stores TO %[1]s`, role, pgtest.Password)})
}

// inPostgres is `psql SQL`, or `psql @FILE`: runs the SQL as the database's owner and prints the rows of its last statement, values with
// | between.
func inPostgres(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: psql SQL")
	}
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, worldOf(ts).postgres)
	ts.Check(err)
	defer func() { _ = conn.Close(ctx) }()
	text, isFile := strings.CutPrefix(args[0], "@")
	if isFile {
		text = ts.ReadFile(text)
	}
	results, err := conn.Exec(ctx, text).ReadAll()
	ts.Check(err)
	for _, row := range results[len(results)-1].Rows {
		texts := make([]string, len(row))
		for i, value := range row {
			texts[i] = string(value)
		}
		_, _ = fmt.Fprintln(ts.Stdout(), strings.Join(texts, "|"))
	}
}

// replica: starts a read-only server that follows the script's own, and sets REPLICA to its port.
func replica(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	ts.Setenv("REPLICA", strconv.Itoa(w.cluster.Replica(w.test).Port))
}

// smalldisk SIZE: has what is made in the script's database from here on lie on a file system of that size. Needs root.
func smallDisk(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	dir := filepath.Join(w.cluster.Dir, "small")
	mountSmall(ts, dir, args[0])
	ts.Check(w.cluster.Own(dir))
	w.cluster.Exec(w.test, w.postgres, "CREATE TABLESPACE small LOCATION '"+dir+"'")
	w.cluster.Exec(w.test, w.postgres, "ALTER DATABASE "+ts.Getenv("DATABASE")+" SET default_tablespace = small; GRANT CREATE ON TABLESPACE small TO PUBLIC")
}

// openSession is a program: `session SQL` runs the SQL as the owner of the script's database, says its pid, and stays connected
// until it is ended.
func openSession() {
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, os.Getenv("OWNER_URL")+"&application_name=notebook")
	if err == nil {
		_, err = conn.Exec(ctx, os.Args[1]).ReadAll()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	fmt.Println("pid", conn.PID())
	<-caught
	_ = conn.Close(ctx)
	os.Exit(0)
}

// page FILE: a server of its own for a page of the guide whose parts follow each other: `part` takes the next one.
func page(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	body, err := os.ReadFile(filepath.Join(w.source, "../../../../docs/guide", args[0]))
	ts.Check(err)
	w.cluster = pgtest.Start(w.test, "")
	w.cluster.Exec(w.test, w.cluster.URL("postgres"), "CREATE DATABASE shop")
	w.postgres = w.cluster.URL("shop")
	w.parts = regexp.MustCompile("(?s)```(sql|sh)\n(.*?)```").FindAllStringSubmatch(string(body), -1)
}

// part: the page's next block. SQL is run in its database; what is for the shell becomes guide.sh, with that server's address
// for db.example:5432.
func part(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	if len(w.parts) == 0 {
		ts.Fatalf("the page has no further part")
	}
	next := w.parts[0]
	w.parts = w.parts[1:]
	if next[1] == "sql" {
		inPostgres(ts, false, []string{next[2]})
		return
	}
	commands := strings.ReplaceAll(next[2], "db.example:5432", fmt.Sprintf("127.0.0.1:%d", w.cluster.Port))
	ts.Check(os.WriteFile(ts.MkAbs("guide.sh"), []byte(commands), 0o644))
}

// guide FILE: a server of its own for a page of the guide. What the page has as SQL is run there; what it has for the shell
// is written to guide.sh, with that server's address for db.example:5432.
func guide(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	body, err := os.ReadFile(filepath.Join(w.source, "../../../../docs/guide", args[0]))
	ts.Check(err)
	c := pgtest.Start(w.test, "")
	c.Exec(w.test, c.URL("postgres"), "CREATE DATABASE shop")
	w.postgres = c.URL("shop")
	var commands strings.Builder
	for _, block := range regexp.MustCompile("(?s)```(sql|sh)\n(.*?)```").FindAllStringSubmatch(string(body), -1) {
		if block[1] == "sql" {
			if !strings.Contains(block[2], "pg_stat_activity") { // of after the run
				inPostgres(ts, false, []string{block[2]})
			}
			continue
		}
		commands.WriteString(strings.ReplaceAll(block[2], "db.example:5432", fmt.Sprintf("127.0.0.1:%d", c.Port)))
	}
	ts.Check(os.WriteFile(ts.MkAbs("guide.sh"), []byte(commands.String()), 0o644))
}
