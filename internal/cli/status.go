package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/watch"
)

func (a *app) statusCommand() *cobra.Command {
	var all bool
	var selection string
	command := &cobra.Command{
		Use: "status [RUN]", Short: "Show how a run stands (the latest by default)", Args: cobra.MaximumNArgs(1),
		Example: "  hindcast status\n  hindcast status r1 --all\n  hindcast status --slices failed --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.lake(cmd.Context())
			if err != nil {
				return err
			}
			run, err := a.chooseRun(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			p, st, o, err := a.stands(cmd.Context(), s, run)
			if err != nil {
				return err
			}
			keys, err := plan.Select(p, st, selection)
			if err != nil {
				return err
			}
			if err := a.refused(cmd.Context(), s, p, st, &o); err != nil {
				return err
			}
			if selection != "" {
				p, st, o = narrow(p, st, o, keys)
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(screen.NewRunStatus(st, p, o))
			}
			screen.Status(a.out, st, p, o)
			if all {
				screen.SliceTable(a.out, st, p, a.options)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&all, "all", false, "a line for each slice")
	command.Flags().StringVar(&selection, "slices", "", "only these slices of the run: keys, prefixes, ranges, all, new, stale, failed, unsettled")
	return command
}

// narrow is a status of some slices alone.
func narrow(p *plan.Plan, st *hindcast.RunState, o screen.StatusOptions, keys []string) (*plan.Plan, *hindcast.RunState, screen.StatusOptions) {
	for _, item := range p.Items {
		if item.Reason.Runs() {
			o.Of++
		}
	}
	return p.Only(keys), st.Only(keys), o
}

func (a *app) lake(ctx context.Context) (*session.Session, error) {
	p, err := a.pipelineWithoutSQL(ctx)
	if err != nil {
		return nil, err
	}
	return session.OpenLake(p)
}

// stands reads a run from the lake alone: the warehouse may be busy, or far.
func (a *app) stands(ctx context.Context, s *session.Session, run string) (*plan.Plan, *hindcast.RunState, screen.StatusOptions, error) {
	o := screen.StatusOptions{Options: a.options, Log: a.logPath(s, run)}
	p, err := s.Frozen(ctx, run)
	if err != nil {
		return nil, nil, o, err
	}
	st, err := s.State(ctx, run)
	if err != nil {
		return nil, nil, o, err
	}
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	o.Alive = holder.Held && !holder.Dead && holder.Run == run
	if st.Started.IsZero() { // it has no event yet
		st.Total, st.Started, st.Updated = len(plan.Order(p)), p.CreatedAt, p.CreatedAt
	}
	if o.Alive && !holder.Here && o.Now.Sub(holder.Renewed) > holder.TTL {
		o.Silent = holder.Renewed
	}
	return p, st, o, err
}

// refused says in o whether a resume of the run would be refused.
func (a *app) refused(ctx context.Context, s *session.Session, p *plan.Plan, st *hindcast.RunState, o *screen.StatusOptions) error {
	if !screen.Resumable(st, *o) {
		return nil
	}
	traces, err := watch.Traces(ctx, s)
	if err != nil {
		return err
	}
	r, err := watch.Refuses(ctx, s, watch.NewTrace(p.Run, p, st), traces, o.Now)
	o.Refused, o.Instead = r.Why, r.Next
	return err
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the pipeline's runs, the newest first", Args: cobra.NoArgs, Example: "  hindcast list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.lake(cmd.Context())
			if err != nil {
				return err
			}
			runs, err := s.Lake.ListRuns(cmd.Context())
			if err != nil {
				return err
			}
			infos, traces := []screen.RunInfo{}, []*watch.Trace{}
			for _, run := range runs {
				p, st, o, err := a.stands(cmd.Context(), s, run)
				if err != nil {
					a.showError(err) // one damaged run does not hide the others
					continue
				}
				infos, traces = append(infos, screen.Info(st, p, o)), append(traces, watch.NewTrace(run, p, st))
			}
			for i := range infos {
				r, err := watch.Refuses(cmd.Context(), s, traces[i], traces, a.options.Now)
				if err != nil {
					return err
				}
				infos[i].Refuse(r.Why, a.options.Commands(r.Next))
			}
			if a.json {
				return screen.ListJSON(a.out, infos)
			}
			screen.List(a.out, infos, a.options)
			return nil
		},
	}
}

// stopPatience is how long stop waits for the run to end: its grace, and the time to kill what does not let go.
const stopPatience = time.Minute

func (a *app) stopCommand() *cobra.Command {
	var now bool
	var selection string
	command := &cobra.Command{
		Use: "stop [RUN]", Short: "Stop the run that is under way, from any terminal", Args: cobra.MaximumNArgs(1),
		Long: `Stops a run in good order and says what is confirmed dead: unloads and transforms are cancelled, a load
under way may finish. With --slices only those stop, and the others go on; the run then ends with 3,
and resume goes on with what is left.`,
		Example: "  hindcast stop\n  hindcast stop r1 --now\n  hindcast stop --slices 2019-03..2019-09",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.lake(cmd.Context())
			if err != nil {
				return err
			}
			run, err := a.stopping(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			if selection != "" {
				return a.stopSlices(cmd.Context(), s, run, selection, now)
			}
			if _, err := lease.RequestStop(cmd.Context(), s.Store, s.Pipeline.Name, run, who(), now); err != nil {
				if _, unknown := s.Frozen(cmd.Context(), run); hindcast.AsError(err).Code == hindcast.ERun && unknown != nil {
					return unknown // there is no such run
				}
				return err
			}
			return a.awaitStop(cmd.Context(), s, run)
		},
	}
	command.Flags().BoolVar(&now, "now", false, "at once: a load under way is rolled back instead of finished")
	command.Flags().StringVar(&selection, "slices", "", "only these slices of the run; the others go on")
	return command
}

// stopSlices stops some slices of a run, and shows them when nothing of them is under way any more.
func (a *app) stopSlices(ctx context.Context, s *session.Session, run, selection string, now bool) error {
	p, st, _, err := a.stands(ctx, s, run)
	if err != nil {
		return err
	}
	keys, err := plan.Select(p, st, selection)
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		return st.Slice(key).State.Final() || st.Asked != nil && !st.Asked[key]
	})
	if len(left) == 0 {
		return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("of run %s nothing is left to stop in the slices %s", run, selection), Next: "see how they stand: hindcast status " + run}
	}
	if _, err := lease.RequestStop(ctx, s.Store, s.Pipeline.Name, run, who(), now, left...); err != nil {
		return err
	}
	if err := a.awaitSlices(ctx, s, run, selection, left); err != nil {
		return err
	}
	p, st, o, err := a.stands(ctx, s, run)
	if err != nil {
		return err
	}
	p, st, o = narrow(p, st, o, keys)
	if a.json {
		return json.NewEncoder(a.out).Encode(screen.NewRunStatus(st, p, o))
	}
	screen.SliceTable(a.out, st, p, a.options)
	return nil
}

// awaitSlices waits until nothing of the slices is under way. Only theirs is the advice that it gives: the others go on.
func (a *app) awaitSlices(ctx context.Context, s *session.Session, run, selection string, keys []string) error {
	stopped := func() (bool, error) {
		st, err := s.State(ctx, run)
		return err == nil && !slices.ContainsFunc(keys, func(key string) bool { return !st.Slice(key).State.Final() }), err
	}
	return a.await(ctx, s, run, stopped, "the slices "+selection+" of run "+run+" have not stopped",
		fmt.Sprintf("hindcast status %s --slices %s --all, and perhaps: hindcast stop %s --slices %s --now", run, selection, run, selection))
}

// stopping is the run that is named, or the one that holds the lease.
func (a *app) stopping(ctx context.Context, s *session.Session, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
	if err != nil {
		return "", err
	}
	if !holder.Held || holder.Dead {
		return "", &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "no run of " + s.Pipeline.Name + " is under way",
			Next: "see how the latest ended: hindcast status"}
	}
	return holder.Run, nil
}

func who() string {
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += " on " + host
	}
	return name
}

// await waits until the run has ended, or something else is true of it. Where it waits in vain it says what has not
// happened and what to do.
func (a *app) await(ctx context.Context, s *session.Session, run string, enough func() (bool, error), undone, next string) error {
	patience := time.After(stopPatience) // no deadline of ctx: that might end while the lease is read
	var watch lease.Watch
	for {
		holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
		if err != nil {
			return err
		}
		if !holder.Held || holder.Run != run || holder.Dead {
			return nil
		}
		if done, err := enough(); done || err != nil {
			return err
		}
		if watch.Silent(holder) {
			_, _ = fmt.Fprintf(a.err, "%s: process %d on %s holds the run, and gives no sign of life; perhaps it is lost with its machine\n"+
				"Next: go on with it from here: %s\n", undone, holder.Pid, a.plain(holder.Host), a.options.Commands("hindcast resume "+run))
			return exit(hindcast.ExitUnknown)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			_, _ = fmt.Fprintf(a.err, "%s after %s: process %d on %s still holds the run\nNext: %s\n", undone, stopPatience, holder.Pid, a.plain(holder.Host), a.options.Commands(next))
			return exit(hindcast.ExitUnknown)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// awaitStop waits until the run has ended and says what is confirmed dead.
func (a *app) awaitStop(ctx context.Context, s *session.Session, run string) error {
	never := func() (bool, error) { return false, nil }
	if err := a.await(ctx, s, run, never, "run "+run+" has not ended", "hindcast stop "+run+" --now"); err != nil {
		return err
	}
	p, st, o, err := a.stands(ctx, s, run)
	if err != nil && hindcast.AsError(err).Code == hindcast.ERun && !a.json {
		_, err = fmt.Fprintf(a.out, "run %s was stopped before its first slice began\n", run)
		return err
	}
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(screen.NewRunStatus(st, p, o))
	}
	screen.Report(a.out, st, p, screen.ReportOptions{Options: a.options, Log: o.Log})
	return nil
}
