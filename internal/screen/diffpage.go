package screen

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/view"
)

//go:embed diffpage.html
var diffPageText string

// diffPage escapes all that it is given, wherever that stands in the page.
var diffPage = template.Must(template.New("diff").Funcs(template.FuncMap{
	"rows": numbers.Thousands[int64], "counted": numbers.Counted[int],
	"amount": amountText, "signed": signed, "share": shareText, "changed": changedText, "sign": func(kind string) string { return signs[kind] },
	"column": func(c view.DiffColumn) string { return columnText(c, "→") },
	"value":  Options{Unicode: true}.valueText,
}).Parse(diffPageText))

// DiffPage writes what Diff shows as a page that needs nothing else: with a chart of each total that moved, a bar for each slice.
func DiffPage(w io.Writer, d *view.Diff, made string) error {
	p := pageOf(d)
	p.Made = made
	return diffPage.Execute(w, p)
}

// diffPageData is what the template is given.
type diffPageData struct {
	*view.Diff
	Made    string
	Targets []targetPage
}

type targetPage struct {
	*view.DiffTarget
	Years  []view.DiffSlice
	Charts []chart
	Rows   []view.DiffSlice // slices with rows to show
}

// chart has a bar for each slice: by how much a column's total moved.
type chart struct {
	Column string
	Years  []yearTotal
	Most   string // what the longest bar stands for
	Bars   []changeBar
	Width  int
}

type yearTotal struct {
	Year string
	view.DiffTotal
}

type changeBar struct {
	X, Y, Width, Height float64
	Down                bool
	Title               string
}

func pageOf(d *view.Diff) diffPageData {
	p := diffPageData{Diff: d}
	for i := range d.Targets {
		t := &d.Targets[i]
		page := targetPage{DiffTarget: t, Years: t.Years()}
		if len(page.Years) > 1 {
			page.Years = append(page.Years, view.Sum("all", t.Slices))
		}
		for _, total := range view.Sum("", t.Slices).Totals {
			if len(t.Movers(total.Column, 1)) > 0 {
				page.Charts = append(page.Charts, chartOf(t, page.Years, total.Column))
			}
		}
		for _, s := range t.Slices {
			if len(s.Rows) > 0 {
				page.Rows = append(page.Rows, s)
			}
		}
		p.Targets = append(p.Targets, page)
	}
	return p
}

// Measures of a chart, in pixels: it is as wide as the page allows, and bars go up and down from its middle.
const (
	chartWidth  = 720
	chartHeight = 160
	barGap      = 0.2 // of a bar's room
)

// chartOf draws the share by which the total moved in each slice. Where there was nothing before, a bar is as long as the longest.
func chartOf(t *view.DiffTarget, years []view.DiffSlice, column string) chart {
	c := chart{Column: column, Width: chartWidth}
	for _, y := range years {
		if total := y.Total(column); total != nil {
			c.Years = append(c.Years, yearTotal{y.Label, *total})
		}
	}

	shares, most := make([]float64, len(t.Slices)), 0.0
	for n, s := range t.Slices {
		total := s.Total(column)
		if total == nil {
			continue
		}
		share, known := total.Moved()
		if !known && total.Difference() != "0" {
			share = math.Inf(1)
		}
		if shares[n] = share; !math.IsInf(share, 0) {
			most = max(most, math.Abs(share))
		}
	}
	c.Most = fmt.Sprintf("%.1f %%", most*100)

	room := float64(chartWidth) / float64(max(len(t.Slices), 1))
	for n, s := range t.Slices {
		length := 1.0
		if !math.IsInf(shares[n], 0) {
			length = 0
			if most > 0 {
				length = math.Abs(shares[n]) / most
			}
		}
		if length == 0 {
			continue
		}
		b := changeBar{X: (float64(n) + barGap/2) * room, Width: room * (1 - barGap), Height: max(1, length*(chartHeight/2-4)), Down: shares[n] < 0}
		if b.Y = chartHeight / 2; !b.Down {
			b.Y -= b.Height
		}
		total := s.Total(column)
		b.Title = fmt.Sprintf("%s: %s to %s %s", s.Label, amountText(total.Before, total.Approximate), amountText(total.After, total.Approximate), shareText(*total))
		c.Bars = append(c.Bars, b)
	}
	return c
}
