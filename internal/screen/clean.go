package screen

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

// mostNames is how many runs are named in a line.
const mostNames = 8

// Clean shows what was deleted, or would be.
func Clean(w io.Writer, c *view.Clean, o Options) {
	pg := &page{o: o}
	did := "nothing deleted"
	if c.Deleted {
		did = "deleted"
	}
	pg.ends(o.paint(bold, o.text(c.Pipeline))+": "+numbers.Counted(c.Runs, "run")+" and "+numbers.Counted(c.Previous, "earlier state")+" of each slice stay", did)
	pg.add("")

	if len(c.Items) == 0 {
		pg.add("  nothing to delete")
	} else {
		pg.cleanLines(c)
		if c.Linked > 0 {
			stay := "  " + numbers.Size(c.Linked) + " of that stays on the disk"
			if c.Deleted {
				stay = "  " + numbers.Size(c.Linked) + " of that is on the disk still"
			}
			pg.wrap(stay, "  ", ": other pipelines share these files")
		}
		pg.add("")
	}
	pg.keeps(c)
	if !c.Deleted && len(c.Items) > 0 {
		pg.next("hindcast clean --delete")
	}
	pg.flush(w)
}

// cleanLines are one for each kind and reason, and the sum.
func (p *page) cleanLines(c *view.Clean) {
	type line struct {
		kind view.CleanKind
		why  string
	}
	var order []line
	items := map[line][]view.CleanItem{}
	for _, i := range c.Items {
		at := line{i.Kind, i.Why}
		if items[at] == nil {
			order = append(order, at)
		}
		items[at] = append(items[at], i)
	}
	slices.SortStableFunc(order, func(a, b line) int {
		return slices.Index(view.CleanKinds, a.kind) - slices.Index(view.CleanKinds, b.kind)
	})

	var table [][]string
	var says []string
	for _, at := range order {
		objects, bytes, of := 0, int64(0), []string{}
		for _, i := range items[at] {
			objects, bytes = objects+i.Objects, bytes+i.Bytes
			name := i.Run
			if i.Kind == view.CleanUnload {
				name = i.Name
			}
			if !slices.Contains(of, name) {
				of = append(of, name)
			}
		}
		table = append(table, []string{cleanKind(at.kind, len(items[at])), numbers.Counted(objects, "file"), numbers.Size(bytes)})
		says = append(says, some(of)+": "+at.why)
	}
	table = append(table, []string{"in all", numbers.Counted(c.Objects, "file"), numbers.Size(c.Bytes)})
	for i, columns := range aligned(table) {
		if i == len(says) {
			p.add("  " + columns)
			break
		}
		p.wrap("  "+columns+"  ", strings.Repeat(" ", cells(columns)+4), p.o.text(says[i]))
	}
}

// cleanKind counts the items of a kind.
func cleanKind(kind view.CleanKind, n int) string {
	return map[view.CleanKind]string{view.CleanRecords: numbers.Counted(n, "run"), view.CleanLog: numbers.Counted(n, "log"),
		view.CleanStaging: numbers.Counted(n, "attempt") + " staged", view.CleanPrevious: numbers.Counted(n, "replaced result"), view.CleanUnload: numbers.Counted(n, "unload")}[kind]
}

// some names a few, and counts the rest.
func some(names []string) string {
	if more := len(names) - mostNames; more > 0 {
		return strings.Join(names[:mostNames], " ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, " ")
}

// keeps says which older runs stay, by the reason.
func (p *page) keeps(c *view.Clean) {
	var whys []string
	runs := map[string][]string{}
	for _, k := range c.Kept {
		if runs[k.Why] == nil {
			whys = append(whys, k.Why)
		}
		runs[k.Why] = append(runs[k.Why], k.Run)
	}
	for _, why := range whys {
		p.wrap("  stays: ", "         ", p.o.text(some(runs[why])+" ("+why+")"))
	}
}
