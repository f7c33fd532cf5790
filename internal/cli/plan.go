package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/watch"
)

func (a *app) planCommand() *cobra.Command {
	var c session.Choice
	command := &cobra.Command{
		Use: "plan", Short: "Show what a run would do and why; touches nothing", Args: cobra.NoArgs,
		Example: "  hindcast plan\n  hindcast plan --slices 2019-03..2019-09,failed,stale",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, made, err := a.planned(cmd.Context(), c)
			if err != nil {
				return a.unlessNone(err, noPlan)
			}
			if err := run.PlanSize(cmd.Context(), s, made); err != nil {
				return closing(s, err)
			}
			if a.json {
				return closing(s, json.NewEncoder(a.out).Encode(made))
			}
			o := screen.PlanOptions{Options: a.options, Slices: c.Slices, Force: c.Force, Fresh: c.Fresh, AcceptLoss: c.AcceptLoss, Reverse: c.Reverse}
			if o.Before, err = a.before(cmd.Context(), s, c, made); err != nil {
				return closing(s, err)
			}
			screen.Plan(a.out, made, o)
			return closing(s, nil)
		},
	}
	choiceFlags(command.Flags(), &c)
	a.engineFlag(command.Flags())
	return command
}

// before is the latest run, if it is under way, or if nothing special was chosen and a resume would finish what the plan would run.
func (a *app) before(ctx context.Context, s *session.Session, c session.Choice, made *plan.Plan) (b screen.Before, err error) {
	run, done := s.Latest()
	if run == "" || done {
		return b, nil
	}
	standing, err := watch.Stands(ctx, s, run, a.options.Now)
	if err != nil {
		return b, err
	}
	o := a.statusOptions(s, standing)
	if b = (screen.Before{Run: run, State: screen.Info(standing.State, standing.Plan, o).State}); standing.Alive {
		return b, nil
	}
	if c != (session.Choice{}) || !plan.Finishes(standing.Plan, standing.State, made) {
		return screen.Before{}, nil
	}
	if err := a.refused(ctx, s, standing, &o); err != nil || !screen.Resumed(standing.State, standing.Plan, o) {
		return screen.Before{}, err
	}
	return b, nil
}

// noPlan is the plan of no slices, as JSON.
var noPlan = struct {
	Items []plan.Item `json:"items"`
}{[]plan.Item{}}

// unlessNone: words such as stale that match no slice are not a mistake, and a scheduler has nothing to do then. none
// stands for what --json prints else; nil is nothing.
func (a *app) unlessNone(err error, none any) error {
	switch {
	case !errors.Is(err, plan.ErrNoneChosen):
		return err
	case !a.json:
		_, _ = fmt.Fprintln(a.out, "nothing to do: "+a.plain(hindcast.AsError(err).Message))
	case none != nil:
		return json.NewEncoder(a.out).Encode(none)
	}
	return nil
}

// planned opens everything to read and makes the plan. Without an error the session is the caller's to close.
func (a *app) planned(ctx context.Context, c session.Choice) (*session.Session, *plan.Plan, error) {
	p, err := a.pipeline(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := session.Open(ctx, p, a.log())
	if err != nil {
		return nil, nil, closing(s, err)
	}
	made, err := s.Plan(ctx, c, time.Now())
	if err != nil {
		return nil, nil, closing(s, err)
	}
	return s, made, nil
}

// closing ends a session and keeps the first error.
func closing(s *session.Session, err error) error {
	if s == nil {
		return err
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func choiceFlags(flags *pflag.FlagSet, c *session.Choice) {
	flags.StringVar(&c.Slices, "slices", "", "which slices: keys, prefixes, ranges (2019-03..2019-09), all, new, stale, failed, unsettled")
	flags.BoolVar(&c.Force, "force", false, "also the slices that are up to date, computed from what the lake has")
	flags.BoolVar(&c.Fresh, "fresh", false, "as --force, and what they read is unloaded again first")
	flags.BoolVar(&c.Reverse, "reverse", false, "begin with the newest slice")
	flags.BoolVar(&c.AcceptLoss, "accept-loss", false, "take a source that lost rows in place of a fuller generation")
}

// engineFlag is --engine of the commands that plan with an engine, or run one.
func (a *app) engineFlag(flags *pflag.FlagSet) {
	last := len(config.Engines) - 1
	names := strings.Join(config.Engines[:last], ", ") + " or " + config.Engines[last]
	flags.Var(&word{value: &a.engine, of: config.Engines}, "engine", names+", in place of the pipeline file's; the SQL is passed to it as it is")
}

// word is a flag whose value is one of a few.
type word struct {
	value *string
	of    []string
}

func (w *word) String() string {
	if w.value == nil { // as pflag asks of a zero one
		return ""
	}
	return *w.value
}

func (w *word) Type() string { return "string" }

func (w *word) Set(text string) error {
	if !slices.Contains(w.of, text) {
		return errors.New("write " + strings.Join(w.of, " or "))
	}
	*w.value = text
	return nil
}
