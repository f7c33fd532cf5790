package plan_test

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// digested has digests of some ranges stand for the status rows, and notes which rows are asked for all the same.
func (w *world) digested(in *plan.Inputs, ranges int) (asked *[]string) {
	w.t.Helper()
	history := w.history()
	first, end := history[0].Start, history[len(history)-1].End
	r := hindcast.Ranges{From: first, Width: (end.Sub(first)/time.Duration(ranges) + time.Microsecond).Truncate(time.Microsecond), Count: ranges}

	asked = &[]string{}
	in.Committed = nil
	for _, table := range w.Pipeline.Targets() {
		rows := slices.DeleteFunc(slices.Clone(w.Committed), func(c hindcast.Committed) bool { return c.Target != table })
		slices.SortStableFunc(rows, func(a, b hindcast.Committed) int { return a.Slice.Start.Compare(b.Slice.Start) })
		in.Committed = append(in.Committed, plan.Standing{
			Digests: &plan.Digests{Ranges: r, Of: digests(r, rows), Hash: hashed},
			Rows: func(within []hindcast.Interval) (iter.Seq[hindcast.Committed], error) {
				found := slices.DeleteFunc(slices.Clone(rows), func(c hindcast.Committed) bool {
					return !slices.ContainsFunc(within, func(in hindcast.Interval) bool {
						return !c.Slice.Start.Before(in.Start) && c.Slice.Start.Before(in.End)
					})
				})
				for _, c := range found {
					*asked = append(*asked, c.Slice.Key)
				}
				return slices.Values(found), nil
			}})
	}
	return asked
}

// digests are what a warehouse says of status rows.
func digests(r hindcast.Ranges, rows []hindcast.Committed) []hindcast.Digest {
	of := make([]hindcast.Digest, r.Count)
	for i := range rows {
		c := &rows[i]
		n := r.Of(c.Slice.Start)
		if n < 0 {
			continue
		}
		d := &of[n]
		d.Range = n
		day := c.CommittedAt.Unix() / (24 * 3600)
		at := slices.IndexFunc(d.By, func(by hindcast.Commits) bool { return by.Run == c.Run && by.Day == day })
		if at < 0 {
			at = len(d.By)
			d.By = append(d.By, hindcast.Commits{Run: c.Run, Day: day, First: c.Slice.Start})
		}
		d.By[at].Rows++
		d.By[at].Last = c.Slice.Start
		d.Add(hashed(c))
	}
	return slices.DeleteFunc(of, func(d hindcast.Digest) bool { return d.Rows == 0 })
}

func hashed(c *hindcast.Committed) [2]uint64 {
	h := fnv.New128a()
	_, _ = fmt.Fprint(h, c.Slice.Start.UnixMicro(), "|", c.Slice.End.UnixMicro(), "|", c.Slice.Key, "|", c.Fingerprint)
	sum := h.Sum(nil)
	var halves [2]uint64
	for i, b := range sum {
		halves[i/8] = halves[i/8]<<8 | uint64(b)
	}
	return halves
}

// Digests that are those of the rows that a plan expects make all others unnecessary: whatever differs in a row is found.
func TestWhichStatusRowsAreReadAllTheSame(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		asked  string
		items  string
	}{
		{"as they were made", func(*world) {}, "[]", ""},
		{"another fingerprint", func(w *world) { w.Committed[4].Fingerprint = "0000000000000000" }, "[2016-05-01 2016-06-01 2016-07-01]", "2016-05-01"},
		{"another key", func(w *world) { w.Committed[4].Slice.Key = "2016-05" }, "[2016-05 2016-06-01 2016-07-01]", "2016-05-01"},
		{"another end", func(w *world) { w.Committed[4].Slice.End = utc(2016, 5, 31) }, "[2016-05-01 2016-06-01 2016-07-01]", "2016-05-01"},
		{"another start", func(w *world) { w.Committed[4].Slice.Start = utc(2016, 5, 2) }, "[2016-05-01 2016-06-01 2016-07-01]", "2016-05-01"},
		{"fingerprints that changed places", func(w *world) {
			w.Committed[4].Fingerprint, w.Committed[5].Fingerprint = w.Committed[5].Fingerprint, w.Committed[4].Fingerprint
		}, "[2016-05-01 2016-06-01 2016-07-01]", "2016-05-01 2016-06-01"},
		{"one row twice in place of another", func(w *world) { w.Committed[4] = w.Committed[5] }, "[2016-06-01 2016-06-01 2016-07-01]", "2016-05-01"},
		{"a row that is gone", func(w *world) { w.Committed = slices.Delete(w.Committed, 4, 5) }, "[2016-06-01 2016-07-01]", "2016-05-01"},
		{"two runs", func(w *world) { w.Committed[4].Run = "r8" }, "[]", ""},
		{"two days", func(w *world) { w.Committed[4].CommittedAt = utc(2020, 5, 4) }, "[]", ""},
		{"runs in turns", func(w *world) { w.Committed[5].Run = "r8" }, "[2016-05-01 2016-06-01 2016-07-01]", ""},
		{"none of a range", func(w *world) { w.Committed = slices.Delete(w.Committed, 4, 7) }, "[]", "2016-05-01 2016-06-01 2016-07-01"},
		{"another fact", func(w *world) { w.Current["usage"]["2016-12-01"].Sums.Content = "other" }, "[2016-11-01 2016-12-01]", "2016-12-01"},
		{"what is not in the lake", func(w *world) { delete(w.Current["usage"], "2016-01-01") }, "[2016-01-01 2016-02-01 2016-03-01 2016-04-01]", "2016-01-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(p *hindcast.Pipeline) { p.History.Every = months(1) }).run()
			whole := w.light()
			c.change(w)
			in := w.inputs()
			in.Whole = false
			asked := w.digested(&in, 4)
			made := w.drafted(in, whole, nil)
			if fmt.Sprint(*asked) != c.asked || keys(made) != c.items {
				t.Errorf("asked for %v, want %s; the plan has %s, want %s", *asked, c.asked, keys(made), c.items)
			}
		})
	}
}

// Every slice lies in the range that its start does, of which there are as many as are said.
func TestRangesOfAHistory(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		w := newWorld(t, func(p *hindcast.Pipeline) {
			p.History.Every, p.History.From, p.History.To = hours(1+r.IntN(3)), utc(1600+r.IntN(400), 1, 1), "2016-01-01"
			p.Facts = p.Facts[1:]
			if p.History.From.Year() < 1995 {
				p.History.Every = days(1)
			}
		})
		history := w.history()
		ranges, long := plan.Ranges(history)
		if !long || ranges.Count < 2 {
			t.Fatalf("%d slices have %+v, %v", len(history), ranges, long)
		}
		last := 0
		for _, s := range history {
			n := ranges.Of(s.Start)
			if n < last || n > last+1 {
				t.Fatalf("%s is in range %d, after %d", s.Key, n, last)
			}
			last = n
		}
		if last != ranges.Count-1 || ranges.Of(history[0].Start.Add(-time.Microsecond)) != -1 || ranges.Of(history[len(history)-1].End.Add(ranges.Width)) != -1 {
			t.Errorf("%+v of %d slices: the last lies in %d", ranges, len(history), last)
		}
	}

	w := newWorld(t)
	if r, long := plan.Ranges(w.history()); long {
		t.Errorf("a short history has %+v", r)
	}
}
