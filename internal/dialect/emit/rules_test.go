package emit

import (
	"testing"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Every operation is spelled or refused by every engine; one that is forgotten would reach the user as a refusal without a reason.
func TestRulesAreTotal(t *testing.T) {
	t.Parallel()
	for _, engine := range []Engine{DuckDB, Spark35, Spark40} {
		for op, r := range rules(engine) {
			ways := 0
			for _, has := range []bool{r.form != "", r.write != nil, r.refusal != ""} {
				if has {
					ways++
				}
			}
			if !r.keep && ways == 0 || ways > 1 {
				t.Errorf("%s: operation %d has %d ways to be written", engine, op, ways)
			}
		}
	}
}

// An operation that only stands as the source spells it, and is asked for in another place, is refused.
func TestNoWay(t *testing.T) {
	t.Parallel()
	_, refused := Query("SELECT 1", &sem.Query{Slots: []sem.Slot{{Kind: sem.SlotExpr, Expr: &sem.Expr{Op: sem.OpCaseOf, Made: true}}}}, Options{})
	if len(refused) != 1 || refused[0].Why == "" {
		t.Errorf("%+v", refused)
	}
}
