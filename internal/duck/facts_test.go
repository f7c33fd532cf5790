package duck

import (
	"maps"
	"testing"

	"github.com/hindcast/hindcast"
)

func TestFactsOf(t *testing.T) {
	t.Parallel()
	db, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	columns := []hindcast.Column{{Name: "plain", Type: "VARCHAR"}, {Name: "blank", Type: "VARCHAR"}, {Name: "Wide", Type: "VARCHAR"}, {Name: "none", Type: "VARCHAR"}, {Name: "n", Type: "INTEGER"}}
	got, err := FactsOf(t.Context(), db, columns, "(VALUES ('a b', 'x ', 'é', NULL, 1), ('', NULL, 'e', NULL, 2), (NULL, 'y', ' z', NULL, 3)) AS t(plain, blank, \"Wide\", none, n)")
	want := map[string]hindcast.Facts{"plain": {NoBlanks: true, ASCII: true}, "blank": {ASCII: true}, "Wide": {NoBlanks: true}, "none": {NoBlanks: true, ASCII: true}}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}
