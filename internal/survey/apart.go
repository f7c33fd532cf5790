package survey

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// apart refuses a target that is a fact's own table in any slice of the history, also by another name, as its partition or as
// the table that it is a partition of: each load would replace rows that may be the only copy, and what the SQL leaves out of
// them would be lost. It warns of dimensions that are the target, and of views over the target. target is empty if there is no
// such table yet.
func (s *Survey) apart(o *hindcast.Output, target warehouse.Table) error {
	name := o.Target.Table
	if s.Apart { // a table of the same name or id is another one there
		return nil
	}
	for _, source := range s.asked {
		t, there := s.described[source]
		switch {
		case s.onlyDim(source):
			if sameRows(target, t) || shows(t, target) {
				s.loops = append(s.loops, fmt.Sprintf("the dimension %s has rows of the target %s: a run reads what earlier runs wrote, and gives another result each time",
					source, name))
			}
		case sameRows(target, t), !there && strings.EqualFold(source, name):
			return s.ownSource(o, source)
		case shows(t, target):
			s.loops = append(s.loops, fmt.Sprintf("the view %s has rows of the target %s: a run reads what earlier runs wrote, and gives another result each time",
				source, name))
		}
	}
	return nil
}

// onlyDim reports whether a table is read as a dimension and not as a fact.
func (s *Survey) onlyDim(source string) bool {
	return slices.ContainsFunc(s.Pipeline.Dims, func(d hindcast.Dim) bool { return d.Table == source }) &&
		!slices.ContainsFunc(s.Pipeline.Facts, func(f hindcast.Fact) bool { return f.Table == source })
}

func (s *Survey) ownSource(o *hindcast.Output, source string) error {
	name := o.Target.Table
	if source != name {
		source = fmt.Sprintf("%s (the target %s)", source, name)
	}
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Place: s.Pipeline.Places[o.Key("target.table")],
		Message: fmt.Sprintf("%s is both a source and the target: a run would replace the rows that it reads, and lose those that the SQL leaves out", source),
		Next:    "give the target another name; a table that does not exist is created"}
}

// sameRows reports whether the rows of one table are among those of the other.
func sameRows(a, b warehouse.Table) bool {
	return a.ID != "" && b.ID != "" && (a.ID == b.ID || slices.Contains(a.Within, b.ID) || slices.Contains(b.Within, a.ID))
}

// shows reports whether a view is over the table, or over one that has its rows.
func shows(view, table warehouse.Table) bool {
	return slices.ContainsFunc(view.Shows, func(id string) bool { return id == table.ID || slices.Contains(table.Within, id) })
}
