// Package preflight asks an AWS account, before a run, what would otherwise stop or throttle the run in its middle: identity, roles, quotas, addresses,
// regions, endpoints and rights. It changes nothing there. What could not be asked is unknown, never fine.
package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
)

// Bucket is what is asked of the lake's.
type Bucket interface {
	// Region is the bucket's.
	Region(ctx context.Context) (string, error)
}

// Options say what is looked at.
type Options struct {
	Pipeline *hindcast.Pipeline
	Client   *awsquery.Client
	Bucket   Bucket // nil if the lake is a folder
	Jobs     string // what the names of the pipeline's Glue jobs begin with
	Slices   int    // of the history; 0 if that is not known
	// Application asks for what EMR Serverless says of the pipeline's application. An error beside it is why that could never run its slices.
	Application func(context.Context) (*hindcast.EMRApplication, error)
	Version     string // hindcast's
}

// State is what is known of something.
type State string

// The states.
const (
	Fine    State = "ok"
	Noted   State = "note"    // it is to be known, and stops nothing
	Wrong   State = "problem" // it stops a run, or makes it slow
	Unknown State = "unknown" // it could not be asked
)

// Check is what was looked at, and what was found.
type Check struct {
	What  string `json:"what"`
	State State  `json:"state"`
	Found string `json:"found"`
}

// Report is what an account says of a pipeline.
type Report struct {
	Checks   []Check           `json:"checks"`
	Limits   []Limit           `json:"limits"`
	Run      string            `json:"a_run,omitempty"` // what a run on Glue takes of each limit
	Missing  []*hindcast.Error `json:"missing"`
	Unasked  []string          `json:"unasked"` // the actions that were denied
	Points   []Point           `json:"points"`  // what nothing but a run can tell
	Paste    []string          `json:"paste"`   // for an issue: no ids and no names
	Unknowns int               `json:"unknown"` // how many checks are

	certain []*hindcast.Error // of what is missing
}

// Stops are what a run cannot go on without, of what is missing: not what IAM only simulated.
func (r *Report) Stops() []*hindcast.Error { return r.certain }

// findings are the checks of one subject.
type findings struct {
	checks  []Check
	missing []*hindcast.Error
	denied  []*hindcast.Error // as IAM simulates it, which is not as sure
	unasked []string
	paste   []string
}

func (f *findings) add(state State, what, found string) {
	f.checks = append(f.checks, Check{What: what, State: state, Found: found})
}

// wrong is a check that found what stops a run.
func (f *findings) wrong(what, found string, e *hindcast.Error) {
	if e.Code == "" {
		e.Code = hindcast.EAWS
	}
	e.Class = hindcast.ClassPermanent
	f.add(Wrong, what, found)
	f.missing = append(f.missing, e)
}

// unknown is a check that could not be made, and why.
func (f *findings) unknown(what string, err error) {
	e := hindcast.AsError(err)
	found := e.Message
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		found = "there was no time to ask"
	case e.Code == hindcast.EPermission:
		action, _, _ := strings.Cut(strings.TrimPrefix(e.Message, "access denied: "), ": ")
		found = "cannot be asked: " + action + " is denied"
		f.unasked = append(f.unasked, action)
	}
	f.add(Unknown, what, found)
}

// note adds a line for an issue.
func (f *findings) note(line string) { f.paste = append(f.paste, line) }

// look is one look at an account.
type look struct {
	Options
	who identity
}

// Look asks the account. The error says why nothing can be asked of it.
func Look(ctx context.Context, o Options) (*Report, error) {
	l := &look{Options: o}
	var first findings
	if err := l.identify(ctx, &first); err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = &hindcast.Error{Code: hindcast.EUnreachable, Class: hindcast.ClassTransient, Cause: err, Message: "AWS has not said in time who asks",
				Next: "check the network, and AWS_ENDPOINT_URL_STS if it is set"}
		}
		return nil, err
	}

	var engine engineFindings
	var redshift, bucket findings
	var group sync.WaitGroup
	if l.onGlue() {
		group.Go(func() { l.glue(ctx, &engine) })
	}
	if l.onEMR() {
		group.Go(func() { l.emr(ctx, &engine) })
	}
	place := l.warehouse()
	var is standing
	group.Go(func() { is = l.redshift(ctx, place, &redshift) })
	var region string
	group.Go(func() { region = l.bucket(ctx, &bucket) })
	group.Wait()
	l.regions(region, place, &bucket)

	var rights findings
	l.rights(ctx, engine.role, l.warehouseNeeds(place, is), &rights)
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err()
	}
	return l.report(first, bucket, engine, redshift, rights), nil
}

func (l *look) report(first, bucket findings, engine engineFindings, redshift, rights findings) *Report {
	r := &Report{Checks: []Check{}, Limits: []Limit{}, Missing: []*hindcast.Error{}, Unasked: []string{}, Points: l.points()}
	if l.onGlue() || l.onEMR() {
		r.Limits, r.Run = l.limits(engine), l.demand()
		l.capped(r.Limits, &engine.findings)
	}
	for _, f := range []findings{first, bucket, engine.findings, redshift, rights} {
		r.Checks = append(r.Checks, f.checks...)
		r.Missing = append(append(r.Missing, f.missing...), f.denied...)
		r.certain = append(r.certain, f.missing...)
		r.Unasked = append(r.Unasked, f.unasked...)
		r.Paste = append(r.Paste, f.paste...)
	}
	slices.Sort(r.Unasked)
	r.Unasked = slices.Compact(r.Unasked)
	for _, c := range r.Checks {
		if c.State == Unknown {
			r.Unknowns++
		}
	}
	r.Paste = append([]string{"hindcast " + l.Version + ", doctor aws, " + l.Client.Region()}, r.Paste...)
	return r
}

func (l *look) onGlue() bool { return l.Pipeline.Transform.Engine == "glue" }

// Concerns reports whether a run of the pipeline meets an account: on Glue or EMR Serverless, or over a Redshift that Amazon operates.
func Concerns(p *hindcast.Pipeline) bool {
	return p.Transform.Engine == "glue" || p.Transform.Engine == "emr-serverless" || warehouseOf(p).Name != ""
}

// bucket says where the lake's bucket is.
func (l *look) bucket(ctx context.Context, f *findings) (region string) {
	switch {
	case l.Pipeline.Name == "":
		return ""
	case l.Bucket == nil:
		f.add(Noted, "lake", "a folder of this machine")
		return ""
	}
	region, err := l.Bucket.Region(ctx)
	name := l.Pipeline.Lake.URL.Host
	switch {
	case err == nil && region == "":
		f.add(Unknown, "bucket "+name, "is there; its server does not say in which region")
	case err == nil:
		f.add(Fine, "bucket "+name, "is there, in "+region)
	case certain(hindcast.AsError(err).Code):
		e := *hindcast.AsError(err)
		f.wrong("bucket "+name, e.Message, &e)
	case region != "" && hindcast.AsError(err).Code == hindcast.EPermission:
		f.add(Noted, "bucket "+name, "is there, in "+region+"; it cannot be listed as a whole, which a policy that allows prefixes does as well")
	default:
		f.unknown("bucket "+name, err)
	}
	return region
}

// certain reports whether a code says something of a bucket, and not of whether it could be asked. E-PERMISSION does not: a policy may allow
// s3:ListBucket below a prefix alone, which HeadBucket has none of.
func certain(code hindcast.Code) bool {
	return slices.Contains([]hindcast.Code{hindcast.EBucket, hindcast.ECredentials, hindcast.EClock}, code)
}

// regions compares where bucket, cluster and jobs are.
func (l *look) regions(bucket string, n awsredshift.Named, f *findings) {
	if bucket == "" {
		return
	}
	if (l.onGlue() || l.onEMR()) && bucket != l.Client.Region() {
		f.add(Noted, "regions", "the bucket is in "+bucket+", the jobs are in "+l.Client.Region()+": what crosses is billed by the byte")
	}
	if n.Name != "" && bucket != n.Region {
		f.wrong("regions", "the bucket is in "+bucket+", the warehouse is in "+n.Region, &hindcast.Error{Place: l.Pipeline.Places["lake"],
			Message: "the lake's bucket is in " + bucket + " and the warehouse is in " + n.Region + ": COPY takes Parquet from its own region only",
			Next:    "use a bucket in " + n.Region})
	}
	f.note("bucket: " + bucket)
}
