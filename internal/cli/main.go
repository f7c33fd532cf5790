// Package cli is the command line: one file a command, flags in, text or JSON out, exit codes kept. What commands
// do is in the packages that they call; how it looks is package screen's.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/screen"
)

// app is one invocation.
type app struct {
	in       io.Reader
	out, err io.Writer
	terminal *os.File // standard output, if it is one that a board can be drawn on
	options  screen.Options
	file     string
	json     bool
	noColor  bool
}

// exit ends the program with a code after all has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	a := &app{in: in, out: out, err: err}
	a.detect()
	root := a.root()
	a.json = slices.Contains(args, "--json") // also where the command line cannot be understood
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(err)
	return a.code(root.ExecuteContext(ctx))
}

func (a *app) detect() {
	a.options = screen.Options{Now: time.Now(), Unicode: true}
	if f, ok := a.out.(*os.File); ok {
		var board bool
		if a.options, board = screen.Detect(f, os.Getenv); board {
			a.terminal = f
		}
	}
}

// code says what went wrong, once, and turns it into an exit code.
func (a *app) code(err error) int {
	if err == nil {
		return hindcast.ExitOK
	}
	if e, ok := errors.AsType[exit](err); ok {
		return int(e)
	}
	if _, ours := errors.AsType[*hindcast.Error](err); !ours && usage(err) {
		message, meant, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n\nDid you mean this?\n\t")
		if meant != "" {
			message += ", did you mean " + strings.Join(strings.Fields(meant), " or ") + "?"
		}
		err = &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: message, Next: "see: hindcast --help"}
	}
	if _, ours := errors.AsType[*hindcast.Error](err); !ours && errors.Is(err, context.Canceled) {
		err = &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	}
	a.showError(err)
	if e := hindcast.AsError(err); e.Class == hindcast.ClassCanceled {
		return hindcast.ExitStopped
	}
	return hindcast.ExitUsage
}

// usage: what cobra says of a command line that it cannot understand.
func usage(err error) bool {
	for _, start := range []string{"unknown ", "invalid ", "accepts ", "requires ", "flag ", "required ", "if any flags", "bad flag"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

// showError prints an error with the lines of the user's file around its place.
func (a *app) showError(err error) {
	if e := hindcast.AsError(err); e.Excerpt == "" && e.Place.Line > 0 && e.Code != hindcast.EJournal {
		if text, reading := os.ReadFile(e.Place.File); reading == nil {
			copied := *e
			copied.Excerpt = config.Excerpt(string(text), e.Place, 0)
			err = &copied
		}
	}
	if a.json {
		_ = screen.ErrorJSON(a.out, err)
		return
	}
	o := a.options
	o.Color = o.Color && !a.noColor
	screen.Error(a.err, err, o)
}

const long = `hindcast takes heavy, whole-history SQL jobs out of the data warehouse: it unloads
years of history to Parquet, runs the same SQL over every slice of history, and
loads the results back so that no reader ever sees half a slice.

Exit codes: 0 every slice proven, 1 usage or configuration, 2 a slice failed for
good, 3 stopped by the user, 4 a check failed, 5 budget reached, 6 something could
not be confirmed dead.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "hindcast", Short: "Run SQL over the whole history of a data warehouse", Long: long,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			a.options.Color = a.options.Color && !a.noColor
			if cmd.Name() != workerName { // a worker ends with its parent
				cmd.SetContext(interruptible(cmd.Context()))
			}
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.file, "file", "f", defaultFile, "the pipeline file")
	flags.BoolVar(&a.json, "json", false, "print JSON: one event a line for runs, one document otherwise")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	root.AddCommand(a.initCommand(), a.demoCommand(), a.planCommand(), a.runCommand(), a.statusCommand(), a.listCommand(),
		a.resumeCommand(), a.stopCommand(), a.verifyCommand(), a.unloadCommand(), a.sqlCommand(), a.versionCommand(), a.workerCommand())
	return root
}

// pipeline decodes the pipeline file, and from here on strikes its secrets out of all that is printed.
func (a *app) pipeline() (*hindcast.Pipeline, error) {
	p, err := config.Load(a.file)
	if err != nil {
		return nil, err
	}
	a.options.File = notDefault(a.file)
	a.strike(p.Secrets)
	return p, nil
}

// defaultFile is the pipeline file where none is named.
const defaultFile = "hindcast.yml"

// notDefault is the pipeline file that commands have to name; "" if they need not.
func notDefault(file string) string {
	if file == defaultFile {
		return ""
	}
	return file
}

// strike strikes secrets out of all that is printed from here on.
func (a *app) strike(secrets []string) {
	if len(secrets) == 0 {
		return
	}
	redactor := config.NewRedactor(secrets)
	a.out, a.err = newWhole(redactor.Writer(a.out)), newWhole(redactor.Writer(a.err))
}

// whole writes through a redactor, which keeps the beginning of what may become a secret: each write ends here.
// Several may write at the same time, as the workers do on standard error.
type whole struct {
	mutex  sync.Mutex
	writer *config.Writer
}

func newWhole(w *config.Writer) *whole { return &whole{writer: w} }

func (w *whole) Write(p []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	n, err := w.writer.Write(p)
	if err == nil {
		err = w.writer.Flush()
	}
	return n, err
}
