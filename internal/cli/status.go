package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
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
			prepares, err := a.preparing(cmd.Context(), s)
			if err != nil {
				return err
			}
			run, err := a.chooseRun(cmd.Context(), s, args)
			if err != nil {
				if prepares && hindcast.AsError(err).Code == hindcast.ERun {
					return nil // there is none besides
				}
				return err
			}
			standing, err := watch.Stands(cmd.Context(), s, run, a.options.Now)
			if err != nil {
				return err
			}
			keys, err := plan.Select(standing.Plan, standing.State, selection)
			if err != nil {
				return err
			}
			if err := a.resuming(s, standing.Resuming); err != nil {
				return err
			}
			o := a.statusOptions(s, standing)
			if err := a.refused(cmd.Context(), s, standing, &o); err != nil {
				return err
			}
			left, err := watch.LeftBehind(cmd.Context(), s, standing)
			if err != nil {
				return err
			}
			o.Left = leftBehind(left)
			if selection != "" {
				o.Of, standing = wanted(standing.Plan), standing.Only(keys)
			}
			p, st := standing.Plan, standing.State
			if a.json {
				return json.NewEncoder(a.out).Encode(screen.NewRunStatus(st, p, o))
			}
			screen.Status(a.out, st, p, o)
			if all {
				screen.SliceTable(a.out, st, p, o)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&all, "all", false, "a line for each slice")
	onlyFlag(command.Flags(), &selection)
	return command
}

// preparing says of a run that has no plan yet that it is there, and the last thing that its log says: what it waits for.
func (a *app) preparing(ctx context.Context, s *session.Session) (bool, error) {
	holder, err := watch.Preparing(ctx, s)
	if err != nil || holder.Run == "" {
		return false, err
	}
	return true, a.tell(s, holder, "is preparing and has no plan yet")
}

// resuming says of a run that is to be resumed, and is not yet, what it waits for.
func (a *app) resuming(s *session.Session, holder lease.Holder) error {
	if holder.Run == "" {
		return nil
	}
	return a.tell(s, holder, "is preparing and has not gone on yet")
}

// tell says what a run does that shows no progress, and the last line of its log.
func (a *app) tell(s *session.Session, holder lease.Holder, does string) error {
	text := fmt.Sprintf("run %s (pid %d on %s) %s", holder.Run, holder.Pid, holder.Host, does)
	if last := lastLine(s.Lake.Absolute(s.Lake.LogKey(holder.Run))); last != "" {
		text += "; its log: " + last
	}
	_, err := fmt.Fprintln(a.err, a.plain(a.redactor.String(text)))
	return err
}

// lastLine is the last line of a file on this machine, cut short; empty if that cannot be read.
func lastLine(path string) string {
	const most = 2000
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, err := io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-most), most))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// wanted counts the slices that a plan runs.
func wanted(p *plan.Plan) (n int) {
	for _, item := range p.Items {
		if item.Reason.Runs() {
			n++
		}
	}
	return n
}

func (a *app) lake(ctx context.Context) (*session.Session, error) {
	p, err := a.load(ctx, config.Options{WithoutSQL: true, LakeAlone: true, Engine: a.engine})
	if err != nil {
		return nil, err
	}
	return session.OpenLake(p)
}

func (a *app) statusOptions(s *session.Session, standing watch.Standing) screen.StatusOptions {
	return screen.StatusOptions{Options: a.optionsFor(standing.Plan), Log: a.logPath(s, standing.Plan.Run), Alive: standing.Alive, Heard: standing.Heard,
		Silent: standing.Silent, Lasting: standing.Lasting}
}

// refused says in o whether a resume of the run, or to publish what it holds, would be refused.
func (a *app) refused(ctx context.Context, s *session.Session, standing watch.Standing, o *screen.StatusOptions) error {
	if !view.Refusable(view.StateOf(standing.State, standing.Alive)) {
		return nil
	}
	traces, err := watch.Traces(ctx, s)
	if err != nil {
		return err
	}
	r, err := watch.Refuses(ctx, s, watch.NewTrace(standing.Plan.Run, standing.Plan, standing.State), traces, o.Now)
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
			infos, traces, shown := []screen.RunInfo{}, []*watch.Trace{}, []screen.StatusOptions{}
			for _, run := range runs {
				standing, err := watch.Stands(cmd.Context(), s, run, a.options.Now)
				if err != nil {
					a.showError(err) // one damaged run does not hide the others
					continue
				}
				o := a.statusOptions(s, standing)
				infos, shown = append(infos, screen.Info(standing.State, standing.Plan, o)), append(shown, o)
				traces = append(traces, watch.NewTrace(run, standing.Plan, standing.State))
			}
			for i := range infos {
				if !view.Refusable(infos[i].State) {
					continue // what an engine is may take some time to find
				}
				r, err := watch.Refuses(cmd.Context(), s, traces[i], traces, a.options.Now)
				if err != nil {
					return err
				}
				infos[i].Refuse(r.Why, shown[i].Commands(r.Next))
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
		Long: `Stops a run gracefully and says what is confirmed dead: unloads and transforms are cancelled, a load
in progress may finish. With --slices only those stop, and the others go on; the run then ends with 3,
and resume continues with what is left.`,
		Example: "  hindcast stop\n  hindcast stop r1 --now\n  hindcast stop --slices 2019-03..2019-09",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.lake(cmd.Context())
			if err != nil {
				return err
			}
			run, err := a.stopping(cmd.Context(), s, args)
			if err != nil {
				return a.orLeft(cmd.Context(), s, "", selection, err)
			}
			if selection != "" {
				return a.stopSlices(cmd.Context(), s, run, selection, now)
			}
			if _, err := lease.RequestStop(cmd.Context(), s.Store, s.Pipeline.Name, run, who(), now); err != nil {
				return a.orLeft(cmd.Context(), s, run, "", err)
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
	standing, err := watch.Stands(ctx, s, run, a.options.Now)
	if err != nil {
		return err
	}
	st := standing.State
	keys, err := plan.Select(standing.Plan, st, selection)
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
		return a.orLeft(ctx, s, run, selection, err)
	}
	if err := a.awaitSlices(ctx, s, run, selection, left); err != nil {
		return err
	}

	if standing, err = watch.Stands(ctx, s, run, a.options.Now); err != nil {
		return err
	}
	o := a.statusOptions(s, standing)
	o.Of, standing = wanted(standing.Plan), standing.Only(keys)
	if a.json {
		return json.NewEncoder(a.out).Encode(screen.NewRunStatus(standing.State, standing.Plan, o))
	}
	screen.SliceTable(a.out, standing.State, standing.Plan, o)
	return nil
}

// awaitSlices waits until nothing of the slices is under way. Its advice is about them alone: the others go on.
func (a *app) awaitSlices(ctx context.Context, s *session.Session, run, selection string, keys []string) error {
	stopped := func(st *hindcast.RunState) bool {
		return !slices.ContainsFunc(keys, func(key string) bool { return !st.Slice(key).State.Final() })
	}
	return a.await(ctx, s, run, stopped, "the slices "+selection+" of run "+run+" have not stopped",
		fmt.Sprintf("hindcast status %s --slices %s --all, and perhaps: hindcast stop %s --slices %s --now", run, selection, run, selection))
}

// stopping is the run that is named, or the one that is under way.
func (a *app) stopping(ctx context.Context, s *session.Session, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	return watch.UnderWay(ctx, s)
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

// await waits until the run has ended, or enough is true of it. If it waits in vain it says what has not happened and what to do.
func (a *app) await(ctx context.Context, s *session.Session, run string, enough func(*hindcast.RunState) bool, undone, next string) error {
	waited, err := watch.Await(ctx, s, run, stopPatience, enough)
	switch {
	case err != nil:
		return err
	case waited.Silent:
		_, _ = fmt.Fprintf(a.err, "%s: process %d on %s holds the run, and gives no sign of life; perhaps it is lost with its machine\n"+
			"Next: go on with it from here: %s\n", undone, waited.Holder.Pid, a.plain(waited.Holder.Host), a.options.Commands("hindcast resume "+run))
		return exit(hindcast.ExitUnknown)
	case waited.Late:
		_, _ = fmt.Fprintf(a.err, "%s after %s: process %d on %s still holds the run\nNext: %s\n", undone, stopPatience, waited.Holder.Pid,
			a.plain(waited.Holder.Host), a.options.Commands(next))
		return exit(hindcast.ExitUnknown)
	}
	return nil
}

// awaitStop waits until the run has ended and says what is confirmed dead.
func (a *app) awaitStop(ctx context.Context, s *session.Session, run string) error {
	never := func(*hindcast.RunState) bool { return false }
	if err := a.await(ctx, s, run, never, "run "+run+" has not ended", "hindcast stop "+run+" --now"); err != nil {
		return err
	}
	standing, err := watch.Stands(ctx, s, run, a.options.Now)
	if err != nil && hindcast.AsError(err).Code == hindcast.ERun && !a.json {
		_, err = fmt.Fprintf(a.out, "run %s was stopped before its first slice began\n", run)
		return err
	}
	if err != nil {
		return err
	}
	o := a.statusOptions(s, standing)
	if a.json {
		return json.NewEncoder(a.out).Encode(screen.NewRunStatus(standing.State, standing.Plan, o))
	}
	screen.Report(a.out, standing.State, standing.Plan, screen.ReportOptions{Options: o.Options, Log: o.Log})
	return nil
}
