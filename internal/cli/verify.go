package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/iceberg"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/verify"
)

func (a *app) verifyCommand() *cobra.Command {
	var choice session.Choice
	var files, deep bool
	command := &cobra.Command{
		Use: "verify", Short: "Compare source, lake and target with what is said of them; changes nothing", Args: cobra.NoArgs,
		Long: `Compares the source's rows with the lake's manifests (in PostgreSQL the number of rows and the sums of exact
numbers; with --deep: every value), the lake's files with their sizes (with --files: checksums), files of
your own with what they were when they were read last, and the target's rows with hindcast_status. Exit
code 4 if anything differs. Rows of the source that no slice has, because their time is NULL or outside
history, or their table in no slice, are noted; they are not differences.`,
		Example: "  hindcast verify\n  hindcast verify --slices 2019 --files",
		RunE: func(cmd *cobra.Command, _ []string) error {
			choice.AcceptLoss, choice.Compare, choice.Tolerant = true, true, files // what is lost or damaged is told, and nothing is taken
			s, made, err := a.planned(cmd.Context(), choice)
			if err != nil && !choice.Tolerant && hindcast.AsError(err).Code == hindcast.EParquet { // a difference, not an obstacle
				choice.Tolerant = true
				s, made, err = a.planned(cmd.Context(), choice)
			}
			if err != nil {
				return a.unlessNone(err, &verify.Result{Findings: []verify.Finding{}})
			}
			v := &verify.Verify{Plan: made, Lake: s.Lake, Warehouse: s.Warehouse, Source: s.Source, Files: files, Deep: deep, Each: a.progress("verified")}
			if s.Pipeline.Results.Keep == hindcast.KeepIceberg {
				v.Behind = func(ctx context.Context, target string, kept map[string]*hindcast.Manifest) ([]string, error) {
					return iceberg.Behind(ctx, s.Store, s.Lake.ResultsPrefix(target), target, kept)
				}
			}
			result, err := v.Run(cmd.Context())
			if err := closing(s, err); err != nil {
				return err
			}
			return a.verified(result)
		},
	}
	command.Flags().StringVar(&choice.Slices, "slices", "", "which slices (all by default)")
	a.engineFlag(command.Flags())
	command.Flags().BoolVar(&deep, "deep", false, "read every value at the source and compare texts too, by hash; as much work as another unload")
	command.Flags().BoolVar(&files, "files", false, "read every file, of the lake and of your own, and compare its checksum")
	return command
}

// progress draws a counter on a terminal.
func (a *app) progress(what string) func(done, of int) {
	last := time.Time{}
	return func(done, of int) {
		if a.terminal == nil || a.json || time.Since(last) < 100*time.Millisecond && done < of {
			return
		}
		last = time.Now()
		_, _ = fmt.Fprintf(a.out, "\r%s of %s %s\x1b[K", numbers.Thousands(done), numbers.Thousands(of), what)
		if done == of {
			_, _ = fmt.Fprint(a.out, "\r\x1b[K")
		}
	}
}

func (a *app) verified(r *verify.Result) error {
	if a.json {
		if err := json.NewEncoder(a.out).Encode(r); err != nil {
			return err
		}
	} else {
		_, _ = io.WriteString(a.out, comparedText(r, a.options))
	}
	if len(r.Findings) > 0 {
		return exit(hindcast.ExitCheck)
	}
	return nil
}

// comparedText is what was compared and what differs, for people.
func comparedText(r *verify.Result, o screen.Options) string {
	text := o.Wrapped("", "  ", fmt.Sprintf("verified %s at the source (%s), %s, %s of the target", numbers.Counted(r.Units, "unit"),
		numbers.Counted(r.Rows, "row"), numbers.Counted(r.Files, "file"), numbers.Counted(r.Slices, "slice")))
	for _, f := range r.Findings {
		text += o.Wrapped("  ", "    ", fmt.Sprintf("%s %s %s: %s", f.What, f.Name, f.Label, f.Text))
		text += o.Wrapped("    Next: ", "          ", o.Commands(f.Next))
	}
	for _, note := range r.Notes {
		text += o.Wrapped("  note: ", "        ", note)
	}
	if len(r.Findings) == 0 {
		text += "all equal\n"
	}
	return text
}
