package dialect_test

import (
	"errors"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// What Redshift has and is not read is refused where it stands, with why, and how to write it.
func TestNotReadOfRedshift(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]struct{ at, why string }{
		"SELECT i.s.a.b FROM item i":                                                {"i.s.a.b", "neither a column behind a schema's name nor a path into a SUPER is read"},
		"SELECT name[0].a FROM item":                                                {"[", "a path into a SUPER is not read"},
		"SELECT (name).a FROM item":                                                 {".", "a path into a SUPER is not read"},
		"SELECT x FROM item i, i.name AS x":                                         {"i.name", "the elements of a SUPER are not read in FROM"},
		"SELECT json_parse(name) FROM item":                                         {"json_parse", "SUPER has no type here"},
		"SELECT checksum(name) FROM item":                                           {"checksum", "how Redshift computes a checksum is not documented"},
		"MERGE INTO item USING sale s ON item.id = s.item WHEN MATCHED THEN DELETE": {"MERGE", "MERGE is not read"},
	} {
		_, err := dialect.Translate(query, options(dialect.Redshift, dialect.DuckDB))
		refused, ok := errors.AsType[dialect.Refusals](err)
		if !ok || refused[0].At.In(query) != want.at || refused[0].Why != want.why || refused[0].Instead == "" {
			t.Errorf("%s: %v %+v", query, err, refused)
		}
	}
}
