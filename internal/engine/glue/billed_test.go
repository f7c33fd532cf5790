package glue_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// aDollar is what a run of two G.1X costs that takes no longer than a minute.
func aDollar(g hindcast.Glue) hindcast.Rate {
	return hindcast.Rate{Each: g.Units(), Unit: g.Worker().Metered, Minimum: 60, USD: 30}
}

func wantBilled(t *testing.T, e *glue.Engine, h hindcast.Handle, runs int) {
	t.Helper()
	bill, err := e.Bill(t.Context(), h)
	if runs == 0 {
		if bill != nil || err != nil {
			t.Errorf("%s is billed %+v, %v", h.Tag, bill, err)
		}
		return
	}
	if err != nil || bill == nil || bill.Runs != runs || bill.Unit != "DPU" || math.Abs(bill.USD-float64(runs)) > 1e-9 || !bill.Reckoned {
		t.Errorf("%s is billed %+v, %v; want %d runs", h.Tag, bill, err, runs)
	}
}

// What work has cost is known to who waited for it, and to another process by its handle.
func TestBilled(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = writes(ok, "")
	lake := t.TempDir()
	e, w := s.paid(t, lake, small), workOf(lake, "a")
	h := start(t, e, w)
	if _, err := e.Wait(t.Context(), h, w.Dir, nil); err != nil {
		t.Fatal(err)
	}
	calls := len(s.called("GetJobRun"))
	wantBilled(t, e, h, 1)
	if more := len(s.called("GetJobRun")) - calls; more != 0 {
		t.Errorf("Glue was asked %d times more", more)
	}
	wantBilled(t, s.paid(t, lake, small), h, 1)
	wantBilled(t, e, hindcast.Handle{Tag: "p/r1/nosuch/a1"}, 0)
	wantBilled(t, s.open(t, lake, small), h, 0)
}

// While work runs its progress says what it has cost so far, and what its script says of how far it is.
func TestProgressOfARun(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	let := make(chan struct{})
	s.script = func(task jobs.Task, write func([]byte)) string {
		var request struct{ Dir string }
		text, err := os.ReadFile(task.Arguments["--hindcast_request"])
		if err == nil {
			err = json.Unmarshal(text, &request)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(request.Dir, "_hindcast_progress.json"), []byte(`{"stage": 2, "tasks": 8, "tasks_done": 3, "rows": 100, "bytes": 0, "spilled": 0}`), 0o600)
		}
		if err != nil {
			return err.Error()
		}
		<-let
		write(ok)
		return ""
	}
	lake := t.TempDir()
	e, w := s.paid(t, lake, small), workOf(lake, "a")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen := hindcast.Progress{}
	_, err := e.Wait(ctx, start(t, e, w), w.Dir, func(p hindcast.Progress) {
		if p.Tasks > 0 && seen.Tasks == 0 {
			seen = p
			close(let)
		}
	})
	seen.Hours, seen.USD = math.Round(seen.Hours*1e6)/1e6, math.Round(seen.USD*1e6)/1e6
	if err != nil || seen != (hindcast.Progress{Stage: 2, Tasks: 8, TasksDone: 3, Rows: 100, Hours: 0.033333, USD: 1}) {
		t.Errorf("%+v, %v", seen, err)
	}
}

// Glue's own attempts are billed apart.
func TestGluesOwnAttemptsAreBilled(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = func(task jobs.Task, write func([]byte)) string {
		if !strings.HasSuffix(task.ID, "_attempt_1") {
			return "died"
		}
		write(ok)
		return ""
	}
	lake, g := t.TempDir(), small
	g.MaxRetries = 1
	e, w := s.paid(t, lake, g), workOf(lake, "a")
	h := start(t, e, w)
	if _, err := e.Wait(t.Context(), h, w.Dir, nil); err != nil {
		t.Fatal(err)
	}
	wantBilled(t, e, h, 2)
	wantBilled(t, s.paid(t, lake, g), h, 2)
}
