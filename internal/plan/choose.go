package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// choose takes the slices that --slices names: keys and prefixes of keys, ranges of them (both ends belong to it),
// and the words all, new, stale, failed and unsettled, joined by commas. Nothing named is all. E-SLICES for a term
// that no slice can have, and if no slice is left.
func (m *maker) choose(all []candidate) ([]candidate, error) {
	chosen := make([]bool, len(all))
	terms := strings.Split(m.Selection, ",")
	if strings.TrimSpace(m.Selection) == "" {
		terms = []string{"all"}
	}
	some := false
	for _, term := range terms {
		term = strings.TrimSpace(term)
		matches, word := m.term(term)
		found := word
		for i := range all {
			if matches(&all[i]) {
				chosen[i], found, some = true, true, true
			}
		}
		if !found {
			return nil, noSlice(term, all)
		}
	}
	if !some {
		return nil, &hindcast.Error{Code: hindcast.ESlices, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("no slice is %s", strings.Join(terms, " or ")), Next: "see what there is: hindcast plan"}
	}
	var out []candidate
	for i, c := range all {
		if chosen[i] {
			out = append(out, m.force(c))
		}
	}
	return out, nil
}

// force runs what would not be run, except where there is no table to run it from.
func (m *maker) force(c candidate) candidate {
	if !m.Force || c.Reason == hindcast.ReasonMissing {
		return c
	}
	c.Reason, c.Detail = hindcast.ReasonForced, ""
	if row := c.committed; row != nil {
		c.Detail = "committed by " + row.Run + ", " + day(row.CommittedAt, m.Now)
	}
	return c
}

// term is one term of a selection; a word may select nothing, a key may not.
func (m *maker) term(term string) (matches func(*candidate) bool, word bool) {
	switch term {
	case "all":
		return func(*candidate) bool { return true }, true
	case "new", "missing":
		return func(c *candidate) bool { return c.committed == nil }, true
	case "stale":
		return func(c *candidate) bool { return c.committed != nil && c.Reason.Runs() }, true
	case "failed":
		return func(c *candidate) bool { return m.Failed[c.Slice.Key] }, true
	case "unsettled":
		return func(c *candidate) bool { return c.unsettled }, true
	}
	first, last, isRange := strings.Cut(term, "..")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if !isRange {
		return func(c *candidate) bool { return first != "" && begins(c.Slice.Key, first) }, false
	}
	return func(c *candidate) bool {
		key := c.Slice.Key
		return (first == "" || key >= first) && (last == "" || key <= last || begins(key, last)) && first+last != ""
	}, false
}

// begins reports whether the prefix is the key's year, month, day or hour: 2019-1 is none.
func begins(key, prefix string) bool {
	rest, found := strings.CutPrefix(key, prefix)
	return found && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// nearest is how many slices an E-SLICES proposes on either side.
const nearest = 2

func noSlice(term string, all []candidate) error {
	first, last := all[0].Slice, all[len(all)-1].Slice
	e := &hindcast.Error{Code: hindcast.ESlices, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("no slice %q; the history has %s to %s", term, first.Key, last.Key),
		Next:    "name slices by key (2019-03), range (2019-03..2019-09), or all, new, stale, failed, unsettled"}
	start, _, _ := strings.Cut(term, "..")
	at, _ := slices.BinarySearchFunc(all, start, func(c candidate, t string) int { return strings.Compare(c.Slice.Key, t) })
	var keys []string
	for i := max(0, at-nearest); i < min(len(all), at+nearest); i++ {
		keys = append(keys, all[i].Slice.Key)
	}
	e.Detail = []string{"near it: " + strings.Join(keys, ", ")}
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		t, err := time.Parse(layout, start)
		if err == nil && at > 0 && !t.Before(reading(all[at-1].Slice.Start)) && t.Before(reading(all[at-1].Slice.End)) {
			e.Detail = append(e.Detail, fmt.Sprintf("%s lies in the slice %s", start, all[at-1].Slice.Key))
		}
	}
	return e
}
