package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/watch"
)

// leftBehind is what a run without a supervisor left working, for the screen.
func leftBehind(left []watch.Left) []screen.Left {
	var list []screen.Left
	for _, l := range left {
		list = append(list, screen.Left{Slice: l.Slice, Since: l.Since.UTC(), Handle: l.Handle, Idle: l.Idle, Taken: l.Taken, Host: l.Host})
	}
	return list
}

// stopLeft ends what a run that nobody supervises left working, the latest if none is named, and says what is confirmed dead. If it
// left nothing, none is the error.
func (a *app) stopLeft(ctx context.Context, s *session.Session, run, selection string, none error) error {
	if run == "" {
		var err error
		if run, err = watch.Latest(ctx, s); err != nil {
			return none
		}
	}
	standing, err := watch.Stands(ctx, s, run, a.options.Now)
	if err != nil {
		return err
	}
	left, err := watch.LeftBehind(ctx, s, standing)
	if err != nil {
		return err
	}
	keys, err := plan.Select(standing.Plan, standing.State, selection)
	if err != nil {
		return err
	}
	if selection != "" {
		left = slices.DeleteFunc(left, func(l watch.Left) bool { return !slices.Contains(keys, l.Slice) })
	}
	if len(left) == 0 {
		return none
	}
	return a.endLeft(ctx, s, standing, left)
}

// orLeft ends what the run left working where nobody supervises it: err says so.
func (a *app) orLeft(ctx context.Context, s *session.Session, run, selection string, err error) error {
	if hindcast.AsError(err).Code != hindcast.ERun {
		return err
	}
	return a.stopLeft(ctx, s, run, selection, err)
}

func (a *app) endLeft(ctx context.Context, s *session.Session, standing watch.Standing, left []watch.Left) error {
	o, run := a.statusOptions(s, standing), standing.Plan.Run
	for _, l := range left {
		shown := leftBehind([]watch.Left{l})[0]
		if err := l.End(ctx); err != nil {
			e := *hindcast.AsError(err)
			e.Message = fmt.Sprintf("%s is not confirmed dead: %s", shown.Named(standing.Plan), e.Message)
			o.Left = append(o.Left, shown)
			if !a.json {
				a.showError(&e)
			}
			continue
		}
		if !a.json {
			_, _ = fmt.Fprintf(a.out, "%s is confirmed dead; run %s had no process any more\n", a.plain(shown.Named(standing.Plan)), run)
		}
	}

	if a.json {
		if err := json.NewEncoder(a.out).Encode(screen.NewRunStatus(standing.State, standing.Plan, o)); err != nil {
			return err
		}
	}
	if len(o.Left) > 0 {
		return exit(hindcast.ExitUnknown)
	}
	return nil
}
