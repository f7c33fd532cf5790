package lake

import (
	"errors"
	"os"
	"testing"

	"github.com/hindcast/hindcast"
)

// written is an unload of a month of the table sales, which had one row.
func written(t *testing.T, l *Lake) *hindcast.Manifest {
	t.Helper()
	m := unload(t, l, "sales", "2024-01", 1, 1)
	m.Source, m.Sums.Rows, m.CreatedAt = "sales", 1, january.End
	return m
}

func TestShare(t *testing.T) {
	one := newLake(t, "one")
	store := one.Store()
	m := publish(t, one, written(t, one))
	two := New(store, "two")
	wanted := []Wanted{{Unit{"sold", "2024-01"}, m.Source}, {Unit{"sold", "2024-02"}, m.Source}, {Unit{"others", "2024-01"}, "of another table"}}
	found, err := two.Others().Of(t.Context(), wanted)
	if err != nil || len(found) != 1 || len(found[wanted[0].Unit]) != 1 {
		t.Fatalf("others have %v, %v", found, err)
	}
	of := found[wanted[0].Unit][0]
	if of.Shared == nil || of.Shared.Pipeline != "one" || of.Shared.Fact != "sales" || of.Shared.Run != m.Run {
		t.Errorf("it is shared by %+v", of.Shared)
	}

	ours := &hindcast.Manifest{Name: "sold", Key: "2024-01", Interval: m.Interval, Source: m.Source, Run: "r7", Fence: 3, Attempt: 1, Generation: 4}
	if err := two.Share(t.Context(), ours, of); err != nil {
		t.Fatal(err)
	}
	current, err := two.CurrentUnit(t.Context(), "sold", "2024-01")
	if err != nil || current == nil {
		t.Fatal(current, err)
	}
	if current.Run != "r7" || current.Generation != 4 || current.Sums.Rows != m.Sums.Rows || !current.CreatedAt.Equal(m.CreatedAt) || current.Shared.Run != m.Run {
		t.Errorf("two has %+v", current)
	}
	if current.Files[0].CRC32C != m.Files[0].CRC32C || current.Files[0].SHA256 != m.Files[0].SHA256 || current.Files[0].Path == m.Files[0].Path {
		t.Errorf("its file is %+v, of %+v", current.Files[0], m.Files[0])
	}

	// The first pipeline goes; nothing of the second does.
	for _, prefix := range []string{"one/", "_hindcast/one/"} {
		if err := store.DeleteAll(t.Context(), prefix); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(two.Absolute(current.Files[0].Path)); err != nil {
		t.Error(err)
	}
	if err := two.Verify(t.Context(), current); err != nil {
		t.Error(err)
	}

	gone := &hindcast.Manifest{Name: "sold", Key: "2024-01", Interval: m.Interval, Source: m.Source, Run: "r8", Fence: 4, Attempt: 1, Generation: 5}
	if err := two.Share(t.Context(), gone, of); !errors.Is(err, ErrNotShared) {
		t.Errorf("sharing what is gone: %v", err)
	}
	if current, err = two.CurrentUnit(t.Context(), "sold", "2024-01"); err != nil || current.Generation != 4 {
		t.Errorf("then two has %+v, %v", current, err)
	}
	if infos, err := store.List(t.Context(), two.Prefix(gone)); err != nil || len(infos) > 0 {
		t.Errorf("it left %v, %v", infos, err)
	}
}

// TestOthersCorrupt: what cannot be read of another pipeline is not there.
func TestOthersCorrupt(t *testing.T) {
	one := newLake(t, "one")
	m := publish(t, one, written(t, one))
	if err := os.WriteFile(one.Absolute(one.factKey("sales", "2024-01")), []byte(`{"name":`), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := New(one.Store(), "two").Others().Of(t.Context(), []Wanted{{Unit{"sales", "2024-01"}, m.Source}})
	if err != nil || len(found) > 0 {
		t.Errorf("others have %v, %v", found, err)
	}
}
