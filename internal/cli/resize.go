package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
)

func (a *app) resizeCommand() *cobra.Command {
	var back bool
	command := &cobra.Command{
		Use: "resize", Short: "Show the size of a Redshift warehouse, or restore it", Args: cobra.NoArgs,
		Long: `Shows how large the cluster or workgroup of redshift.resize is, and which runs want it as it is.
With --back it restores the size of a warehouse that a run left resized because it was killed:
what the run's own end, or its resume, would have done. Exit code 6 says that it is not back.`,
		Example: "  hindcast resize\n  hindcast resize --back",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.lake(cmd.Context())
			if err != nil {
				return err
			}
			if back {
				return a.sizeBack(cmd.Context(), s)
			}
			return a.showSize(cmd.Context(), s)
		},
	}
	command.Flags().BoolVar(&back, "back", false, "restore the size of a warehouse that a run left resized")
	return command
}

// sizeBack does what runs left undone, and says how it ended.
func (a *app) sizeBack(ctx context.Context, s *session.Session) error {
	var o run.Options
	(&shownRun{app: a}).listen(&o)
	o.Stop = nil // an interrupt ends the command's context
	all, err := run.SizeBack(ctx, s, o)
	if err != nil {
		return err
	}
	if a.json {
		if all == nil {
			all = []run.Returned{}
		}
		if err := json.NewEncoder(a.out).Encode(struct {
			Runs []run.Returned `json:"runs"`
		}{all}); err != nil {
			return err
		}
	}

	left := false
	for _, one := range all {
		left = left || one.Error != nil
		if !a.json {
			a.showReturned(one)
		}
	}
	if len(all) == 0 && !a.json {
		_, _ = fmt.Fprintln(a.out, "no run of "+a.plain(s.Pipeline.Name)+" has left a warehouse resized")
	}
	if left {
		return exit(hindcast.ExitUnknown)
	}
	return nil
}

func (a *app) showReturned(one run.Returned) {
	s := one.Resize
	switch {
	case one.Error != nil:
		a.showError(one.Error)
	case len(s.Shared) > 0:
		_, _ = fmt.Fprintf(a.out, "%s stays at %s for %s, which will resize it back when they end\n", a.plain(s.Named()), s.Size(s.To), a.plain(s.Joined()))
	default:
		_, _ = fmt.Fprintf(a.out, "%s has %s; run %s has nothing left resized\n", a.plain(s.Named()), s.Size(s.To), a.plain(one.Run))
	}
}

// showSize says how the warehouse stands, and what runs left.
func (a *app) showSize(ctx context.Context, s *session.Session) error {
	if !run.Resizes(s.Pipeline) {
		return &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: "the pipeline file does not say that its warehouse is resized",
			Next: "write redshift: {resize: {cluster: NAME, nodes: 8}}, or {workgroup: NAME, rpu: 256}"}
	}
	runs, _, err := run.LeftResized(ctx, s)
	if err != nil {
		return err
	}
	is, err := run.WarehouseSize(ctx, s)
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(struct {
			Resize hindcast.Sizing `json:"resize"`
			Kind   string          `json:"kind,omitempty"`
			State  string          `json:"state"`
			Holds  []string        `json:"wanted_by,omitempty"`
			Left   []string        `json:"not_back,omitempty"`
		}{is.Sizing, is.Kind, is.State, is.Runs, runs})
	}

	text := is.Named() + " has " + is.Size(is.From)
	if is.Kind != "" {
		text += " of " + is.Kind
	}
	_, _ = fmt.Fprintf(a.out, "%s and is %s; it is resized to %s for loads\n", a.plain(text), a.plain(is.State), is.Size(is.To))
	for _, holds := range is.Runs {
		_, _ = fmt.Fprintf(a.out, "  %s wants it as it is\n", a.plain(holds))
	}
	for _, left := range runs {
		_, _ = fmt.Fprintf(a.out, "  run %s is not confirmed to have given it its size back: hindcast resize --back\n", a.plain(left))
	}
	return nil
}
