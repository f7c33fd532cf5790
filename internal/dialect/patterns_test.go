package dialect_test

import (
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// A pattern is refused with the place in it, a function with its name.
func TestRefusesPatterns(t *testing.T) {
	t.Parallel()
	refusesEach(t, []struct{ query, at string }{
		{"SELECT to_char(sold, 'YYYY-MM-DD TZ') FROM item", "TZ"}, {"SELECT to_char(sold, 'RM') FROM item", "RM"}, {"SELECT to_char(sold, 'TMMonth') FROM item", "TMMonth"},
		{"SELECT to_char(price, '99V9') FROM item", "V"}, {"SELECT to_char(price, 'RN') FROM item", "R"}, {"SELECT to_char(price, name) FROM item", "name"},
		{"SELECT to_char(weight, '9.9') FROM item", "weight"}, {"SELECT to_date(name, 'MM-DD') FROM item", "MM-DD"}, {"SELECT to_date(name, 'YYYY DD') FROM item", "YYYY DD"},
		{"SELECT to_timestamp(name, 'YYYY-MM-DD HH24:MI AM') FROM item", "YYYY-MM-DD HH24:MI AM"}, {"SELECT to_number(name, '9PR') FROM item", "9PR"},
		{"SELECT name ~ 'a(b' FROM item", "("}, {"SELECT name ~ 'it''s(' FROM item", "'it''s('"}, {"SELECT regexp_replace(name, 'a|ab', '') FROM item", "'a|ab'"},
		{"SELECT regexp_replace(name, 'a*', '', 'g') FROM item", "'a*'"}, {"SELECT regexp_replace(name, 'a', '\\1') FROM item", "'\\1'"}, {"SELECT name ~ code FROM item", "code"},
		{"SELECT code ~ 'a' FROM item", "code ~ 'a'"}, {"SELECT name SIMILAR TO 'a(' FROM item", "("}, {"SELECT name ILIKE name FROM item", "name"},
		{"SELECT format('%I', name) FROM item", "%I"}, {"SELECT chr(0)", "0"}, {"SELECT name -> 'a' FROM item", "name"}, {"SELECT encode(name, 'hex') FROM item", "encode"},
		{"SELECT regexp_matches(name, 'a') FROM item", "regexp_matches"},
	})
}

// Redshift has fewer of them, and a class of characters in a database whose collation is not C is guarded.
func TestPatternsOf(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"SELECT to_char(sold, 'FMDD') FROM item", "SELECT to_char(sold, 'YYYYx') FROM item", "SELECT name ~* 'a' FROM item", "SELECT name ~ 'a+?' FROM item",
		"SELECT fnv_hash(price) FROM item", "SELECT crc32(price) FROM item", "SELECT strtol(name, 37) FROM item", "SELECT checksum(name) FROM item", "SELECT json_extract_path_text(name, code) FROM item", "SELECT left(name, -1) FROM item"} {
		if _, err := dialect.Translate(query, options(dialect.Redshift, dialect.DuckDB)); err == nil {
			t.Errorf("%s is translated", query)
		}
	}

	o := options(dialect.Postgres, dialect.DuckDB)
	o.Settings.Collation = "en_US.UTF-8"
	for query, guarded := range map[string]bool{`SELECT name ~ '\d' FROM item`: true, "SELECT name ~ '[0-9]' FROM item": false, "SELECT name ~* 'a' FROM item": false, "SELECT name ~* 'é' FROM item": true} {
		r, err := dialect.Translate(query, o)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if got := len(r.SQL) > len(query)+60; got != guarded {
			t.Errorf("%s is written\n%s", query, r.SQL)
		}
	}
}
