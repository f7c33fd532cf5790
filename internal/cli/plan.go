package cli

import (
	"encoding/json"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hindcast/hindcast/internal/launch"
	"github.com/hindcast/hindcast/internal/screen"
)

func (a *app) planCommand() *cobra.Command {
	var c launch.Choice
	command := &cobra.Command{
		Use: "plan", Short: "Show what a run would do and why; touches nothing", Args: cobra.NoArgs,
		Example: "  hindcast plan\n  hindcast plan --slices 2019-03..2019-09,failed,stale",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.pipeline()
			if err != nil {
				return err
			}
			s, err := launch.Open(cmd.Context(), p, a.err)
			if err != nil {
				return closing(s, err)
			}
			made, err := s.Plan(cmd.Context(), c, time.Now())
			if err != nil {
				return closing(s, err)
			}
			if a.json {
				return closing(s, json.NewEncoder(a.out).Encode(made))
			}
			screen.Plan(a.out, made, a.options)
			return closing(s, nil)
		},
	}
	choiceFlags(command.Flags(), &c)
	return command
}

// closing ends a session and keeps the first error.
func closing(s *launch.Session, err error) error {
	if s == nil {
		return err
	}
	if closed := s.Close(); err == nil {
		err = closed
	}
	return err
}

func choiceFlags(flags *pflag.FlagSet, c *launch.Choice) {
	flags.StringVar(&c.Slices, "slices", "", "which slices: keys, prefixes, ranges (2019-03..2019-09), all, new, stale, failed, unsettled")
	flags.BoolVar(&c.Force, "force", false, "also the slices that are up to date")
	flags.BoolVar(&c.AcceptLoss, "accept-loss", false, "take a source that lost rows in place of a fuller generation")
}
