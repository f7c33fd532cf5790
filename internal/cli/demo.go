package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/demo"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/run"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func (a *app) demoCommand() *cobra.Command {
	var o demo.Options
	var noRun bool
	command := &cobra.Command{
		Use: "demo [DIR]", Short: "Make six years of cloud billing in a folder and run a pipeline over them", Args: cobra.MaximumNArgs(1),
		Example: "  hindcast demo\n  hindcast demo small --slices 3 --rows 1000\n  hindcast demo tables --slices 6 --no-run\n  hindcast demo --dialect redshift",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "hindcast-demo"
			if len(args) == 1 {
				dir = args[0]
			}
			export, err := a.demoPassword(cmd.Context(), &o, dir)
			if err != nil {
				return err
			}
			if err := a.makeDemo(cmd, dir, o); err != nil {
				return err
			}
			if !noRun {
				if err := a.runDemo(cmd, dir); err != nil {
					return err
				}
			}
			switch {
			case a.json:
			case noRun:
				_, _ = fmt.Fprint(a.out, a.options.Commands(fmt.Sprintf(demoMade, dir, export)))
			default:
				_, _ = fmt.Fprint(a.out, a.options.Commands(fmt.Sprintf(demoNext, dir, export, demo.Month(o.Slices/2))))
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.IntVar(&o.Slices, "slices", 36, "how many tables of two months, from 2016-01 on")
	flags.IntVar(&o.Rows, "rows", 100_000, "rows in each table")
	flags.StringVar(&o.Warehouse, "warehouse", "", "where to make the tables (default: duckdb:warehouse.duckdb in the folder)")
	flags.StringVar(&o.Lake, "lake", "", "the lake (default: ./lake in the folder)")
	flags.StringVar(&o.Dialect, "dialect", "", "redshift: the SQL is written for Amazon Redshift, and translated for the engine")
	flags.Int64Var(&o.Seed, "seed", 1, "another seed makes other values")
	flags.BoolVar(&noRun, "no-run", false, "make the folder only")
	a.engineFlag(flags)
	return command
}

const demoNext = `
Try next, in %s:
%s  hindcast plan                       nothing is left to do, and why
  hindcast sql --slice %s        the SQL over one slice
  $EDITOR cost_summary.sql            change the definition, then: hindcast plan
  hindcast verify                     source, lake and target agree
`

const demoMade = `Next, in %s:
%s  hindcast plan                       what a run would do, and why
  hindcast run                        unload, transform and load all of history
`

const demoExport = `  export PGPASSWORD=...               the warehouse's password, which hindcast.yml does not hold
`

// demoPassword leaves a password that was written out in the warehouse's URL to the environment, as init does. This
// process has it there; export is the line that tells whoever goes on to set it.
func (a *app) demoPassword(ctx context.Context, o *demo.Options, dir string) (export string, err error) {
	if _, isFile := demoWarehouse(dir, o.Warehouse); isFile {
		return "", nil
	}
	location, written, err := a.givenWarehouse(ctx, o.Warehouse, dir)
	if err != nil {
		return "", err
	}
	o.Warehouse = written
	password, ok := location.URL.User.Password()
	if !ok {
		password = location.URL.Query().Get("password")
	}
	if !strings.Contains(written, "${PGPASSWORD}") || os.Getenv("PGPASSWORD") == password {
		return "", nil
	}
	return demoExport, os.Setenv("PGPASSWORD", password)
}

func (a *app) makeDemo(cmd *cobra.Command, dir string, o demo.Options) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	undo, err := demo.Files(abs, o)
	if err != nil {
		return err
	}
	began := time.Now()
	o.Progress = a.progress("tables made")
	made, err := a.makeTables(cmd.Context(), abs, o)
	if err != nil {
		undo()
		return err
	}
	if !a.json {
		_, _ = fmt.Fprintf(a.out, "made %s of cloud billing, %s, in %s (%.1f s)\n\n", numbers.Counted(made.Tables, "table"),
			numbers.Counted(made.Rows, "row"), dir, time.Since(began).Seconds())
	}
	return nil
}

// makeTables makes them in a DuckDB file, or in the warehouse that the demo's pipeline names.
func (a *app) makeTables(ctx context.Context, dir string, o demo.Options) (made demo.Generated, err error) {
	if path, isFile := demoWarehouse(dir, o.Warehouse); isFile {
		o.Path = path
		return demo.Generate(ctx, o)
	}
	p, err := config.Load(ctx, filepath.Join(dir, demo.PipelineFile))
	if err != nil {
		return made, err
	}
	a.strike(config.PipelineRedactor(p))
	err = session.Seed(ctx, p, a.log(), func(seed func(context.Context, warehouse.Seed) error) error {
		made, err = demo.Export(ctx, o, func(ctx context.Context, t demo.Table) error {
			return seed(ctx, warehouse.Seed{Table: t.Name, Comment: t.Mark, Columns: t.Columns, Files: t.Files})
		})
		return err
	})
	return made, err
}

// demoWarehouse is the DuckDB file that the tables are made in, if it is one.
func demoWarehouse(dir, url string) (string, bool) {
	if url == "" {
		return demo.WarehousePath(dir), true
	}
	path, isFile := strings.CutPrefix(url, "duckdb:")
	path = strings.TrimPrefix(path, "//")
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path, isFile
}

func (a *app) runDemo(cmd *cobra.Command, dir string) error {
	if err := os.Chdir(dir); err != nil {
		return err
	}
	p, err := a.pipeline(cmd.Context())
	if err != nil {
		return err
	}
	return a.begin(cmd.Context(), p, run.Options{})
}
