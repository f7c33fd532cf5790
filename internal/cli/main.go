// Package cli is the command line: one file a command, flags in, text or JSON out, exit codes kept. What commands
// do is in the packages that they call; how it looks is package screen's.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// app is one invocation.
type app struct {
	in       io.Reader
	out, err io.Writer
	printed  *output        // what becomes of standard output
	said     *output        // and of standard error
	workers  *config.Writer // standard error for the processes of a session; nil before the pipeline file is read
	redactor *config.Redactor
	deaf     atomic.Bool // signals are requests to stop a run, and do not end the command's context
	terminal *os.File    // standard output, if it is one that a board can be drawn on
	tty      bool        // standard output is a terminal of any kind
	options  screen.Options
	file     string
	engine   string // of --engine; "" is the pipeline file's
	env      string // of --env, or HINDCAST_ENV; "" is none of the pipeline file's environments
	given    string // the engine of the pipeline file as it was loaded
	json     bool
	noColor  bool
	acts     bool // the exit code says what the command did, whatever becomes of its output
}

// exit ends the program with a code after all has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, err io.Writer) (code int) {
	if len(args) == 0 || args[0] != workerName { // whose end is what counts, and it is not to wait for its threads
		abortOnFaults()
	}
	a := &app{in: in, printed: newOutput(out), said: newOutput(err)}
	if out == io.Writer(os.Stdout) && outputClosed() {
		a.printed.err = os.ErrClosed
	}
	a.out, a.err = a.printed, a.said
	a.detect(out)
	defer func() {
		if r := recover(); r != nil {
			code = a.code(nil, &hindcast.Error{Code: hindcast.EInternal, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("hindcast failed: %v", r),
				Detail: []string{string(debug.Stack())}, Next: "please report this, with the lines above"})
		}
	}()
	root := a.root()
	a.json = slices.Contains(args, "--json") // also where the command line cannot be understood
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	command, failed := root.ExecuteContextC(ctx)
	code = a.delivered(a.code(command, failed))
	if a.workers != nil {
		_ = a.workers.Flush() // all that they said has been said
	}
	return code
}

func (a *app) detect(out io.Writer) {
	a.options = screen.Options{Now: time.Now(), Unicode: true}
	if f, ok := out.(*os.File); ok {
		var board bool
		if a.options, board = screen.Detect(f, os.Getenv); board {
			a.terminal = f
		}
		a.tty = term.IsTerminal(int(f.Fd()))
	}
}

// code says what went wrong, once, and turns it into an exit code.
func (a *app) code(command *cobra.Command, err error) int {
	if err == nil {
		return hindcast.ExitOK
	}
	if e, ok := errors.AsType[exit](err); ok {
		return int(e)
	}
	if _, ours := errors.AsType[*hindcast.Error](err); !ours && usage(err) {
		message, meant, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n\nDid you mean this?\n\t")
		if strings.HasPrefix(message, "accepts ") || strings.HasPrefix(message, "unknown command ") && !command.HasSubCommands() { // cobra's words for a number of arguments
			message = "wrong number of arguments; the usage is: " + command.UseLine()
		}
		if meant != "" {
			message += ", did you mean " + strings.Join(strings.Fields(meant), " or ") + "?"
		}
		err = &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: message, Next: "see: " + command.CommandPath() + " --help"}
	}
	if _, ours := errors.AsType[*hindcast.Error](err); !ours && errors.Is(err, context.Canceled) {
		err = &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	}
	a.showError(err)
	switch e := hindcast.AsError(err); {
	case e.Class == hindcast.ClassCanceled:
		return hindcast.ExitStopped
	case e.Code == hindcast.EInternal:
		return hindcast.ExitInternal
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
		if text, reading := config.Reread(e.Place.File); reading == nil {
			copied := *e
			copied.Excerpt = sqltext.Excerpt(string(text), e.Place, 0)
			err = &copied
		}
	}
	err = a.redactor.Error(err)
	if a.json {
		_ = screen.ErrorJSON(a.out, err)
		return
	}
	screen.Error(a.err, err, a.shownOptions())
}

const long = `hindcast takes heavy, whole-history SQL jobs out of the data warehouse: it unloads
years of history to Parquet, runs the same SQL over every slice of history, and
loads the results back so that no reader ever sees half a slice.

Exit codes:
  0   done: every slice of the run is proven, or staged by run --hold; what was
      asked for is shown
  1   not begun, or not shown: the command line, the pipeline file, the lake, the
      warehouse, or standard output, as the error says
  2   a slice failed for good, or the run lost its lease or its lake
  3   stopped by a signal or by hindcast stop, or slices are left for a later resume
  4   a check failed, and nothing of that slice is published; verify found a difference
  5   the budget is reached
  6   something could not be confirmed dead, or a warehouse that was resized is not
      confirmed to be back at its size
  70  hindcast itself is at fault (E-INTERNAL)
A run exits with its own code also where its report cannot be printed. A fault
that nothing can recover from ends hindcast by SIGABRT.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "hindcast", Short: "Run SQL over the whole history of a data warehouse", Long: long,
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.options.Color, a.options.Engine = a.options.Color && !a.noColor, a.engine
			if cmd.Name() != workerName { // a worker ends with its parent
				a.acts = acts[cmd.Name()]
				cmd.SetContext(interruptible(cmd.Context(), &a.deaf))
			}
			return a.chooseEnvironment(cmd)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.file, "file", "f", defaultFile, "the pipeline file")
	flags.StringVar(&a.env, "env", "", "the environment of the pipeline file (HINDCAST_ENV does the same)")
	flags.BoolVar(&a.json, "json", false, "print JSON: one event a line for runs, one document otherwise")
	flags.BoolVar(&a.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	root.AddCommand(a.initCommand(), a.demoCommand(), a.planCommand(), a.runCommand(), a.statusCommand(), a.listCommand(),
		a.resumeCommand(), a.publishCommand(), a.undoCommand(), a.stopCommand(), a.resizeCommand(), a.verifyCommand(), a.diffCommand(), a.whyCommand(), a.cleanCommand(), a.unloadCommand(), a.sqlCommand(), a.notebookCommand(), a.ddlCommand(), a.trialCommand(), a.serveCommand(), a.doctorCommand(), a.versionCommand(), a.workerCommand())
	return root
}

// chooseEnvironment takes what --env says, or else HINDCAST_ENV. A command that writes the pipeline file has no use for either: it refuses the flag, and
// ignores the variable, which may be meant for other commands.
func (a *app) chooseEnvironment(cmd *cobra.Command) error {
	name := cmd.Name()
	writes := name == "init" || name == "demo"
	if writes && a.env != "" {
		return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: name + " writes a pipeline file, which has no environments yet: --env " + a.env + " chooses none",
			Next: "leave --env out; add environments: to the file that it writes"}
	}
	if !writes && !cmd.Flags().Changed("env") {
		a.env = os.Getenv("HINDCAST_ENV")
	}
	return nil
}

// pipeline decodes the pipeline file, and from here on strikes its secrets out of all that is printed.
func (a *app) pipeline(ctx context.Context) (*hindcast.Pipeline, error) {
	return a.load(ctx, config.Options{Engine: a.engine})
}

// pipelineWithoutSQL is pipeline for commands that need no SQL: see config.Options.
func (a *app) pipelineWithoutSQL(ctx context.Context) (*hindcast.Pipeline, error) {
	return a.load(ctx, config.Options{WithoutSQL: true, Engine: a.engine})
}

// load decodes the pipeline file in its environment.
func (a *app) load(ctx context.Context, o config.Options) (*hindcast.Pipeline, error) {
	o.Environment = a.env
	p, err := config.LoadWith(ctx, a.file, o)
	if err != nil {
		return nil, err
	}
	a.options.File, a.options.Environment, a.given = notDefault(a.file), p.Environment, p.Transform.Engine
	a.strike(config.PipelineRedactor(p))
	return p, nil
}

// optionsFor are how something about a plan is shown: commands name its engine where the pipeline file has another one.
func (a *app) optionsFor(p *plan.Plan) screen.Options {
	o := a.options
	if is := p.Pipeline.Transform.Engine; is != "" && is != a.given {
		o.Engine = is
	}
	return o
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
