package lake

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// stage writes a result where it is to be kept, and returns its manifest as Stage leaves it.
func stage(t *testing.T, l *Lake, target, slice string, generation, attempt int) *hindcast.Manifest {
	t.Helper()
	m := &hindcast.Manifest{Name: "result", Target: target, Key: slice, Interval: january, Generation: generation, Run: "r1", Fence: 3, Attempt: attempt}
	write(t, l, m)
	if err := l.Stage(t.Context(), l.Prefix(m), m); err != nil {
		t.Fatal(err)
	}
	return m
}

func keepResult(t *testing.T, l *Lake, m *hindcast.Manifest) *hindcast.Manifest {
	t.Helper()
	if err := l.KeepResult(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever targets and slices are called, what is kept is found, with its files as they were staged, and is neither a fact nor a dimension.
func TestKeptResults(t *testing.T) {
	l := newLake(t, "p")
	for _, target := range names {
		for _, slice := range []string{"2020-01-01", "2020-01-01T00:00+01:00"} {
			m := stage(t, l, target, slice, 1, 1)
			if kept, err := l.Results(t.Context(), target, slice); err != nil || len(kept) != 0 {
				t.Errorf("%q %s: %v, %v before it is kept", target, slice, kept, err)
			}
			keepResult(t, l, m)
			keepResult(t, l, m)
			for _, keys := range [][]string{nil, {slice}} {
				kept, err := l.Results(t.Context(), target, keys...)
				if err != nil || kept[slice] == nil || kept[slice].Files[0] != m.Files[0] || kept[slice].Target != target {
					t.Errorf("%q %s: %+v, %v", target, slice, kept[slice], err)
				}
			}
			if err := l.Verify(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
	}

	facts, dims, err := l.Current(t.Context())
	if err != nil || len(facts)+len(dims) != 0 {
		t.Errorf("%v, %v, %v", facts, dims, err)
	}
	if g, dims, err := l.Generations(t.Context()); err != nil || len(g.facts)+len(dims) != 0 {
		t.Errorf("%v, %v, %v", g.facts, dims, err)
	}
	if err := l.Sweep(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// A result whose files are not all there, or lie elsewhere, is not kept.
func TestKeepingChecksFiles(t *testing.T) {
	l := newLake(t, "p")
	m := stage(t, l, "daily", "2020", 1, 1)
	other := *m
	other.Attempt = 2
	if err := l.KeepResult(t.Context(), &other); err == nil {
		t.Error("another attempt's files are kept")
	}
	if err := os.Remove(l.Absolute(m.Files[0].Path)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, l.KeepResult(t.Context(), m), hindcast.EParquet)
	if kept, err := l.Results(t.Context(), "daily"); err != nil || len(kept) != 0 {
		t.Errorf("%v, %v", kept, err)
	}
}

// What is let go of is gone from the catalog; what is superseded goes but for the one before, and what is pinned; a process that was taken
// over keeps nothing.
func TestGenerationsOfResults(t *testing.T) {
	l := newLake(t, "p")
	first := keepResult(t, l, stage(t, l, "daily", "2020", 1, 1))
	if err := l.Pin(t.Context(), "iceberg", "daily", []*hindcast.Manifest{first}); err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 4; n++ {
		keepResult(t, l, stage(t, l, "daily", "2020", n, 1))
	}
	if _, err := l.PruneResult(t.Context(), "daily", "2020", 3, false); err != nil {
		t.Fatal(err)
	}
	folders := func() (names []string) {
		entries, err := os.ReadDir(filepath.Dir(filepath.Dir(l.Absolute(first.Files[0].Path))))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name()[:2])
		}
		return names
	}
	if got := folders(); !slices.Equal(got, []string{"g1", "g3", "g4"}) {
		t.Errorf("%q are left", got)
	}

	late := stage(t, l, "daily", "2020", 5, 1)
	late.Fence = 2
	if err := l.KeepResult(t.Context(), late); err == nil {
		t.Error("a lower fence is kept")
	}
	wantCode(t, l.publish(t.Context(), late, func() error { return nil }), hindcast.EFenced)

	kept, err := l.Results(t.Context(), "daily")
	if err != nil || kept["2020"].Generation != 4 {
		t.Fatalf("%+v, %v", kept, err)
	}
	wantCode(t, l.LetGo(t.Context(), kept["2020"], 2, true), hindcast.EFenced) // another run keeps it by now
	if got := folders(); len(got) != 4 {
		t.Errorf("%q are left where a successor's result was let go of", got)
	}
	if err := l.LetGo(t.Context(), kept["2020"], 3, true); err != nil {
		t.Fatal(err)
	}
	if got := folders(); !slices.Equal(got, []string{"g1", "g5"}) { // pinned, and staged
		t.Errorf("%q are left after it was let go of", got)
	}
	if kept, err := l.Results(t.Context(), "daily"); err != nil || len(kept) != 0 {
		t.Errorf("%v, %v", kept, err)
	}

	// What was pinned goes once no table points at it, though nothing else leads to it any longer; a process that was taken over leaves it.
	for _, step := range []struct {
		pinned []*hindcast.Manifest
		fence  int64
		want   string
	}{{[]*hindcast.Manifest{first}, 3, "g1 g5"}, {nil, 2, "g1 g5"}, {nil, 3, "g5"}} {
		if err := l.Pin(t.Context(), "iceberg", "daily", step.pinned); err != nil {
			t.Fatal(err)
		}
		if err := New(l.store, "p").PruneUnpinned(t.Context(), step.fence); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(folders(), " "); got != step.want {
			t.Errorf("pinned %d, fence %d: %q are left, want %q", len(step.pinned), step.fence, got, step.want)
		}
	}
	if notes, err := l.store.List(t.Context(), l.supersededPrefix()); err != nil || len(notes) != 0 {
		t.Errorf("%v, %v are left", notes, err)
	}
}

// Of what a run's attempts staged, what is kept by now is not discarded, nor what another run or a later attempt staged.
func TestDiscardLeavesWhatIsKept(t *testing.T) {
	l := newLake(t, "p")
	keepResult(t, l, stage(t, l, "daily", "2020", 1, 1))
	for attempt := 2; attempt <= 4; attempt++ {
		stage(t, l, "daily", "2020", 2, attempt)
	}
	other := &hindcast.Manifest{Name: "result", Target: "daily", Key: "2020", Interval: january, Generation: 2, Run: "r2", Fence: 2, Attempt: 1}
	write(t, l, other)

	if err := l.Discard(t.Context(), Staging{Run: "r1", Slice: "2020", Fence: 3, Attempt: 3, Kept: []string{"daily", "none"}}); err != nil {
		t.Fatal(err)
	}
	left, err := objstore.Folders(t.Context(), l.store, l.resultPrefix("daily", "2020"))
	if want := "g1-r1-f3-a1 g2-r1-f3-a4 g2-r2-f2-a1"; err != nil || strings.Join(left, " ") != want {
		t.Errorf("left %q, %v, want %q", left, err, want)
	}
}

// A result whose manifest is written, and whose entry is not, stays at the end of its own run, which a resume goes on with; a later run's
// end deletes it, unless a snapshot has it.
func TestAResultWithoutItsEntryStaysForTheResume(t *testing.T) {
	l := newLake(t, "p")
	m := keepResult(t, l, stage(t, l, "daily", "2020", 3, 1))
	if err := l.store.Delete(t.Context(), l.keptKey("daily", "2020")); err != nil {
		t.Fatal(err)
	}
	for _, is := range []struct {
		fence int64
		named map[string]bool
		gone  int
	}{{3, nil, 0}, {4, map[string]bool{l.Prefix(m): true}, 0}, {4, nil, 1}} {
		if gone, err := l.PruneResults(t.Context(), "daily", is.fence, is.named); err != nil || gone != is.gone {
			t.Errorf("under fence %d %d went, %v, want %d", is.fence, gone, err, is.gone)
		}
	}
}

// The views' script is written again when a result is kept.
func TestViewsFollowResults(t *testing.T) {
	l := newLake(t, "p")
	before, err := l.mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keepResult(t, l, stage(t, l, "daily", "2020", 1, 1))
	if after, err := l.mark(t.Context()); err != nil || after == before && after != "" {
		t.Errorf("%q, %q, %v", before, after, err)
	}
}
