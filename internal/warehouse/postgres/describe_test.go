//go:build unix

package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
)

func TestColumnsAreDescribedWithWhatALoadMustKnow(t *testing.T) {
	_, url := database(t, `CREATE DOMAIN positive AS integer NOT NULL CHECK (VALUE > 0);
		CREATE DOMAIN zero AS integer DEFAULT 0;
		CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, n integer NOT NULL DEFAULT 7, doubled integer GENERATED ALWAYS AS (n * 2) STORED,
			p positive, z zero, "Odd ""name"" ü" text, dropped int, at timestamptz(3), m numeric(12,2), free numeric, cash money[]);
		ALTER TABLE t DROP COLUMN dropped`)
	tables, err := open(t, postgres.Options{URL: url}).Describe(t.Context(), []string{"t"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range tables["t"].Columns {
		flags := ""
		for flag, set := range map[string]bool{"N": c.NotNull, "D": c.Default, "G": c.Generated, "T": c.NoText} {
			if set {
				flags += flag
			}
		}
		sorted := []byte(flags)
		slices.Sort(sorted)
		got = append(got, fmt.Sprintf("%s|%s|%s|%s", c.Name, c.Type, c.Source, sorted))
	}
	want := []string{`id|BIGINT|bigint|DN`, `n|INTEGER|integer|DN`, `doubled|INTEGER|integer|G`, `p|INTEGER|positive|N`, `z|INTEGER|zero|D`,
		`Odd "name" ü|VARCHAR|text|`, `at|TIMESTAMP WITH TIME ZONE|timestamp(3) with time zone|`, `m|DECIMAL(12,2)|numeric(12,2)|`, `free||numeric|`, `cash||money[]|T`}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What the role may not read is told by schema, with the GRANT.
func TestWhatIsHiddenIsTold(t *testing.T) {
	c, url := database(t, `CREATE SCHEMA "Raw"; CREATE TABLE "Raw".a (n int); CREATE TABLE "Raw".b (n int); CREATE TABLE closed (n int); CREATE TABLE seen (n int)`)
	if told, err := open(t, postgres.Options{URL: url}).Hidden(t.Context()); err != nil || len(told) > 0 {
		t.Errorf("an administrator: %q, %v", told, err)
	}
	role := "reader_" + url[strings.LastIndex(url, "/db")+1:strings.Index(url, "?")]
	c.Exec(t, url, "CREATE ROLE "+role+" LOGIN; GRANT SELECT ON seen TO "+role)
	told, err := open(t, postgres.Options{URL: strings.Replace(url, "postgres@", role+"@", 1)}).Hidden(t.Context())
	if err != nil || len(told) != 2 || told[0] != `2 tables of schema "Raw" may not be read; their owner: GRANT USAGE ON SCHEMA "Raw" TO `+role+`; GRANT SELECT ON ALL TABLES IN SCHEMA "Raw" TO `+role+`;` ||
		!strings.HasPrefix(told[1], "1 table of schema ") {
		t.Errorf("%q, %v", told, err)
	}
}

// Names are read as PostgreSQL reads them.
func TestNames(t *testing.T) {
	_, url := database(t, `CREATE TABLE "Sales" (upper int); CREATE TABLE sales (lower int); CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."T.x" (qualified int);
		CREATE SCHEMA other; CREATE TABLE other.sales (other int); CREATE TABLE other.only_here (i int); CREATE TABLE "sp ace" (space int)`)
	w := open(t, postgres.Options{URL: url})
	for text, column := range map[string]string{"sales": "lower", "SALES": "lower", `"Sales"`: "upper", `public."Sales"`: "upper", "Other.Sales": "other",
		`"a.b"."T.x"`: "qualified", "sp ace": "space", "only_here": "", `"a.b".t.x`: "", "pg_class": "oid"} {
		tables, err := w.Describe(t.Context(), []string{text})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got := ""
		if table, found := tables[text]; found {
			got = table.Columns[0].Name
		}
		if got != column {
			t.Errorf("%s: the first column is %q, want %q", text, got, column)
		}
	}
	inOther := open(t, postgres.Options{URL: url + "&search_path=other"})
	tables, err := inOther.Describe(t.Context(), []string{"sales", "only_here"})
	if err != nil || len(tables) != 2 || tables["sales"].Columns[0].Name != "other" {
		t.Errorf("with another search path: %+v, %v", tables, err)
	}
}

// A name that Tables gives leads back to its table, and partitions stand for nothing by themselves.
func TestTablesAreSpelledSoThatTheyAreFound(t *testing.T) {
	_, url := database(t, `CREATE SCHEMA "a.b"; CREATE TABLE "a.b"."T.x" (i INT); CREATE TABLE "q""uo" (i INT); CREATE TABLE "Plain Name" (i INT);
		CREATE TABLE plain (i int); CREATE VIEW v AS SELECT i FROM plain; CREATE MATERIALIZED VIEW m AS SELECT i FROM plain;
		CREATE TABLE p (d date) PARTITION BY RANGE (d); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
		CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE f (i int) SERVER nowhere;
		CREATE TABLE hindcast_lease (i int); CREATE TEMPORARY TABLE gone (i int)`)
	w := open(t, postgres.Options{URL: url})
	tables, err := w.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range tables {
		found, err := w.Describe(t.Context(), []string{table.Name})
		if err != nil || len(found) != 1 {
			t.Errorf("%s: found %d, %v", table.Name, len(found), err)
		}
		got = append(got, fmt.Sprintf("%s %t", table.Name, table.View))
	}
	slices.Sort(got)
	want := []string{`"Plain Name" false`, `"a.b"."T.x" false`, `"q""uo" false`, "f true", "hindcast_lease false", "m true", "p false", "plain false", "v true"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Estimates come from statistics; partitions and children are summed.
func TestRowsAreEstimated(t *testing.T) {
	c, url := database(t, `CREATE TABLE p (d date, n int) PARTITION BY RANGE (d); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2020-07-01');
		CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2020-07-01') TO ('2021-01-01');
		INSERT INTO p SELECT DATE '2020-01-01' + i % 366, i FROM generate_series(1, 3660) i;
		CREATE TABLE parent (i int); CREATE TABLE child () INHERITS (parent); INSERT INTO parent SELECT generate_series(1, 10); INSERT INTO child SELECT generate_series(1, 20);
		CREATE TABLE empty (i int); CREATE VIEW v AS SELECT * FROM p`)
	c.Exec(t, url, "ANALYZE")
	tables, err := open(t, postgres.Options{URL: url}).Describe(t.Context(), []string{"p", "parent", "empty", "v"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"p": 3660, "parent": 30, "empty": 0, "v": -1} {
		if got := tables[name].Rows; got != want {
			t.Errorf("%s: %d rows, want %d", name, got, want)
		}
	}
	if tables["p"].Bytes <= 0 || tables["v"].Bytes != -1 {
		t.Errorf("bytes: %d and %d", tables["p"].Bytes, tables["v"].Bytes)
	}
}

func TestBounds(t *testing.T) {
	_, url := database(t, `CREATE TABLE "T" (d date, "At" timestamp, z timestamptz, none date, far timestamp);
		SET TimeZone = 'Europe/Berlin';
		INSERT INTO "T" VALUES ('2020-01-02', '2020-01-02 03:04:05.678901', '2020-07-01 00:00:00', NULL, '294276-12-31'),
			('infinity', '-infinity', NULL, NULL, '4000-01-01 BC'), ('1969-12-31', '2021-01-01', '2020-07-02 00:00:00', NULL, NULL)`)
	var bounder warehouse.Inspector = open(t, postgres.Options{URL: url})
	for _, c := range []struct{ column, first, last string }{
		{"d", "1969-12-31T00:00:00Z", "2020-01-02T00:00:00Z"},
		{"At", "2020-01-02T03:04:05.678901Z", "2021-01-01T00:00:00Z"},
		{"z", "2020-06-30T22:00:00Z", "2020-07-01T22:00:00Z"},
		{"none", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"far", "-3999-01-01T00:00:00Z", "287168-08-24T16:00:00Z"},
	} {
		first, last, err := bounder.Bounds(t.Context(), `"T"`, c.column)
		if err != nil {
			t.Errorf("%s: %v", c.column, err)
			continue
		}
		if a, b := first.Format(time.RFC3339Nano), last.Format(time.RFC3339Nano); a != c.first || b != c.last {
			t.Errorf("%s: got %s to %s, want %s to %s", c.column, a, b, c.first, c.last)
		}
	}
}

// Partitions and children are within their parents, at any depth; a view over one of them shows it, and nothing beside it.
func TestWhatTablesShareIsDescribed(t *testing.T) {
	_, url := database(t, `CREATE TABLE whole (d date) PARTITION BY RANGE (d); CREATE TABLE half PARTITION OF whole FOR VALUES FROM ('2024-01-01') TO ('2024-07-01') PARTITION BY RANGE (d);
		CREATE TABLE march PARTITION OF half FOR VALUES FROM ('2024-03-01') TO ('2024-04-01'); CREATE TABLE april PARTITION OF half FOR VALUES FROM ('2024-04-01') TO ('2024-05-01');
		CREATE TABLE parent (d date); CREATE TABLE child () INHERITS (parent);
		CREATE VIEW over_april AS SELECT * FROM april; CREATE MATERIALIZED VIEW over_whole AS SELECT max(d) AS d FROM whole, (SELECT 1 FROM over_april LIMIT 1) AS one`)
	names := []string{"whole", "half", "march", "april", "parent", "child", "over_april", "over_whole"}
	tables, err := open(t, postgres.Options{URL: url}).Describe(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]string{}
	for _, name := range names {
		byID[tables[name].ID] = name
	}
	spelled := func(ids []string) string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = byID[id]
		}
		slices.Sort(list)
		return strings.Join(list, " ")
	}
	for name, want := range map[string]string{"whole": "/", "half": "whole/", "march": "half whole/", "april": "half whole/", "parent": "/", "child": "parent/",
		"over_april": "/april", "over_whole": "/april over_april whole"} {
		if got := spelled(tables[name].Within) + "/" + spelled(tables[name].Shows); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
