package cli

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/trial"
	"github.com/hindcast/hindcast/internal/view"
)

func (a *app) trialCommand() *cobra.Command {
	var o trial.Options
	command := &cobra.Command{
		Use: "trial", Short: "Compute a few slices at several sizes, to choose one; publishes nothing", Args: cobra.NoArgs,
		Long: `Computes the slices at each size, one after the other, as a run would, and shows what each took: time,
memory, what was spilled to disk, and what that means for the whole history. It publishes nothing and
leaves nothing in lake or target. What the lake does not have yet is read from the warehouse for this alone.

A size is THREADSxGIB, for DuckDB and for Spark on this machine; on a cluster of Spark it is EXECUTORSxCORES,
or EXECUTORSxCORESxGIB with the memory of each executor in place of spark.executor_memory. On Glue it is
TYPE:WORKERS, such as G.2X:10; each slice is then a run that is paid for, as is one over no rows for each size.`,
		Example: "  hindcast trial --slices 2019-03 --sizes 1x0.5,1x1\n  hindcast trial --slices 2018-11..2019-03 --sizes 1x0.5 --price 0.40",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Slices == "" || o.Sizes == "" {
				return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "a trial needs --slices and --sizes",
					Next: "for instance: hindcast trial --slices new --sizes 1x1,2x2"}
			}
			if o.Price < 0 {
				return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "--price is negative", Next: "give what an hour costs, such as 0.40"}
			}
			p, err := a.pipeline(cmd.Context())
			if err != nil {
				return err
			}
			s, err := session.Open(cmd.Context(), p, a.log())
			if err != nil {
				return closing(s, err)
			}
			o.Log = a.log()
			if a.terminal != nil && !a.json {
				o.Each = func(size view.Size, slice view.SliceTrial) {
					_, _ = fmt.Fprintf(a.err, "%s  %s  %.1f s\n", size.Name, a.plain(slice.Key), slice.Seconds)
				}
			}
			report, err := trial.Run(cmd.Context(), s, o, time.Now())
			if err := closing(s, err); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(report)
			}
			screen.Trial(a.out, report, a.shownOptions())
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.Slices, "slices", "", "which slices, as for run; a few that are like the others, or the largest")
	flags.StringVar(&o.Sizes, "sizes", "", "sizes to try, such as 1x2,2x4")
	flags.Float64Var(&o.Price, "price", 0, "what this machine costs for an hour; on a cluster, what an executor does")
	a.engineFlag(flags)
	return command
}
