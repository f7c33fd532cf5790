package cases_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect/cases"
)

const head = "construct 1 a thing\npage https://www.postgresql.org/docs/15/x.html\n\n"

func TestParse(t *testing.T) {
	all, err := cases.Parse("stem", head+`# a comment
case one
only redshift
page https://docs.aws.amazon.com/redshift/latest/dg/y.html
rule It is so.
rule And so.
target numeric(10,2), text
query ordered
SELECT a,

  b
as
SELECT c
---- numeric, varchar(5)
1.50, 'it''s, one'
NULL, NULL

case two
query
SELECT 1 / 0
---- error division_by_zero
`)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}

	one, two := all[0], all[1]
	if one.Name != "stem/one" || one.Rank != 1 || one.Construct != "a thing" || !one.Ordered || one.Query != "SELECT a,\n\n  b" || one.Judged() != "SELECT c" ||
		one.Rule != "It is so. And so." || strings.Join(one.Dialects, " ") != "redshift" || len(one.Pages) != 1 || !strings.HasSuffix(one.Pages[0], "y.html") {
		t.Errorf("got %+v", one)
	}
	if got := one.Want.String(); got != "---- numeric, varchar(5)\n1.50, 'it''s, one'\nNULL, NULL" {
		t.Errorf("got %s", got)
	}
	if two.Want.Error != "division_by_zero" || two.Judged() != "SELECT 1 / 0" || len(two.Dialects) != 2 || !strings.HasSuffix(two.Pages[0], "x.html") {
		t.Errorf("got %+v", two)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"case one\nquery\nSELECT 1\n----\n":                                     "no line names the construct",
		head + "case one\nquery\nSELECT 1\n":                                    "does not end with ----",
		head + "case one\nquery\n----\n":                                        "is empty",
		head + "case one\nquery\nSELECT 1\n---- text\n'a\n":                     "has no end",
		head + "case one\nquery\nSELECT 1\n---- text, date\n'a'\n":              "has 1 values, not 2",
		head + "case one\nquery\nSELECT 1\n---- money\n":                        `type "money"`,
		head + "case one\nonly oracle\nquery\nSELECT 1\n----\n":                 `dialect "oracle"`,
		head + "case one\npage https://example.com\nquery\nSELECT 1\n----\n":    "documentation",
		head + "case one\ntarget text, text\nquery\nSELECT 1\n---- text\n'a'\n": "target of stem/one",
		head + "case one\nquery\nSELECT 1\n----\n\ncase one\n":                  "a name of its own",
		head + "case one\nlike this\n":                                          `"like"`,
	} {
		if _, err := cases.Parse("stem", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestFillKeepsWhatIsNotAnswered(t *testing.T) {
	text := head + "case one\nquery\nSELECT 1\n---- text\n'old'\n\n# kept\ncase two\nquery\nSELECT 2\n----\n"
	all, err := cases.Parse("stem", head+"case one\nquery\nSELECT 2\n---- integer, text\n2, 'b'\n1, NULL\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := cases.Fill("stem", text, map[string]cases.Result{"stem/two": all[0].Want})
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSuffix(text, "----\n") + "---- integer, text\n1, NULL\n2, 'b'\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		typ, want, got string
		equal          bool
	}{
		{"integer", "3", "3", true}, {"integer", "3", "3.0", true}, {"integer", "3", "3.5", false},
		{"numeric", "1.50", "1.5", true}, {"numeric(5,1)", "2.25", "2.3", true}, {"numeric(5,1)", "-2.25", "-2.2", false},
		{"numeric", "NaN", "NaN", true}, {"numeric", "NaN", "1", false},
		{"double", "0.1", "0.10000000000000002", true}, {"double", "0.1", "0.1000001", false}, {"double", "NaN", "NaN", true},
		{"double", "Infinity", "inf", true}, {"double", "Infinity", "-inf", false}, {"double", "0", "-0", true},
		{"boolean", "true", "t", true}, {"boolean", "false", "true", false}, {"boolean", "false", "", false},
		{"char(5)", "a    ", "a", true}, {"varchar(5)", "a ", "a", false}, {"text", "", " ", false},
		{"date", "2024-02-29", "2024-02-29 00:00:00", true}, {"date", "2024-02-29", "2024-02-29 00:00:01", false},
		{"timestamp", "2024-02-29 01:02:03.5", "2024-02-29T01:02:03.500000", true}, {"timestamptz", "2024-02-29 01:02:03+00", "2024-02-29 01:02:03", true},
	} {
		all, err := cases.Parse("s", head+"case one\nquery\nSELECT 1\n---- "+c.typ+"\n'"+c.want+"'\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := all[0].Want.Types[0].Equal(c.want, c.got); got != c.equal {
			t.Errorf("%s: %s is %s: %t", c.typ, c.got, c.want, got)
		}
	}
}

func TestDifference(t *testing.T) {
	parse := func(query, rows string) cases.Case {
		all, err := cases.Parse("s", head+"case one\n"+query+"\nSELECT 1\n---- integer, text\n"+rows+"\n")
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	unordered, ordered := parse("query", "1, 'a'\n1, 'a'\n2, NULL"), parse("query ordered", "1, 'a'\n2, NULL")
	for _, c := range []struct {
		of   cases.Case
		rows string
		want string
	}{
		{unordered, "2, NULL\n1, 'a'\n1, 'a'", ""},
		{unordered, "2, NULL\n2, NULL\n1, 'a'", "no row is (1, 'a'): (2, NULL) (2, NULL)"},
		{unordered, "1, 'a'", "1 rows, not 3"},
		{ordered, "1, 'a'\n2, NULL", ""},
		{ordered, "2, NULL\n1, 'a'", "row 1 is (2, NULL), not (1, 'a')"},
		{ordered, "1, 'a'\n2, ''", "row 2 is (2, ''), not (2, NULL)"},
	} {
		if got := c.of.Difference(parse("query", c.rows).Want); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rows, got, c.want)
		}
	}
}
