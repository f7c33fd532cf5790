//go:build unix

package postgres_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// ordinary makes a role without any rights, and gives the database's URL for it.
func ordinary(t *testing.T, c *pgtest.Cluster, url string) (role, itsURL string) {
	t.Helper()
	role = "role_" + warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
	c.Exec(t, url, "CREATE ROLE "+role+" LOGIN")
	return role, strings.Replace(url, "postgres@", role+"@", 1)
}

// statement is what a next step gives an administrator to run.
func statement(t *testing.T, err error, code hindcast.Code) string {
	t.Helper()
	e := hindcast.AsError(err)
	if e == nil {
		t.Fatal("no error")
	}
	_, said, found := strings.Cut(e.Next, "administrator: ")
	if e.Code != code || e.Class != hindcast.ClassPermanent || !found {
		t.Fatalf("%v; next: %s", err, e.Next)
	}
	return said
}

// A missing right is told with the statements that give it, which are run here as they stand, once. Before that they are
// advice.
func TestMissingRightsAreNamed(t *testing.T) {
	c, url := database(t, `CREATE SCHEMA "Hid den"; CREATE TABLE "Hid den".sales (d date, n int); CREATE TABLE closed (d date);
		CREATE TABLE columns (d date, secret text); CREATE SCHEMA other; CREATE TABLE other.result (day date, n int); CREATE TABLE result (day date, n int);
		CREATE SCHEMA home; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	role, its := ordinary(t, c, url)
	c.Exec(t, url, "GRANT SELECT (d) ON columns TO "+role)
	w := open(t, postgres.Options{URL: its + "&search_path=home,public"})
	reader := open(t, postgres.Options{URL: its + "&search_path=home,public", ReadOnly: true})
	columns := []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "INTEGER"}}
	mend := func(what, want string, do func() error) {
		t.Helper()
		said := statement(t, do(), hindcast.EPermission)
		if want = strings.ReplaceAll(want, "ROLE", role); said != want {
			t.Errorf("%s: got %s\nwant %s", what, said, want)
		}
		c.Exec(t, url, said)
		if err := do(); err != nil {
			t.Errorf("%s: still not allowed: %v", what, err)
		}
	}
	preparing := func(table, want string) {
		t.Helper()
		target := hindcast.Target{Table: table}
		want = strings.ReplaceAll(want, "ROLE", role)
		if advice, err := reader.Advise(t.Context(), nil, target); err != nil || len(advice) != 1 || !strings.HasSuffix(advice[0], want) {
			t.Errorf("%s: advice %q, %v", table, advice, err)
		}
		mend(table, want, func() error { return w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}) })
		if advice, err := reader.Advise(t.Context(), nil, target); err != nil || len(advice) > 0 {
			t.Errorf("%s: advice afterwards %q, %v", table, advice, err)
		}
	}
	mend("describing", `GRANT USAGE ON SCHEMA "Hid den" TO ROLE; GRANT SELECT ON "Hid den"."sales" TO ROLE; GRANT SELECT ON "public"."closed" TO ROLE;`, func() error {
		_, err := w.Describe(t.Context(), []string{"closed", `"Hid den".sales`})
		return err
	})
	preparing("made", `GRANT USAGE, CREATE ON SCHEMA "home" TO ROLE;`)
	preparing(`"Hid den".made`, `GRANT USAGE, CREATE ON SCHEMA "Hid den" TO ROLE;`)
	preparing("result", `GRANT SELECT, INSERT, DELETE ON "public"."result" TO ROLE;`)
	preparing("other.result", `GRANT USAGE ON SCHEMA "other" TO ROLE; GRANT SELECT, INSERT, DELETE ON "other"."result" TO ROLE;`)
	tables, err := w.Describe(t.Context(), []string{"columns"})
	if err != nil || len(tables["columns"].Columns) != 1 || tables["columns"].Columns[0].Name != "d" {
		t.Errorf("columns that may be read: %+v, %v", tables["columns"].Columns, err)
	}
	c.Exec(t, url, "REVOKE DELETE ON result FROM "+role)
	_, err = january("r", 1).Into(t.Context(), w)
	if want := `GRANT SELECT, INSERT, DELETE ON "public"."result" TO ` + role + ";"; statement(t, err, hindcast.EPermission) != want {
		t.Errorf("a right that went away: %v", err)
	}
}

// Our tables may be another role's: one GRANT gives all that is needed of them, whatever wants them first.
func TestOurTablesAreAnotherRoles(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date, n bigint); CREATE INDEX ON result (day)`)
	prepare(t, open(t, postgres.Options{URL: url}), 1)
	role, its := ordinary(t, c, url)
	c.Exec(t, url, "GRANT SELECT, INSERT, DELETE ON result TO "+role)
	w := open(t, postgres.Options{URL: its})
	want := `GRANT SELECT, INSERT, UPDATE, DELETE ON "public".hindcast_status, "public".hindcast_lease TO ` + role + ";"
	for what, do := range map[string]func() error{
		"committed": func() error { _, err := w.Committed(t.Context(), "p", false); return err },
		"settled":   func() error { _, err := w.Committed(t.Context(), "p", true); return err },
		"fence":     func() error { _, err := w.Fence(t.Context(), "p"); return err },
		"prepare":   func() error { return w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}) },
	} {
		if said := statement(t, do(), hindcast.EPermission); said != want {
			t.Errorf("%s: %s", what, said)
		}
	}
	c.Exec(t, url, want)
	prepare(t, w, 1)
	if _, err := january("r", 1).Into(t.Context(), w); err != nil {
		t.Error(err)
	}
}

// A schema that is not there is told with the statements that make it.
func TestSchemasThatAreNotThere(t *testing.T) {
	c, url := database(t, "GRANT CREATE ON SCHEMA public TO PUBLIC")
	_, its := ordinary(t, c, url)
	w := open(t, postgres.Options{URL: its})
	missing := hindcast.Target{Table: `"No Sch".out`, Time: "day"}
	advice, err := w.Advise(t.Context(), nil, missing)
	if err != nil || len(advice) != 1 || !strings.Contains(advice[0], `CREATE SCHEMA "No Sch"; GRANT `) {
		t.Errorf("advice %q, %v", advice, err)
	}
	c.Exec(t, url, statement(t, w.Prepare(t.Context(), "p", missing, columns, warehouse.Claim{Fence: 1}), hindcast.ETableMissing))
	if err := w.Prepare(t.Context(), "p", missing, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Error(err)
	}
	for path, created := range map[string]string{"Nowhere,%22$user%22": `"nowhere"`, "%22No%20Where%22": `"No Where"`} {
		lost := open(t, postgres.Options{URL: its + "&search_path=" + path})
		if said := statement(t, lost.Seed(t.Context(), warehouse.Seed{Table: "sales", Columns: columns}), hindcast.ETableMissing); !strings.Contains(said, created) {
			t.Errorf("%s: a seed: %s", path, said)
		}
		_, err := lost.Committed(t.Context(), "p", false)
		said := statement(t, err, hindcast.ETableMissing)
		if !strings.HasPrefix(said, "CREATE SCHEMA "+created+";") {
			t.Errorf("%s: %s", path, said)
		}
		c.Exec(t, url, said)
		prepare(t, lost, 1)
	}
	empty := open(t, postgres.Options{URL: its + "&search_path=%22%22"})
	if _, err := empty.Committed(t.Context(), "p", false); err == nil || !strings.Contains(hindcast.AsError(err).Next, "search_path") {
		t.Errorf("an empty path: %v", err)
	}
}

// A setting by which sessions can only read is not taken for a replica. Our own, by which plan touches nothing, is not told.
func TestSessionsThatCanOnlyRead(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date PRIMARY KEY, n bigint)")
	advise := func(o postgres.Options) []string {
		t.Helper()
		o.ReadOnly = true
		advice, err := open(t, o).Advise(t.Context(), nil, target)
		if err != nil {
			t.Fatal(err)
		}
		return advice
	}
	if advice := advise(postgres.Options{URL: url}); len(advice) > 0 {
		t.Errorf("nothing is amiss: %q", advice)
	}
	name := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
	c.Exec(t, url, "ALTER DATABASE "+name+" SET default_transaction_read_only = on")
	if advice := advise(postgres.Options{URL: url}); len(advice) != 1 || !strings.Contains(advice[0], "default_transaction_read_only") {
		t.Errorf("advice %q", advice)
	}
	off := []string{"SET default_transaction_read_only = off"}
	if advice := advise(postgres.Options{URL: url, Session: off}); len(advice) > 0 {
		t.Errorf("a session that can write: %q", advice)
	}
	prepare(t, open(t, postgres.Options{URL: url, Session: off}), 1)
	w := open(t, postgres.Options{URL: url})
	e := hindcast.AsError(w.Prepare(t.Context(), "p", target, columns, warehouse.Claim{Fence: 1}))
	if e == nil || strings.Contains(e.Message+e.Next, "replica") {
		t.Fatalf("got %+v", e)
	}
	mend, _, _ := strings.Cut(e.Next, " or ")
	c.Exec(t, c.URL("postgres"), mend)
	prepare(t, open(t, postgres.Options{URL: url}), 1)
}

// A table of status rows that an earlier version made has no publication. Who may not add the column, or finds the table in
// use, does without.
func TestStatusOfAnEarlierVersion(t *testing.T) {
	c, url := database(t, `CREATE TABLE result (day date, n bigint); CREATE INDEX ON result (day)`)
	owner := open(t, postgres.Options{URL: url})
	prepare(t, owner, 1)
	role, its := ordinary(t, c, url)
	c.Exec(t, url, "ALTER TABLE hindcast_status DROP COLUMN publication")
	c.Exec(t, url, "GRANT SELECT, INSERT, DELETE ON result TO "+role+"; GRANT SELECT, INSERT, UPDATE, DELETE ON hindcast_status, hindcast_lease TO "+role)

	load := func(w *postgres.Owner, run string) (replaced []hindcast.Committed) {
		t.Helper()
		prepare(t, w, 1)
		l := january(run, 1)
		l.Previous = filepath.Join(t.TempDir(), "previous")
		l.Keep = func(_ context.Context, kept []warehouse.Kept) error {
			replaced = kept[0].Rows
			return nil
		}
		if _, err := l.Into(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		return replaced
	}
	load(open(t, postgres.Options{URL: its}), "r1")
	holder := pgtest.Connect(t, url)
	pgtest.Query(t, holder, "BEGIN; LOCK TABLE hindcast_status IN ACCESS SHARE MODE")
	w := open(t, postgres.Options{URL: url})
	if replaced := load(w, "r2"); len(replaced) != 1 || replaced[0].Run != "r1" || replaced[0].Publication != "r1" {
		t.Errorf("r2 replaced %+v", replaced)
	}
	pgtest.Query(t, holder, "COMMIT")
	for _, run := range []string{"r3", "r4"} {
		load(w, run)
		if got := warehousetest.Text(c.Exec(t, url, "SELECT run, publication FROM hindcast_status")); got != run+","+run {
			t.Errorf("after %s the status row says %s", run, got)
		}
	}
	rows, err := open(t, postgres.Options{URL: its}).Committed(t.Context(), "p", true)
	if err != nil || len(rows) != 1 || rows[0].Publication != "r4" {
		t.Errorf("committed %+v, %v", rows, err)
	}
}
