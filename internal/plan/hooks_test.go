package plan_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

func TestHooksThatControlTheTransactionAreRefused(t *testing.T) {
	for hook, words := range map[string]string{
		"INSERT INTO audit VALUES (1)":          "",
		"SELECT 'COMMIT' AS commit -- ROLLBACK": "",
		"INSERT INTO audit VALUES (1); COMMIT":  "COMMIT",
		"/* quietly */ rollback":                "ROLLBACK",
		"begin transaction":                     "BEGIN",
		"ATTACH 'other.duckdb'":                 "ATTACH",
	} {
		w := newWorld(t, func(p *hindcast.Pipeline) { p.Output().Load.After = []string{"SELECT 1", hook} })
		_, err := plan.Make(w.inputs())
		if words == "" {
			if err != nil {
				t.Errorf("%s: %v", hook, err)
			}
			continue
		}
		e := hindcast.AsError(err)
		if e == nil || e.Code != hindcast.EHook || !strings.Contains(e.Message, "load.after[1] holds "+words) {
			t.Errorf("%s: got %v", hook, err)
		}
	}
}
