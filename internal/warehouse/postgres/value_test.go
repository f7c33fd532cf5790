package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// Text that a server without an encoding holds and that is not UTF-8 is told with its column and its table, and the view
// that is proposed can be unloaded.
func TestTextThatIsNotUTF8(t *testing.T) {
	c := pgtest.Shared(t)
	c.Exec(t, c.URL("postgres"), "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
	defer c.Exec(t, c.URL("postgres"), "DROP DATABASE bytes WITH (FORCE)")
	url := c.URL("bytes")
	c.Exec(t, url, `CREATE TABLE bad (id int, fine text, "the name" text, day date); INSERT INTO bad VALUES (1, 'ok', convert_from('\x636166e9', 'SQL_ASCII'), '2020-01-05')`)
	w := open(t, postgres.Options{URL: url})
	_, err := w.Unload(t.Context(), warehouse.Unload{Extract: extract(t, w, "bad", "", hindcast.Interval{}), Dir: t.TempDir()})
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EType || !strings.Contains(e.Message, `column "the name" of bad holds text that is not UTF-8`) {
		t.Fatalf("got %v", err)
	}
	_, expression, found := strings.Cut(e.Next, "a view can tell: ")
	if !found {
		t.Fatalf("no view is proposed: %s", e.Next)
	}
	c.Exec(t, url, `CREATE VIEW good AS SELECT `+expression+` AS name FROM bad`)
	out := unload(t, w, extract(t, w, "good", "", hindcast.Interval{}))
	var name string
	if err := warehousetest.Memory(t).QueryRowContext(t.Context(), "SELECT name FROM read_parquet($1)", out.Files[0].Path).Scan(&name); err != nil || name != "café" {
		t.Errorf("%q comes out, %v", name, err)
	}
}

// A value that the server refuses is told with its column and its table, whether it is copied or cast.
func TestValuesThatAreRefused(t *testing.T) {
	c, url := database(t, "CREATE DOMAIN even AS numeric CHECK (VALUE % 2 = 0); CREATE TABLE result (day date, n bigint, fine inet, x inet, doc jsonb, xml xml, e even, bits bit(3), list cidr[])")
	w := open(t, postgres.Options{URL: url})
	prepare(t, w, 1)
	for _, s := range []struct{ column, typ, value, says string }{
		{"x", "VARCHAR", "10.0.0", `column "x" of result: invalid input syntax for type inet: "10.0.0"`},
		{"xml", "VARCHAR", "<a>", `column "xml" of result: invalid XML content`},
		{"bits", "VARCHAR", "1010", `column "bits" of result: bit string length 4 does not match type bit(3)`},
		{"e", "VARCHAR", "3", `column "e" of result: value for domain even violates`},
		{"list", "VARCHAR[]", "[10.0.0.1/8]", `column "list" of result: invalid cidr value: "10.0.0.1/8"`},
		{"doc", "JSON", `{"a": "\u0000"}`, `(column "doc")`},
		{"doc", "VARCHAR", `{"a": `, `(column "doc")`},
	} {
		l := january("r", 1)
		l.Columns = []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "fine", Type: "VARCHAR"}, {Name: s.column, Type: s.typ}}
		_, err := filled(t, l, fmt.Sprintf("SELECT DATE '2020-01-05' AS day, '10.0.0.1' AS fine, CAST('%s' AS %s) AS %s", s.value, s.typ, s.column)).Into(t.Context(), w)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EOverflow && !strings.Contains(s.says, "domain") || !strings.Contains(e.Message, s.says) || e.Next == "" {
			t.Errorf("%s: %v", s.column, err)
		}
	}
	if got := warehousetest.Text(c.Exec(t, url, "SELECT count(*) FROM result")); got != "0" {
		t.Errorf("%s rows", got)
	}
}

// A table of ours that is dropped while a run goes on fails its load with what makes it again; Prepare does.
func TestATableOfOursIsDropped(t *testing.T) {
	c, url := database(t, "CREATE TABLE result (day date, n bigint)")
	w := open(t, postgres.Options{URL: url})
	for _, table := range []string{"hindcast_lease", "hindcast_status"} {
		prepare(t, w, 1)
		l := filled(t, january("r", 1), "SELECT DATE '2020-01-05' AS day, 1::BIGINT AS n")
		if _, err := l.Into(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		c.Exec(t, url, "DROP TABLE "+table)
		_, err := l.Into(t.Context(), w)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ETableMissing || !strings.Contains(e.Message, table+" was dropped") ||
			!strings.Contains(e.Next, "hindcast resume") {
			t.Errorf("a load without %s: %v", table, err)
		}
		all, err := w.Committed(t.Context(), "p", true)
		if want := map[string]int{"hindcast_lease": 1}[table]; err != nil || len(all) != want {
			t.Errorf("without %s there are %d rows, %v", table, len(all), err)
		}
		if n, err := w.Fence(t.Context(), "p"); err != nil || n > 1 {
			t.Errorf("without %s the fence is %d, %v", table, n, err)
		}
	}
	prepare(t, w, 1)
}
