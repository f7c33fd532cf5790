package dialect_test

import (
	"errors"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// What PostgreSQL has of arrays and made times and is not read is refused where it stands, with how to write it.
func TestNotReadOfArrays(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct{ at, instead string }{
		"SELECT id FROM item WHERE id = ANY ('{1,2}')":                            {"'{1,2}'", "write ARRAY[…] with the elements, or an empty array as in ARRAY[]::int[]"},
		"SELECT id FROM item WHERE id = ANY ('{1,2}'::int[])":                     {"'{1,2}'", "write ARRAY[…] with the elements, or an empty array as in ARRAY[]::int[]"},
		"SELECT (string_to_array(name, ','))[1:2] FROM item":                      {"[", "number the elements by unnest() WITH ORDINALITY, and filter"},
		"SELECT (ARRAY[id, 2])[:2] FROM item":                                     {"[", "number the elements by unnest() WITH ORDINALITY, and filter"},
		"SELECT id FROM item WHERE id = ANY (ARRAY[[1, 2], [3, 4]])":              {"[", "keep the rows as rows, or join the arrays by ||"},
		"SELECT array_to_string(string_to_array(name, ','), '-', '?') FROM item":  {"'?'", "write coalesce(…, '…') around the elements where the array is made"},
		"SELECT * FROM unnest(ARRAY[3, 4]) WITH ORDINALITY u":                     {"u", "name the columns behind the alias"},
		"SELECT make_timestamp(2020, 1, 1, hour => 1, min => 2, sec => 3)":        {"hour", "write them in their order, without names"},
		"SELECT DATE '2020-01-01' + make_interval(hours => id::bigint) FROM item": {"id::bigint", "multiply INTERVAL '1 hour' by it"},
		"SELECT DATE '2020-01-01' + make_interval(secs => id / 2.0) FROM item":    {"id / 2.0", "cast it as integer, and add INTERVAL '1 microsecond' times the rest, cast as integer"},
	} {
		_, err := dialect.Translate(query, options(dialect.Postgres, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		if !ok || refused[0].At.In(query) != want.at || refused[0].Instead != want.instead {
			t.Errorf("%s: %v %+v", query, err, refused)
		}
	}
	if _, err := dialect.Translate("SELECT DATE '2020-01-01' + make_interval(hours := 1, mins:=-2)", options(dialect.Postgres, dialect.DuckDB)); err != nil {
		t.Error(err)
	}
}
