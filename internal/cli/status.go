package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/launch"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/screen"
)

func (a *app) statusCommand() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use: "status [RUN]", Short: "Show how a run stands (the latest by default)", Args: cobra.MaximumNArgs(1),
		Example: "  hindcast status\n  hindcast status r1 --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.lake()
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
	return command
}

func (a *app) lake() (*launch.Session, error) {
	p, err := a.pipeline()
	if err != nil {
		return nil, err
	}
	return launch.OpenLake(p)
}

// stands reads a run from the lake alone: the warehouse may be busy, or far.
func (a *app) stands(ctx context.Context, s *launch.Session, run string) (*plan.Plan, *hindcast.RunState, screen.StatusOptions, error) {
	o := screen.StatusOptions{Options: a.options, Log: s.Lake.Absolute(s.Lake.LogKey(run))}
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
	if st.Total == 0 {
		st.Total = len(plan.Order(p))
	}
	return p, st, o, err
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the pipeline's runs, the newest first", Args: cobra.NoArgs, Example: "  hindcast list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.lake()
			if err != nil {
				return err
			}
			runs, err := s.Lake.ListRuns(cmd.Context())
			if err != nil {
				return err
			}
			infos := []screen.RunInfo{}
			for _, run := range runs {
				p, st, o, err := a.stands(cmd.Context(), s, run)
				if err != nil {
					a.showError(err) // one damaged run does not hide the others
					continue
				}
				infos = append(infos, screen.Info(st, p, o))
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
	command := &cobra.Command{
		Use: "stop [RUN]", Short: "Stop the run that is under way, from any terminal", Args: cobra.MaximumNArgs(1),
		Example: "  hindcast stop\n  hindcast stop r1 --now",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.lake()
			if err != nil {
				return err
			}
			run, err := a.stopping(cmd.Context(), s, args)
			if err != nil {
				return err
			}
			if _, err := lease.RequestStop(cmd.Context(), s.Store, s.Pipeline.Name, run, who(), now); err != nil {
				return err
			}
			return a.awaitStop(cmd.Context(), s, run)
		},
	}
	command.Flags().BoolVar(&now, "now", false, "at once: a load under way is rolled back instead of finished")
	return command
}

// stopping is the run that is named, or the one that holds the lease.
func (a *app) stopping(ctx context.Context, s *launch.Session, args []string) (string, error) {
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

// awaitStop waits until the run has ended and says what is confirmed dead.
func (a *app) awaitStop(ctx context.Context, s *launch.Session, run string) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	for {
		holder, err := lease.Inspect(ctx, s.Store, s.Pipeline.Name)
		if err != nil {
			return err
		}
		if !holder.Held || holder.Run != run || holder.Dead {
			break
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			_, _ = fmt.Fprintf(a.err, "run %s has not ended after %s: process %d on %s still holds it\nNext: hindcast stop %s --now\n", run, stopPatience, holder.Pid, holder.Host, run)
			return exit(hindcast.ExitUnknown)
		case <-time.After(100 * time.Millisecond):
		}
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
