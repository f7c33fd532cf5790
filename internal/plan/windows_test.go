package plan_test

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// anyFact is a fact whose own period and margins have nothing to do with the history's.
func anyFact(r *rand.Rand, c cutting) hindcast.Fact {
	f := hindcast.Fact{Name: "f", Table: "f", Time: "at", Missing: hindcast.MissingFail}
	lookbacks := []hindcast.Period{{}, hours(1 + r.Intn(50)), days(1 + r.Intn(40)), months(1 + r.Intn(3))}
	f.Lookback, f.Lookahead = lookbacks[r.Intn(len(lookbacks))], lookbacks[r.Intn(len(lookbacks))]
	everies := []hindcast.Period{{}, days(1 + r.Intn(40)), {N: 1 + r.Intn(5), Unit: hindcast.Weeks}, months(1 + r.Intn(14)), {N: 1, Unit: hindcast.Years}}
	if c.to.Sub(c.h.From) < 100*24*time.Hour {
		everies = append(everies, hours(1+r.Intn(30)))
	}
	f.Every = everies[r.Intn(len(everies))]
	switch short := c.to.Sub(c.h.From) < 3000*24*time.Hour; {
	case r.Intn(3) == 0:
		f.Table, f.Every = "f_{yyyy}_{mm}", months(1)
	case r.Intn(2) == 0 && short:
		f.Table, f.Every = "f_{yyyy}{mm}{dd}", days(1)
	}
	return f
}

// covered checks that the units, in any order, lie side by side and cover the window from history's start on.
func covered(window hindcast.Interval, units []hindcast.Interval) error {
	slices.SortFunc(units, func(a, b hindcast.Interval) int { return a.Start.Compare(b.Start) })
	for i, u := range units {
		if !u.Start.Before(u.End) {
			return fmt.Errorf("unit %d is empty", i)
		}
		if i > 0 && !u.Start.Equal(units[i-1].End) {
			return fmt.Errorf("unit %d begins at %s, the one before ends at %s", i, u.Start, units[i-1].End)
		}
		if !u.Overlaps(window) {
			return fmt.Errorf("unit %d (%s to %s) is not in the window", i, u.Start, u.End)
		}
	}
	if len(units) == 0 || units[0].Start.After(window.Start) || units[len(units)-1].End.Before(window.End) {
		return fmt.Errorf("the units %v do not reach over the window %v", units, window)
	}
	return nil
}

func TestEveryInstantOfAWindowIsInOneUnit(t *testing.T) {
	holds(t, 60, func(r *rand.Rand) error {
		c := anyCutting(t, r)
		f := anyFact(r, c)
		c.h.To = c.to.Format("2006-01-02T15:04")
		w := newWorld(t, func(p *hindcast.Pipeline) { p.History, p.Facts, p.Dims = c.h, []hindcast.Fact{f}, nil })
		p, err := plan.Make(w.inputs())
		if err != nil {
			return fmt.Errorf("%s, %+v: %w", c, f, err)
		}
		units := map[string]hindcast.Interval{}
		for _, u := range p.Units {
			if _, twice := units[u.Key]; twice {
				return fmt.Errorf("%s, %+v: two units have the key %s", c, f, u.Key)
			}
			units[u.Key] = u.Interval
		}
		for _, i := range p.Items {
			if err := readsWhole(i, f, units); err != nil {
				return fmt.Errorf("%s, %+v: slice %s: %w", c, f, i.Slice.Key, err)
			}
		}
		return nil
	})
}

// afterLeap reports whether the zone's calendar left days out just before: Samoa had no 2011-12-30, so that the day before
// the 31st does not exist.
func afterLeap(t time.Time) bool {
	return t.Add(-time.Nanosecond).AddDate(0, 0, 2).Before(t.AddDate(0, 0, 1))
}

func readsWhole(i plan.Item, f hindcast.Fact, units map[string]hindcast.Interval) error {
	window := plan.Window(f, i.Slice)
	back := window.Start.Before(i.Slice.Start) || window.Start.Equal(i.Slice.Start) && afterLeap(i.Slice.Start)
	ahead := window.End.After(i.Slice.End)
	if !f.Lookback.IsZero() && !back || !f.Lookahead.IsZero() != ahead {
		return fmt.Errorf("the window is %s to %s", window.Start, window.End)
	}
	var list []hindcast.Interval
	before := false
	for _, key := range i.Units.Of(f.Name) {
		u, known := units[key]
		if !known {
			return fmt.Errorf("unit %s is not in the plan", key)
		}
		own := u.Overlaps(i.Slice.Interval)
		if own && before {
			return fmt.Errorf("unit %s is the slice's own and comes after a margin's", key)
		}
		before = before || !own
		list = append(list, u)
	}
	return covered(window, list)
}

// A table of its own name is unloaded whole, one that holds everything up to the history's end.
func TestTheLastUnit(t *testing.T) {
	w := newWorld(t, func(p *hindcast.Pipeline) { p.History.To, p.Facts[0].Time = "2016-04-15", "at" })
	p := w.make()
	for fact, want := range map[string]time.Time{"billing": utc(2016, 5, 1), "usage": utc(2016, 4, 15)} {
		if end := unit(t, p, fact, "2016-03-01").Interval.End; !end.Equal(want) {
			t.Errorf("%s: the last unit ends at %s, want %s", fact, end, want)
		}
	}
}

func TestSources(t *testing.T) {
	fact := func(edit func(*hindcast.Fact)) func(*hindcast.Pipeline) {
		return func(p *hindcast.Pipeline) {
			f := hindcast.Fact{Name: "f", Missing: hindcast.MissingFail}
			edit(&f)
			p.Facts, p.Dims = []hindcast.Fact{f}, nil
			p.History.To = "2016-05-01"
		}
	}
	for _, c := range []struct {
		name string
		edit func(*hindcast.Pipeline)
		want string
	}{
		{"a table for each slice", fact(func(f *hindcast.Fact) { f.Table = "b_{yyyy}_{mm}" }), "[b_2016_01 b_2016_03] []"},
		{"shorter tables", fact(func(f *hindcast.Fact) { f.Table, f.Every = "b_{yyyy}_{mm}", months(1) }), "[b_2016_01 b_2016_02 b_2016_03 b_2016_04] []"},
		{"quarters", fact(func(f *hindcast.Fact) { f.Table, f.Every, f.Time = "b_{yyyy}q{q}", months(3), "at" }), "[b_2016q1 b_2016q2] []"},
		{"lookback before history", fact(func(f *hindcast.Fact) {
			f.Table, f.Every, f.Time, f.Lookback = "b_{yyyy}_{mm}", months(2), "at", days(7)
		}), "[b_2015_11 b_2016_01 b_2016_03] []"},
		{"lookahead after history", fact(func(f *hindcast.Fact) {
			f.Table, f.Every, f.Time, f.Lookahead = "b_{yyyy}_{mm}", months(2), "at", days(7)
		}), "[b_2016_01 b_2016_03 b_2016_05] []"},
		{"one table", fact(func(f *hindcast.Fact) { f.Table, f.Time = "b", "at" }), "[b] []"},
		{"files", fact(func(f *hindcast.Fact) { f.Files = "x/{yyyy}_{mm}/*.parquet" }), "[] [x/2016_01/*.parquet x/2016_03/*.parquet]"},
		{"dimensions", func(p *hindcast.Pipeline) {
			p.Facts, p.Dims = nil, []hindcast.Dim{{Name: "a", Table: "a"}, {Name: "b", Files: "b/*.parquet"}}
		}, "[a] [b/*.parquet]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.edit)
			to, err := plan.ResolveTo(w.Pipeline, w.Now)
			if err != nil {
				t.Fatal(err)
			}
			history, err := plan.Cut(w.Pipeline.History, to)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(plan.Tables(w.Pipeline, history), patterns(w.Pipeline, history)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if p := w.make(); len(p.Items) == 0 {
				t.Error("a plan without slices")
			}
		})
	}
}

func TestFactsThatCannotBeCut(t *testing.T) {
	for _, c := range []struct {
		name string
		fact hindcast.Fact
		says string
	}{
		{"longer than the slice", hindcast.Fact{Table: "b_{yyyy}", Every: months(12)}, "does not lie within the slice 2016-01"},
		{"neither time nor name", hindcast.Fact{Table: "b"}, "neither a time column nor a time in its name"},
		{"lookback without time", hindcast.Fact{Table: "b_{yyyy}_{mm}", Lookback: days(7)}, "no time column"},
		{"one table for two slices", hindcast.Fact{Table: "b_{yyyy}", Time: ""}, "b_2016"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.fact.Name = "f"
			w := newWorld(t, func(p *hindcast.Pipeline) { p.Facts = []hindcast.Fact{c.fact} })
			_, err := plan.Make(w.inputs())
			refused(t, err, hindcast.EValue, c.says)
		})
	}
}

func TestHourlySlicesNeedInstants(t *testing.T) {
	for _, c := range []struct {
		zone, typ string
		every     hindcast.Period
		from      string
		refused   string
	}{
		{"Europe/Berlin", "TIMESTAMP WITH TIME ZONE", hours(1), "2016-03-01", ""},
		{"Europe/Berlin", "TIMESTAMP", hours(1), "2016-03-01", "sets its clocks back"},
		{"Europe/Berlin", "TIMESTAMP", hours(6), "2016-07-01", "sets its clocks back"}, // a change of clocks lies ahead
		{"Europe/Berlin", "TIMESTAMP", days(1), "2016-03-01", ""},
		{"Europe/Berlin", "DATE", days(1), "2016-03-01", ""},
		{"UTC", "TIMESTAMP", hours(1), "2016-03-01", ""},
		{"Asia/Kolkata", "TIMESTAMP", hours(1), "2016-03-01", ""},
		{"Australia/Lord_Howe", "TIMESTAMP", hours(1), "2016-03-01", "sets its clocks back"},
		{"UTC", "DATE", hours(1), "2016-03-01", "a DATE has no hour"},
		{"UTC", "DATE", days(1), "2016-03-01T06:00", "a DATE has no hour"},
		{"UTC", "DATE", hours(24), "2016-03-01", ""},
	} {
		t.Run(fmt.Sprintf("%s %s %s %s", c.zone, c.typ, c.every, c.from), func(t *testing.T) {
			z := zone(t, c.zone)
			from, err := time.ParseInLocation("2006-01-02T15:04", (c.from + "T00:00")[:16], z)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, func(p *hindcast.Pipeline) {
				p.History = hindcast.History{From: from, To: "2016-08-01", Every: c.every, TimeZone: c.zone, Zone: z}
				p.Facts = p.Facts[1:]
			})
			w.Sources["usage"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: c.typ}}, Rows: -1, Bytes: -1}
			_, err = plan.Make(w.inputs())
			if c.refused == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refused(t, err, hindcast.EValue, c.refused, "TIMESTAMP WITH TIME ZONE")
		})
	}
}
