package engine_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/engine"
)

// An error of an engine is about the text that people wrote, wherever that stands in what the engine was given.
func TestPlacesInATranslatedText(t *testing.T) {
	t.Parallel()
	const written = "SELECT a / 2,\n  nvl(b, :rate), c FROM t"
	const translated = "SELECT (a // 2),\n  coalesce(b, :rate), c FROM t"
	q, err := engine.Bound("duckdb", translated, "x.sql", map[string]string{"rate": "1.0000"})
	if err != nil {
		t.Fatal(err)
	}
	q = q.From("", written, []engine.Shift{{At: 7, Delta: 0, Fixed: true}, {At: 15, Delta: -3}, {At: 19, Delta: -3, Fixed: true}, {At: 27, Delta: -8}}, nil)

	for word, want := range map[string]string{"SELECT": "x.sql:1:1", "// 2": "x.sql:1:8", "coalesce": "x.sql:2:3", "lesce": "x.sql:2:3", "b, ": "x.sql:2:7", "c FROM": "x.sql:2:18"} {
		if got := q.Place(strings.Index(q.SQL, word)).String(); got != want {
			t.Errorf("%s is at %s, want %s", word, got, want)
		}
	}
}
