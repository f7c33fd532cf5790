package attempt

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// A slice is made by the text without guards only where all that it reads is known to need none.
func TestTheManifestsDecideOnGuards(t *testing.T) {
	t.Parallel()
	plain, ascii := hindcast.Facts{NoBlanks: true, ASCII: true}, hindcast.Facts{ASCII: true}
	for name, c := range map[string]struct {
		facts []map[string]hindcast.Facts // of January and February
		rows  int64
		needs hindcast.Facts
		want  bool
	}{
		"known of both":      {facts: []map[string]hindcast.Facts{{"store": plain}, {"Store": plain}}, rows: 1, needs: plain, want: true},
		"more than needed":   {facts: []map[string]hindcast.Facts{{"store": plain}, {"store": ascii}}, rows: 1, needs: ascii, want: true},
		"blanks in one":      {facts: []map[string]hindcast.Facts{{"store": plain}, {"store": ascii}}, rows: 1, needs: plain},
		"not known of one":   {facts: []map[string]hindcast.Facts{{"store": plain}, nil}, rows: 1, needs: plain},
		"of another column":  {facts: []map[string]hindcast.Facts{{"store": plain}, {"label": plain}}, rows: 1, needs: plain},
		"no rows in the one": {facts: []map[string]hindcast.Facts{{"store": plain}, nil}, needs: plain, want: true},
	} {
		p := frozen()
		s := world(t, p)
		item := p.Items[0]
		item.Units = plan.Needs{{Fact: "sales", Keys: []string{slice(time.January).Key, slice(time.February).Key}}}
		for i, m := range s.manifests("sales", item.Units[0].Keys) {
			m.Facts, m.Sums.Rows = c.facts[i], 1
			if i == 1 {
				m.Sums.Rows = c.rows
			}
		}
		if got := s.hold(item, []plan.Assumption{{Table: "sales", Column: "store", Facts: c.needs}}); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
		if s.hold(item, []plan.Assumption{{Table: "stores", Column: "store", Facts: c.needs}}) {
			t.Errorf("%s: of a dimension that is not there something holds", name)
		}
	}
}
