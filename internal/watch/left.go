package watch

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/session"
)

// Left is an engine's work, or its idle processes, that go on although the process that supervised the run has died.
type Left struct {
	engine.Remnant
	Slice string    // that the work is of; empty if it is idle
	Since time.Time // when the engine was given it; zero if nothing says so
	// Taken says that a resume takes the work's result. Otherwise it ends the work.
	Taken bool
	// Host is another machine, whose processes cannot be seen from here: the work may have ended. It is empty for this one.
	Host string

	remains interface {
		End(context.Context, engine.Remnant) error
	}
}

// LeftBehind lists what a run without a supervisor left, in the order of the slices, and what is idle last.
func LeftBehind(ctx context.Context, s *session.Session, of Standing) ([]Left, error) {
	if of.Alive {
		return nil, nil
	}
	prefix := s.Lake.Tags() + of.Plan.Run + "/"
	remains, err := drivers.Remains(&of.Plan.Pipeline, s.Store, s.Lake.Tags())
	if err != nil {
		return nil, err
	}
	found, err := remains.Found(ctx, prefix)
	if err != nil {
		return nil, err
	}

	here, _ := os.Hostname() // without it all is elsewhere
	given, left := map[string]*hindcast.OpenWork{}, []Left{}
	for key, slice := range of.State.Slices {
		if slice.Work == nil {
			continue
		}
		h := slice.Work.Handle
		given[h.Tag] = slice.Work
		if host := h.IDs["host"]; host != "" && host != here && !slice.State.Final() {
			left = append(left, Left{Remnant: engine.Remnant{Handle: h}, Slice: key, Since: slice.Work.Since, Taken: of.Lasting, Host: host})
		}
	}
	for _, r := range found {
		l := Left{Remnant: r, Since: r.Given, remains: remains}
		if work := given[r.Handle.Tag]; work != nil {
			l.Since, l.Taken = work.Since, of.Lasting
		}
		if !r.Idle {
			l.Slice, _, _ = strings.Cut(strings.TrimPrefix(r.Handle.Tag, prefix), "/")
		}
		left = append(left, l)
	}
	slices.SortStableFunc(left, func(a, b Left) int {
		if a.Idle != b.Idle {
			return strings.Compare(b.Slice, a.Slice) // the one without
		}
		return strings.Compare(a.Handle.Tag, b.Handle.Tag)
	})
	return left, nil
}

// End ends it; nil means that it is confirmed dead.
func (l Left) End(ctx context.Context) error {
	if l.Host != "" {
		return &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "its processes are on " + l.Host + ", and cannot be seen from here",
			Next: "run this on " + l.Host + ", or resume the run there"}
	}
	return l.remains.End(ctx, l.Remnant)
}
