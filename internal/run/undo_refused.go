package run

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// refused is a slice of a target that cannot be undone.
type refused struct{ slice, table, why string }

// refusal is the error of slices that cannot be undone, by name; others are those that can.
func (u *undoing) refusal(others []plan.Item) error {
	if len(u.refused) == 0 {
		return nil
	}
	first := u.refused[0]
	e := &hindcast.Error{Code: hindcast.EChanged, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("run %s cannot be undone: %s of %s %s", u.frozen.Run, u.frozen.Label(first.slice), first.table, first.why),
		Next:    "nothing was changed; see who replaced what: hindcast list"}
	switch {
	case len(others) > 0:
		e.Next = "nothing was changed; undo the other slices: hindcast undo " + u.frozen.Run + " --slices …"
	case u.lost == len(u.refused):
		e.Next = "nothing was changed; to compute what stood there, write the SQL and the parameters as they were, then: hindcast run"
	}
	if more := len(u.refused) - 1; more > 0 {
		e.Message += fmt.Sprintf(", and %d more", more)
		e.Detail = u.refusals(u.refused[1:])
	}
	return e
}

// refusals are a line for each target and reason, with all its slices: a long history has mostly one reason.
func (u *undoing) refusals(list []refused) (lines []string) {
	var order []refused // without a slice
	keys := map[refused][]string{}
	for _, r := range list {
		of := refused{table: r.table, why: r.why}
		if keys[of] == nil {
			order = append(order, of)
		}
		keys[of] = append(keys[of], r.slice)
	}
	for _, of := range order {
		lines = append(lines, of.table+" "+of.why+": "+strings.Join(u.ranges(keys[of]), ", "))
	}
	return lines
}

// ranges names slices of the run, in their order; three and more that follow each other by the first and the last.
func (u *undoing) ranges(keys []string) (names []string) {
	at := map[string]int{}
	for i := range u.frozen.Items {
		at[u.frozen.Items[i].Slice.Key] = i
	}
	for len(keys) > 0 {
		n := 1
		for n < len(keys) && at[keys[n]] == at[keys[n-1]]+1 {
			n++
		}
		if n > 2 {
			names = append(names, u.frozen.Label(keys[0])+" to "+u.frozen.Label(keys[n-1]))
		} else {
			for _, key := range keys[:n] {
				names = append(names, u.frozen.Label(key))
			}
		}
		keys = keys[n:]
	}
	return names
}
