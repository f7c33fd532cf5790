package plan_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// speaks has the world's SQL be a warehouse's, over tables whose column has another type from July on.
func speaks(t *testing.T, dialect, sql string) *world {
	t.Helper()
	w := newWorld(t, func(p *hindcast.Pipeline) {
		p.Transform.Dialect, p.Outputs[0].Text, p.Outputs[0].SQLFile = dialect, sql, "costs.sql"
	})
	for name, source := range w.Sources {
		typ := "INTEGER"
		if strings.HasPrefix(name, "billing_2016") && name >= "billing_2016_07" {
			typ = "BIGINT"
		}
		source.Columns = []hindcast.Column{{Name: "at", Type: "TIMESTAMP WITH TIME ZONE", Source: "timestamp with time zone"}, {Name: "cost", Type: typ, Source: strings.ToLower(typ)}}
		w.Sources[name] = source
	}
	return w
}

func TestEachSliceIsTranslatedOverItsOwnTables(t *testing.T) {
	t.Parallel()
	w := speaks(t, "postgres", "SELECT cost / 2 AS half, sum(cost) AS cost\nFROM billing GROUP BY 1 -- by half")
	p := w.make()

	if p.Format != 4 || len(p.Outputs[0].Texts) != 2 {
		t.Fatalf("the plan has format %d and %d texts, want 4 and 2", p.Format, len(p.Outputs[0].Texts))
	}
	for key, want := range map[string]string{"2016-05-01": "AS BIGINT)", "2016-07-01": "AS DECIMAL(38,0))"} {
		text := p.Outputs[0].Texts[item(t, p, key).Text]
		if !strings.Contains(text.SQL, want) || !strings.Contains(text.SQL, "//") || !strings.Contains(text.SQL, "-- by half") {
			t.Errorf("%s is made by %s, want integers divided, the comment, and %s", key, text.SQL, want)
		}
	}
}

func TestAFingerprintIsOfTheTranslatedText(t *testing.T) {
	t.Parallel()
	print := func(dialect, sql string) string {
		return plan.Fingerprint(item(t, speaks(t, dialect, sql).run().make(), "2016-05-01").Parts[0])
	}
	is := print("postgres", "SELECT cost / 2 AS half FROM billing")
	for sql, same := range map[string]bool{
		"SELECT cost/2 AS half -- of it\nFROM billing":    true,
		"SELECT (cost // 2) AS half FROM billing":         false, // it is refused
		"SELECT cost / 3 AS half FROM billing":            false,
		"SELECT cost / 2 AS half FROM billing WHERE true": false,
	} {
		if got := print("postgres", sql); (got == is) != same {
			t.Errorf("%s: the fingerprint is the same: %t, want %t", sql, got == is, same)
		}
	}
	if print("redshift", "SELECT cost / 2 AS half FROM billing") == is {
		t.Error("SQL of another dialect has the same fingerprint")
	}
}

func TestTypesOfParameters(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"1.10": "DECIMAL", "1.0": "DECIMAL", "7": "//", "3000000000": "//"} {
		w := speaks(t, "redshift", "SELECT cost / :rate AS half FROM billing")
		w.Pipeline.Params[0].Value, w.Pipeline.Params[0].Literal = number(strings.TrimSuffix(value, ".0")), value // as the decoder has it
		p := w.make()
		if text := p.Outputs[0].Texts[0].SQL; !strings.Contains(text, want) || !strings.Contains(text, ":rate") {
			t.Errorf("by %s: %s, want %s and the parameter", value, text, want)
		}
	}
}

// number is a value as the decoder gives one of a number.
type number string

func (n number) String() string { return string(n) }

// What a script becomes stands in another order: a place in it is that of the script's result.
func TestPlacesOfAScript(t *testing.T) {
	t.Parallel()
	const script = "CREATE TEMP TABLE a AS SELECT cost / 2 AS half FROM billing;\nSELECT half AS cost FROM a"
	text := speaks(t, "postgres", script).make().Outputs[0].Texts[0]
	if s := text.Shifts; len(s) != 1 || !s[0].Fixed || s[0].At != 0 || s[0].Delta != strings.Index(script, "SELECT half") {
		t.Errorf("offsets lead to %+v", s)
	}
}
