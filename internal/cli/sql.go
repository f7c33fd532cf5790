package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/query"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
)

func (a *app) sqlCommand() *cobra.Command {
	var slice, format, sample, file, output string
	limit, keep := 40, 10*time.Minute
	var t translation
	command := &cobra.Command{
		Use: "sql [QUERY]", Short: "Run a query over one slice's facts and dimensions (the pipeline's own SQL by default)", Args: cobra.MaximumNArgs(1),
		Long: `Runs a query over the facts and dimensions of one slice, as the transform would see them, and prints
the rows. What the lake does not have yet is read from the warehouse for this query alone.
Spark, which takes long to start, stays for the next query.

With --translate nothing is run and no pipeline is read: a SELECT of PostgreSQL or Redshift on standard
input is written for an engine that gives the warehouse's own answer, or refused with its places.`,
		Example: "  hindcast sql --slice 2019-03\n  hindcast sql --slice 2019-03 'SELECT count(*) FROM billing'\n  hindcast sql --sample 1% --format csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if t.on {
				return a.translate(cmd.Context(), t, file, args)
			}
			percent, err := percentage(sample)
			if err != nil {
				return err
			}
			if format != "table" && format != "csv" && format != "json" {
				return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("no format %q", format), Next: "use table, csv or json"}
			}
			p, err := a.pipelineWithoutSQL(cmd.Context())
			if err != nil {
				return err
			}
			ask := query.Query{Slice: slice, Sample: percent, Limit: limit, Keep: keep}
			if len(args) == 0 && file == "" {
				ask, err = ownText(p, output, ask)
			} else {
				ask, err = a.queryText(cmd.Context(), ask, file, args)
			}
			if err != nil {
				return err
			}
			s, err := session.OpenEngine(p, a.log())
			if err != nil {
				return closing(s, err)
			}
			rows, err := query.Run(cmd.Context(), s, ask, time.Now())
			if err := closing(s, err); err != nil {
				return err
			}
			switch {
			case format == "csv":
				return screen.CSV(a.out, rows.Columns, rows.Values, a.tty)
			case format == "json" || a.json:
				return screen.JSON(a.out, rows.Columns, rows.Values, a.tty)
			}
			screen.Table(a.out, rows.Columns, rows.Values, screen.TableOptions{Options: a.options, More: rows.More})
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&slice, "slice", "", "the slice's key (the latest by default)")
	flags.StringVar(&format, "format", "table", "table, csv or json")
	flags.StringVar(&sample, "sample", "", "look at a share of each fact's rows, such as 1%")
	flags.StringVar(&file, "sql", "", "a file with the query")
	flags.StringVar(&output, "output", "", "whose SQL is run, of a pipeline with several outputs")
	a.engineFlag(flags)
	flags.DurationVar(&keep, "keep", keep, "how long a session of Spark stays for the next query; 0 ends it")
	t.flags(flags)
	flags.IntVar(&limit, "limit", limit, "at most this many rows; 0 is all")
	return command
}

// ownText takes the SQL of one of the pipeline's outputs.
func ownText(p *hindcast.Pipeline, output string, ask query.Query) (query.Query, error) {
	o, err := chosenOutput(p, output)
	if err == nil {
		err = o.Fault
	}
	if err == nil {
		err = query.Alone(p, o)
	}
	if err != nil {
		return ask, err
	}
	ask.Text, ask.File = o.Text, o.SQLFile
	return ask, nil
}

func (a *app) queryText(ctx context.Context, ask query.Query, file string, args []string) (query.Query, error) {
	if len(args) == 1 {
		ask.Text, ask.File = args[0], ""
	}
	if file != "" {
		text, err := config.ReadFile(ctx, file)
		if ctx.Err() != nil {
			return ask, ctx.Err()
		}
		if err != nil {
			return ask, &hindcast.Error{Code: hindcast.EFileMissing, Class: hindcast.ClassPermanent, Message: err.Error(), Next: "correct --sql"}
		}
		ask.Text, ask.File = string(text), file
	}
	return ask, nil
}

func percentage(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	var p float64
	if _, err := fmt.Sscanf(strings.TrimSuffix(text, "%"), "%g", &p); err != nil || p <= 0 || p > 100 {
		return 0, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("--sample %s is not a share", text), Next: "give a percentage, such as 1%"}
	}
	return p, nil
}
