// Package resize makes a Redshift warehouse larger around a run's loads, and gives it its size back: an elastic resize of a cluster, or
// the base capacity of a workgroup of Redshift Serverless. A size is confirmed by looking, whatever became of the answer to a request.
//
// A cluster is shared: other runs, of other pipelines and other lakes, may want it larger at the same time. Each run that does has a
// tag on the cluster, with the size from before. Who finds such tags of others takes the cluster as it is, and the last to leave
// resizes it back. That the intent is on disk before anything is asked for is the caller's responsibility.
package resize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/pause"
)

// DefaultTimeout is how long a resize may take where the pipeline file does not say.
const DefaultTimeout = time.Hour

// Options are for whom the warehouse is resized.
type Options struct {
	Pipeline string
	Run      string
	Lake     string // where that is, which tells apart runs of the same name
	// Living is the run of another pipeline in the same lake that has a process, "" if none has; every run of another lake counts as living.
	Living func(ctx context.Context, pipeline string) (run string, err error)
	// Says, if set, hears what is waited for.
	Says func(what string)
	// Pause waits between two looks; the clock's if nil.
	Pause func(ctx context.Context, d time.Duration) error
}

// Resizer resizes one warehouse for one run. Its methods are called one at a time.
type Resizer struct {
	options Options
	rules   hindcast.Resize
	target  target
	me      holder
}

// target is what has a size.
type target interface {
	// look says how it stands. It is not settled while anything changes it.
	look(ctx context.Context) (standing, error)
	// allowed are the sizes that it can be resized to now; nil if that cannot be asked. insist repeats each call.
	allowed(ctx context.Context, now standing, insist func(call func() error) error) ([]int, error)
	// ask asks for a size and returns at once.
	ask(ctx context.Context, size int) error
	// why says in the service's words how the last resize ended; "" if it does not know.
	why(ctx context.Context) string
	tag(ctx context.Context, now standing, key, value string) error
	untag(ctx context.Context, now standing, key string) error
}

// standing is how a target stands.
type standing struct {
	size    int
	kind    string // the type of its nodes
	state   string // in the service's words
	settled bool
	arn     string
	tags    map[string]string
}

// Open makes a resizer of what the rules name. It calls nobody yet.
func Open(ctx context.Context, rules hindcast.Resize, o Options) (*Resizer, error) {
	if rules.Timeout <= 0 {
		rules.Timeout = DefaultTimeout
	}
	if o.Pause == nil {
		o.Pause = pause.For
	}
	if o.Says == nil {
		o.Says = func(string) {}
	}

	lake := digest(o.Lake)
	r := &Resizer{options: o, rules: rules, me: holder{lake: lake, pipeline: o.Pipeline, run: o.Run, tag: keyOf(lake, o.Pipeline, o.Run)}}
	var err error
	if rules.Workgroup != "" {
		r.target, err = openWorkgroup(ctx, rules)
	} else {
		r.target, err = openCluster(ctx, rules)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Of are the rules of a change that was journaled.
func Of(s hindcast.Sizing, timeout time.Duration) hindcast.Resize {
	return hindcast.Resize{Cluster: s.Cluster, Workgroup: s.Workgroup, Region: s.Region, Timeout: timeout}
}

// named is a change of the rules' warehouse.
func (r *Resizer) named(from, to int) hindcast.Sizing {
	return hindcast.Sizing{Cluster: r.rules.Cluster, Workgroup: r.rules.Workgroup, Region: r.rules.Region, From: from, To: to}
}

func (r *Resizer) wanted() int {
	if r.rules.Workgroup != "" {
		return r.rules.RPU
	}
	return r.rules.Nodes
}

// Standing is how a warehouse stands, for people.
type Standing struct {
	hindcast.Sizing          // From is its present size, To the one for the loads
	Kind            string   // the type of a cluster's nodes
	State           string   // in the service's words
	Runs            []string // that want it as it is, as its tags say; some may be dead
}

// Look says how the warehouse stands.
func (r *Resizer) Look(ctx context.Context) (Standing, error) {
	now, err := r.see(ctx)
	if err != nil {
		return Standing{}, err
	}
	return Standing{Sizing: r.named(now.size, r.wanted()), Kind: now.kind, State: now.state, Runs: names(holders(now.tags))}, nil
}

// Outlook is what a run that began now would do with a warehouse.
type Outlook struct {
	hindcast.Sizing        // From is the size that it would be back at
	Now             int    // the size that it has
	Kind            string // the type of a cluster's nodes
}

// Check says what a run would do, before anything has begun, and asks whether the size for its loads can be had: E-RESIZE with the sizes
// that can.
func (r *Resizer) Check(ctx context.Context) (Outlook, error) {
	now, err := r.see(ctx)
	if err != nil {
		return Outlook{}, err
	}
	s, err := r.intend(ctx, now, nil)
	if err != nil {
		return Outlook{}, err
	}
	is := Outlook{Sizing: s, Now: now.size, Kind: now.kind}
	if now.size == s.To || now.size != s.From || len(s.Shared) > 0 { // what is allowed depends on the size before
		return is, nil
	}

	sizes, err := r.target.allowed(ctx, now, func(call func() error) error { return r.insist(ctx, call) })
	if err != nil {
		return Outlook{}, r.translate("asking for the sizes that "+s.Named()+" can have", err)
	}
	if sizes == nil || slices.Contains(sizes, s.To) {
		return is, nil
	}
	return Outlook{}, &hindcast.Error{Code: hindcast.EResize, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s has %s of %s, and an elastic resize to %s is not among those that it allows", s.Named(), s.Size(now.size), now.kind, s.Size(s.To)),
		Next:    "write redshift.resize.nodes as one of " + list(sizes)}
}

func list(sizes []int) string {
	if len(sizes) == 0 {
		return "none: Amazon allows no resize of it now"
	}
	text := make([]string, len(sizes))
	for i, n := range sizes {
		text[i] = fmt.Sprint(n)
	}
	return strings.Join(text, ", ")
}

// Settle waits until nothing changes the warehouse.
func (r *Resizer) Settle(ctx context.Context) error {
	ctx, cancel := r.limited(ctx)
	defer cancel()
	p := progress{Resizer: r, doing: "waiting for " + r.named(0, 0).Named()}
	for {
		now, _, err := p.look(ctx)
		if err != nil || now.settled {
			return err
		}
		if err := p.rest(ctx, now, nil); err != nil {
			return err
		}
	}
}

// Intend says what Grow would do now, so that the caller can journal it first. open is what the run journaled before and has not
// confirmed to be back; nil if there is nothing. Nothing is asked for yet.
func (r *Resizer) Intend(ctx context.Context, open *hindcast.Sizing) (hindcast.Sizing, error) {
	now, err := r.see(ctx)
	if err != nil {
		return r.named(now.size, r.wanted()), err
	}
	return r.intend(ctx, now, open)
}

func (r *Resizer) intend(ctx context.Context, now standing, open *hindcast.Sizing) (hindcast.Sizing, error) {
	s := r.named(now.size, r.wanted())
	others, err := r.others(ctx, now)
	if err != nil {
		return s, err
	}
	if len(others) > 0 || !r.resizedForGood(now, open) {
		s.From = before(now, open)
	}
	if len(others) > 0 && now.settled && (now.size != s.From || anyOf(others, loading)) {
		s.To = now.size // theirs
	}
	s.Shared = names(others)
	return s, nil
}

// before is the size before all runs: what the tags say, also those of the dead, or else what the run journaled.
func before(now standing, open *hindcast.Sizing) int {
	size, all := now.size, holders(now.tags)
	for _, h := range all {
		if h.from > 0 {
			size = h.from
		}
	}
	if open != nil && len(all) == 0 {
		size = open.From
	}
	return size
}

// resizedForGood reports whether the warehouse has a size that no run can have given it, alive or dead: somebody has resized it since. A change
// that nobody has confirmed can have given it any, this run's or a dead one's: what was asked for before that is not known any longer.
func (r *Resizer) resizedForGood(now standing, open *hindcast.Sizing) bool {
	if !now.settled || now.size == r.wanted() || open != nil && (open.Unsure || now.size == open.From || now.size == open.To) {
		return false
	}
	return !slices.ContainsFunc(holders(now.tags), func(h holder) bool { return h.to == 0 || h.state != loading || now.size == h.from || now.size == h.to })
}

// see looks until there is an answer.
func (r *Resizer) see(ctx context.Context) (now standing, err error) {
	err = r.insist(ctx, func() error {
		now, err = r.target.look(ctx)
		return err
	})
	return now, r.translate("looking at "+r.named(0, 0).Named(), err)
}

// insisting is how often a call is repeated that was throttled or whose answer was lost, and that is safe to repeat.
const insisting = 8

// insist repeats a call that changes nothing, or the same again.
func (r *Resizer) insist(ctx context.Context, call func() error) error {
	for n := 0; ; n++ {
		err := call()
		if err == nil || n == insisting || !heals(err) {
			return err
		}
		if waiting := r.options.Pause(ctx, wait(n)); waiting != nil {
			return waiting
		}
	}
}

// The first wait between two looks, and the longest.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 15 * time.Second
)

// wait is how long to wait before look n, from 0: half as long again as the last time.
func wait(n int) time.Duration {
	d := firstWait
	for range n {
		if d += d / 2; d > lastWait {
			return lastWait
		}
	}
	return d
}

// translate says what was being done, and what to do about what only the pipeline file can change.
func (r *Resizer) translate(doing string, err error) error {
	if err == nil || awsquery.Code(err) == "" {
		return err
	}

	e := *hindcast.AsError(err)
	e.Message = doing + ": " + e.Message
	if e.Code == hindcast.EAWS || e.Code == hindcast.EInternal {
		e.Code, e.Next = hindcast.EResize, "correct redshift.resize in the pipeline file, or take it out"
	}
	e.Cause = err
	return &e
}

// heals reports whether a call that failed may be done the next time: it was throttled, or nobody knows what became of it.
func heals(err error) bool {
	return err != nil && hindcast.AsError(err).Class == hindcast.ClassTransient
}

// unsure reports whether a call that failed may have been done all the same: its answer was lost, or is one of a server in trouble.
func unsure(err error) bool {
	a, answered := errors.AsType[*awsquery.Answer](err)
	return heals(err) && (!answered || a.Status >= http.StatusInternalServerError)
}
