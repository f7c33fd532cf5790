package screen

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// keys shortens slice keys for a reader: 2020-05-01 is 2020-05 where every slice starts on the first of a
// month, by the plan's period, or where there is no plan as far as is seen. --slices takes the short form too.
type keys struct{ months bool }

func newKeys(p *plan.Plan, all []string) keys {
	if p != nil && !p.Pipeline.History.Every.IsZero() {
		return keys{months: len(all) > 0 && p.Label(all[0]) != all[0]} // they all begin on the same day of the month, or need not
	}
	for _, key := range all {
		if len(key) != len("2006-01-02") || !strings.HasSuffix(key, "-01") {
			return keys{}
		}
	}
	return keys{months: len(all) > 0}
}

func (k keys) short(key string) string {
	if k.months && len(key) == len("2006-01-02") {
		return key[:len("2006-01")]
	}
	return key
}

// allKeys are the slices of the plan and any other that an event named, in the order of time.
func allKeys(st *hindcast.RunState, p *plan.Plan) []string {
	var all []string
	known := map[string]bool{}
	if p != nil {
		for i := range p.Items {
			all = append(all, p.Items[i].Slice.Key)
			known[p.Items[i].Slice.Key] = true
		}
	}
	if st == nil {
		return all
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

// ranges writes keys in the order of time, runs of three and more as "first … last". next tells whether the
// second key follows the first without a hole.
func (k keys) ranges(group []string, next func(a, b string) bool, dots string) []string {
	var out []string
	for i := 0; i < len(group); {
		j := i
		for j+1 < len(group) && next(group[j], group[j+1]) {
			j++
		}
		if j-i >= 2 {
			out = append(out, k.short(group[i])+" "+dots+" "+k.short(group[j]))
		} else {
			for ; i <= j; i++ {
				out = append(out, k.short(group[i]))
			}
		}
		i = j + 1
	}
	return out
}

// follows reports, for the keys of one list, whether the second comes right after the first.
func follows(all []string) func(a, b string) bool {
	at := make(map[string]int, len(all))
	for i, key := range all {
		at[key] = i
	}
	return func(a, b string) bool { return at[b] == at[a]+1 }
}
