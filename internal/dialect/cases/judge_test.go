package cases_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/pgtest"
)

var update = flag.Bool("update", false, "write what PostgreSQL answers into the cases that it judges, and the outcomes on the engines")

const testdata = "../testdata"

func corpus(t *testing.T) []cases.Case {
	t.Helper()
	all, err := cases.Load(os.DirFS(testdata))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 1000 {
		t.Fatalf("there are only %d cases", len(all))
	}
	return all
}

// tables is a database with the tables that the cases read.
func tables(t *testing.T) (dsn string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testdata, "tables.sql"))
	if err != nil {
		t.Fatal(err)
	}
	cluster := pgtest.Shared(t)
	dsn = cluster.Database(t)
	cluster.Exec(t, dsn, string(text))
	return dsn
}

// What a case expects is what PostgreSQL answers, to the type and the digit; unless its page says that Redshift does otherwise.
func TestPostgresJudges(t *testing.T) {
	conn := pgtest.Connect(t, tables(t))
	answers := map[string]cases.Result{}
	for _, c := range corpus(t) {
		if c.Judged() == "" {
			if c.Want.Error == "" && len(c.Want.Types) == 0 {
				t.Errorf("%s: PostgreSQL does not judge this, and nothing is expected", c.Name)
			}
			continue
		}
		got := ask(t, conn, c.Judged())
		answers[c.Name] = got
		if *update {
			continue
		}
		want := c.Want
		if got.Error != want.Error || list(got) != list(want) {
			t.Errorf("%s expects\n%s\nand PostgreSQL answers\n%s", c.Name, want, got)
			continue
		}
		c.Target = nil
		if different := c.Difference(got); got.Error == "" && different != "" {
			t.Errorf("%s: PostgreSQL answers otherwise: %s", c.Name, different)
		}
	}
	if *update {
		fill(t, answers)
	}
}

func list(r cases.Result) string {
	var names []string
	for _, t := range r.Types {
		names = append(names, t.String())
	}
	return strings.Join(names, ", ")
}

// fill writes what PostgreSQL answers into the files.
func fill(t *testing.T, answers map[string]cases.Result) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(testdata, "*.cases"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		filled, err := cases.Fill(strings.TrimSuffix(filepath.Base(name), ".cases"), string(text), answers)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if filled == string(text) {
			continue
		}
		if err := os.WriteFile(name, []byte(filled), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ask runs a case's statements in a transaction that is rolled back, and returns the last rows or the error.
func ask(t *testing.T, conn *pgconn.PgConn, sql string) cases.Result {
	t.Helper()
	run := func(statement string) {
		if _, err := conn.Exec(t.Context(), statement).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	run("SET TimeZone = 'UTC'; BEGIN")
	defer func() { run("ROLLBACK"); run("DISCARD TEMP") }() // a script may have committed

	results, err := conn.Exec(t.Context(), sql).ReadAll()
	var raised *pgconn.PgError
	if errors.As(err, &raised) {
		return cases.Result{Error: cases.Condition(raised.Code)}
	}
	if err != nil {
		t.Fatal(err)
	}

	var out cases.Result
	for _, result := range results {
		if len(result.FieldDescriptions) > 0 {
			out = answer(t, result)
		}
	}
	return out
}

func answer(t *testing.T, result *pgconn.Result) (out cases.Result) {
	t.Helper()
	for _, field := range result.FieldDescriptions {
		typ, err := cases.TypeOf(field.DataTypeOID, field.TypeModifier)
		if err != nil {
			t.Fatal(err)
		}
		out.Types = append(out.Types, typ)
	}
	for _, row := range result.Rows {
		values := make([]cases.Value, len(row))
		for i, bytes := range row {
			values[i] = cases.Value{Null: bytes == nil, Text: string(bytes)}
			if out.Types[i].Name == "boolean" && bytes != nil {
				values[i].Text = map[string]string{"t": "true", "f": "false"}[string(bytes)]
			}
		}
		out.Rows = append(out.Rows, values)
	}
	return out
}
