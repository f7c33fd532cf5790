package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/diff"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

func (a *app) diffCommand() *cobra.Command {
	var c diff.Choice
	var page string
	command := &cobra.Command{
		Use: "diff RUN | diff BEFORE AFTER", Short: "Compare a run's rows with what they replace, or two runs; changes nothing", Args: cobra.RangeArgs(1, 2),
		Long: `Compares what a run has published with what it replaced, what it has staged and not published with what
is published, or two runs: rows added, removed and changed by the target's key, the totals of each
numeric column, by year and by slice, and the columns that are new, gone, or of another type.
A load keeps the rows that it replaces in the lake; what the target has now is unloaded from it, a
slice at a time. A slice whose rows are gone is refused by its name. Without a key, or where a key is
in several rows, whole rows are compared, as often as each is there.`,
		Example: "  hindcast diff r2\n  hindcast diff r1 r2 --slices 2019 --samples 3\n  hindcast diff r2 --slices 2019-03 --keys",
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.After = args[0]; len(args) == 2 {
				c.Before, c.After = args[0], args[1]
			}
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			s, err := session.Open(cmd.Context(), p.WithoutSource(), a.log())
			if err != nil {
				return closing(s, err)
			}
			c.Each = a.progress("compared")
			found, err := diff.Of(cmd.Context(), s, c)
			if err := closing(s, err); err != nil {
				return err
			}
			if page != "" {
				if err := a.diffPage(page, found); err != nil {
					return err
				}
			}
			if a.json {
				return json.NewEncoder(a.out).Encode(found)
			}
			screen.Diff(a.out, found, a.options)
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&c.Slices, "slices", "", "which slices of the run: keys, prefixes, ranges (all by default)")
	flags.BoolVar(&c.Keys, "keys", false, "name the keys that were added, removed or changed, at most 1,000 of each in a slice")
	flags.StringVar(&page, "html", "", "also write a page with charts to this file; it needs nothing else")
	flags.IntVar(&c.Samples, "samples", 0, "show so many whole rows of each kind in a slice")
	return command
}

// diffPage writes the page beside the file, and puts it in its place when it is whole.
func (a *app) diffPage(path string, d *view.Diff) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".hindcast-")
	if err != nil {
		return unwritten(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	var text strings.Builder
	if err = screen.DiffPage(&text, d, "Made by hindcast on "+a.options.Now.Format("2 January 2006, 15:04 MST")+"."); err == nil {
		_, err = f.WriteString(a.redactor.String(text.String()))
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return unwritten(path, err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return unwritten(path, err)
	}
	return nil
}

func unwritten(path string, err error) error {
	return &hindcast.Error{Code: hindcast.EOutput, Class: hindcast.ClassPermanent, Message: "the page " + path + " cannot be written: " + err.Error(), Cause: err,
		Next: "name a file in a folder that can be written: --html FILE"}
}
