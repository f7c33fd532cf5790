package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/scaffold"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func (a *app) initCommand() *cobra.Command {
	var dir, name string
	command := &cobra.Command{
		Use: "init [URL]", Short: "Write a commented pipeline file and SQL file", Args: cobra.MaximumNArgs(1),
		Long: `Writes hindcast.yml and a SQL file. Given a warehouse's URL it looks at the tables there and fills in facts,
their period and gaps, dimensions and history, and marks what it guessed. Existing files are left alone.`,
		Example: "  hindcast init\n  hindcast init duckdb:warehouse.duckdb\n  hindcast init 'postgres://user:${PGPASSWORD}@host/database' --dir costs --pipeline costs",
		RunE: func(cmd *cobra.Command, args []string) error {
			o := scaffold.Options{Pipeline: name}
			var w warehouse.Warehouse
			if len(args) == 1 {
				location, written, err := a.givenWarehouse(cmd.Context(), args[0], dir)
				if err != nil {
					return err
				}
				o.Warehouse = written
				if w, err = drivers.Warehouse(cmd.Context(), &hindcast.Pipeline{Warehouse: location}, drivers.WarehouseOptions{ReadOnly: true, Log: a.log()}); err != nil {
					return err
				}
				defer func() { _ = w.Close() }()
			}
			found, err := scaffold.Write(cmd.Context(), dir, w, o)
			if err != nil {
				return err
			}
			a.options.File = notDefault(found.File)
			text := a.options.Commands(found.Text())
			if a.tty { // the tables' names are anybody's
				text = screen.Harmless(text)
			}
			_, err = io.WriteString(a.out, text)
			return err
		},
	}
	command.Flags().StringVar(&dir, "dir", ".", "the folder to write into")
	command.Flags().StringVar(&name, "pipeline", "", "the pipeline's name (the folder's by default)")
	return command
}

// givenWarehouse reads a warehouse's URL from the command line, and gives it as the pipeline file is to have it: a path
// starts at the file's folder there, and a password that was written out is taken from the environment.
func (a *app) givenWarehouse(ctx context.Context, url, dir string) (l hindcast.Location, written string, err error) {
	here, err := os.Getwd()
	if err != nil {
		return l, "", err
	}
	l, secrets, err := config.WarehouseURL(url, here, config.Env{Lookup: os.LookupEnv, ReadFile: func(path string) ([]byte, error) { return config.ReadFile(ctx, path) }})
	if err != nil {
		e := *hindcast.AsError(err)
		e.Place, e.Excerpt = hindcast.Place{}, "" // of a file that there is not
		return l, "", &e
	}
	a.strike(config.NewRedactor(secrets))
	if l.Scheme == "duckdb" {
		written, err = relativeFile(strings.TrimPrefix(strings.TrimPrefix(url, "duckdb:"), "//"), l.Path, dir)
		return l, written, err
	}
	written = writtenPassword.ReplaceAllString(l.Written, "${1}$${PGPASSWORD}")
	if strings.Contains(written, "***") {
		return l, "", &hindcast.Error{Code: hindcast.ESecret, Class: hindcast.ClassPermanent,
			Message: "a value that may be a secret would stand in the pipeline file: " + written,
			Next:    "put it into an environment variable, and write '${VARIABLE}' in its place, in single quotes"}
	}
	return l, written, nil
}

// writtenPassword is what stands before a password that was struck out, in a URL and in libpq's keyword form.
var writtenPassword = regexp.MustCompile(`(://[^:@/]*:|[?&]password=|(?:^|\s)password\s*=\s*)\*\*\*`)

// relativeFile writes a DuckDB file's URL for a pipeline file in dir; a path that was absolute stays so.
func relativeFile(path, abs, dir string) (string, error) {
	if filepath.IsAbs(path) {
		return "duckdb:" + path, nil
	}
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	path, err = filepath.Rel(from, abs)
	return "duckdb:" + path, err
}
