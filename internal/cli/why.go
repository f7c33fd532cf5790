package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/why"
)

func (a *app) whyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "why SLICE", Short: "Show where a slice's published rows came from, and what makes it stale", Args: cobra.ExactArgs(1),
		Long: `Shows when the slice was published, by which run and attempt, with which SQL and what differs from
today's, from which generations of facts and dimensions, and what a run would do about it now, as
plan has it. It changes nothing. SQL and generations are in the records of the run, in the lake.`,
		Example: "  hindcast why 2019-03",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, made, err := a.planned(cmd.Context(), session.Choice{Slices: args[0]})
			if err != nil {
				return err
			}
			told, err := why.Of(cmd.Context(), s, made)
			if err := closing(s, err); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(told)
			}
			screen.Why(a.out, told, a.options)
			return nil
		},
	}
	a.engineFlag(command.Flags())
	return command
}
