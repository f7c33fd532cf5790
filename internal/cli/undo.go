package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/run"
)

func (a *app) undoCommand() *cobra.Command {
	var o run.Options
	var yes bool
	command := &cobra.Command{
		Use: "undo RUN", Short: "Put back what a run has replaced", Args: cobra.ExactArgs(1),
		Long: `Begins a run that puts back the rows that a run has replaced, and the rows of hindcast_status that stood
for them: in one transaction if that run was published so, otherwise slice by slice. What it replaces is
kept in turn, so that an undo can be undone. It is refused, and the slices are named, if somebody has
changed them since, or what stood there is not kept any more. A target that the run made is left empty.
Hooks of the load are not run. Called again after it was killed, it goes on where it was.`,
		Example: "  hindcast undo r8\n  hindcast undo r8 --slices 2019-03",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			if o.Agree, err = a.agreement(p, yes); err != nil {
				return err
			}
			return a.supervised(cmd.Context(), p, o, func(ctx context.Context, o run.Options) (*run.Ended, error) {
				return run.Undo(ctx, p, args[0], o)
			})
		},
	}
	agreeFlag(command.Flags(), &yes)
	onlyFlag(command.Flags(), &o.Slices)
	return command
}
