package session

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
)

// A folder in the lake leaves nothing when it is removed, also where it was the lake's first; what others made there stays.
func TestFolderAsideLeavesNothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "lake")
	s, err := OpenLake(&hindcast.Pipeline{Name: "costs", Lake: hindcast.Location{Scheme: "file", Path: root}})
	if err != nil {
		t.Fatal(err)
	}
	for _, others := range []bool{false, true} {
		folder, remove, err := s.FolderAside(true)
		if err != nil {
			t.Fatal(err)
		}
		if rel, err := filepath.Rel(root, folder); err != nil || filepath.Dir(rel) != filepath.Join("_hindcast", "costs") {
			t.Errorf("%s: %v", folder, err)
		}
		theirs := filepath.Join(filepath.Dir(folder), "theirs")
		if others {
			if err := os.Mkdir(theirs, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := remove(); err != nil {
			t.Fatal(err)
		}
		if exists(folder) || exists(root) != others || exists(theirs) != others {
			t.Errorf("others %t: folder %t, lake %t, theirs %t", others, exists(folder), exists(root), exists(theirs))
		}
	}
}
