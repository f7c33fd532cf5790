package attempt

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// books is a warehouse of which only the status rows are asked for.
type books struct {
	warehouse.Warehouse
	rows []hindcast.Committed
}

func (b *books) Committed(_ context.Context, _ string, resolved bool, _ ...string) ([]hindcast.Committed, error) {
	if !resolved {
		panic("the rows are read without the target's lock")
	}
	return append([]hindcast.Committed(nil), b.rows...), nil
}

func month(m time.Month) hindcast.Interval {
	return hindcast.Interval{Start: time.Date(2020, m, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, m+1, 1, 0, 0, 0, 0, time.UTC)}
}

func slice(m time.Month) hindcast.Slice {
	return hindcast.Slice{Key: month(m).Start.Format(time.DateOnly), Interval: month(m)}
}

func unitOf(m time.Month) plan.Unit {
	return plan.Unit{Fact: "sales", Key: slice(m).Key, Interval: month(m), Source: "sales"}
}

// frozen is a plan of January to March over one fact that looks a month back.
func frozen() *plan.Plan {
	p := &plan.Plan{Run: "r2"}
	p.Pipeline = hindcast.Pipeline{Name: "p", Outputs: []hindcast.Output{{Target: hindcast.Target{Table: "totals", Time: "month"}}},
		Facts:   []hindcast.Fact{{Name: "sales", Table: "sales", Time: "day", Lookback: hindcast.Period{N: 1, Unit: hindcast.Months}}},
		History: hindcast.History{TimeZone: "UTC", Zone: time.UTC, From: month(1).Start}}
	for m := time.January; m <= time.March; m++ {
		p.Units = append(p.Units, unitOf(m))
		p.Items = append(p.Items, plan.Item{Slice: slice(m), Reason: hindcast.ReasonNew, Parts: []hindcast.Parts{{}}, Units: plan.Needs{{Fact: "sales", Keys: []string{slice(m).Key}}}})
	}
	return p
}

// world is a lake in a folder that has a generation of each month, of 100 rows.
func world(t *testing.T, p *plan.Plan, rows ...hindcast.Committed) *Steps {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	l := lake.New(store, p.Pipeline.Name)
	for m := time.January; m <= time.March; m++ {
		generation := &hindcast.Manifest{Name: "sales", Key: slice(m).Key, Interval: month(m), Source: "sales", Generation: 1, Run: "r1", Attempt: 1,
			Columns: []hindcast.Column{{Name: "day", Type: "DATE"}}, Sums: hindcast.Sums{Rows: 100, Content: "c" + slice(m).Key}}
		if err := l.PublishUnit(t.Context(), generation); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(t.Context(), Config{Plan: p, Fence: 1, Lake: l, Warehouse: &books{rows: rows}, Log: io.Discard, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func row(target string, in hindcast.Slice, print string) hindcast.Committed {
	return hindcast.Committed{Pipeline: "p", Target: target, Slice: in, Run: "r1", Attempt: 1, Fingerprint: print}
}

// fallible is a warehouse whose first unload fails.
type fallible struct {
	books
	dirs []string // that it was to write to
}

func (f *fallible) Marks(context.Context, []string) (map[string]hindcast.Mark, error) {
	return nil, nil
}

func (f *fallible) Unload(_ context.Context, u warehouse.Unload) (warehouse.Unloaded, error) {
	f.dirs = append(f.dirs, u.Dir)
	if len(f.dirs) == 1 {
		return warehouse.Unloaded{}, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "the warehouse's process died"}
	}
	return warehouse.Unloaded{Columns: u.Columns}, nil
}

// A dimension whose unload failed is unloaded into another folder: where the warehouse writes by itself, the first may not have ended.
func TestADimensionIsUnloadedElsewhereTheNextTime(t *testing.T) {
	p := frozen()
	p.Dims = []plan.DimItem{{Name: "stores", Source: "stores", Unload: true}}
	s, w := world(t, p), &fallible{}
	s.source = w
	told := 0
	each := func(*hindcast.Manifest) { told++ }
	if err := s.Dimensions(t.Context(), each); err == nil {
		t.Fatal("the first unload did not fail")
	}
	if err := s.Dimensions(t.Context(), each); err != nil || told != 1 {
		t.Fatalf("%d dimensions, %v", told, err)
	}
	if len(w.dirs) != 2 || w.dirs[0] == w.dirs[1] {
		t.Errorf("unloaded into %q", w.dirs)
	}
}

// The same holds of a unit that two slices need, each in its first attempt.
func TestAUnitIsUnloadedElsewhereTheNextTime(t *testing.T) {
	p := frozen()
	p.Units[0].Unload = true
	p.Items[1].Units = p.Items[0].Units
	s, w := world(t, p), &fallible{}
	s.source = w
	told := 0
	each := func(hindcast.Event) { told++ }
	if err := s.Unload(t.Context(), supervisor.Try{Item: p.Items[0], Attempt: 1}, each); err == nil {
		t.Fatal("the first unload did not fail")
	}
	s.plan.AcceptLoss = true // the second has no rows
	if err := s.Unload(t.Context(), supervisor.Try{Item: p.Items[1], Attempt: 1}, each); err != nil || told != 1 {
		t.Fatalf("%d units, %v", told, err)
	}
	if len(w.dirs) != 2 || w.dirs[0] == w.dirs[1] {
		t.Errorf("unloaded into %q", w.dirs)
	}
}

// The pipeline may have had another target before: its rows prove nothing of this one.
func TestTheProofIsOfTheTarget(t *testing.T) {
	s := world(t, frozen(), row("totals", slice(1), "a"), row("old_totals", slice(2), "b"), row("totals", slice(3), "c"))
	rows, err := s.Prove(t.Context())
	if err != nil || len(rows) != 2 || rows[0].Fingerprint != "a" || rows[1].Fingerprint != "c" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestLookupFindsTheLoadInQuestionOnly(t *testing.T) {
	p := frozen()
	shifted := slice(2)
	shifted.End = shifted.End.AddDate(0, 0, 1)
	for name, c := range map[string]struct {
		row   hindcast.Committed
		found bool
	}{
		"the row":             {row("totals", slice(2), "print"), true},
		"another target":      {row("old_totals", slice(2), "print"), false},
		"another fingerprint": {row("totals", slice(2), "other"), false},
		"another slice":       {row("totals", slice(1), "print"), false},
		"other bounds":        {row("totals", shifted, "print"), false},
	} {
		found, err := world(t, p, c.row).Lookup(t.Context(), supervisor.Try{Item: p.Items[1], Fingerprint: "print"})
		if err != nil || (found != nil) != c.found {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

// A slice whose row has its fingerprint is done, unless it is run in any case, or the row is of something else.
func TestCommittedFingerprints(t *testing.T) {
	p := frozen()
	print, due, err := world(t, p).Fingerprint(t.Context(), supervisor.Try{Item: p.Items[0]})
	if err != nil || len(due) != 1 || print == "" {
		t.Fatalf("%q, %v, %v", print, due, err)
	}
	for name, c := range map[string]struct {
		row    hindcast.Committed
		reason hindcast.Reason
		want   bool
	}{
		"its own":        {row("totals", slice(1), print), hindcast.ReasonUnsettled, true},
		"forced":         {row("totals", slice(1), print), hindcast.ReasonForced, false},
		"edited":         {row("totals", slice(1), print), hindcast.ReasonEdited, false},
		"another":        {row("totals", slice(1), "other"), hindcast.ReasonNew, false},
		"another target": {row("old_totals", slice(1), print), hindcast.ReasonNew, false},
	} {
		item := p.Items[0]
		item.Reason = c.reason
		if got, due, err := world(t, p, c.row).Fingerprint(t.Context(), supervisor.Try{Item: item}); err != nil || (len(due) == 0) != c.want || got != print {
			t.Errorf("%s: %q, %v, %v", name, got, due, err)
		}
	}
	item := p.Items[0]
	item.Units = plan.Needs{{Fact: "sales", Keys: []string{"2019-12-01"}}}
	if _, _, err := world(t, p).Fingerprint(t.Context(), supervisor.Try{Item: item}); err == nil {
		t.Error("a slice without its unit has a fingerprint")
	}
}

func TestUsable(t *testing.T) {
	due := unitOf(1)
	due.Unload = true
	for name, c := range map[string]struct {
		unit    plan.Unit
		current *hindcast.Manifest
		want    bool
	}{
		"nothing there":              {unitOf(1), nil, false},
		"as it is":                   {unitOf(1), &hindcast.Manifest{Interval: month(1), Run: "r1"}, true},
		"cut otherwise":              {unitOf(1), &hindcast.Manifest{Interval: month(2), Run: "r1"}, false},
		"to be unloaded again":       {due, &hindcast.Manifest{Interval: month(1), Run: "r1"}, false},
		"unloaded by this run":       {due, &hindcast.Manifest{Interval: month(1), Run: "r2"}, true},
		"by this run, cut otherwise": {due, &hindcast.Manifest{Interval: month(2), Run: "r2"}, false},
	} {
		if got := usable(c.unit, c.current, "r2"); (got != nil) != c.want || got != nil && got != c.current {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A staged result can be loaded after a resume if all its files are as long as they were written.
func TestReusable(t *testing.T) {
	s := world(t, frozen())
	prefix := s.lake.StagingPrefix("r2", slice(1).Key, 1, 1)
	dir, err := s.lake.Folder(prefix)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "part-0.parquet")
	staged := &hindcast.Manifest{Name: "result", Key: slice(1).Key, Files: []hindcast.File{{Path: s.lake.Key(path), Rows: 1, Bytes: 5, CRC32C: "00000000"}}, Bytes: 5}
	check := func(what string, want bool) {
		t.Helper()
		if got := s.Reusable(t.Context(), staged); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	check("no file", false)
	for text, want := range map[string]bool{"whole": true, "cut": false, "longer": false, "": false} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		check("a file that holds "+text, want)
	}
	if err := os.WriteFile(path, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	staged.Files[0].CRC32C = ""
	check("a file of an earlier version, which has no checksum", false)
	staged.Files[0].CRC32C = "00000000"
	check("whole again", true)
	var d *damaged
	if err := s.refuse([]*hindcast.Manifest{staged}, &hindcast.Error{Code: hindcast.EParquet}); !errors.As(err, &d) || !d.Uncounted() || d.Rewind() != hindcast.StepTransform {
		t.Errorf("refused with %v", err)
	}
	check("refused", false)
	for of, want := range map[int][]string{1: nil, 2: {slice(1).Key}} { // slices that are published at once
		err := about(supervisor.Loading{Try: supervisor.Try{Item: plan.Item{Slice: slice(1)}}}, of, &damaged{fault: &hindcast.Error{Code: hindcast.EParquet}, first: true})
		if !errors.As(err, &d) || !d.Uncounted() || !slices.Equal(hindcast.AsError(err).Slices, want) {
			t.Errorf("of %d slices, refused with %+v", of, hindcast.AsError(err))
		}
	}
	staged.Attempt = 2
	if err := s.refuse([]*hindcast.Manifest{staged}, &hindcast.Error{Code: hindcast.EParquet}); !errors.As(err, &d) || d.Uncounted() {
		t.Errorf("refused for the second time with %v", err)
	}
	staged.Attempt = 3
	check("the next attempt's", true)
	s.Discard(t.Context(), supervisor.Try{Item: plan.Item{Slice: slice(1)}, Attempt: 1})
	check("discarded", false)
	staged.Files, staged.Bytes = nil, 0
	check("a result of no rows", true)
}

// What a slice reads is its units' rows, of a unit that goes beyond its window the part in time.
func TestReads(t *testing.T) {
	p := frozen()
	p.Items[2].Units = plan.Needs{{Fact: "sales", Keys: []string{slice(3).Key, slice(2).Key}}} // a month back
	s := world(t, p)
	if rows, _ := s.read(p.Items[0]); rows != 100 {
		t.Errorf("%d rows of one unit", rows)
	}
	if rows, _ := s.read(p.Items[2]); rows != 200 {
		t.Errorf("%d rows of two units", rows)
	}
	half := plan.Item{Slice: slice(3), Units: plan.Needs{{Fact: "sales", Keys: []string{slice(3).Key}}}}
	half.Slice.End = half.Slice.Start.Add(half.Slice.End.Sub(half.Slice.Start) / 2)
	if rows, _ := s.read(half); rows != 50 {
		t.Errorf("%d rows of half a unit", rows)
	}
}

// A dimension that was unloaded again since, and has other rows, is not read beside what was made of those before.
func TestARunIsOfOneStateOfADimension(t *testing.T) {
	for content, refused := range map[string]bool{"pg:1": false, "pg:2": true, "xid:1": false} {
		p := frozen()
		p.Pipeline.Dims = []hindcast.Dim{{Name: "teams", Table: "teams"}}
		p.Dims = []plan.DimItem{{Name: "teams", Source: "teams", Unload: true}}
		ours, others := row("totals", slice(1), "f"), row("totals", slice(2), "f")
		ours.Run, ours.Parts.Dims = p.Run, map[string]string{"teams": "pg:1"}
		others.Parts.Dims = map[string]string{"teams": "pg:0"}
		store, err := file.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		l := lake.New(store, p.Pipeline.Name)
		m := &hindcast.Manifest{Name: "teams", Key: hindcast.WholeKey, Source: "teams", Run: p.Run, Generation: 2, Attempt: 1,
			Columns: []hindcast.Column{{Name: "team", Type: "VARCHAR"}}, Sums: hindcast.Sums{Rows: 3, Content: content}}
		if err := l.PublishUnit(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		_, err = New(t.Context(), Config{Plan: p, Fence: 1, Lake: l, Warehouse: &books{rows: []hindcast.Committed{ours, others}}, Now: time.Now})
		if e := hindcast.AsError(err); (err != nil) != refused || refused && (e.Code != hindcast.ESource || e.Class != hindcast.ClassPermanent) {
			t.Errorf("%s: %v", content, err)
		}
	}
}
