package warehousetest

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publications are the tests of what several replacements promise together.
var publications = map[string]func(*testing.T, *World){
	"many are visible at once":           seenWhole,
	"many are lost at once":              killed,
	"one that fails takes all back":      failsWhole,
	"expectations that hold":             expectationsHold,
	"expectations that do not":           expectationsFail,
	"all that changed is named":          allNamed,
	"replacements that overlap":          overlapping,
	"what was replaced is put back":      putBack,
	"hooks of many":                      hooksOfMany,
	"publications do not wait in a ring": noDeadlock,
	"slices of one target at once":       oneTarget,
	"a target by two names":              twoNames,
}

// second is another target of the same pipeline.
var second = hindcast.Target{Table: "another", Time: "day", Key: []string{"day"}}

const seven = `SELECT DATE '2020-02-05' AS day, CAST(7 AS DECIMAL(38,6)) AS total`

// state is what another session sees: the status rows as run and rows by slice, and sums of both targets.
func state(t *testing.T, w *World) string {
	t.Helper()
	var lines []string
	rows, err := w.Warehouse.Committed(t.Context(), "p", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rows {
		lines = append(lines, fmt.Sprintf("%s %s: %s, %d rows", c.Target, c.Slice.Key, c.Publication, c.Sums.Rows))
	}
	for _, table := range []hindcast.Target{target, second} {
		sums, err := w.Warehouse.Published(t.Context(), warehouse.Published{Target: table, Columns: columns, Intervals: []hindcast.Interval{January, February}, TimeZone: "UTC"})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sums {
			lines = append(lines, fmt.Sprintf("%s: %d rows, %s", table.Table, s.Rows, s.Totals["total"]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

const (
	before = "another 2020-01-01: r1, 1 rows\nanother: 0 rows, \nanother: 1 rows, 1.500000\n" +
		"result 2020-01-01: r1, 1 rows\nresult 2020-02-01: r1, 1 rows\nresult: 1 rows, 1.500000\nresult: 1 rows, 7.000000"
	after = "another 2020-01-01: r2, 2 rows\nanother 2020-02-01: r2, 1 rows\nanother: 1 rows, 7.000000\nanother: 2 rows, 2.000000\n" +
		"result 2020-01-01: r2, 2 rows\nresult 2020-02-01: r2, 0 rows\nresult: 0 rows, \nresult: 2 rows, 2.000000"
)

// into makes a load one of the second target.
func (l Load) into(t hindcast.Target) Load {
	l.Replacement.Target = t
	return l
}

// history brings about the state before.
func history(t *testing.T, w *World) {
	t.Helper()
	for _, table := range []hindcast.Target{target, second} {
		if err := w.Warehouse.Prepare(t.Context(), "p", table, columns, warehouse.Claim{Fence: 1}); err != nil {
			t.Fatal(err)
		}
	}
	load(t, w, staged(t, w, January, "r1", one))
	load(t, w, staged(t, w, February, "r1", seven))
	load(t, w, staged(t, w, January, "r1", one).into(second))
	if got := state(t, w); got != before {
		t.Fatalf("got\n%s\nwant\n%s", got, before)
	}
}

// next are four replacements that together lead to the state after.
func next(t *testing.T, w *World) []Load {
	t.Helper()
	return []Load{staged(t, w, January, "r2", two), staged(t, w, February, "r2", seven).into(second), staged(t, w, February, "r2", ""),
		staged(t, w, January, "r2", two).into(second)}
}

// seenWhole: before COMMIT others see nothing of it, and after it everything. The previous rows of each are kept.
func seenWhole(t *testing.T, w *World) {
	history(t, w)
	loads, handed := next(t, w), 0
	loads[1].Replacement.Run = "r0" // computed it
	loads[0].Keep = func(_ context.Context, kept []warehouse.Kept) error {
		handed++
		var indices []int
		for _, k := range kept {
			indices = append(indices, k.Index)
			if len(k.Rows) != 1 || k.Rows[0].Run != "r1" || k.Rows[0].Slice.Key != loads[k.Index].Slice.Key {
				t.Errorf("with replacement %d the status rows %+v are handed over", k.Index, k.Rows)
			}
		}
		if !slices.Equal(indices, []int{0, 2, 3}) { // nothing was in the second target's February
			t.Errorf("previous rows of %v are handed over", indices)
		}
		if got := state(t, w); got != before {
			t.Errorf("before COMMIT others see\n%s", got)
		}
		return nil
	}
	rows, err := publish(t.Context(), w.Warehouse, loads...)
	if err != nil || handed != 1 {
		t.Fatalf("handed over %d times, %v", handed, err)
	}
	if got := state(t, w); got != after {
		t.Errorf("got\n%s\nwant\n%s", got, after)
	}

	all, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil || len(all) != len(rows) {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, c := range rows {
		if !slices.ContainsFunc(all, func(row hindcast.Committed) bool { return reflect.DeepEqual(row, c) }) {
			t.Errorf("Publish gave %+v, which is not a status row", c)
		}
		kept, err := filepath.Glob(filepath.Join(loads[i].Previous, "*.parquet"))
		if (c.Previous != "") != (len(kept) > 0) || err != nil {
			t.Errorf("the row says %q, and there are %q, %v", c.Previous, kept, err)
		}
		if c.Publication != "r2" || c.Run != map[int]string{0: "r2", 1: "r0", 2: "r2", 3: "r2"}[i] {
			t.Errorf("%d was computed by %s and published by %s", i, c.Run, c.Publication)
		}
		want := map[int]string{0: "1.500000", 2: "7.000000", 3: "1.500000"}[i]
		if len(kept) > 0 && Sums(t, columns, kept).Totals["total"] != want {
			t.Errorf("the rows kept of %d do not sum to %s", i, want)
		}
	}
}

// killed: what dies in the middle leaves nothing, and no lock.
func killed(t *testing.T, w *World) {
	history(t, w)
	loads := next(t, w)
	loads[0].Keep = func(context.Context, []warehouse.Kept) error { w.Kill(t); return nil }
	if _, err := publish(t.Context(), w.Warehouse, loads...); err == nil {
		t.Error("a publication whose process was killed before COMMIT succeeded")
	}
	if got := state(t, w); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	if _, err := publish(t.Context(), w.Warehouse, next(t, w)...); err != nil {
		t.Fatal(err)
	}
	if got := state(t, w); got != after {
		t.Errorf("got\n%s\nwant\n%s", got, after)
	}
}

func failsWhole(t *testing.T, w *World) {
	history(t, w)
	loads := next(t, w)
	loads[3].Rows = 99
	_, err := publish(t.Context(), w.Warehouse, loads...)
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EParquet || !strings.Contains(e.Message, "2020-01-01 of another") {
		t.Errorf("files of another number of rows: %v", err)
	}
	if got := state(t, w); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
}

func expectationsHold(t *testing.T, w *World) {
	history(t, w)
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil {
		t.Fatal(err)
	}
	loads := next(t, w)
	for i := range loads {
		loads[i].Expect.From = &warehouse.Origin{}
		for _, c := range rows {
			if c.Target == loads[i].Replacement.Target.Table && c.Slice.Key == loads[i].Slice.Key {
				loads[i].Expect = warehouse.Expectation{From: &warehouse.Origin{Publication: c.Publication, Fingerprint: c.Fingerprint}, Sums: &c.Sums}
			}
		}
	}
	if _, err := publish(t.Context(), w.Warehouse, loads...); err != nil {
		t.Fatal(err)
	}
	if got := state(t, w); got != after {
		t.Errorf("got\n%s\nwant\n%s", got, after)
	}
}

// expectationsFail: one slice that is not what was expected refuses all of them, by its name.
func expectationsFail(t *testing.T, w *World) {
	history(t, w)
	rows, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil {
		t.Fatal(err)
	}
	edited := rows[0].Sums
	edited.Rows++
	both := hindcast.Slice{Key: "both", Interval: hindcast.Interval{Start: January.Start, End: February.End}}
	for what, c := range map[string]struct {
		change func(*Load)
		says   string
	}{
		"another run": {func(l *Load) { l.Expect.From = &warehouse.Origin{Publication: "r0", Fingerprint: "print-r1"} }, "slice 2020-02-01 of result"},
		"another fingerprint": {func(l *Load) { l.Expect.From = &warehouse.Origin{Publication: "r1", Fingerprint: "print"} },
			"run r1 has committed it since"},
		"nothing": {func(l *Load) { l.Expect.From = &warehouse.Origin{} }, "run r1 has committed it since"},
		"something": {func(l *Load) {
			l.Slice = hindcast.Slice{Key: "2020-03-01", Interval: March}
			l.Expect.From = &warehouse.Origin{Publication: "r1", Fingerprint: "print-r1"}
		}, "slice 2020-03-01 of result is not what was to be replaced: run r1 should have committed it"},
		"another slice": {func(l *Load) {
			l.Slice = both
			l.Expect.From = &warehouse.Origin{Publication: "r1", Fingerprint: "print-r1"}
		}, "as a part of slice"},
		"other rows": {func(l *Load) { l.Expect.Sums = &edited }, "somebody edited its rows"},
	} {
		loads := next(t, w)
		if what == "another slice" {
			loads = loads[1:]
		}
		changed := &loads[len(loads)-2]
		c.change(changed)
		loads[0].Keep = func(context.Context, []warehouse.Kept) error {
			t.Errorf("%s: previous rows are handed over", what)
			return nil
		}
		_, err := publish(t.Context(), w.Warehouse, loads...)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EChanged || !strings.Contains(e.Message, c.says) || !slices.Equal(e.Slices, []string{changed.Slice.Key}) {
			t.Errorf("%s: %v, %+v", what, err, e)
		}
		if got := state(t, w); got != before {
			t.Errorf("%s: got\n%s\nwant\n%s", what, got, before)
		}
		if kept, _ := filepath.Glob(filepath.Join(changed.Previous, "*")); len(kept) > 0 {
			t.Errorf("%s: previous rows are in %q", what, kept)
		}
	}
}

// allNamed: where several slices are not what was expected, the error has all of them, and names the first, in whatever order they came.
func allNamed(t *testing.T, w *World) {
	history(t, w)
	loads := next(t, w)
	loads[0].Expect.From = &warehouse.Origin{Publication: "r0", Fingerprint: "print-r1"}
	loads[2].Expect.From = &warehouse.Origin{Publication: "r1", Fingerprint: "another"}
	loads[3].Expect.From = &warehouse.Origin{}
	loads[0], loads[2] = loads[2], loads[0]
	_, err := publish(t.Context(), w.Warehouse, loads...)
	e := hindcast.AsError(err)
	if e == nil || e.Code != hindcast.EChanged || !slices.Equal(e.Slices, []string{"2020-01-01", "2020-02-01"}) || !strings.HasPrefix(e.Message, "slice 2020-01-01 of ") ||
		!strings.HasSuffix(e.Message, ", and 1 more") {
		t.Errorf("%v, %+v", err, e)
	}
	if got := state(t, w); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
}

// overlapping: one of them would delete what the other inserted.
func overlapping(t *testing.T, w *World) {
	history(t, w)
	both := staged(t, w, January, "r2", two)
	both.Slice.End = February.End
	if _, err := publish(t.Context(), w.Warehouse, both, staged(t, w, February, "r2", seven)); err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("slices that overlap: %v", err)
	}
	if got := state(t, w); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
}

// hooksOfMany: those after see all rows, and what they change is in the sums of every slice.
func hooksOfMany(t *testing.T, w *World) {
	history(t, w)
	w.Exec(t, "CREATE TABLE audit (what VARCHAR)")
	loads := next(t, w)
	loads[0].Hooks.Before = []string{"INSERT INTO audit SELECT 'first ' || count(*) FROM result"}
	loads[0].Hooks.After = []string{"INSERT INTO audit SELECT 'all ' || count(*) FROM result", "UPDATE another SET total = 8 WHERE total = 7"}
	loads[2].Hooks.Before = []string{"INSERT INTO audit SELECT 'third ' || count(*) FROM result"}
	rows, err := publish(t.Context(), w.Warehouse, loads...)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Query(t, "SELECT what FROM audit ORDER BY what"); got != "all 2\nfirst 2\nthird 3" {
		t.Errorf("the hooks saw %q", got)
	}
	sums, err := w.Warehouse.Published(t.Context(), warehouse.Published{Target: second, Columns: columns, Intervals: []hindcast.Interval{February}, TimeZone: "UTC"})
	if err != nil || !reflect.DeepEqual(sums[0], rows[1].Sums) || !maps.Equal(sums[0].Totals, map[string]string{"total": "8.000000"}) {
		t.Errorf("the target has %+v, %v; committed %+v", sums, err, rows[1].Sums)
	}
}

// noDeadlock: publications that name the same targets in another order get their locks one after the other.
func noDeadlock(t *testing.T, w *World) {
	history(t, w)
	forth := []Load{staged(t, w, January, "r2", two), staged(t, w, February, "r2", seven).into(second)}
	back := []Load{staged(t, w, January, "r3", two).into(second), staged(t, w, February, "r3", seven)}
	var both sync.WaitGroup
	for _, loads := range [][]Load{forth, back} {
		both.Go(func() {
			for range 10 {
				for i := range loads {
					loads[i].Previous = ""
				}
				if _, err := publish(t.Context(), w.Warehouse, loads...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if rows, err := w.Warehouse.Committed(t.Context(), "p", true); err != nil || len(rows) != 4 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// putBack: what a publication replaced is put back by another one, rows and status rows, and what it added is gone.
func putBack(t *testing.T, w *World) {
	history(t, w)
	loads := next(t, w)
	var kept []warehouse.Kept
	loads[0].Keep = func(_ context.Context, all []warehouse.Kept) error { kept = all; return nil }
	rows, err := publish(t.Context(), w.Warehouse, loads...)
	if err != nil {
		t.Fatal(err)
	}

	back := make([]Load, len(loads))
	for i, l := range loads {
		back[i] = l
		back[i].Keep, back[i].Publication.Run, back[i].Files, back[i].Rows, back[i].Previous = nil, "r3", nil, 0, ""
		back[i].Expect = warehouse.Expectation{From: &warehouse.Origin{Publication: "r2", Fingerprint: rows[i].Fingerprint}, Sums: &rows[i].Sums}
		back[i].Unrecorded = true
	}
	for _, k := range kept {
		l, was := &back[k.Index], k.Rows[0]
		l.Unrecorded, l.Replacement.Run, l.Print, l.Attempt, l.Parts = false, was.Run, was.Fingerprint, was.Attempt, was.Parts
		l.Columns, l.Summed = k.Columns, columns
		paths, err := filepath.Glob(filepath.Join(loads[k.Index].Previous, "*.parquet"))
		if err != nil || len(paths) == 0 || len(k.Columns) < len(columns) {
			t.Fatalf("kept %q with the columns %+v, %v", paths, k.Columns, err)
		}
		l.Files, l.Rows = Files(paths...), was.Sums.Rows
	}
	if _, err := publish(t.Context(), w.Warehouse, back...); err != nil {
		t.Fatal(err)
	}

	want := strings.ReplaceAll(before, ": r1,", ": r3,")
	if got := state(t, w); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	all, err := w.Warehouse.Committed(t.Context(), "p", true)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Run != "r1" || c.Fingerprint != "print-r1" || c.Publication != "r3" {
			t.Errorf("the status row is %+v", c)
		}
		sums, err := w.Warehouse.Published(t.Context(), warehouse.Published{Target: hindcast.Target{Table: c.Target, Time: "day"}, Columns: columns,
			Intervals: []hindcast.Interval{c.Slice.Interval}, TimeZone: "UTC"})
		if err != nil || !sums[0].Agrees(c.Sums) {
			t.Errorf("%s of %s has %+v, and its row says %+v, %v", c.Slice.Key, c.Target, sums, c.Sums, err)
		}
	}
}

// twoNames: pipelines that name one target in two ways take out each other's status rows, as those do that name it alike.
func twoNames(t *testing.T, w *World) {
	prepare(t, w, 1)
	load(t, w, staged(t, w, January, "r1", one))
	load(t, w, staged(t, w, February, "r1", seven))
	other := target
	other.Table = w.Query(t, "SELECT current_schema()") + ".Result"
	if err := w.Warehouse.Prepare(t.Context(), "q", other, columns, warehouse.Claim{Fence: 1}); err != nil {
		t.Fatal(err)
	}

	l := staged(t, w, January, "r2", two).into(other)
	l.Pipeline = "q"
	l.Replacement.Expect.From = &warehouse.Origin{}
	if _, err := l.Into(t.Context(), w.Warehouse); err == nil || hindcast.AsError(err).Code != hindcast.EChanged || !strings.Contains(err.Error(), "run r1 of pipeline p has committed it since") {
		t.Errorf("a slice that is expected not to be there: %v", err)
	}
	l.Replacement.Expect.From = &warehouse.Origin{Publication: "r1", Fingerprint: "print-r1"}
	load(t, w, l)
	if got := slicesOf(t, w, "p") + ", " + slicesOf(t, w, "q"); got != "result 2020-02-01, "+other.Table+" 2020-01-01" {
		t.Errorf("committed is %q", got)
	}
	load(t, w, staged(t, w, January, "r3", one))
	if got := slicesOf(t, w, "p") + slicesOf(t, w, "q"); got != "result 2020-01-01 result 2020-02-01" {
		t.Errorf("committed is %q", got)
	}
}

// slicesOf are the pipeline's status rows.
func slicesOf(t *testing.T, w *World, pipeline string) string {
	t.Helper()
	rows, err := w.Warehouse.Committed(t.Context(), pipeline, true)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range rows {
		list = append(list, c.Target+" "+c.Slice.Key)
	}
	return strings.Join(list, " ")
}
