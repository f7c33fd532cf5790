package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/config"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/preflight"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/session"
)

// awsPipeline is the pipeline as a run on Glue or EMR Serverless has it, if the file says how; without a file it is empty, and the account alone is looked at.
func (a *app) awsPipeline(ctx context.Context, named bool) (*hindcast.Pipeline, error) {
	if !named {
		if _, err := os.Stat(a.file); errors.Is(err, fs.ErrNotExist) {
			return &hindcast.Pipeline{}, nil
		}
	}
	p, err := a.load(ctx, config.Options{WithoutSQL: true})
	switch {
	case err != nil:
	case onEMR(p):
		p.Transform.Engine = "emr-serverless"
	case p.Transform.Glue.Role != "":
		p.Transform.Engine = "glue"
	}
	return p, err
}

// onEMR reports whether the pipeline file says how slices run on EMR Serverless, and not, or not by its engine, on Glue.
func onEMR(p *hindcast.Pipeline) bool {
	return p.Transform.EMR.Application != "" && (p.Transform.Glue.Role == "" || p.Transform.Engine == "emr-serverless")
}

// doctorAWS looks at an account for a pipeline.
func (a *app) doctorAWS(ctx context.Context, named bool) error {
	p, err := a.awsPipeline(ctx, named)
	if err != nil {
		return err
	}
	o, err := lookAt(ctx, p)
	if err != nil {
		return err
	}
	if p.Name != "" {
		if end, err := plan.ResolveTo(p, a.options.Now); err == nil {
			if all, err := plan.Cut(p.History, end); err == nil {
				o.Slices = len(all)
			}
		}
	}
	found, err := preflight.Look(ctx, o)
	if err != nil {
		return err
	}
	return a.account(found)
}

// lookAt is what is looked at for a pipeline.
func lookAt(ctx context.Context, p *hindcast.Pipeline) (preflight.Options, error) {
	o := preflight.Options{Pipeline: p, Version: Version}
	var err error
	if o.Client, err = awsquery.Open(ctx, preflight.Region(p)); err != nil || p.Name == "" {
		return o, err
	}
	s, err := session.OpenLake(p)
	if err != nil {
		return o, err
	}
	o.Jobs = drivers.GlueJobs(s.Lake.Tags())
	o.Application = func(ctx context.Context) (*hindcast.EMRApplication, error) { return drivers.EMRApplication(ctx, p) }
	o.Bucket, _ = s.Store.(preflight.Bucket)
	return o, closing(s, nil)
}

// account shows what an account said.
func (a *app) account(r *preflight.Report) error {
	if a.json {
		if err := json.NewEncoder(a.out).Encode(r); err != nil {
			return err
		}
	} else {
		a.showAccount(r)
	}
	if len(r.Missing) > 0 {
		return exit(hindcast.ExitUsage)
	}
	return nil
}

func (a *app) showAccount(r *preflight.Report) {
	o := a.shownOptions()
	say := func(text string) { _, _ = fmt.Fprint(a.out, o.Wrapped("", "  ", text)) }
	rows := make([][]string, len(r.Checks))
	for i, c := range r.Checks {
		rows[i] = []string{c.What, string(c.State), c.Found}
	}
	screen.Columns(a.out, rows, o)

	if len(r.Limits) > 0 {
		say("")
		say("What caps parallelism; a run is " + r.Run)
		screen.Columns(a.out, limitRows(r.Limits), o)
		for _, l := range r.Limits {
			if l.Smallest {
				say(atOnce(l) + ". For more, " + l.Raise)
			}
		}
	}
	for _, e := range r.Missing {
		say("")
		screen.Error(a.out, a.redactor.Error(e), o)
	}
	if len(r.Points) > 0 {
		say("")
		say("What nothing but a run on an account can tell, and how to find out:")
		for _, p := range r.Points {
			_, _ = fmt.Fprint(a.out, o.Wrapped("- ", "  ", capital(p.Question)+":"), o.Wrapped("  ", "  ", p.Tell))
		}
	}
	say("")
	say("To report, without names and ids:")
	for _, line := range r.Paste {
		_, _ = fmt.Fprint(a.out, o.Wrapped("  ", "    ", line))
	}
	say("")
	say(summary(r))
}

// capital begins a line.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// limitRows is the table of limits.
func limitRows(limits []preflight.Limit) [][]string {
	rows := [][]string{{"limit", "value", "runs at once", "of", ""}}
	for _, l := range limits {
		name, mark := l.Name, ""
		if l.Part {
			name = "  " + name
		}
		if l.Smallest {
			mark = "<- the smallest"
		}
		rows = append(rows, []string{name, l.Value, numbers.Thousands(l.Runs), numbers.Thousands(l.Asked), mark})
	}
	return rows
}

// atOnce says how many runs are under way at once, and why.
func atOnce(l preflight.Limit) string {
	return fmt.Sprintf("At most %s at once: %s", numbers.Counted(min(l.Runs, l.Asked), "run"), l.Name)
}

// summary ends what the doctor says.
func summary(r *preflight.Report) string {
	text := "nothing is missing"
	if n := len(r.Missing); n > 0 {
		text = numbers.Counted(n, "problem")
	}
	if r.Unknowns > 0 {
		text += "; " + numbers.Counted(r.Unknowns, "check") + " could not be made"
	}
	if len(r.Unasked) > 0 {
		text += "; to ask all, allow " + strings.Join(r.Unasked, ", ")
	}
	return text
}

// beforeRunTime is how long a run waits for an account to say what is wrong with it.
const beforeRunTime = 10 * time.Second

// beforeRun looks at the account before anything of a run is begun: what stops it for certain is an error; what caps it, or could not be asked, is
// said in a line.
func (a *app) beforeRun(ctx context.Context, p *plan.Plan) error {
	runs := p.Running()
	if runs == 0 || !preflight.Concerns(&p.Pipeline) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, beforeRunTime)
	defer cancel()
	o, err := lookAt(ctx, &p.Pipeline)
	if err != nil || standIn(ctx, o.Client) {
		return nil // the run says by itself what it lacks
	}
	o.Client, o.Slices = o.Client.Once(), runs

	r, err := preflight.Look(ctx, o)
	if err != nil {
		_, _ = fmt.Fprintln(a.err, a.plain("the account was not looked at: "+hindcast.AsError(err).Message))
		return nil
	}
	if stops := r.Stops(); len(stops) > 0 {
		first := *stops[0]
		for _, e := range stops[1:] {
			first.Detail = append(first.Detail, "also: "+e.Message)
		}
		return &first
	}
	for _, line := range warnings(r) {
		_, _ = fmt.Fprintln(a.err, a.plain(line))
	}
	return nil
}

// standIn reports whether what a run works with is not Amazon's while everything else would be: whose account that is nobody knows.
func standIn(ctx context.Context, c *awsquery.Client) bool {
	for _, s := range []awsquery.Service{awsquery.Glue, awsquery.EMRServerless, awsquery.Redshift, awsquery.RedshiftServerless} {
		if !c.Own(ctx, s) && c.Own(ctx, awsquery.STS) {
			return true
		}
	}
	return false
}

// warnings are what a run begins in spite of.
func warnings(r *preflight.Report) (lines []string) {
	for _, l := range r.Limits {
		if l.Smallest && l.Runs < l.Asked {
			doubt := ""
			if l.Assumed {
				doubt = ", if the quota is the lowest documented one"
			}
			lines = append(lines, fmt.Sprintf("at most %d of %d runs at once, by the limit: %s%s", l.Runs, l.Asked, l.Name, doubt))
		}
	}
	if n := len(r.Missing); n > 0 {
		lines = append(lines, numbers.Counted(n, "right")+" may be missing, as IAM simulates it")
	}
	if r.Unknowns > 0 {
		lines = append(lines, numbers.Counted(r.Unknowns, "check")+" of the account could not be made")
	}
	if len(lines) > 0 {
		lines = append(lines, "see: hindcast doctor aws")
	}
	return lines
}
