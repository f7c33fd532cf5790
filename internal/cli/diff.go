package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/diff"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
)

func (a *app) diffCommand() *cobra.Command {
	var c diff.Choice
	command := &cobra.Command{
		Use: "diff RUN | diff BEFORE AFTER", Short: "Compare a run's rows with what it replaced, or two runs; changes nothing", Args: cobra.RangeArgs(1, 2),
		Long: `Compares what a run has published with what it replaced, or what two runs have published: rows added,
removed and changed by the target's key, and the totals of each numeric column, by year and by slice.
A load keeps the rows that it replaces in the lake; what the target has now is unloaded from it, a
slice at a time. A slice whose rows are gone is refused by its name. Without a key, or where a key is
in several rows, whole rows are compared, as often as each is there.`,
		Example: "  hindcast diff r2\n  hindcast diff r1 r2 --slices 2019 --samples 3\n  hindcast diff r2 --slices 2019-03 --keys",
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.After = args[0]; len(args) == 2 {
				c.Before, c.After = args[0], args[1]
			}
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			s, err := session.Open(cmd.Context(), p, a.log())
			if err != nil {
				return closing(s, err)
			}
			c.Each = a.progress("compared")
			found, err := diff.Of(cmd.Context(), s, c)
			if err := closing(s, err); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(found)
			}
			screen.Diff(a.out, found, a.options)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&c.Slices, "slices", "", "which slices of the run: keys, prefixes, ranges (all by default)")
	flags.BoolVar(&c.Keys, "keys", false, "name the keys that were added, removed or changed, at most 1,000 of each in a slice")
	flags.IntVar(&c.Samples, "samples", 0, "show so many whole rows of each kind in a slice")
	return command
}
