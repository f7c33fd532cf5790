package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/notify"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/screen"
)

// herald tells those whom the pipeline file names how a run goes. Nothing of a run depends on it.
type herald struct {
	*app
	pipeline *hindcast.Pipeline
	notifier notify.Notifier
	starting sync.WaitGroup

	mu   sync.Mutex
	lost []string // what could not be told: it is said when the board is gone
}

func (a *app) newHerald(p *hindcast.Pipeline) *herald {
	h := &herald{app: a, pipeline: p}
	h.notifier = notify.Notifier{List: p.Notify, Dir: p.Dir, Safe: a.redactor.String, Said: func(text string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.lost = append(h.lost, text)
	}}
	return h
}

// started tells of a run's beginning, or that it is resumed, beside the run.
func (h *herald) started(ctx context.Context, p *plan.Plan, past []hindcast.Event) {
	if len(h.notifier.List) == 0 {
		return
	}
	does := " begins"
	if len(past) > 0 {
		does = " is resumed"
	}
	e := h.event(hindcast.OnStarted, p.Run, p.Run+does)
	h.starting.Go(func() { h.notifier.Tell(ctx, e) })
}

// couldNotBegin tells of a run that came to an end before its first slice.
func (h *herald) couldNotBegin(ctx context.Context, id string, err error) {
	if len(h.notifier.List) == 0 || errors.Is(err, plan.ErrNoneChosen) {
		return
	}
	on, failure := hindcast.OnFailed, hindcast.AsError(err)
	if failure.Class == hindcast.ClassCanceled {
		on = hindcast.OnStopped
	}
	e := h.event(on, id, "no slice began: "+failure.Message)
	e.Errors, e.Next = []notify.Failure{{Code: failure.Code, Message: failure.Message}}, h.options.Commands(failure.Next)
	h.tell(ctx, e)
}

// ended tells of a run's end.
func (h *herald) ended(ctx context.Context, ended *run.Ended) {
	if len(h.notifier.List) == 0 || ended.Elsewhere {
		return
	}
	st, code := ended.Outcome.State, ended.Outcome.ExitCode
	if ended.Alive != nil {
		code = hindcast.ExitUnknown
	}
	on := hindcast.OnFailed
	switch code {
	case hindcast.ExitOK:
		on = hindcast.OnFinished
	case hindcast.ExitStopped:
		on = hindcast.OnStopped
	}
	is := screen.NewRunStatus(st, ended.Plan, screen.StatusOptions{Options: h.optionsFor(ended.Plan)})
	e := h.event(on, st.Run, screen.Headline(st, ended.Plan))
	e.ExitCode, e.Seconds, e.Slices, e.Rows, e.Next = &code, is.Seconds, is.Counts, is.RowsOut, is.Next
	e.Errors = failuresOf(st, ended)
	h.tell(ctx, e)
}

// mostFailures is how many errors, and slices of each, a notification names.
const mostFailures = 10

func failuresOf(st *hindcast.RunState, ended *run.Ended) (list []notify.Failure) {
	if err := ended.Outcome.Err; err != nil {
		list = append(list, notify.Failure{Code: err.Code, Message: err.Message})
	}
	if ended.Alive != nil {
		e := hindcast.AsError(ended.Alive)
		list = append(list, notify.Failure{Code: e.Code, Message: e.Message})
	}
	for _, f := range st.Failures {
		if len(list) == mostFailures {
			break
		}
		one := notify.Failure{Code: f.Error.Code, Message: f.Error.Message}
		for _, key := range f.Slices[:min(len(f.Slices), mostFailures)] {
			one.Slices = append(one.Slices, ended.Plan.Label(key))
		}
		list = append(list, one)
	}
	return list
}

func (h *herald) event(on hindcast.Occasion, run, text string) notify.Event {
	host, _ := os.Hostname() // empty if nobody knows it
	return notify.Event{Event: on, Text: screen.Named(h.pipeline) + ": " + text, Pipeline: h.pipeline.Name, Environment: h.pipeline.Environment, Run: run, At: time.Now().UTC(), Host: host}
}

// tell tells of an end, and says what could not be told.
func (h *herald) tell(ctx context.Context, e notify.Event) {
	h.starting.Wait()
	h.notifier.Tell(context.WithoutCancel(ctx), e)
	for _, text := range h.lost {
		_, _ = fmt.Fprintln(h.err, h.plain(text))
	}
}
