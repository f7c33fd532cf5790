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
}

// states are what is known of the rows that a target had and has. A load keeps the rows that it replaces, with the rows of
// hindcast_status that stood for them: what a run published of a slice is in the target, or with the load after it.
type states struct {
	target string
	rows   []hindcast.Committed // that stand now
	kept   []lake.Kept
}

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
	of := map[string]*states{}
	for _, target := range targets {
		of[target] = &states{target: target}
	}
	for _, row := range rows {
		if st := of[row.Target]; st != nil {
			st.rows = append(st.rows, row)
		}
	}
	for _, k := range kept {
		if k.Manifest == nil { // verify names it; its rows are gone
			continue
		}
		if st := of[k.Manifest.Source]; st != nil {
			st.kept = append(st.kept, k)
		}
	}
	return of, nil
}

// published are the status rows that a run has written, as far as anything says so, in the order of time.
func (s *states) published(run string) (list []hindcast.Committed) {
	add := func(rows []hindcast.Committed) {
		for _, row := range rows {
			if row.Publication == run && !slices.ContainsFunc(list, func(o hindcast.Committed) bool { return o.Slice.Key == row.Slice.Key }) {
				list = append(list, row)
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
	is := func(o hindcast.Committed) bool {
		return o.Publication == row.Publication && o.Slice.Key == row.Slice.Key
	}
	if slices.ContainsFunc(s.rows, is) {
		return source{now: true}, nil
	}
	for _, k := range s.kept {
		if slices.ContainsFunc(k.Rows, is) && k.Manifest.Interval.Equal(row.Slice.Interval) {
			return source{files: k.Manifest.Files}, nil
		}
	}
	return source{}, s.gone(row, "they were replaced together with those of another slice, or without being kept")
}

// before is where the rows are that a publication replaced. E-RUN if they are gone.
func (s *states) before(row hindcast.Committed) (source, error) {
	if row.Previous == "" { // nothing was replaced
		return source{}, nil
	}
	for _, k := range s.kept {
		if strings.Trim(k.Prefix, "/") == strings.Trim(row.Previous, "/") {
			return source{files: k.Manifest.Files}, nil
		}
	}
	return source{}, s.gone(row, "the rows that it replaced are no longer in the lake, below "+row.Previous)
}

func (s *states) gone(row hindcast.Committed, why string) error {
	return &hindcast.Error{Code: hindcast.ERun, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the rows of run %s in slice %s of %s cannot be compared: %s", row.Publication, row.Slice.Key, s.target, why),
		Next:    "compare the slices that are there: --slices"}
}
