//go:build unix

package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/redshifttest/dataapi"
)

// redshiftShop is `redshift [iam|data]`, after `bucket`: the shop of `shop` in a stand-in for Redshift, with the lake in the bucket. psql
// speaks to the PostgreSQL behind it; the password stands in the pipeline file as ${SHOP_PASSWORD}, unless AWS leads there: with `iam`
// to a connection, with `data` to the Data API.
func redshiftShop(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if len(args) > 1 || w.server == nil {
		ts.Fatalf("usage: bucket, then redshift [iam|data]")
	}
	s := redshifttest.Start(w.test, w.server)
	w.postgres, w.redshift = s.Backend(), s
	at := fmt.Sprintf("redshift://%s:${SHOP_PASSWORD}@%s/%s", pgtest.User, s.Address(), s.Name)
	if len(args) > 0 {
		at = fmt.Sprintf("redshift+iam://shop/%s?region=%s", s.Name, control.Region)
		if args[0] == "data" {
			at = strings.Replace(at, "+iam", "-data", 1)
		}
		redshiftCloud(ts, w, s)
	}
	ts.Setenv("ADDRESS", s.Address())
	ts.Setenv("DATABASE", s.Name)
	ts.Setenv("SHOP_PASSWORD", pgtest.Password)
	w.vars = append(w.vars, "SHOP_PASSWORD="+pgtest.Password)

	for _, name := range []string{"monthly.sql", "hindcast.yml"} {
		body, err := os.ReadFile(w.source + "/" + name)
		ts.Check(err)
		text := strings.Replace(string(body), "warehouse: duckdb:warehouse.duckdb",
			fmt.Sprintf("warehouse: %s\nlake: %s\nredshift: {iam_role: %q}", at, ts.Getenv("LAKE"), redshifttest.Role), 1)
		text = strings.Replace(text, "transform: {", "transform: {dialect: duckdb, ", 1)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
	s.Exec(w.test, `CREATE TABLE sales (day date, store varchar(10), amount numeric(10,2), moment timestamp, ever timestamptz);
		INSERT INTO sales SELECT DATE '2024-01-01' + d, store, d + 1, TIMESTAMP '2024-01-01 10:00:00.123456' + d * interval '1 day', TIMESTAMPTZ '2024-01-01 10:00:00+02' + d * interval '1 day'
		FROM generate_series(0, 90) AS days(d), (VALUES ('a'), ('b')) AS stores(store);
		CREATE TABLE stores (store varchar(10), city varchar(100)); INSERT INTO stores VALUES ('a', 'Ulm')`)
}

// redshiftCloud has AWS lead to the stand-in, as the cluster `shop`, and lets its identity do there what it needs to.
func redshiftCloud(ts *testscript.TestScript, w *world, s *redshifttest.Server) {
	plane, api := control.Start(w.test), dataapi.Start(w.test)
	plane.Add(&control.Cluster{Name: "shop", NodeType: "ra3.xlplus", Nodes: 2, Database: s})
	api.Cluster("shop", s)
	for _, variable := range append(plane.Env(), api.Env()...) {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
	ts.Check(s.Lend(control.Identity, control.Identity, "", 0, true))
	s.Exec(w.test, `GRANT ALL ON SCHEMA public TO "`+control.Identity+`"; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO "`+control.Identity+`"`)
}
