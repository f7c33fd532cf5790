package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// wideWorld is a world whose fact `usage` has 30 columns, of which SQL and checks read some, and is narrowed to them.
func wideWorld(t *testing.T, sql, checks []string) *world {
	t.Helper()
	w := newWorld(t, func(p *hindcast.Pipeline) { p.Facts[1].Used = true })
	w.widen("usage", 30)
	return w.read(sql, checks)
}

func (w *world) widen(source string, n int) {
	columns := []hindcast.Column{{Name: "at", Type: "DATE"}}
	for i := range n - 1 {
		columns = append(columns, hindcast.Column{Name: fmt.Sprintf("c%d", i), Type: "BIGINT"})
	}
	w.Sources[source] = plan.Source{Columns: columns, Rows: 600, Bytes: 6000}
}

func (w *world) read(sql, checks []string) *world {
	w.Reads = map[string]plan.Reads{"usage": {SQL: sql, All: append(checks[:len(checks):len(checks)], sql...)}}
	return w
}

// says gives the reason of every slice, once if it is the same.
func (w *world) says() string {
	var list []string
	for _, item := range w.make().Items {
		text := string(item.Reason)
		if len(list) == 0 || list[len(list)-1] != text {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}

func TestUsedColumnsAreUnloaded(t *testing.T) {
	w := wideWorld(t, []string{"at", "C3"}, []string{"c5"})
	u := unit(t, w.make(), "usage", "2016-03-01")
	if got := names(hindcast.Present(u.Columns)); got != "at c3 c5" || len(u.Columns) != 30 {
		t.Errorf("unloaded: %s; seen: %s", got, names(u.Columns))
	}
	if u.Bytes != 100 { // a tenth of the columns, a sixth of the rows
		t.Errorf("%d bytes are estimated", u.Bytes)
	}
	w.Reads = map[string]plan.Reads{}
	if u := unit(t, w.make(), "usage", "2016-03-01"); len(hindcast.Present(u.Columns)) != 30 {
		t.Errorf("where the engine is not sure: %s", names(u.Columns))
	}
	w = wideWorld(t, nil, nil)
	w.Pipeline.Facts[1].Table, w.Pipeline.Facts[1].Time = "usage_{yyyy}_{mm}", ""
	w.fill()
	if u := unit(t, w.make(), "usage", "2016-03-01"); names(hindcast.Present(u.Columns)) != "at" {
		t.Errorf("where rows are only counted: %s", names(u.Columns))
	}
}

// What a slice was made from decides whether it is up to date, and not which other columns the lake has.
func TestColumnsThatAreReadLater(t *testing.T) {
	sql, all := []string{"at", "c3"}, []string{"c5"}
	everything := func(w *world) { w.Pipeline.Facts[1].Used = false }
	for _, c := range []struct {
		name   string
		before func(*world)
		after  func(*world)
		says   string
		due    string // why the unit is unloaded, if the slice runs
		note   string
	}{
		{"nothing", nil, nil, "up to date", "", ""},
		{"fewer columns of a check", nil, func(w *world) { w.read(sql, nil) }, "up to date", "", ""},
		{"another column of a check", nil, func(w *world) { w.read(sql, []string{"c5", "c6"}) }, "up to date", "", ""},
		{"another column of the SQL", nil, func(w *world) {
			w.Pipeline.Output().Text += " -- \n, c9"
			w.read([]string{"at", "c3", "c9"}, all)
		}, "SQL changed", "columns changed", "column c9 of usage is not in the lake: 6 parts of it are unloaded again"},
		{"fewer columns of the SQL", nil, func(w *world) {
			w.Pipeline.Output().Text += ", 1"
			w.read([]string{"at"}, nil)
		}, "SQL changed", "", ""},
		{"a new column that * takes", nil, func(w *world) {
			w.widen("usage", 31)
			w.read([]string{"at", "c3", "c29"}, all)
		}, "facts changed", "columns changed", "column c29 of usage"},
		{"a new column that nothing reads", nil, func(w *world) { w.widen("usage", 31) }, "up to date", "", ""},
		{"a column that nothing reads is gone", nil, func(w *world) { w.widen("usage", 29) }, "up to date", "", ""},
		{"all are in the lake", everything, func(w *world) { w.Pipeline.Facts[1].Used = true }, "up to date", "", ""},
		{"all are in the lake, and one is gone from the source", everything, func(w *world) {
			w.Pipeline.Facts[1].Used = true
			w.widen("usage", 29)
		}, "facts changed", "columns changed", ""},
		{"all are wanted", nil, everything, "facts changed", "columns changed", "read 3 of 30 columns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := wideWorld(t, sql, all)
			if c.before != nil {
				c.before(w)
			}
			w.run()
			if c.after != nil {
				c.after(w)
			}
			if got := w.says(); got != c.says {
				t.Errorf("%s, want %s", got, c.says)
			}
			p := w.make()
			if u := unit(t, p, "usage", "2016-03-01"); u.Why != c.due || u.Unload != (c.due != "") {
				t.Errorf("unloaded: %t, %q", u.Unload, u.Why)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}

// A slice that runs for another reason unloads what a new check reads, and a refresh keeps the columns that were there:
// the same rows do not make anything stale.
func TestColumnsStayComparable(t *testing.T) {
	w := wideWorld(t, []string{"at", "c3"}, nil).run()
	w.read([]string{"at", "c3"}, []string{"c6"})
	w.Force = true
	if u := unit(t, w.make(), "usage", "2016-03-01"); u.Why != "a check reads more columns" || !u.Unload {
		t.Errorf("unloaded: %t, %q", u.Unload, u.Why)
	}
	w = wideWorld(t, []string{"at", "c3"}, nil)
	w.Pipeline.Facts[1].Used = false
	w.run()
	w.Pipeline.Facts[1].Used, w.Pipeline.History.Settle = true, days(10000)
	if u := unit(t, w.make(), "usage", "2016-03-01"); !u.Unload || len(plan.Extracted(u.Columns, u.Keep)) != 30 {
		t.Errorf("refreshed: %t, %v", u.Unload, u.Keep)
	}
	w.unload()
	w.Pipeline.History.Settle = hindcast.Period{}
	if got := w.says(); got != "up to date" {
		t.Errorf("after the refresh: %s", got)
	}
}

func TestUsedColumnsOfDimensions(t *testing.T) {
	w := newWorld(t, func(p *hindcast.Pipeline) { p.Dims[0].Used = true })
	w.widen("accounts", 30)
	w.Reads = map[string]plan.Reads{"accounts": {SQL: []string{"c1", "c2"}, All: []string{"c1", "c2"}}}
	if d := w.make().Dims[0]; names(plan.Extracted(d.Columns, d.Keep)) != "c1 c2" {
		t.Errorf("unloaded: %v", plan.Extracted(d.Columns, d.Keep))
	}
	w.run()
	w.Reads = map[string]plan.Reads{"accounts": {SQL: []string{"c1"}, All: []string{"c1"}}}
	w.Now = w.Now.Add(48 * time.Hour)
	if d := w.make().Dims[0]; !d.Unload || names(plan.Extracted(d.Columns, d.Keep)) != "c1 c2" {
		t.Errorf("refreshed: %+v", d)
	}
	w.Now = w.Now.Add(-48 * time.Hour)
	w.Reads = map[string]plan.Reads{"accounts": {SQL: []string{"c1", "c9"}, All: []string{"c1", "c9"}}}
	p := w.make()
	if d := p.Dims[0]; d.Why != "columns changed" || names(plan.Extracted(d.Columns, d.Keep)) != "c1 c2 c9" {
		t.Errorf("with another column: %+v", d)
	}
	if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "column c9 of accounts is not in the lake: it is unloaded again") {
		t.Errorf("notes: %s", notes)
	}
}

// A wide table of which little is read is worth a line to paste; one that is read whole, or is narrow, is not.
func TestUsedColumnsAreProposed(t *testing.T) {
	w := newWorld(t)
	w.widen("usage", 93)
	w.read([]string{"at", "c1", "c2"}, []string{"c3"})
	want := "usage: SQL and checks read 4 of 93 columns; to unload no others, write below facts.usage:  columns: used"
	if notes := w.make().Notes; len(notes) != 1 || notes[0] != want {
		t.Errorf("notes: %q", notes)
	}
	if w.run(); len(w.make().Notes) != 0 {
		t.Errorf("where all of it is in the lake: %q", w.make().Notes)
	}
	w = newWorld(t)
	w.widen("usage", 12)
	w.read([]string{"at"}, nil)
	if notes := w.make().Notes; len(notes) != 0 {
		t.Errorf("of a narrow table: %q", notes)
	}
}

// A column whose type the lake does not have is a reason to refuse where it is read, and not where it is not.
func TestColumnsThatAreNotCarried(t *testing.T) {
	for _, used := range []bool{false, true} {
		w := newWorld(t, func(p *hindcast.Pipeline) { p.Facts[1].Used = used })
		w.Sources["usage"] = plan.Source{Columns: []hindcast.Column{{Name: "at", Type: "DATE"}, {Name: "cost", Type: "BIGINT"}, {Name: "place", Source: "geometry", NoText: true}}}
		draft := w.make()
		p := *draft
		p.Pipeline.Places = map[string]hindcast.Place{}
		refused(t, p.Explain(fmt.Errorf("no function st_x(VARCHAR)"), "SELECT st_x(Place) FROM usage"), hindcast.EType, `column "place" of usage has type geometry`)
		w.read([]string{"at", "cost"}, nil)
		u := unit(t, w.make(), "usage", "2016-03-01")
		if got := names(plan.Extracted(u.Columns, u.Keep)); got != "at cost" || len(u.Columns) != 3 || u.Columns[2].Type != "VARCHAR" {
			t.Errorf("unloaded: %s; seen: %+v", got, u.Columns)
		}
		if w.run(); w.says() != "up to date" {
			t.Errorf("after a run: %s", w.says())
		}
		w.read([]string{"at", "place"}, nil)
		_, err := plan.Make(w.inputs())
		refused(t, err, hindcast.EType, `column "place" of usage has type geometry`)
		w.Reads = map[string]plan.Reads{}
		_, err = plan.Make(w.inputs())
		refused(t, err, hindcast.EType, `column "place" of usage has type geometry`)
	}
}
