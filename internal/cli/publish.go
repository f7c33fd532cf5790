package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/run"
)

func (a *app) publishCommand() *cobra.Command {
	var o run.Options
	var discard, yes bool
	command := &cobra.Command{
		Use: "publish RUN", Short: "Publish what a run holds, in one transaction", Args: cobra.ExactArgs(1),
		Long: `Publishes every slice that a run begun with --hold has staged, all of them in one transaction: readers see
the old history until the new one is whole. Nothing is computed. It is refused if a slice is not what
stood there when the run was held, or what is staged is gone or damaged; nothing is changed then.
With --discard what is staged is deleted, and nothing is published.`,
		Example: "  hindcast publish r8\n  hindcast publish r8 --discard",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.pipelineWithoutSQL(cmd.Context()) // the plan has it
			if err != nil {
				return err
			}
			if discard {
				return a.discard(cmd.Context(), p, args[0])
			}
			if o.Agree, err = a.agreement(p, yes); err != nil {
				return err
			}
			return a.supervised(cmd.Context(), p, o, func(ctx context.Context, o run.Options) (*run.Ended, error) {
				return run.Publish(ctx, p, args[0], o)
			})
		},
	}
	agreeFlag(command.Flags(), &yes)
	command.Flags().BoolVar(&discard, "discard", false, "delete what is staged instead")
	return command
}

// discard deletes what a run holds, and says how much that was.
func (a *app) discard(ctx context.Context, p *hindcast.Pipeline, id string) error {
	n, err := run.Discard(ctx, p, id, who())
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(struct {
			Run       string `json:"run"`
			Discarded int    `json:"discarded"` // slices
		}{id, n})
	}
	_, err = fmt.Fprintf(a.out, "%s: %s discarded, nothing was published\n", a.plain(id), numbers.Counted(n, "staged slice"))
	return err
}
