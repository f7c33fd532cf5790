package cases_test

import (
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
	"github.com/hindcast/hindcast/internal/dialect/cases"
)

// repeated is a table of so few different texts that files keep them in a dictionary.
var repeated = []string{"CREATE TABLE repeated (id integer, t text)",
	`INSERT INTO repeated SELECT n % 4, (ARRAY['17', '{"a": 1}', 'a', ''])[n % 4 + 1] FROM generate_series(0, 999) n`}

// A text that would raise does not if it is only in a file's dictionary, and in no row of the result.
func TestDictionaries(t *testing.T) {
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, repeated...)
	queries := []string{
		"SELECT (replace(t, '1', '2')::json) ->> 'a' FROM repeated WHERE id = 1",
		"SELECT CASE WHEN t LIKE '{%' THEN (lower(t)::jsonb) ->> 'a' END FROM repeated",
		"SELECT substring(t, 1, length(t) - 1) = ANY (string_to_array('1,a', ',')) FROM repeated WHERE id < 3",
		"SELECT t || '0' = ANY (string_to_array(t, ',')), array_to_string(string_to_array(t, '7'), '-') FROM repeated WHERE id = 0",
		"SELECT (replace(t, '1', '2')::json) ->> 'a' FROM repeated WHERE id < 3",
	}
	for _, query := range queries {
		c.query(query)
	}
	if c.counts[cases.Equal] != len(queries)-1 || c.counts[cases.Raised] != 1 {
		t.Errorf("not all of them are equal: %v", c.counts)
	}
}

// What is compared with the elements of an array raises even if there are none.
func TestNoElements(t *testing.T) {
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, "CREATE TABLE few (id integer)", "INSERT INTO few VALUES (1), (2), (NULL)")
	for _, array := range []string{"ARRAY[]::int[]", "NULL::int[]", "ARRAY[]::int[] || NULL::int", "ARRAY[]::int[] || id"} {
		for _, how := range []string{"= ANY", "<> ALL", "< ANY", ">= ALL"} {
			c.query("SELECT id, 1 / (id - 3) " + how + " (" + array + ") FROM few")
			c.query("SELECT id, 1 / (id - 2) " + how + " (" + array + ") FROM few")
		}
	}
	if c.counts[cases.Equal] != 16 || c.counts[cases.Raised] != 16 {
		t.Errorf("not all of them are equal, or raise: %v", c.counts)
	}
}

func TestDictionariesOfRedshift(t *testing.T) {
	c := trialOf(t, dialect.Redshift, dialect.DuckDB, repeated...)
	for query, want := range map[string]string{
		"SELECT max(strtol(t, 10)) FROM repeated WHERE id = 0":                                           "17",
		"SELECT max(strtol(trim(t), 16)) FROM repeated WHERE id IN (0, 2, 3)":                            "23",
		"SELECT sum(CASE WHEN t IN ('17', '') THEN strtol(t, 10) END) FROM repeated":                     "4250",
		"SELECT max(json_extract_path_text(replace(t, '1', '2'), 'a')) FROM repeated WHERE id = 1":       "2",
		"SELECT max(CASE WHEN t LIKE '{%' THEN json_extract_path_text(t || ' ', 'a') END) FROM repeated": "1",
	} {
		out, ok := c.translate(query)
		if !ok {
			t.Errorf("%s is refused", query)
			continue
		}
		if got := c.run(out.SQL); got.Raised != "" || got.Result.Rows[0][0].Text != want {
			t.Errorf("%s gives %v %s, not %s", query, got.Result.Rows, got.Raised, want)
		}
	}
}
