package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/clean"
	"github.com/hindcast/hindcast/internal/lease"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

func (a *app) cleanCommand() *cobra.Command {
	var remove bool
	command := &cobra.Command{
		Use: "clean", Short: "List what nothing needs any more of what runs have left, or delete it", Args: cobra.NoArgs,
		Long: `Lists, with sizes, what runs have left in the lake and nothing needs any more by keep: of the pipeline
file: records and logs of old runs, rows that were replaced and are past being put back, what dead
attempts have staged or unloaded. With --delete it deletes that. What a run may need that is under way,
held, or can be resumed stays, and so do what an undo may put back, the catalog's generations and kept
results. Files that hindcast did not write are not touched. It can be stopped at any time, and called
again; while a run is under way nothing is deleted.`,
		Example: "  hindcast clean\n  hindcast clean --delete",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			s, err := session.OpenWarehouse(cmd.Context(), p, a.log())
			if err != nil {
				return closing(s, err)
			}
			var found *view.Clean
			if remove {
				found, err = clean.Delete(cmd.Context(), s, who(), a.waiting)
			} else {
				found, err = clean.List(cmd.Context(), s)
			}
			if err := closing(s, err); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(found)
			}
			screen.Clean(a.out, found, a.options)
			return nil
		},
	}
	command.Flags().BoolVar(&remove, "delete", false, "delete it")
	return command
}

// waiting says who holds the lease and seems to be lost.
func (a *app) waiting(h lease.Holder) {
	_, _ = fmt.Fprintf(a.err, "%s is held by process %d on %s, silent since %s: waiting up to %s to be certain that it is lost\n",
		h.Who(), h.Pid, a.plain(h.Host), h.Renewed.Local().Format(time.TimeOnly), h.TTL)
}
