package diff

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/session"
)

// source says where the rows of a slice are, as they stood at one time. The zero source is no rows.
type source struct {
	files []hindcast.File // in the lake
	now   bool            // in the target
	by    string          // the run that computed them; "" if that is not known
}

// states are what is known of the rows that a target had and has. A load keeps the rows that it replaces, with the rows of
// hindcast_status that stood for them: what a run published of a slice is in the target, or with the load after it.
type states struct {
	target string
	rows   []hindcast.Committed // that stand now
	kept   []lake.Kept
	now    map[writing]bool      // who wrote rows
	with   map[writing]lake.Kept // kept, by who wrote it, where it is of that slice alone
	at     map[string]lake.Kept  // kept, by its prefix

	cleaned map[string]lake.Cleaned // who deleted what runs had kept
}

// writing is what a publication wrote of a slice.
type writing struct{ publication, slice string }

func of(row *hindcast.Committed) writing { return writing{row.Publication, row.Slice.Key} }

// learn reads it, of each target.
func learn(ctx context.Context, s *session.Session, targets []string) (map[string]*states, error) {
	rows, err := s.Warehouse.Committed(ctx, s.Pipeline.Name, false)
	if err != nil {
		return nil, err
	}
	kept, err := s.Lake.Replaced(ctx)
	if err != nil {
		return nil, err
	}
	cleaned, err := s.Lake.Cleaned(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]*states{}
	for _, target := range targets {
		known[target] = &states{target: target, cleaned: cleaned, now: map[writing]bool{}, with: map[writing]lake.Kept{}, at: map[string]lake.Kept{}}
	}
	for _, row := range rows {
		if st := known[row.Target]; st != nil {
			st.rows, st.now[of(&row)] = append(st.rows, row), true
		}
	}
	for _, k := range kept {
		if k.Manifest == nil { // verify names it; its rows are gone
			continue
		}
		if st := known[k.Manifest.Source]; st != nil {
			k.Rows = slices.DeleteFunc(k.Rows, func(row hindcast.Committed) bool { return row.Pipeline != s.Pipeline.Name }) // whose runs have ids of their own
			st.keeps(k)
		}
	}
	return known, nil
}

// keeps takes in what a load replaced.
func (s *states) keeps(k lake.Kept) {
	s.kept, s.at[strings.Trim(k.Prefix, "/")] = append(s.kept, k), k
	for i := range k.Rows {
		row := &k.Rows[i]
		if _, known := s.with[of(row)]; !known && k.Manifest.Interval.Equal(row.Slice.Interval) {
			s.with[of(row)] = k
		}
	}
}

// published are the status rows that a run has written, as far as anything says so, in the order of time.
func (s *states) published(run string) (list []hindcast.Committed) {
	known := map[string]bool{}
	add := func(rows []hindcast.Committed) {
		for _, row := range rows {
			if row.Publication == run && !known[row.Slice.Key] {
				list, known[row.Slice.Key] = append(list, row), true
			}
		}
	}
	add(s.rows)
	for _, k := range s.kept {
		add(k.Rows)
	}
	slices.SortFunc(list, func(a, b hindcast.Committed) int { return a.Slice.Start.Compare(b.Slice.Start) })
	return list
}

// after is where the rows are that a publication wrote. E-RUN if they are gone.
func (s *states) after(row hindcast.Committed) (source, error) {
	if s.now[of(&row)] {
		return source{now: true, by: row.Run}, nil
	}
	if k, there := s.with[of(&row)]; there {
		return source{files: k.Manifest.Files, by: row.Run}, nil
	}
	return source{}, s.gone(row, "they were replaced together with those of another slice, or without being kept")
}

// before is where the rows are that a publication replaced. E-RUN if they are gone.
func (s *states) before(row hindcast.Committed) (source, error) {
	if row.Previous == "" { // nothing was replaced
		return source{}, nil
	}
	if k, there := s.at[strings.Trim(row.Previous, "/")]; there {
		return source{files: k.Manifest.Files, by: computedBy(k.Rows, row.Slice)}, nil
	}
	if by := s.cleaned[row.Publication]; by.At.After(row.CommittedAt) {
		return source{}, s.gone(row, "the rows that it replaced were deleted by "+by.String())
	}
	return source{}, s.gone(row, "the rows that it replaced are no longer in the lake, below "+row.Previous)
}

// computedBy is the run that computed the rows that stand in a slice, or the first of them where they are of several slices.
func computedBy(rows []hindcast.Committed, slice hindcast.Slice) string {
	for i := range rows {
		if rows[i].Slice.Overlaps(slice.Interval) {
			return rows[i].Run
		}
	}
	return ""
}

func (s *states) gone(row hindcast.Committed, why string) error {
	return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the rows of run %s in slice %s of %s cannot be compared: %s", row.Publication, row.Slice.Key, s.target, why),
		Next:    "compare the slices that are there: --slices"}
}
