package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/launch"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	var noRun bool
	command := &cobra.Command{
		Use: "demo [DIR]", Short: "Make six years of cloud billing in a folder and run a pipeline over them", Args: cobra.MaximumNArgs(1),
		Example: "  hindcast demo\n  hindcast demo small --slices 3 --rows 1000\n  hindcast demo tables --slices 6 --no-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "hindcast-demo"
			if len(args) == 1 {
				dir = args[0]
			}
			if err := a.makeDemo(cmd, dir, o); err != nil {
				return err
			}
			if !noRun {
				if err := a.runDemo(cmd, dir); err != nil {
					return err
				}
			}
			if !a.json {
				_, _ = fmt.Fprintf(a.out, demoNext, dir, demo.Month(o.Slices/2))
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.IntVar(&o.Slices, "slices", 36, "how many tables of two months, from 2016-01 on")
	flags.IntVar(&o.Rows, "rows", 100_000, "rows in each table")
	flags.StringVar(&o.Warehouse, "warehouse", "", "where to make the tables (default: duckdb:warehouse.duckdb in the folder)")
	flags.StringVar(&o.Lake, "lake", "", "the lake (default: ./lake in the folder)")
	flags.Int64Var(&o.Seed, "seed", 1, "another seed makes other values")
	flags.BoolVar(&noRun, "no-run", false, "make the folder only")
	return command
}

const demoNext = `
Try next, in %s:
  hindcast plan                       nothing is left to do, and why
  hindcast sql --slice %s        the SQL over one slice
  $EDITOR cost_summary.sql            change the definition, then: hindcast plan
  hindcast verify                     source, lake and target agree
`

func (a *app) makeDemo(cmd *cobra.Command, dir string, o demo.Options) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if o.Path, err = demoWarehouse(abs, o.Warehouse); err != nil {
		return err
	}
	if err := demo.Files(abs, o); err != nil {
		return err
	}
	began := time.Now()
	o.Progress = a.progress("tables made")
	made, err := demo.Generate(cmd.Context(), o)
	if err != nil {
		return err
	}
	if !a.json {
		_, _ = fmt.Fprintf(a.out, "made %d tables of cloud billing, %d rows, in %s (%.1f s)\n\n", made.Tables, made.Rows, dir, time.Since(began).Seconds())
	}
	return nil
}

// demoWarehouse is the DuckDB file that the tables are made in.
func demoWarehouse(dir, url string) (string, error) {
	if url == "" {
		return demo.WarehousePath(dir), nil
	}
	path, ok := strings.CutPrefix(url, "duckdb:")
	if !ok {
		return "", &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "the demo makes its tables in DuckDB files only, not in " + url,
			Next: "use --warehouse duckdb:FILE"}
	}
	path = strings.TrimPrefix(path, "//")
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path, nil
}

func (a *app) runDemo(cmd *cobra.Command, dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	p, err := a.pipeline()
	if err != nil {
		return err
	}
	return a.begin(cmd.Context(), p, launch.Options{})
}
