package view

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Keys shortens slice keys for a reader: 2020-05-01 is 2020-05 where every slice starts on the first of a
// month, by the plan's period, or where there is no plan as far as is seen. --slices takes the short form too.
type Keys struct{ Months bool }

// NewKeys finds out how the keys of a plan, or of a run without one, are shortened.
func NewKeys(p *plan.Plan, all []string) Keys {
	if p != nil && !p.Pipeline.History.Every.IsZero() {
		return Keys{Months: len(all) > 0 && p.Label(all[0]) != all[0]} // they all begin on the same day of the month, or need not
	}
	for _, key := range all {
		if len(key) != len("2006-01-02") || !strings.HasSuffix(key, "-01") {
			return Keys{}
		}
	}
	return Keys{Months: len(all) > 0}
}

// Short is the key as it is shown.
func (k Keys) Short(key string) string {
	if k.Months && len(key) == len("2006-01-02") {
		return key[:len("2006-01")]
	}
	return key
}

// AllKeys are the slices of the plan and any other that an event named, in the order of time.
func AllKeys(st *hindcast.RunState, p *plan.Plan) []string {
	var all []string
	known := map[string]bool{}
	if p != nil {
		all = p.Keys()
	}
	if st == nil {
		return all
	}
	for _, key := range all {
		known[key] = true
	}
	planned := len(all)
	for _, key := range st.Order {
		if !known[key] {
			all = append(all, key)
		}
	}
	if len(all) > planned {
		slices.Sort(all)
	}
	return all
}

// Ranges writes keys in the order of time, runs of three and more as "first … last". next reports whether the
// second key follows the first without a gap.
func (k Keys) Ranges(group []string, next func(a, b string) bool, dots string) []string {
	var out []string
	for i := 0; i < len(group); {
		j := i
		for j+1 < len(group) && next(group[j], group[j+1]) {
			j++
		}
		if j-i >= 2 {
			out = append(out, k.Short(group[i])+" "+dots+" "+k.Short(group[j]))
		} else {
			for ; i <= j; i++ {
				out = append(out, k.Short(group[i]))
			}
		}
		i = j + 1
	}
	return out
}

// Shown writes ranges, those of three slices and more as "first … last".
func (k Keys) Shown(ranges []Range, dots string) []string {
	var out []string
	for _, r := range ranges {
		switch r.To - r.From {
		case 1:
			out = append(out, k.Short(r.First))
		case 2:
			out = append(out, k.Short(r.First), k.Short(r.Last))
		default:
			out = append(out, k.Short(r.First)+" "+dots+" "+k.Short(r.Last))
		}
	}
	return out
}

// Follows reports, for the keys of one list, whether the second comes right after the first.
func Follows(all []string) func(a, b string) bool {
	at := make(map[string]int, len(all))
	for i, key := range all {
		at[key] = i
	}
	return func(a, b string) bool { return at[b] == at[a]+1 }
}
