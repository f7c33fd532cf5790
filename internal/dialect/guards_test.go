package dialect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// Marks tell guards apart by what they guard, and are all that a marked statement has beside the other one.
func TestGuardsAreMarked(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"SELECT 1 + (id / small) AS a, id/small AS b, count(*) FROM item GROUP BY id / small": {"id / small"},
		"SELECT id / small AS a, id % small AS b FROM item":                                   {"id / small", "id % small"},
		"SELECT id / small / id AS a FROM item":                                               {"id / small", "id / small / id"},
		"SELECT name::int AS a, (id / small)::text::date AS b FROM item":                      {"name::int", "id / small", "(id / small)::text::date"},
		"SELECT id AS a FROM item":                                                            nil,
	} {
		for _, to := range []dialect.Target{dialect.DuckDB, dialect.Spark35} {
			o := options(dialect.Postgres, to)
			plain, err := dialect.Translate(query, o)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			o.Mark = true
			marked, err := dialect.Translate(query, o)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			var got []string
			for _, g := range marked.Guards {
				if g.Op == "" {
					got = append(got, g.At.In(query))
				}
			}
			if to == dialect.DuckDB && !slices.Equal(got, want) {
				t.Errorf("%s: guards of %q, want %q", query, got, want)
			}
			if marked.Unmarked() != plain.SQL || plain.Unmarked() != plain.SQL {
				t.Errorf("%s:\n%s\nis without its marks\n%s\nand not\n%s", query, marked.SQL, marked.Unmarked(), plain.SQL)
			}
			for n := range got {
				if mark := "#" + string(rune('1'+n)) + ">>"; !strings.Contains(marked.SQL, mark) {
					t.Errorf("%s: no %s in %s", query, mark, marked.SQL)
				}
			}
		}
	}
}

// Where the engine itself raises, and does not say where, the operations are known that it may be.
func TestWhatOverflowsIsKnown(t *testing.T) {
	t.Parallel()
	query := "SELECT 1 + small AS a, small * id - 2 AS b, price / 2 AS c, small*id - 2 AS d FROM item"
	o := options(dialect.Postgres, dialect.DuckDB)
	o.Mark = true
	r, err := dialect.Translate(query, o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Guards {
		if g.Op != "" {
			got = append(got, g.Op+" "+g.At.In(query))
		}
	}
	want := []string{"addition 1 + small", "subtraction small * id - 2", "multiplication small * id", "subtraction small*id - 2", "multiplication small*id"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A text of the user's own that looks like a mark stays.
func TestAMarkOfTheUsersOwn(t *testing.T) {
	t.Parallel()
	o := options(dialect.Postgres, dialect.DuckDB)
	o.Mark = true
	r, err := dialect.Translate("SELECT '<<22012#1>>' AS a, id / small AS b FROM item", o)
	if err != nil || len(r.Guards) > 0 || !strings.Contains(r.Unmarked(), "'<<22012#1>>'") || strings.Count(r.SQL, "<<") != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}
