package lake

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// What a table elsewhere points at is not deleted, until the table points at another generation.
func TestPinsKeepGenerations(t *testing.T) {
	l := newLake(t, "p")
	var made []*hindcast.Manifest
	for n := 1; n <= 5; n++ {
		made = append(made, publish(t, l, unload(t, l, "billing", "2020", n, 1)))
	}
	ctx := t.Context()
	left := func(l *Lake) string {
		t.Helper()
		if _, err := l.Prune(ctx, "billing", "2020", 0, map[int]bool{5: true, 4: true}); err != nil {
			t.Fatal(err)
		}
		folders, err := os.ReadDir(l.Absolute(strings.TrimSuffix(l.unitPrefix("billing", "2020"), "/")))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range folders {
			names = append(names, f.Name()[:2])
		}
		return strings.Join(names, " ")
	}

	for _, pin := range []error{
		l.Pin(ctx, "costs", "billing", made[:1]), l.PinAlso(ctx, "costs", "billing", made[2:3]), l.Pin(ctx, "other", "billing", made[1:2]), l.Pin(ctx, "other", "billing", nil),
	} {
		if pin != nil {
			t.Fatal(pin)
		}
	}
	if got := left(New(l.store, "p")); got != "g1 g3 g4 g5" {
		t.Errorf("pinned are 1 and 3: %s", got)
	}
	if err := l.Pin(ctx, "costs", "billing", made[4:]); err != nil {
		t.Fatal(err)
	}
	if got := left(New(l.store, "p")); got != "g4 g5" {
		t.Errorf("pinned is 5: %s", got)
	}

	// The same goes for what is not made again: of a fact too, and not for what is current, or under way.
	for _, m := range []*hindcast.Manifest{made[3], made[4]} {
		if err := l.noteSuperseded(ctx, l.Prefix(m)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Pin(ctx, "costs", "billing", nil); err != nil {
		t.Fatal(err)
	}
	if err := New(l.store, "p").PruneUnpinned(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if got := left(New(l.store, "p")); got != "g5" {
		t.Errorf("nothing is pinned, and 5 is current: %s", got)
	}
	if notes, err := l.store.List(ctx, l.supersededPrefix()); err != nil || len(notes) != 0 {
		t.Errorf("what is current is noted as superseded: %v, %v", notes, err)
	}

	// A record that cannot be read keeps everything.
	if err := os.WriteFile(l.Absolute(l.pinKey("costs", "billing")), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(l.store, "p").Prune(ctx, "billing", "2020", 0, map[int]bool{5: true})
	wantCode(t, err, hindcast.EManifest)
}

// A folder that has other files than its manifest says is noticed before somebody reads it whole.
func TestWhole(t *testing.T) {
	for name, c := range map[string]struct {
		file, want string
		gone       bool
	}{
		"as written": {}, "hidden": {file: "_SUCCESS"}, "dotted": {file: ".tmp-1"}, "logs": {file: "_hindcast_logs/driver/stderr.gz"}, "more": {file: "more.parquet", want: "would take it for data"},
		"below": {file: "more/x.parquet", want: "would take it for data"}, "earlier": {file: "manifest.json", want: "an earlier hindcast"}, "less": {gone: true, want: "it is not there"},
	} {
		for _, dim := range []bool{false, true} {
			l := newLake(t, "p")
			m := unload(t, l, "billing", "2020", 1, 1)
			if dim {
				m = unloadDim(t, l, "billing", 1)
			}
			other := publish(t, l, unload(t, l, "billing", "2021", 1, 1))
			publish(t, l, m)
			folder := filepath.Dir(l.Absolute(m.Files[0].Path))
			if c.file != "" {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, c.file)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, c.file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.gone {
				if err := os.Remove(l.Absolute(m.Files[0].Path)); err != nil {
					t.Fatal(err)
				}
			}

			err := l.Whole(t.Context(), "billing", []*hindcast.Manifest{m})
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || hindcast.AsError(err).Next == "") {
				t.Errorf("%s (dimension %t): %v", name, dim, err)
			}
			if err := l.Whole(t.Context(), "billing", []*hindcast.Manifest{other}); err != nil {
				t.Errorf("%s: another unit: %v", name, err)
			}
			if got, want := l.FolderOf(m), folder+"/"; got != want {
				t.Errorf("the folder is %s, want %s", got, want)
			}
		}
	}
}

// The manifest of an earlier version, which had another name, is found.
func TestManifestOfAnEarlierVersion(t *testing.T) {
	l := newLake(t, "p")
	var made []*hindcast.Manifest
	for n := 1; n <= 3; n++ {
		made = append(made, publish(t, l, unload(t, l, "billing", "2020", n, 1)))
		folder := filepath.Dir(l.Absolute(made[n-1].Files[0].Path))
		if err := os.Rename(filepath.Join(folder, manifestName), filepath.Join(folder, earlierManifestName)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Beside(t.Context(), made[2]); err != nil {
		t.Error(err)
	}
	if gone, err := l.Prune(t.Context(), "billing", "2020", 0, map[int]bool{2: true}); err != nil || !slices.Equal(gone, []string{l.Prefix(made[0])}) {
		t.Errorf("pruned %v, %v", gone, err)
	}

	if err := os.WriteFile(l.Absolute(l.factKey("billing", "2020")), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := New(l.store, "p").CurrentUnit(t.Context(), "billing", "2020"); err != nil || m.Generation != 3 {
		t.Errorf("a corrupt entry is made up for by %+v, %v", m, err)
	}
}
