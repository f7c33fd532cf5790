package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/scaffold"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func (a *app) initCommand() *cobra.Command {
	var dir, name string
	command := &cobra.Command{
		Use: "init [URL]", Short: "Write a commented pipeline file and SQL file", Args: cobra.MaximumNArgs(1),
		Long: `Writes hindcast.yml and a SQL file. Given a warehouse's URL it looks at the tables there and fills in facts,
their period and gaps, dimensions and history, and marks what it guessed. Existing files are left alone.`,
		Example: "  hindcast init\n  hindcast init duckdb:warehouse.duckdb\n  hindcast init duckdb:warehouse.duckdb --dir costs --pipeline costs",
		RunE: func(cmd *cobra.Command, args []string) error {
			o := scaffold.Options{Pipeline: name}
			var w warehouse.Warehouse
			if len(args) == 1 {
				location, written, err := initWarehouse(args[0], dir)
				if err != nil {
					return err
				}
				o.Warehouse = written
				if w, err = drivers.Warehouse(cmd.Context(), &hindcast.Pipeline{Warehouse: location}, drivers.WarehouseOptions{ReadOnly: true, Log: a.err}); err != nil {
					return err
				}
				defer func() { _ = w.Close() }()
			}
			found, err := scaffold.Write(cmd.Context(), dir, w, o)
			if err != nil {
				return err
			}
			return scaffold.Print(a.out, found)
		},
	}
	command.Flags().StringVar(&dir, "dir", ".", "the folder to write into")
	command.Flags().StringVar(&name, "pipeline", "", "the pipeline's name (the folder's by default)")
	return command
}

// initWarehouse reads a warehouse's URL from the command line. In the file its path starts at the file's folder.
func initWarehouse(url, dir string) (l hindcast.Location, written string, err error) {
	path, ok := strings.CutPrefix(url, "duckdb:")
	if !ok || path == "" {
		return l, "", &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: "init looks into DuckDB files only, not into " + url,
			Next: "hindcast init duckdb:FILE, or hindcast init without a URL"}
	}
	path = strings.TrimPrefix(path, "//")
	abs, err := filepath.Abs(path)
	if err != nil {
		return l, "", err
	}
	if !filepath.IsAbs(path) {
		from, err := filepath.Abs(dir)
		if err != nil {
			return l, "", err
		}
		if path, err = filepath.Rel(from, abs); err != nil {
			return l, "", err
		}
	}
	return hindcast.Location{Written: url, Scheme: "duckdb", Path: abs}, "duckdb:" + path, nil
}
