package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast/internal/notebook"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
)

func (a *app) notebookCommand() *cobra.Command {
	var o notebook.Options
	var sample string
	command := &cobra.Command{
		Use: "notebook", Short: "Write a Jupyter notebook to develop the SQL over one slice", Args: cobra.NoArgs,
		Long: `Writes a Jupyter notebook that opens the slice's facts and dimensions as views, as a run has them, in the
engine's own package of Python: duckdb or pyspark. The pipeline's SQL is in a cell, its result is shown as
a table and plotted, and a line in the last cell writes changed SQL back to the pipeline's SQL file.

Rows are read where they lie in a lake on this machine. What is not there is read from the warehouse, and
copied from a remote lake, into the folder NAME.data beside the notebook NAME.ipynb; remove both together.
No secret is in a notebook. A notebook that somebody has changed is replaced with --force only.`,
		Example: "  hindcast notebook --slice 2019-03\n  hindcast notebook --sample 1% --output try.ipynb",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Sample, err = percentage(sample); err != nil {
				return err
			}
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err == nil {
				err = p.Fault()
			}
			if err != nil {
				return err
			}
			s, err := session.OpenEngine(p, a.log())
			if err != nil {
				return closing(s, err)
			}
			written, err := notebook.Write(cmd.Context(), s, o, time.Now())
			if err := closing(s, err); err != nil {
				return err
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(written)
			}
			a.showNotebook(written)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.Slice, "slice", "", "the slice's key (the latest by default)")
	flags.StringVar(&sample, "sample", "", "look at a share of each fact's rows, such as 1%")
	flags.BoolVar(&o.All, "all-columns", false, "read also the columns of tables with columns: used that the SQL does not read yet")
	flags.StringVar(&o.Output, "output", "", "the notebook to write (PIPELINE-SLICE.ipynb by default)")
	flags.BoolVar(&o.Force, "force", false, "also replace a notebook that somebody has changed")
	a.engineFlag(flags)
	return command
}

func (a *app) showNotebook(w *notebook.Written) {
	name := fromHere(w.Notebook)
	_, _ = fmt.Fprintf(a.out, "wrote %s: slice %s on %s\n", a.plain(name), a.plain(w.Label), w.Engine)
	if w.Data != "" {
		_, _ = fmt.Fprintf(a.out, "rows of %s are in %s: remove both together\n", a.plain(strings.Join(w.Copied, ", ")), a.plain(fromHere(w.Data)))
	}
	_, _ = fmt.Fprintf(a.out, "\n  pip install jupyterlab %s\n  jupyter lab %s\n", strings.Join(w.Packages, " "), a.plain(screen.ShellWord(name)))
}

// fromHere is a path as it is shorter to type.
func fromHere(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return path
}
