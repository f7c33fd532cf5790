package screen

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// Columns of a fact that are shown over time; how many more there are is told.
const coursesShown = 12

// courses shows the columns of each fact that come and go, or change their type, over time; and the line that declares them.
func (p *page) courses(pl *plan.Plan, k view.Keys) {
	for i := range pl.Pipeline.Facts {
		p.coursesOf(pl, &pl.Pipeline.Facts[i], k)
	}
}

func (p *page) coursesOf(pl *plan.Plan, f *hindcast.Fact, k view.Keys) {
	var list []plan.Course
	wide := 0
	for _, c := range pl.Courses {
		if c.Fact == f.Name {
			list = append(list, c)
			wide = max(wide, cells(c.Column))
		}
	}
	if len(list) == 0 {
		return
	}

	p.add(label("columns") + p.o.text("of "+f.Name+" over time"))
	for _, c := range list[:min(len(list), coursesShown)] {
		name := labelHang + padRight(p.o.text(c.Column), wide) + "  "
		p.wrap(name, strings.Repeat(" ", cells(name)), p.o.text(courseText(c, k)))
	}
	if more := len(list) - coursesShown; more > 0 {
		p.add(labelHang + fmt.Sprintf("and %d more", more))
	}

	line, renames := pl.Declarations(f, func(plan.Course) bool { return true })
	if line == "" {
		return
	}
	why := "for one type in all slices, write below facts." + f.Name + ":"
	if len(renames) > 0 {
		why = "if " + strings.Join(renames, " and ") + ", write below facts." + f.Name + ":"
	}
	p.wrap(labelHang, labelHang, p.o.text(why))
	p.add(labelHang + p.o.text(line)) // in one piece, to be copied
}

// courseText says when a column is there, and of which type.
func courseText(c plan.Course, k view.Keys) string {
	parts := make([]string, len(c.Of))
	for i, s := range c.Of {
		span := k.Short(s.From)
		if s.To != s.From {
			span += " to " + k.Short(s.To)
		}
		parts[i] = span + " " + cmp.Or(s.Type, "none")
	}
	text := strings.Join(parts, ", ")
	if c.Settled {
		text += "; declared"
	}
	return text
}
