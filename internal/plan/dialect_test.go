package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// What is unstable, and what a text is, is a matter of the dialect.
func TestUnstableInADialect(t *testing.T) {
	for dialect, want := range map[string]bool{"spark": true, "duckdb": false} {
		w := newWorld(t, func(p *hindcast.Pipeline) {
			p.Transform.Dialect = dialect
			p.Output().Text, p.Output().SQLFile = "SELECT month, '\\'', monotonically_increasing_id() FROM billing -- '", "/p/cost.sql"
		})
		warned := slices.ContainsFunc(w.make().Warnings, func(text string) bool {
			return strings.HasPrefix(text, "cost.sql:1:21: monotonically_increasing_id() gives another value")
		})
		if warned != want {
			t.Errorf("%s: warned %v: %q", dialect, warned, w.make().Warnings)
		}
	}
}

// A hint counts where it is one.
func TestHintsInADialect(t *testing.T) {
	for dialect, counts := range map[string]bool{"spark": true, "duckdb": false} {
		print := func(sql string) string {
			w := newWorld(t, func(p *hindcast.Pipeline) { p.Transform.Dialect, p.Output().Text = dialect, sql })
			return w.fingerprint()
		}
		if got := print("SELECT 1") != print("SELECT /*+ BROADCAST(accounts) */ 1"); got != counts {
			t.Errorf("%s: a hint counts: %v", dialect, got)
		}
	}
}
