package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// starWithout is * EXCLUDE (a, b): the other columns, by their names.
func (b *binder) starWithout(x *ast.Star, s *scope, why purpose, bound *sem.Query) []output {
	left := map[string]bool{}
	for _, n := range x.Exclude {
		if _, found, _ := s.find("", n.Text); found == 0 {
			b.refuse(sem.NoColumn, n.At, closest(n.Text, s, ""), "there is no column %s", n.Text)
		}
		left[n.Text] = true
	}
	slot := sem.Slot{Kind: sem.SlotReplace, At: x.At, Why: "the columns that are left"}
	var outputs []output
	var text strings.Builder
	for _, t := range s.tables {
		if t.shuffled {
			b.refuse(sem.NotOnEngine, x.At, "write the columns", "an engine would give the columns of this join in another order")
		}
		for i := range t.len() {
			if t.hides(i) || left[t.nameOf(i)] {
				continue
			}
			c := t.column(i)
			e := b.columnOf(c, x.At)
			if why.guards || why.trims || len(s.keys) > 0 {
				b.refuse(sem.NotKnown, x.At, "write the columns", "EXCLUDE is not read here")
			}
			if text.Len() > 0 {
				text.WriteString(", ")
			}
			if t.name != "" {
				text.WriteString("\x00.")
				slot.Slots = append(slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: x.At, Expr: b.called(ast.Name{At: x.At, Text: t.name})})
			}
			text.WriteString("\x00")
			slot.Slots = append(slot.Slots, sem.Slot{Kind: sem.SlotExpr, At: x.At, Expr: e})
			outputs = append(outputs, output{Column: *c, star: x.At, column: c})
		}
	}
	if slot.Text = text.String(); len(outputs) == 0 {
		b.refuse(sem.Mismatch, x.At, "", "EXCLUDE leaves no column")
	}
	bound.Slots = append(bound.Slots, slot)

	return outputs
}
