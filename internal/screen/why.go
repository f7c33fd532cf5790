package screen

import (
	"cmp"
	"io"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

// Why shows where a slice's published rows came from, and what a run would do about it now.
func Why(w io.Writer, told *view.Why, o Options) {
	pg := &page{o: o}
	stale := false
	for i := range told.Outputs {
		is := &told.Outputs[i]
		if i > 0 {
			pg.add("")
		}
		pg.stands(told, is)
		pg.committed(is)
		pg.sqlOf(is)
		pg.params(is.Params)
		if len(is.Reads) > 0 {
			pg.fact("reads", o.text(strings.Join(is.Reads, ", ")), "as the same attempt computed it")
		}
		pg.inputs(is.Inputs)
		stale = stale || is.Stale()
	}
	if stale {
		pg.next("hindcast run --slices " + ShellWord(told.Label))
	}
	pg.flush(w)
}

// stands begins an output: the slice, and whether it is stale.
func (p *page) stands(told *view.Why, is *view.WhyOutput) {
	text, style := "up to date", green
	switch {
	case is.Committed == nil && is.Reason.Runs():
		text, style = "not published yet", yellow
	case is.Reason == hindcast.ReasonUpToDate:
	case is.Reason == hindcast.ReasonRead:
		text = "up to date, and computed again: read"
	case is.Reason.Runs():
		text, style = "stale: "+string(is.Reason), yellow
	default:
		text, style = string(is.Reason), plain
	}
	if is.Detail != "" && is.Reason != hindcast.ReasonUpToDate {
		text += " (" + is.Detail + ")"
	}
	title := p.o.text(told.Label) + " of " + p.o.text(is.Target)
	first := p.o.paint(bold, title) + " is "
	if p.o.Width > 0 && cells(first)+cells(text) > p.o.Width {
		p.wrap(first, "  ", p.o.text(text))
		return
	}
	p.add(first + p.o.paint(style, p.o.text(text)))
}

// committed says when what is published was, and by whom.
func (p *page) committed(is *view.WhyOutput) {
	c := is.Committed
	if c == nil {
		return
	}
	by := "by " + c.Run + " attempt " + strconv.Itoa(c.Attempt)
	if c.Publication != c.Run {
		by = "by " + c.Publication + ", computed by " + c.Run + " attempt " + strconv.Itoa(c.Attempt)
	}
	p.fact("published", moment(c.CommittedAt, p.o.Now), by, numbers.Counted(c.Sums.Rows, "row"))
	if c.Parts.Engine != "" {
		p.fact("engine", p.o.text(c.Parts.Engine))
	}
}

func (p *page) sqlOf(is *view.WhyOutput) {
	switch {
	case is.Committed == nil:
		return
	case is.Unknown != "":
		p.wrap(label("SQL"), labelHang, p.o.text("not known: "+is.Unknown))
		return
	case len(is.Diff) == 0:
		p.fact("SQL", p.o.text(p.o.near(is.SQLFile))+", the same as today's")
		return
	}
	p.fact("SQL", p.o.text(p.o.near(is.SQLFile))+", which differs today:")
	for _, line := range is.Diff {
		text := clip("    "+p.o.text(line), p.o.Width, p.o.Unicode)
		switch line[0] {
		case '-':
			text = p.o.paint(red, text)
		case '+':
			text = p.o.paint(green, text)
		default:
			text = p.o.paint(dim, text)
		}
		p.add(strings.TrimRight(text, " "))
	}
}

// params are those that have another value today.
func (p *page) params(changed []view.WhyParam) {
	for i, c := range changed {
		name := ""
		if i == 0 {
			name = "params"
		}
		p.fact(name, p.o.text(c.Name+": "+cmp.Or(c.Was, "none")+", today "+cmp.Or(c.Now, "none")))
	}
}

// inputs are what it was computed from, a line each.
func (p *page) inputs(list []view.WhyInput) {
	if len(list) == 0 {
		return
	}
	p.add("  computed from:")
	table := [][]string{}
	for _, in := range list {
		name := in.Name
		if in.Label != "" {
			name += " " + in.Label
		}
		row := []string{p.o.text(name)}
		switch {
		case in.Missing:
			row = append(row, "no table", "", "", "")
		case in.Own:
			row = append(row, "own files", numbers.Counted(in.Rows, "row"), numbers.Size(in.Bytes), "")
		default:
			unloaded := "unloaded " + moment(in.Unloaded, p.o.Now)
			if in.Shared != nil {
				unloaded += " by " + in.Shared.Who()
			}
			row = append(row, generation(in), numbers.Counted(in.Rows, "row"), numbers.Size(in.Bytes), p.o.text(unloaded))
		}
		table = append(table, row)
	}
	for _, line := range aligned(table) {
		p.add(clip("  "+line, p.o.Width, p.o.Unicode))
	}
}

func generation(in view.WhyInput) string {
	text := "an earlier generation"
	if in.Generation > 0 {
		text = "generation " + strconv.Itoa(in.Generation)
	}
	if in.Gone && in.Generation > 0 {
		text += ", superseded"
	}
	return text
}
