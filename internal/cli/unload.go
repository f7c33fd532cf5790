package cli

import (
	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/run"
)

func (a *app) unloadCommand() *cobra.Command {
	o := run.Options{UnloadOnly: true}
	command := &cobra.Command{
		Use: "unload", Short: "Unload facts and dimensions into the lake, and nothing else", Args: cobra.NoArgs,
		Long:    "Unloads what the slices need and the lake does not have. With --fresh,\neverything chosen is unloaded again, as new generations. Neither the SQL nor the target needs to be valid.",
		Example: "  hindcast unload\n  hindcast unload --fresh --slices 2019-03",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			o.Fresh = o.Fresh || o.Force
			return a.unlessNone(a.begin(cmd.Context(), p, o), nil)
		},
	}
	choiceFlags(command.Flags(), &o.Choice)
	a.engineFlag(command.Flags())
	windowFlag(command.Flags(), &o)
	command.Flags().Lookup("fresh").Usage = "also what the lake has already"
	command.Flags().Lookup("force").Usage = "the same as --fresh"
	return command
}
