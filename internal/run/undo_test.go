package run_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/run"
)

// place is a slice of a target.
type place struct{ target, month string }

// stand is what stands in it: rows and the status row, and which run put them there. The row's totals are not compared: they are of the rows
// that are put back, also where somebody had edited these before they were replaced.
type stand struct{ what, by string }

// looker is a world that is asked often.
type looker struct {
	two
	ask func(statement string) string
}

// newLooker asks PostgreSQL over one connection.
func newLooker(w two) *looker {
	l := &looker{two: w, ask: w.query}
	if strings.HasPrefix(w.url, "postgres") {
		conn := pgtest.Connect(w, w.url)
		l.ask = func(statement string) (text string) {
			for _, row := range pgtest.Query(w, conn, statement) {
				text += strings.Join(row, " ") + "; "
			}
			return strings.TrimSuffix(text, "; ")
		}
	}
	return l
}

// stands are what stands everywhere.
func (w *looker) stands() map[place]stand {
	all := map[place]stand{}
	for target, column := range map[string]string{"daily": "day", "monthly": "month"} {
		for m := 1; m <= 3; m++ {
			from, to := fmt.Sprintf("2020-%02d-01", m), fmt.Sprintf("2020-%02d-01", m+1)
			rows := w.ask(fmt.Sprintf("SELECT %[1]s, n FROM %[2]s WHERE %[1]s >= DATE '%[3]s' AND %[1]s < DATE '%[4]s' ORDER BY 1", column, target, from, to))
			status := w.ask(fmt.Sprintf(`SELECT run, attempt, fingerprint, parts, "rows" FROM hindcast_status WHERE target = '%s' AND slice = '%s'`, target, from))
			by := w.ask(fmt.Sprintf("SELECT publication FROM hindcast_status WHERE target = '%s' AND slice = '%s'", target, from))
			all[place{target, from}] = stand{rows + " / " + status, by}
		}
	}
	return all
}

// past is a run that was done: what stood before it, and after it.
type past struct {
	run           string
	before, after map[place]stand
}

var undoSeed = flag.Uint64("undo.seed", 0, "the seed of TestUndoPutsBackOrRefuses")

// An undo of any run after any others puts back exactly what stood before it, rows and status rows, in all that the run has replaced; or it
// is refused, and changes nothing, because something of that was changed since.
func TestUndoPutsBackOrRefuses(t *testing.T) {
	seed := cmp.Or(*undoSeed, uint64(time.Now().UnixNano()))
	inBoth(t, func(world two) {
		w := newLooker(world)
		w.Logf("seed %d", seed)
		w.limit = 1e9
		random := rand.New(rand.NewPCG(seed, 0))
		done := []past{w.randomRun(random, 1)}
		undone, refused := 0, 0
		for n := 2; n < 10; n++ {
			switch choice := random.IntN(8); {
			case choice < 3:
				done = append(done, w.randomRun(random, n))
			case choice == 3:
				w.exec(fmt.Sprintf("UPDATE daily SET n = n + 1 WHERE day = DATE '2020-%02d-05'", 1+random.IntN(3)))
			default:
				was := done[len(done)-1]
				if random.IntN(3) == 0 {
					was = done[random.IntN(len(done))]
				}
				now := w.stands()
				ended, err := run.Undo(w.Context(), w.pipeline(), was.run, quiet())
				if w.judge(was, now, err); err != nil {
					refused++
					continue
				}
				if ended.Outcome.ExitCode != hindcast.ExitOK {
					w.Fatalf("undo %s: exit %d, %v %+v", was.run, ended.Outcome.ExitCode, ended.Outcome.Err, ended.Outcome.State.Failures)
				}
				undone++
				done = append(done, past{ended.Plan.Run, now, w.stands()})
			}
		}
		w.Logf("%d undone, %d refused", undone, refused)
	})
}

// randomRun runs with another definition, one slice or all of them, published slice by slice, together, or after it was held.
func (w *looker) randomRun(random *rand.Rand, n int) past {
	w.Helper()
	w.daily = fmt.Sprintf("SELECT day, n * %d AS n FROM sales", n)
	if random.IntN(2) == 0 {
		w.monthly = fmt.Sprintf("SELECT CAST(:slice_start AS DATE) AS month, CAST(sum(n) * %d AS BIGINT) AS n FROM sales", n)
	}
	p, o := w.pipeline(), quiet()
	if random.IntN(3) == 0 {
		o.Slices = fmt.Sprintf("2020-%02d", 1+random.IntN(3))
	}
	if random.IntN(3) == 0 {
		p.Publish = hindcast.PublishRun
	}
	o.Hold = random.IntN(3) == 0
	before := map[place]stand{}
	if n > 1 {
		before = w.stands()
	} else {
		o.Slices, o.Hold = "", false
	}

	ended, err := run.Begin(w.Context(), p, o)
	if err == nil && o.Hold {
		if !ended.Outcome.State.Held() || !maps.Equal(w.stands(), before) {
			w.Errorf("%s is not held, or something was published", ended.Plan.Run)
		}
		ended, err = run.Publish(w.Context(), w.pipeline(), ended.Plan.Run, quiet())
	}
	if err != nil || ended.Outcome.ExitCode != hindcast.ExitOK {
		w.Fatalf("%+v, %v", ended, err)
	}
	return past{ended.Plan.Run, before, w.stands()}
}

// judge compares what an undo has left with what it is to leave; now is what stood before the undo.
func (w *looker) judge(was past, now map[place]stand, err error) {
	w.Helper()
	want, changed := maps.Clone(now), ""
	for at, after := range was.after {
		if after == was.before[at] {
			continue
		}
		if now[at] != after {
			changed += fmt.Sprintf(" %v", at)
		}
		want[at] = was.before[at]
	}
	if changed != "" || err != nil {
		want = now
		if e := hindcast.AsError(err); changed == "" || e == nil || e.Code != hindcast.EChanged {
			w.Fatalf("undo %s, of which%s was changed since: %v", was.run, changed, err)
		}
	}
	for at, is := range w.stands() {
		if wanted := want[at].what; is.what != wanted && !(wanted == "" && strings.TrimSpace(is.what) == "/") {
			w.Errorf("undo %s (%v): %v is\n%s\nwant\n%s", was.run, err, at, is.what, wanted)
		}
	}
}
