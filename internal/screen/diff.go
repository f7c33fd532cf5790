package screen

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

// mostSlices is how many slices that differ are listed, and mostMovers how many of those that moved a total most.
const (
	mostSlices = 12
	mostMovers = 3
)

// Diff shows what differs between the rows before and after: totals first, by year, then slices.
func Diff(w io.Writer, d *view.Diff, o Options) {
	pg := &page{o: o}
	for i := range d.Targets {
		if i > 0 {
			pg.add("")
		}
		pg.diffTarget(d, &d.Targets[i])
	}
	pg.flush(w)
}

func (p *page) diffTarget(d *view.Diff, t *view.DiffTarget) {
	by := "without a key"
	if len(t.Key) > 0 {
		by = "by " + strings.Join(t.Key, ", ")
	}
	p.wrap("", "  ", p.o.text(fmt.Sprintf("%s against %s: %s of %s, %s", d.After, d.Before, numbers.Counted(len(t.Slices), "slice"), t.Target, by)))
	for _, c := range t.Columns {
		p.wrap(label("column"), labelHang, p.o.text(columnText(c, p.o.or("→", "to"))))
	}
	if len(t.Only) > 0 {
		p.wrap(label("only in one"), labelHang, p.o.text(strings.Join(t.Only, ", ")))
	}
	if len(t.Gone) > 0 {
		p.wrap(label("not kept"), labelHang, p.o.text("what "+d.Run+" published in "+strings.Join(t.Gone, ", ")+" was replaced since, and is not kept any more"))
	}
	if t.Same() && len(t.Slices) > 0 {
		same := "  all rows are the same"
		if t.Reshaped() {
			same += " in the columns that both have"
		}
		p.add(same + ": " + numbers.Counted(view.Sum("", t.Slices).After, "row"))
		return
	}

	years := append(t.Years(), view.Sum("all", t.Slices))
	if len(years) == 2 {
		years = years[:1]
	}
	p.counts("rows", years)
	p.totals(t, years)
	p.differing(t)
	if slices.ContainsFunc(t.Slices, func(s view.DiffSlice) bool { return !s.ByKey && !s.Same() }) {
		p.wrap("  note: ", "        ", "where rows are not matched by a key, whole rows are compared: one that changed counts as removed and added")
	}
}

func columnText(c view.DiffColumn, to string) string {
	switch "" {
	case c.Before:
		return c.Name + " " + c.After + " is new"
	case c.After:
		return c.Name + " " + c.Before + " is gone"
	}
	return c.Name + " " + c.Before + " " + to + " " + c.After
}

// counts is a table of rows, a line each.
func (p *page) counts(title string, list []view.DiffSlice) {
	table := [][]string{{title, "before", "after", "added", "removed", "changed"}}
	for _, s := range list {
		table = append(table, []string{p.o.text(s.Label), numbers.Thousands(s.Before), numbers.Thousands(s.After), numbers.Thousands(s.Added), numbers.Thousands(s.Removed), changedText(s)})
	}
	p.table(table)
}

func changedText(s view.DiffSlice) string {
	if !s.ByKey && s.Changed == 0 {
		return "-"
	}
	return numbers.Thousands(s.Changed)
}

func (p *page) table(table [][]string) {
	p.add("")
	for i, line := range aligned(table) {
		line = clip("  "+line, p.o.Width, p.o.Unicode)
		if i == 0 {
			line = p.o.paint(dim, line)
		}
		p.add(line)
	}
}

// totals has a table for each column whose total changed in any slice, and names the others.
func (p *page) totals(t *view.DiffTarget, years []view.DiffSlice) {
	var unchanged []string
	for _, total := range years[len(years)-1].Totals {
		movers := t.Movers(total.Column, mostMovers)
		if len(movers) == 0 {
			unchanged = append(unchanged, total.Column)
			continue
		}
		table := [][]string{{p.o.text(total.Column), "before", "after", "change", ""}}
		for _, year := range years {
			if of := year.Total(total.Column); of != nil {
				table = append(table, totalRow(p.o.text(year.Label), *of))
			}
		}
		p.table(table)
		if len(t.Slices) > 1 {
			p.wrap("    most: ", "          ", p.o.text(strings.Join(moverTexts(movers, total.Column), ", ")))
		}
	}
	if len(unchanged) > 0 {
		p.add("")
		p.wrap(label("same total"), labelHang, p.o.text(strings.Join(unchanged, ", ")))
	}
}

func totalRow(name string, t view.DiffTotal) []string {
	return []string{name, amountText(t.Before, t.Approximate), amountText(t.After, t.Approximate), signed(t.Difference()), shareText(t)}
}

func moverTexts(movers []view.DiffSlice, column string) (list []string) {
	for _, s := range movers {
		total := s.Total(column)
		list = append(list, strings.TrimRight(s.Label+" "+signed(total.Difference())+" "+shareText(*total), " "))
	}
	return list
}

// amountText gives a total with its thousands apart.
func amountText(s *string, approximate bool) string {
	if s == nil {
		return null
	}
	text := numbers.Decimal(*s)
	if approximate {
		text = "~" + text
	}
	return text
}

func signed(s string) string {
	switch {
	case s == "":
		return ""
	case strings.HasPrefix(s, "-"):
		return numbers.Decimal(s)
	case strings.Trim(s, "0.") == "":
		return "0"
	}
	return "+" + numbers.Decimal(s)
}

// shareText is a change in per cent; "" if there was nothing before, or nothing changed.
func shareText(t view.DiffTotal) string {
	share, known := t.Moved()
	if !known || share == 0 {
		return ""
	}
	percent := math.Abs(share * 100)
	text := fmt.Sprintf("%.1f %%", percent)
	if percent < 0.05 {
		text = "<0.1 %"
	}
	if share < 0 {
		return "-" + text
	}
	return "+" + text
}

// differing lists the slices that differ, and the rows that were asked for.
func (p *page) differing(t *view.DiffTarget) {
	var differ []view.DiffSlice
	for _, s := range t.Slices {
		if !s.Same() || s.Note != "" {
			differ = append(differ, s)
		}
	}
	shown := differ[:min(len(differ), mostSlices)]
	if len(t.Slices) > 1 {
		p.counts("slices that differ", shown)
		if rest := len(differ) - len(shown); rest > 0 {
			p.add("  and " + numbers.Counted(rest, "more slice") + "; --json has all, --slices chooses")
		}
	}
	for _, s := range shown {
		if s.Note != "" {
			p.wrap("  note: ", "        ", p.o.text(s.Label+": "+s.Note))
		}
	}
	for _, s := range differ {
		p.diffRows(s)
	}
}

// signs stand for what happened to a row.
var signs = map[string]string{view.RowAdded: "+", view.RowRemoved: "-", view.RowChanged: "~"}

var signColors = map[string]style{view.RowAdded: green, view.RowRemoved: red, view.RowChanged: yellow}

func (p *page) diffRows(s view.DiffSlice) {
	if len(s.Rows) == 0 {
		return
	}
	p.add("  " + p.o.text(s.Label) + ", the rows that moved most first:")
	for _, row := range s.Rows {
		var words []string
		for _, v := range append(slices.Clone(row.Key), row.Values...) {
			words = append(words, p.o.valueText(row.Kind, v))
		}
		if row.Times > 1 {
			words = append(words, fmt.Sprintf("(%d x)", row.Times))
		}
		p.wrap("    "+p.o.paint(signColors[row.Kind], signs[row.Kind])+" ", "      ", strings.Join(words, "  "))
	}
	if s.More {
		p.add("    and more")
	}
}

// valueText is a column's value, or both that it had.
func (o Options) valueText(kind string, v view.DiffValue) string {
	value := func(s *string) string {
		if s == nil {
			return null
		}
		return o.text(*s)
	}
	name := o.text(v.Column) + "="
	switch {
	case kind == view.RowAdded:
		return name + value(v.After)
	case kind == view.RowRemoved, v.Before != nil && v.After != nil && *v.Before == *v.After:
		return name + value(v.Before)
	}
	return name + value(v.Before) + " " + o.or("→", "to") + " " + value(v.After)
}
