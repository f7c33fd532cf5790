package sqltext

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestBind(t *testing.T) {
	literals := map[string]string{"rate": "1.10", "slice_start": "DATE '2020-01-01'", "n": "NULL"}
	for text, want := range map[string]string{
		"SELECT :rate":                         "SELECT 1.10",
		"SELECT a*:rate, b::int, ':rate'":      "SELECT a*1.10, b::int, ':rate'",
		`SELECT ":rate" -- :rate` + "\n:n":     `SELECT ":rate" -- :rate` + "\nNULL",
		"/* :rate /* :x */ :y */ :rate":        "/* :rate /* :x */ :y */ 1.10",
		"SELECT x[1:2], x[:n], $$ :rate $$":    "SELECT x[1:2], x[NULL], $$ :rate $$",
		"SELECT E'it\\' :rate', 'it''s :rate'": "SELECT E'it\\' :rate', 'it''s :rate'",
		"{'a':n, b :n, 'c': :n}, :n":           "{'a':n, b :n, 'c': NULL}, NULL",
		"x[1:n], x[:n], a::n, a := :n":         "x[1:n], x[NULL], a::n, a := NULL",
		"d >= :slice_start":                    "d >= DATE '2020-01-01'",
	} {
		got, _, err := Standard.Bind(text, literals)
		if err != nil || got != want {
			t.Errorf("Bind(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestBindNamesTheUnknown(t *testing.T) {
	_, _, err := Standard.Bind("SELECT 1,\n  :tarif", map[string]string{"rate": "1"})
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != hindcast.ESQLParam || e.Place.Line != 2 || e.Place.Column != 3 {
		t.Errorf("got %+v", err)
	}
}

// An offset after a parameter maps back to the same text in the original.
func TestShiftsLeadBack(t *testing.T) {
	text := "SELECT :a, :bb, marker FROM :a x WHERE marker2"
	bound, shifts, err := Standard.Bind(text, map[string]string{"a": "'long literal'", "bb": "1"})
	if err != nil {
		t.Fatal(err)
	}

	for _, word := range []string{"marker ", "marker2", "FROM"} {
		at, delta := strings.Index(bound, word), 0
		for _, s := range shifts {
			if at >= s.At {
				delta = s.Delta
			}
		}

		if want := strings.Index(text, word); at+delta != want {
			t.Errorf("%q leads to %d, want %d", word, at+delta, want)
		}
	}
}

func TestNormalize(t *testing.T) {
	a := Standard.Normalize("SELECT  1 -- one\n ,\t'a  b' /* x */ FROM t ;\n")
	if a != "SELECT 1 , 'a  b' FROM t" {
		t.Errorf("got %q", a)
	}
	if Standard.Normalize("SELECT 'a b'") == Standard.Normalize("SELECT 'a  b'") {
		t.Error("spacing in a string counts")
	}
}

func TestStatements(t *testing.T) {
	got := Standard.Statements("-- nothing\n; SELECT ';' ;;/* x */ WITH a AS (SELECT 1) SELECT 2 -- end")
	want := []Statement{{"SELECT ';'", 13}, {"WITH a AS (SELECT 1) SELECT 2", 34}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestTransactionControl(t *testing.T) {
	for text, want := range map[string]bool{
		"commit": true, "INSERT INTO t VALUES (1); COMMIT;": true, "/* x */ Begin\ntransaction": true, "start  transaction": true,
		"SELECT 'commit'": false, "UPDATE commit SET a = 1": false, "endless": false, "ROLLBACK": true, "": false,
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE": true, "SET x = 1": false, "detach db": true,
	} {
		if _, _, got := TransactionControl(text); got != want {
			t.Errorf("TransactionControl(%q) = %v", text, got)
		}
	}
}

func TestLineColumn(t *testing.T) {
	for offset, want := range map[int][2]int{0: {1, 1}, 3: {1, 3}, 4: {2, 1}, 99: {2, 3}} {
		if line, column := LineColumn("aé\nbc", offset); line != want[0] || column != want[1] {
			t.Errorf("offset %d is %d:%d, want %v", offset, line, column, want)
		}
	}
}

func FuzzLex(f *testing.F) {
	for _, s := range []string{"", "'", "$$", "$a$ x", "/* /*", ":", "::", "E'\\", "--", "a:b[1:2]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for _, p := range Standard.lex(text) {
			b.WriteString(p.text)
		}

		if b.String() != text {
			t.Errorf("%q became %q", text, b.String())
		}

		_, _, _ = Standard.Bind(text, nil)
		Standard.Normalize(text)
		Standard.Statements(text)
		TransactionControl(text)
	})
}

func TestVerb(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"-- nothing":         "",
		"select 1":           "SELECT",
		"/* x */ (SELECT 1)": "SELECT",
		"insert INTO x SELECT 1 FROM (WITH a AS (SELECT 1) FROM a)":             "INSERT",
		"WITH a AS (INSERT), b(c) AS MATERIALIZED (DELETE) -- UPDATE\nSELECT 1": "SELECT",
		"WITH RECURSIVE \"insert\" AS (SELECT 'delete') UPDATE x SET a = 1":     "UPDATE",
		"WITH a AS (SELECT 1), b AS (SELECT 2) MERGE INTO x USING b ON true":    "MERGE",
		"WITH a AS (SELECT ')' AS b) INSERT INTO x FROM a":                      "INSERT",
		"WITH a AS (SELECT 1": "",
	} {
		verb, at := Standard.Verb(text)
		if verb != want || want != "" && !strings.EqualFold(text[at:at+len(want)], want) {
			t.Errorf("%s: %q at %d, want %q", text, verb, at, want)
		}
	}
}
