package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/supervisor"
	"github.com/hindcast/hindcast/internal/watch"
)

// logMode are the permissions of a new log: those of its folder.
func logMode(path string) fs.FileMode {
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm() & 0o666
}

func (a *app) runCommand() *cobra.Command {
	var o run.Options
	var yes bool
	command := &cobra.Command{
		Use: "run", Short: "Plan, and run what is to be run", Args: cobra.NoArgs,
		Long: `Plans, freezes the plan, and takes every slice of it through unload, transform and load.
With --id the run has a name of yours: a second start of the same name attaches to the run
while it goes on, resumes it where it stopped, and says how it ended if it is done. So a
scheduler's retry does the right thing. With --hold every slice is computed, checked and staged,
and none is published: hindcast publish does that, for all of them in one transaction. With --canary
that is done of one slice, the latest complete one that has something to do, or of those of --slices,
and compared with what is published, as hindcast diff does; the next run deletes what it staged.`,
		Example: "  hindcast run\n  hindcast run --canary --slices 2019-03\n  hindcast run --hold\n  hindcast run --slices 2019-03\n  hindcast run --id nightly-2026-05-03 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := a.pipeline
			if o.ID != "" {
				load = a.pipelineWithoutSQL // which a run that is there has in its plan
			}
			p, err := load(cmd.Context())
			if err != nil {
				return err
			}
			if o.Agree, err = a.agreement(p, yes || o.Hold || o.Canary); err != nil { // what it holds is asked for when it is published
				return err
			}
			o.Before = a.beforeRun
			if o.Canary {
				return a.unlessNone(a.canary(cmd.Context(), p, o), nil)
			}
			if o.ID != "" {
				return a.unlessNone(a.supervised(cmd.Context(), p, o, func(ctx context.Context, o run.Options) (*run.Ended, error) {
					return run.Named(ctx, p, o)
				}), nil)
			}
			return a.unlessNone(a.begin(cmd.Context(), p, o), nil)
		},
	}
	choiceFlags(command.Flags(), &o.Choice)
	a.engineFlag(command.Flags())
	agreeFlag(command.Flags(), &yes)
	allowEmptyFlag(command.Flags(), &o)
	windowFlag(command.Flags(), &o)
	command.Flags().StringVar(&o.ID, "id", "", "the run's name: attaches to, resumes or starts it")
	command.Flags().BoolVar(&o.Canary, "canary", false, "one slice, or those of --slices, staged and compared with what stands there")
	command.Flags().BoolVar(&o.Hold, "hold", false, "stage every slice, and publish none before hindcast publish")
	return command
}

func (a *app) resumeCommand() *cobra.Command {
	var o run.Options
	var yes, accept bool
	command := &cobra.Command{
		Use: "resume [RUN]", Short: "Go on with a stopped or interrupted run (the latest by default)", Args: cobra.MaximumNArgs(1),
		Long: `Goes on with a run's frozen plan: finished slices stay, attempts start over. With --slices only
those continue; the others stay as they are, for a later resume. Exit code 0 is for the whole
run alone: if slices are left that were not asked for, it is 3 once the others are done. With
--accept-new-sql the slices that are left are computed by the SQL, the parameters and the checks of the
pipeline file as they are now; the journal says so. What is committed stays, and is stale then.`,
		Example: "  hindcast resume\n  hindcast resume r1\n  hindcast resume r1 --slices 2019-03..2019-09,failed",
		RunE: func(cmd *cobra.Command, args []string) error {
			load := a.pipelineWithoutSQL // the plan has it
			if accept {
				load, o.AcceptSQL = a.pipeline, who()
			}
			p, err := load(cmd.Context())
			if err != nil {
				return err
			}
			if o.Agree, err = a.agreement(p, yes); err != nil {
				return err
			}
			s, err := session.OpenLake(p)
			if err != nil {
				return err
			}
			run, err := a.chooseRun(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			st, err := s.State(cmd.Context(), run)
			if err != nil {
				return err
			}
			if st.Held() {
				return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "run " + run + " is held: every slice is staged, nothing is left to compute",
					Next: "hindcast publish " + run}
			}
			if st.Finished && st.ExitCode == hindcast.ExitOK {
				return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent, Message: "run " + run + " is done: nothing is left to resume",
					Next: "begin a new one with: hindcast run"}
			}
			return a.resume(cmd.Context(), p, run, o)
		},
	}
	agreeFlag(command.Flags(), &yes)
	allowEmptyFlag(command.Flags(), &o)
	windowFlag(command.Flags(), &o)
	command.Flags().BoolVar(&accept, "accept-new-sql", false, "compute the slices that are left by the SQL as it is now, not the plan's")
	onlyFlag(command.Flags(), &o.Slices)
	return command
}

// onlyFlag is --slices of the commands about one run.
func onlyFlag(flags *pflag.FlagSet, selection *string) {
	flags.StringVar(selection, "slices", "", "only these slices of the run: keys, prefixes, ranges, all, new, stale, failed, unsettled")
}

func allowEmptyFlag(flags *pflag.FlagSet, o *run.Options) {
	flags.BoolVar(&o.AllowEmpty, "allow-empty", false, "let a result without rows take the place of published rows")
}

func windowFlag(flags *pflag.FlagSet, o *run.Options) {
	flags.BoolVar(&o.IgnoreWindow, "ignore-window", false, "begin slices outside of the pipeline's window too")
}

// chooseRun is the run that is named, or the latest.
func (a *app) chooseRun(ctx context.Context, s *session.Session, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	return watch.Latest(ctx, s)
}

func (a *app) begin(ctx context.Context, p *hindcast.Pipeline, o run.Options) error {
	return a.supervised(ctx, p, o, func(ctx context.Context, o run.Options) (*run.Ended, error) { return run.Begin(ctx, p, o) })
}

func (a *app) resume(ctx context.Context, p *hindcast.Pipeline, id string, o run.Options) error {
	return a.supervised(ctx, p, o, func(ctx context.Context, o run.Options) (*run.Ended, error) {
		return run.Resume(ctx, p, id, o)
	})
}

// viewer shows a run's events as they come: the board on a terminal, lines without one, or JSON for a program. Event may be
// called from several goroutines. Close ends it; it is safe to call twice, and must be called in any case, for a board
// hides the cursor.
type viewer interface {
	Start()
	Event(hindcast.Event)
	Close() error
}

// view is the board on a terminal, lines elsewhere, or JSON.
func (a *app) view(p *plan.Plan) viewer {
	var v viewer
	switch {
	case a.json:
		v = screen.NewJSONLines(a.out)
	case a.terminal != nil:
		v = screen.NewBoard(a.out, a.optionsFor(p), p)
	default:
		v = screen.NewLines(a.out, a.optionsFor(p), p)
	}
	v.Start()
	return v
}

// supervised runs with a view, a log and signals, and reports the end.
func (a *app) supervised(ctx context.Context, p *hindcast.Pipeline, o run.Options, do func(context.Context, run.Options) (*run.Ended, error)) error {
	herald := a.newHerald(p)
	shown := &shownRun{app: a, herald: herald, ctx: ctx}
	shown.listen(&o)
	ended, err := do(ctx, o)
	shown.close()
	if err != nil {
		herald.couldNotBegin(ctx, o.ID, err)
		return err
	}

	a.deaf.Store(true) // how the run ended is said whatever signal comes
	defer a.deaf.Store(false)
	err = a.ended(ended)
	herald.ended(ctx, ended)
	return err
}

// ended shows how a run ended, and gives its exit code.
func (a *app) ended(ended *run.Ended) error {
	if ended.Outcome.Err != nil && ended.Outcome.ExitCode != hindcast.ExitStopped && !a.json {
		a.showError(ended.Outcome.Err)
	}
	err := a.report(ended.Outcome.State, ended.Plan, a.redactor.String(ended.LogPath))
	if ended.Alive != nil {
		a.showError(ended.Alive)
		return exit(hindcast.ExitUnknown)
	}
	if code := ended.Outcome.ExitCode; code != hindcast.ExitOK {
		return exit(code) // which a zombie, or a run whose journal failed, could not journal any more (promise 6)
	}
	return err
}

// shownRun is a run on the screen and in its log.
type shownRun struct {
	*app
	herald *herald
	ctx    context.Context //nolint:containedctx // of the run, for what is told of its beginning
	view   viewer          // nil before the run is planned, as log is
	log    *screen.Lines
}

// listen has a run tell what happens.
func (s *shownRun) listen(o *run.Options) {
	o.Stop = s.heed
	o.Stopping = func() {
		s.printed.hurry(readerPatience)
		s.said.hurry(readerPatience)
	}
	o.Log, o.Planned = s.open, s.planned
	o.Waiting = s.waiting
	o.Says = func(what string) { _, _ = fmt.Fprintln(s.err, s.plain(what)+" …") }
	o.Busy = func(e *hindcast.Error) {
		_, _ = fmt.Fprintf(s.err, "%s: waiting for it to be closed there\n", s.plain(e.Message))
	}
	o.Each = func(e hindcast.Event) {
		s.view.Event(e)
		s.log.Event(e)
	}
	o.Attached = func(p *plan.Plan) run.View { return s.app.view(p) }
}

// heed turns signals into requests to stop, from here on until done.
func (s *shownRun) heed() (requests <-chan supervisor.StopRequest, done func()) {
	requests, quit := signals()
	s.deaf.Store(true)
	return requests, func() {
		s.deaf.Store(false)
		quit()
	}
}

// open opens the run's log.
func (s *shownRun) open(path string) (io.Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, logMode(path))
	if err != nil {
		return nil, err
	}
	return logFile{s.redactor.Writer(f), f}, nil
}

// planned begins to show the run, with what it did before it was resumed.
func (s *shownRun) planned(made *plan.Plan, past []hindcast.Event, logTo io.Writer) {
	if made.Unbound != "" && !s.json {
		_, _ = fmt.Fprintln(s.err, "unloading all the same: "+s.plain(made.Unbound))
	}
	s.herald.started(s.ctx, made, past)
	s.view = s.app.view(made)
	s.log = screen.NewLines(logTo, screen.Options{Now: time.Now(), Unicode: true}, made)
	for _, e := range past {
		s.log.Past(e)
		if v, ok := s.view.(interface{ Past(hindcast.Event) }); ok {
			v.Past(e)
		}
	}
}

func (s *shownRun) close() {
	if s.view != nil {
		s.lose("the run's log", errors.Join(s.view.Close(), s.log.Close()))
	}
}

// logFile is a run's log without secrets, also where a write cuts one in two.
type logFile struct {
	*config.Writer
	file *os.File
}

func (l logFile) Close() error { return errors.Join(l.Flush(), l.file.Close()) }

// lose says that something of a run could not be written that its end does not depend on.
func (a *app) lose(what string, err error) {
	if err != nil {
		_, _ = fmt.Fprintf(a.err, "%s could not be written: %s\n", what, a.plain(err.Error()))
	}
}

// logPath is where a run's log is, for people.
func (a *app) logPath(s *session.Session, run string) string {
	return a.redactor.String(s.Lake.Absolute(s.Lake.LogKey(run)))
}

// report ends a run on the screen and gives its exit code.
func (a *app) report(st *hindcast.RunState, p *plan.Plan, log string) error {
	if !a.json {
		screen.Report(a.out, st, p, screen.ReportOptions{Options: a.optionsFor(p), Log: log})
	}
	if st.ExitCode != hindcast.ExitOK {
		return exit(st.ExitCode)
	}
	return nil
}
