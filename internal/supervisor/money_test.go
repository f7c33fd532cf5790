package supervisor

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// paid is a world whose engine costs a dollar a second, and takes half an hour for a slice.
func paid(t *testing.T) *world {
	w := outliving(t)
	w.price = 1
	return w
}

func wantBill(t *testing.T, out *Outcome, runs int, usd float64) {
	t.Helper()
	if usd == 0 {
		if len(out.State.Billed()) != 0 {
			t.Errorf("billed: %+v", out.State.Billed())
		}
		return
	}
	is := out.State.Billed()
	if len(is) != 1 || is[0].Runs != runs || math.Abs(is[0].USD-usd) > 6 || math.Abs(out.State.Spent()-is[0].USD) > 1e-6 {
		t.Errorf("billed: %+v, spent: %v; want %d runs for $%v", is, out.State.Spent(), runs, usd)
	}
}

// Attempts that fail are paid for like those that do not, and a resume adds to what was spent before it.
func TestWhatARunHasCost(t *testing.T) {
	const each = 30 * 60 // dollars
	synctest.Test(t, func(t *testing.T) {
		w := paid(t)
		wantBill(t, w.run(w.config(planOf(3))), 3, 3*each)
		said := map[string]int{}
		for _, e := range w.journal.events {
			if e.Type == hindcast.EventWorkBilled && e.Bill.Runs == 1 {
				said[e.Slice]++
			}
		}
		if len(said) != 3 || said[key(0)] != 1 {
			t.Errorf("bills: %v", said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := paid(t)
		w.call = on("transform", key(0), 2, outcome{Takes: time.Minute, Err: errTransient})
		out := w.run(w.config(planOf(1)))
		wantExit(t, out, hindcast.ExitOK)
		wantBill(t, out, 3, 60+60+1)
	})
	for name, before := range map[string]func(w *world){
		"it went on":         func(*world) {},
		"it had died":        func(w *world) { w.endAll() },
		"it was out of date": func(w *world) { w.version = "2" },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := paid(t)
				w.crash = atFirst("waiting")
				wantBill(t, w.run(w.config(planOf(1))), 0, 0)
				w.crash = nil
				time.Sleep(10 * time.Minute)
				before(w)
				c := w.config(planOf(1))
				c.Fence, w.fence = 2, 2
				out := w.run(c)
				wantExit(t, out, hindcast.ExitOK)
				runs, usd := 1, each
				if name != "it went on" {
					runs, usd = 2, each+10*60
				}
				wantBill(t, out, runs, float64(usd))
			})
		})
	}
}

// Nothing waits for what work has cost but its own load: the engine has the next slice meanwhile.
func TestBillsAreAskedForBesideTheNextSlice(t *testing.T) {
	const slow = 8 * time.Second
	took := map[time.Duration]time.Duration{}
	for _, billing := range []time.Duration{0, slow} {
		synctest.Test(t, func(t *testing.T) {
			w := paid(t)
			w.billing = billing
			began := time.Now()
			wantBill(t, w.run(w.config(planOf(6))), 6, 6*30*60)
			took[billing] = time.Since(began)
		})
	}
	if more := took[slow] - took[0]; more < slow || more > slow+time.Second {
		t.Errorf("a run of three rounds takes %s longer, and each bill %s", more, slow)
	}
}

// A budget in dollars ends the run when it is spent, counts over resumes, and is raised for one.
func TestBudgetInDollars(t *testing.T) {
	within := func(usd float64) *plan.Plan {
		p := planOf(4)
		p.Pipeline.Run.Budget.USD = usd
		return p
	}
	synctest.Test(t, func(t *testing.T) {
		w := paid(t)
		out := w.run(w.config(within(2000))) // two slices side by side: before the first has ended
		wantExit(t, out, hindcast.ExitBudget)
		if out.Err == nil || out.Err.Code != hindcast.EBudget || !strings.Contains(out.Err.Message, "$2000.00 is reached") || !strings.Contains(out.Err.Next, "resume r1") {
			t.Errorf("%+v", out.Err)
		}
		wantBill(t, out, 2, 2000)
		if len(w.rows) != 0 {
			t.Errorf("%d slices are committed", len(w.rows))
		}

		began, starts := time.Now(), len(w.given)
		out = w.run(w.config(within(2000)))
		wantExit(t, out, hindcast.ExitBudget)
		if len(w.given) != starts || time.Since(began) > time.Minute {
			t.Errorf("a resume of a spent budget started %d and took %s", len(w.given)-starts, time.Since(began))
		}

		out = w.run(w.config(within(10_000)))
		wantExit(t, out, hindcast.ExitOK)
		wantBill(t, out, 6, 2000+4*30*60)
	})

	// What was under way when the supervisor died is ended by a resume for which nothing is left.
	synctest.Test(t, func(t *testing.T) {
		w := paid(t)
		w.crash = atFirst("waiting")
		p := within(500)
		p.Items = p.Items[:1]
		w.run(w.config(p))
		w.crash = nil
		time.Sleep(10 * time.Minute)
		c := w.config(p)
		c.Fence, w.fence = 2, 2
		out := w.run(c)
		wantExit(t, out, hindcast.ExitBudget)
		wantBill(t, out, 1, 10*60)
	})
}
