package screen_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/view"
)

// evil would end each place that it may stand in.
const evil = `"><script src=//evil.example></script>'&{{.}}--`

func amount(s string) *string { return &s }

func evilDiff() *view.Diff {
	slice := func(key, before, after string) view.DiffSlice {
		return view.DiffSlice{Slice: hindcast.Slice{Key: key}, Label: key[:7], Before: 2, After: 2, Changed: 1, ByKey: true, Note: evil,
			Totals: []view.DiffTotal{{Column: evil, Before: amount(before), After: amount(after)}, {Column: "new", After: amount("5")}},
			Rows: []view.DiffRow{{Kind: view.RowChanged, Key: []view.DiffValue{{Column: "id", Before: amount(evil), After: amount(evil)}},
				Values: []view.DiffValue{{Column: evil, Before: amount("1"), After: nil}}}}}
	}
	return &view.Diff{Before: evil, After: "r2", Targets: []view.DiffTarget{{Target: evil, Key: []string{evil}, Columns: []view.DiffColumn{{Name: evil, After: evil}},
		Only: []string{evil}, Slices: []view.DiffSlice{slice("2019-11-01", "1000.00", "1500.50"), slice("2020-01-01", "10", "-2"), slice("2020-03-01", "0", "3")}}}}
}

// The page needs nothing from elsewhere, is well-formed, and shows data as text, whatever that is.
func TestDiffPage(t *testing.T) {
	var page strings.Builder
	if err := screen.DiffPage(&page, evilDiff(), evil); err != nil {
		t.Fatal(err)
	}
	text, elements := "", map[string]int{}
	d := xml.NewDecoder(strings.NewReader(page.String()))
	d.Strict, d.Entity = true, xml.HTMLEntity
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
		switch is := token.(type) {
		case xml.CharData:
			text += string(is)
		case xml.StartElement:
			elements[is.Name.Local]++
			for _, a := range is.Attr {
				if name := a.Name.Local; name == "src" || name == "href" || strings.HasPrefix(name, "on") {
					t.Errorf("%s has %s=%s", is.Name.Local, name, a.Value)
				}
			}
		}
	}
	if elements["script"] > 0 || elements["link"] > 0 || elements["img"] > 0 || strings.Contains(page.String(), "url(") {
		t.Errorf("the page reads something: %v", elements)
	}
	if elements["svg"] != 2 || elements["rect"] != 6 { // a chart of each total, a bar of each slice
		t.Errorf("%d charts, %d bars", elements["svg"], elements["rect"])
	}
	for _, want := range []string{evil, "1,500.50", "+50.0 %", "2019-11", "-120.0 %", "prefers-color-scheme: dark", "1 → NULL"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

// Bars stay within the chart, also where nothing was there before.
func TestDiffPageWithoutRows(t *testing.T) {
	var page strings.Builder
	d := &view.Diff{Before: "r1", After: "r2", Targets: []view.DiffTarget{{Target: "t", Slices: []view.DiffSlice{{Label: "2020", Slice: hindcast.Slice{Key: "2020-01-01"},
		Totals: []view.DiffTotal{{Column: "x", After: amount("1")}}, Added: 1, After: 1}}}}}
	if err := screen.DiffPage(&page, d, ""); err != nil || !strings.Contains(page.String(), `y="4.00"`) || strings.Contains(page.String(), "NaN") || strings.Contains(page.String(), "Inf") {
		t.Errorf("%v\n%s", err, page.String())
	}
}
