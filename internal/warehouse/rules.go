package warehouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Own reports whether a table's name is one of hindcast's own tables, which no target may have.
func Own(name string) bool {
	last := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	return slices.Contains([]string{"hindcast_status", "hindcast_lease"}, strings.Trim(last, `"`))
}

// Comment stands on a target that Prepare has made: until a slice is published nothing else tells it from a table of the user's.
const Comment = "made by hindcast, which replaces its rows slice by slice"

// FenceName is the pipeline's row in hindcast_lease.
func FenceName(pipeline string) string { return "pipeline " + pipeline }

// CheckFence refuses a writer whose lease another process took over (promise 5): E-FENCED if its fence is below the highest.
func CheckFence(highest, fence int64) error {
	if highest > fence {
		return &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("another process took the pipeline over (fence %d, ours %d)", highest, fence),
			Next:    "see who: hindcast status"}
	}
	return nil
}

// CheckClaim is CheckFence for a claim, which must be above the highest fence if it is new.
func CheckClaim(highest int64, claim Claim) error {
	if claim.New {
		highest++ // which the claim may be
	}
	return CheckFence(highest, claim.Fence)
}

// RunHooks gives the user's hooks under a key ("load.before") to run, one after another, within the transaction of a
// publication. Transaction control would end it: E-HOOK before the hook is run. An error of run is a *hindcast.Error; one
// that is permanent becomes E-HOOK, with the hook's place.
func RunHooks(key string, hooks []string, places map[string]hindcast.Place, run func(hook string) error) error {
	for i, hook := range hooks {
		place := places[fmt.Sprintf("%s.%d", key, i)]
		if word, _, found := sqltext.TransactionControl(hook); found {
			return &hindcast.Error{Code: hindcast.EHook, Class: hindcast.ClassPermanent, Place: place,
				Message: fmt.Sprintf("%s[%d] holds %s: a hook is part of the load's transaction and cannot control it", key, i, word),
				Next:    "take it out of the hook"}
		}

		if err := run(hook); err != nil {
			e := *hindcast.AsError(err)
			if e.Class == hindcast.ClassPermanent {
				e.Code = hindcast.EHook
			}
			e.Message, e.Place = fmt.Sprintf("%s[%d]: %s", key, i, e.Message), place
			e.Next = cmp.Or(e.Next, "correct the hook in the pipeline file: what it did was rolled back with the slice")
			return &e
		}
	}
	return nil
}

// OfSession is the error of one of the user's statements under load.session, given as a *hindcast.Error: one that is permanent becomes
// E-HOOK. Its place is among those of the statements, where these are known.
func OfSession(i int, places []hindcast.Place, err error) error {
	e := *hindcast.AsError(err)
	e.Message = fmt.Sprintf("load.session[%d]: %s", i, e.Message)
	if e.Class == hindcast.ClassPermanent {
		e.Code, e.Next = hindcast.EHook, "correct the statement under load.session"
	}
	if i < len(places) {
		e.Place = places[i]
	}
	return &e
}

// Finish adds up the files of an unload and compares them with the rows that were counted in the source.
func (u *Unloaded) Finish(table string) error {
	var written int64
	for _, f := range u.Files {
		u.Bytes += f.Bytes
		written += f.Rows
	}
	if written != u.Sums.Rows {
		return &hindcast.Error{Code: hindcast.EInternal, Class: hindcast.ClassPermanent,
			Message: "the unload of " + table + " wrote another number of rows than it counted"}
	}
	return nil
}

// CheckRows refuses staged files that hold another number of rows than their manifest says.
func (r *Replacement) CheckRows(held int64) error {
	if held != r.Rows {
		return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("the staged files hold %s, their manifest says %s", numbers.Counted(held, "row"), numbers.Thousands(r.Rows))}
	}
	return nil
}

// Paths are those of the staged files.
func (r *Replacement) Paths() []string {
	paths := make([]string, len(r.Files))
	for i, f := range r.Files {
		paths[i] = f.Path
	}
	return paths
}

// Sums are the columns that the status row's Sums are over.
func (r *Replacement) Sums() []hindcast.Column {
	if len(r.Summed) > 0 {
		return r.Summed
	}
	return r.Columns
}

// Time is the target's time column as the staged files have it, in the target's format; false if they do not have it.
func (r *Replacement) Time() (hindcast.Column, bool) {
	c, found := find(r.Columns, r.Target.Time)
	c.Format = r.Target.Format
	return c, found
}

// Row is the replacement's status row, without what is known only once it is done: Sums and Previous.
func (p *Publication) Row(r *Replacement, at time.Time) hindcast.Committed {
	return hindcast.Committed{Pipeline: p.Pipeline, Target: r.Target.Table, Slice: r.Slice, Run: cmp.Or(r.Run, p.Run), Publication: p.Run, Attempt: r.Attempt,
		Fingerprint: r.Print, Parts: r.Parts, CommittedAt: at.UTC().Truncate(time.Microsecond)}
}

// Hooked says whether any replacement has hooks, and when they run.
type Hooked struct{ Before, After bool }

// Any reports whether there are hooks at all.
func (h Hooked) Any() bool { return h.Before || h.After }

// Hooked looks for hooks in all replacements: those of one may change the rows of every other one, and the session. There may be many
// replacements: it is not to be asked for each of them.
func (p *Publication) Hooked() (h Hooked) {
	for i := range p.Replacements {
		hooks := &p.Replacements[i].Hooks
		h.Before, h.After = h.Before || len(hooks.Before) > 0, h.After || len(hooks.After) > 0
	}
	return h
}

// Targets are the names of the tables, each once, in the order of their names.
func (p *Publication) Targets() []string {
	var names []string
	for _, r := range p.Replacements {
		names = append(names, r.Target.Table)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check refuses replacements of the same target that overlap in time: the rows of one would replace those of the other.
func (p *Publication) Check() error {
	sorted := slices.SortedFunc(slices.Values(p.Replacements), func(a, b Replacement) int {
		return cmp.Or(cmp.Compare(a.Target.Table, b.Target.Table), a.Slice.Start.Compare(b.Slice.Start))
	})
	for i := 1; i < len(sorted); i++ {
		a, b := &sorted[i-1], &sorted[i]
		if a.Target.Table == b.Target.Table && b.Slice.Start.Before(a.Slice.End) {
			return &hindcast.Error{Code: hindcast.EInternal, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("slices %s and %s of %s overlap and were to be published together", a.Slice.Key, b.Slice.Key, a.Target.Table)}
		}
	}
	return nil
}

// Blame says in an error, and in its message, which replacement it is about, where there are several and it does not say that itself.
func (p *Publication) Blame(r *Replacement, err error) error {
	if err == nil || len(p.Replacements) < 2 {
		return err
	}
	e := *hindcast.AsError(err)
	if e.Code == hindcast.EFenced || e.Code == hindcast.EChanged {
		return err
	}
	which := r.Target.Table
	if slices.ContainsFunc(p.Replacements, func(o Replacement) bool { return o.Slice.Key != r.Slice.Key }) {
		which = r.Slice.Key + " of " + which
	}
	e.Message, e.Slices = which+": "+e.Message, []string{r.Slice.Key}
	return &e
}

// InSystem is the error of a target in a schema of the warehouse's own tables.
func InSystem(table, schema string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("%s is in %s, which belongs to the database system itself", table, schema),
		Next:    "name a table in a schema of your own"}
}
