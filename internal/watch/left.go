package watch

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/session"
)

// Left is work of an engine that goes on although the process that supervised the run has died.
type Left struct {
	Slice  string
	Handle hindcast.Handle
	Since  time.Time // when the engine was given it; zero if the journal does not say
	// Host is another machine, whose processes cannot be seen from here: the work may have ended. It is empty for this one.
	Host string
}

// LeftBehind lists what a run without a supervisor left, in the order of the slices.
func LeftBehind(ctx context.Context, s *session.Session, of Standing) ([]Left, error) {
	if of.Alive {
		return nil, nil
	}
	prefix := s.Lake.Tags() + of.Plan.Run + "/"
	alive, err := drivers.Remains().Alive(ctx, prefix)
	if err != nil {
		return nil, err
	}

	here, _ := os.Hostname() // without it all is elsewhere
	given, left := map[string]time.Time{}, []Left{}
	for key, slice := range of.State.Slices {
		if slice.Work == nil {
			continue
		}
		h := slice.Work.Handle
		given[h.Tag] = slice.Work.Since
		if host := h.IDs["host"]; host != "" && host != here && !slice.State.Final() {
			left = append(left, Left{Slice: key, Handle: h, Since: slice.Work.Since, Host: host})
		}
	}
	for _, h := range alive {
		key, _, _ := strings.Cut(strings.TrimPrefix(h.Tag, prefix), "/")
		left = append(left, Left{Slice: key, Handle: h, Since: given[h.Tag]})
	}
	slices.SortFunc(left, func(a, b Left) int { return strings.Compare(a.Handle.Tag, b.Handle.Tag) })
	return left, nil
}

// End ends it; nil means that it is confirmed dead.
func (l Left) End(ctx context.Context) error {
	if l.Host != "" {
		return &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "its processes are on " + l.Host + ", and cannot be seen from here",
			Next: "run this on " + l.Host + ", or resume the run there"}
	}
	return drivers.Remains().Stop(ctx, l.Handle)
}
