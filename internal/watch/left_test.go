package watch

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// leaveApplication makes the folder of an application of Spark that has been given work, and a process that is taken for its own. It
// returns the file whose presence says that the work has ended.
func leaveApplication(t *testing.T, tag string) (dir, end string) {
	t.Helper()
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	dir = filepath.Join(cache, "hindcast", "spark", "application-7")
	end = filepath.Join(t.TempDir(), "end")
	for path, is := range map[string]any{"application.json": map[string]any{"host": "crunch", "master": "local[2]"},
		"inbox/000001.json": map[string]any{"kind": "run", "tag": tag, "end": end}} {
		text, err := json.Marshal(is)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	process := exec.Command("sh", "-c", "read line", dir) // it waits for a line that nobody writes
	if _, err := process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = process.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill() // unless the test has ended it
		<-ended
	})
	return dir, end
}

// That a resume takes the result is said of work that the journal has and whose result lies where a resume finds it. An application
// that has no work any more is there as well, and can be ended.
func TestLeftBehind(t *testing.T) {
	s, err := session.OpenLake(&hindcast.Pipeline{Name: "shop", Lake: hindcast.Location{Path: t.TempDir(), Scheme: "file"}})
	if err != nil {
		t.Fatal(err)
	}
	const key = "2024-01-01"
	tag := s.Lake.Tags() + "r1/" + key + "/a1"
	dir, end := leaveApplication(t, tag)

	given := time.Date(2026, 5, 12, 12, 0, 0, 0, time.UTC)
	left := func(journaled, lasting bool) Left {
		t.Helper()
		of := Standing{Plan: &plan.Plan{Run: "r1"}, State: &hindcast.RunState{}, Lasting: lasting}
		if journaled {
			of.State.Slice(key).Work = &hindcast.OpenWork{Since: given, Handle: hindcast.Handle{Tag: tag}}
		}
		found, err := LeftBehind(t.Context(), s, of)
		if err != nil || len(found) != 1 {
			t.Fatalf("%+v, %v", found, err)
		}
		return found[0]
	}

	for _, c := range []struct{ journaled, lasting, taken bool }{{true, true, true}, {true, false, false}, {false, true, false}} {
		l := left(c.journaled, c.lasting)
		if l.Taken != c.taken || l.Idle || l.Slice != key || l.Host != "" || l.Since.IsZero() || c.journaled && !l.Since.Equal(given) {
			t.Errorf("%+v: %+v", c, l)
		}
	}

	if err := os.WriteFile(end, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	idle := left(true, true)
	if !idle.Idle || idle.Slice != "" {
		t.Errorf("after its work: %+v", idle)
	}
	if err := idle.End(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is left: %v", err)
	}
}
