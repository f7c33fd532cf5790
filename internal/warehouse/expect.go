package warehouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// Expectation is what a replacement expects to find. What is nil may be anything.
type Expectation struct {
	// From is the publication of what stands in the slice. The zero Origin expects none.
	From *Origin `json:"from,omitempty"`
	// Sums are of the rows that stand in the slice, as Published gives them over Columns, or over the replacement's columns
	// if there are none.
	Sums    *hindcast.Sums    `json:"sums,omitempty"`
	Columns []hindcast.Column `json:"columns,omitempty"`
}

// Origin says what a status row says of where a slice's rows came from.
type Origin struct {
	Publication string `json:"publication"`
	Fingerprint string `json:"fingerprint"`
}

// Met compares the expectation of a pipeline's replacement with the status rows whose slices overlap it, and with what sums gives,
// which is not called without need. The error is E-CHANGED.
func (r *Replacement) Met(pipeline string, rows []hindcast.Committed, sums func(columns []hindcast.Column) (hindcast.Sums, error)) error {
	if want := r.Expect.From; want != nil {
		if said := r.unlike(*want, pipeline, rows); said != "" {
			return r.changed(said)
		}
	}

	if want := r.Expect.Sums; want != nil {
		columns := r.Expect.Columns
		if len(columns) == 0 {
			columns = r.Columns
		}
		found, err := sums(columns)
		if err != nil {
			return err
		}
		if !found.Agrees(*want) {
			return r.changed("somebody edited its rows since they were committed")
		}
	}
	return nil
}

// unlike says how the status rows differ from what was expected; "" if they do not.
func (r *Replacement) unlike(want Origin, pipeline string, found []hindcast.Committed) string {
	switch {
	case len(found) == 0 && want == Origin{}:
		return ""
	case len(found) == 0:
		return "run " + want.Publication + " should have committed it, and it has not"
	}
	for _, c := range found {
		if (Origin{Publication: c.Publication, Fingerprint: c.Fingerprint}) != want {
			return by(&c, pipeline) + " has committed it since"
		}
		if !c.Slice.Equal(r.Slice.Interval) {
			return by(&c, pipeline) + " has committed it as a part of slice " + c.Slice.Key
		}
	}
	return ""
}

// by names the run that wrote a status row. Another pipeline has runs of the same names.
func by(row *hindcast.Committed, pipeline string) string {
	if row.Pipeline != pipeline {
		return "run " + row.Publication + " of pipeline " + row.Pipeline
	}
	return "run " + row.Publication
}

func (r *Replacement) changed(said string) error {
	return &hindcast.Error{Code: hindcast.EChanged, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("slice %s of %s%s%s", r.Slice.Key, r.Target.Table, otherwise, said),
		Next:    "nothing was changed; see what is there: hindcast status", Slices: []string{r.Slice.Key}}
}

const otherwise = " is not what was to be replaced: "

// allChanged is the error of one or several replacements that have found something else: that of the earliest slice, with the slices of all, and
// whatever else is said of others.
func allChanged(list []*hindcast.Error) error {
	slices.SortStableFunc(list, func(a, b *hindcast.Error) int { return cmp.Compare(a.Slices[0], b.Slices[0]) })
	e := *list[0]
	_, said, _ := strings.Cut(e.Message, otherwise)
	known := map[string]bool{said: true}
	e.Slices = nil
	for _, one := range list {
		e.Slices = append(e.Slices, one.Slices[0])
		if _, said, _ = strings.Cut(one.Message, otherwise); !known[said] {
			known[said], e.Detail = true, append(e.Detail, one.Message)
		}
	}
	e.Slices = slices.Compact(e.Slices) // one may have several outputs
	if more := len(e.Slices) - 1; more > 0 {
		e.Message += fmt.Sprintf(", and %d more", more)
	}
	return &e
}
