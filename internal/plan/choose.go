package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// choose takes the slices that --slices names, by their place. Nothing named is all.
func (m *maker) choose() ([]int, error) {
	chosen, err := selected(m.Selection, m.history, m.Pipeline.History.Every, func(word string) func(int) bool { return m.word(word) })
	if err != nil {
		return nil, err
	}
	var out []int
	for i := range m.all {
		if chosen[i] {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return nil, NoneChosen(m.Selection, "see what there is: hindcast plan")
	}
	return out, nil
}

// Named are the slices that a selection names by their keys alone, in the order of time; false if it asks how slices stand, or
// for all. E-SLICES for a term that no slice of the history has.
func Named(selection string, history []hindcast.Slice, every hindcast.Period) (named []hindcast.Slice, ok bool, err error) {
	if strings.TrimSpace(selection) == "" {
		return nil, false, nil
	}
	words := false
	none := func(word string) func(int) bool {
		if !slices.Contains(wordsOf, word) {
			return nil
		}
		words = true
		return func(int) bool { return false }
	}
	chosen, err := selected(selection, history, every, none)
	if err != nil || words {
		return nil, false, err
	}
	for i := range history {
		if chosen[i] {
			named = append(named, history[i])
		}
	}
	return named, true, nil
}

// wordsOf are the terms of a selection that say how slices stand.
var wordsOf = []string{"all", "new", "missing", "stale", "failed", "unsettled"}

// Select names the slices of a frozen plan that --slices means, by key, in the order of time. The words go by why the
// plan runs a slice: `new`, `unsettled`, and `stale` for every reason but new, also for force; `failed` are those that
// failed or were stopped in its own run. They may name none. Nothing named is nil. E-SLICES for a term that no slice of
// the plan has.
func Select(p *Plan, st *hindcast.RunState, selection string) ([]string, error) {
	if strings.TrimSpace(selection) == "" {
		return nil, nil
	}
	planned := p.slices()
	reasons := make(map[string]hindcast.Reason, len(p.Items))
	for i := range p.Items {
		reasons[p.Items[i].Slice.Key] = p.Items[i].Reason
	}
	reason := func(i int) hindcast.Reason {
		if reason, known := reasons[planned[i].Key]; known {
			return reason
		}
		return hindcast.ReasonUpToDate
	}
	chosen, err := selected(selection, planned, p.Pipeline.History.Every, func(word string) func(int) bool {
		return ofRun(st, word, reason, func(i int) string { return planned[i].Key })
	})
	if err != nil {
		e := *hindcast.AsError(err)
		e.Next = strings.Replace(e.Next, "hindcast plan", "hindcast status "+p.Run+" --all", 1)
		return nil, &e
	}
	var keys []string
	for i := range planned {
		if chosen[i] {
			keys = append(keys, planned[i].Key)
		}
	}
	return keys, nil
}

// Only is the plan of some slices alone, given by key.
func (p *Plan) Only(keys []string) *Plan {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	out := *p
	out.Items = slices.DeleteFunc(slices.Clone(p.Items), func(i Item) bool { return !wanted[i.Slice.Key] })
	out.UpToDate = nil
	within := p.spans()
	for i := range p.UpToDate {
		for _, s := range within(&p.UpToDate[i]) {
			if wanted[s.Key] {
				out.span(&s, p.UpToDate[i].Detail)
			}
		}
	}
	return &out
}

// selected evaluates a selection over slices in the order of time: keys and prefixes of keys, ranges of them (both
// ends belong to it), and the words all, new, stale, failed and unsettled, joined by commas. word gives what a word
// selects, and nil for anything else; a word may select nothing, a key may not.
func selected(selection string, all []hindcast.Slice, every hindcast.Period, word func(string) func(i int) bool) ([]bool, error) {
	chosen := make([]bool, len(all))
	terms := strings.Split(selection, ",")
	if strings.TrimSpace(selection) == "" {
		terms = []string{"all"}
	}
	for _, term := range terms {
		term = strings.TrimSpace(term)
		matches := word(term)
		found := matches != nil
		if !found {
			matches = func(i int) bool { return names(term, all[i].Key) }
		}
		for i := range all {
			if matches(i) {
				chosen[i], found = true, true
			}
		}
		if !found {
			return nil, noSlice(term, all, every)
		}
	}
	return chosen, nil
}

// ErrNoneChosen distinguishes a selection whose words match no slice from one that names something unknown: it may be what
// a scheduler hopes for.
var ErrNoneChosen = errors.New("nothing is selected")

// NoneChosen is E-SLICES for a selection whose words are true of no slice; next says where to look.
func NoneChosen(selection, next string) error {
	terms := strings.Split(selection, ",")
	for i := range terms {
		terms[i] = strings.TrimSpace(terms[i])
	}
	return &hindcast.Error{Code: hindcast.ESlices, Class: hindcast.ClassPermanent,
		Message: "no slice is " + strings.Join(terms, " or "), Next: next, Cause: ErrNoneChosen}
}

// forced is the outcome of an output once --force is considered: what is committed is made again, unless the table that it reads is missing.
// What is new is made in any case, and stays new for the run's `--slices`.
func (m *maker) forced(o *output) Outcome {
	if m.Force && o.committed != nil && o.Reason != hindcast.ReasonMissing {
		return Outcome{hindcast.ReasonForced, m.by(o.committed)}
	}
	return o.Outcome
}

// word is what a word selects of the candidates. Only `all` and `failed` select a slice that is settled.
func (m *maker) word(word string) func(int) bool {
	all := m.all
	switch word {
	case "all":
		return func(int) bool { return true }
	case "new", "missing":
		return func(i int) bool { return all[i] != nil && all[i].first().committed == nil }
	case "stale":
		return func(i int) bool { return all[i] != nil && all[i].first().committed != nil && all[i].Reason.Runs() }
	case "failed":
		return func(i int) bool { return m.Failed[m.history[i].Key] }
	case "unsettled":
		return func(i int) bool { return all[i] != nil && all[i].unsettled }
	}
	return nil
}

// ofRun is what a word selects of the slices of a frozen plan and its run.
func ofRun(st *hindcast.RunState, word string, reason func(int) hindcast.Reason, key func(int) string) func(int) bool {
	switch word {
	case "all":
		return func(int) bool { return true }
	case "new", "missing":
		return func(i int) bool { return reason(i) == hindcast.ReasonNew }
	case "stale":
		return func(i int) bool { return reason(i).Runs() && reason(i) != hindcast.ReasonNew }
	case "failed":
		return func(i int) bool {
			s := st.Slices[key(i)]
			return s != nil && (s.State == hindcast.Failed || s.State == hindcast.Stopped)
		}
	case "unsettled":
		return func(i int) bool { return reason(i) == hindcast.ReasonUnsettled }
	}
	return nil
}

// names reports whether a term other than a word means the slice of this key.
func names(term, key string) bool {
	first, last, isRange := strings.Cut(term, "..")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if !isRange {
		return first != "" && begins(key, first)
	}
	return (first == "" || key >= first) && (last == "" || key <= last || begins(key, last)) && first+last != ""
}

// begins reports whether the prefix is the key's year, month, day or hour, which 2019-1 is not.
func begins(key, prefix string) bool {
	rest, found := strings.CutPrefix(key, prefix)
	return found && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// nearest is how many slices an E-SLICES proposes on either side.
const nearest = 2

func noSlice(term string, all []hindcast.Slice, every hindcast.Period) error {
	first, last := all[0], all[len(all)-1]
	e := &hindcast.Error{Code: hindcast.ESlices, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("no slice %q; the history has %s to %s", term, every.Label(first.Key), every.Label(last.Key)),
		Next:    "name slices by key (2019-03), range (2019-03..2019-09), or all, new, stale, failed, unsettled"}
	start, end, _ := strings.Cut(term, "..")
	start, end = strings.TrimSpace(start), strings.TrimSpace(end)
	if end != "" && end < start && !begins(start, end) {
		e.Message, e.Next = fmt.Sprintf("the range %q is reversed", term), fmt.Sprintf("write the earlier end first: %s..%s", end, start)
		return e
	}
	at, _ := slices.BinarySearchFunc(all, start, func(c hindcast.Slice, t string) int { return strings.Compare(c.Key, t) })
	var keys []string
	for i := max(0, at-nearest); i < min(len(all), at+nearest); i++ {
		keys = append(keys, every.Label(all[i].Key))
	}
	e.Detail = []string{"near it: " + strings.Join(keys, ", ")}
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		t, err := time.Parse(layout, start)
		if err == nil && at > 0 && !t.Before(hindcast.Reading(all[at-1].Start)) && t.Before(hindcast.Reading(all[at-1].End)) {
			e.Detail = append(e.Detail, fmt.Sprintf("%s lies in the slice %s", start, every.Label(all[at-1].Key)))
		}
	}
	return e
}
