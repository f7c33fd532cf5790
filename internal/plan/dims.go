package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// surveyDims says which dimensions are due.
func (m *maker) surveyDims() ([]DimItem, error) {
	var items []DimItem
	for _, d := range m.Pipeline.Dims {
		item, err := m.surveyDim(d)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (m *maker) surveyDim(d hindcast.Dim) (DimItem, error) {
	item := DimItem{Name: d.Name, Source: d.Table + d.Files}
	current := m.Dims[d.Name]
	if current != nil && current.Source != item.Source {
		current = nil
	}
	source, there := m.Sources[item.Source]
	if current != nil && !there && FromElsewhere(current, m.Database) {
		current = nil
	}
	if there {
		item.Rows, item.Bytes, item.Files, item.Layouts, item.Content = source.Rows, source.Bytes, source.Files, source.Layouts, source.Content
		if err := m.dimColumns(d, item.Source, source.Columns); err != nil {
			return item, err
		}
		var err error
		if item.Columns, err = m.carried("dimensions."+d.Name, item.Source, pick(source.Columns, d.Columns, ""), d.Text, narrowing{name: d.Name, used: d.Used, named: d.Columns}); err != nil {
			return item, err
		}
		if err := distinct(m.Pipeline, "dimensions."+d.Name, item.Source, item.Columns); err != nil {
			return item, err
		}
	}
	if d.Files == "" {
		if !there && current != nil {
			item.Columns, item.Rows, item.Bytes = pick(current.Columns, d.Columns, ""), current.Sums.Rows, current.Bytes
		}
		if item.Gone = !there && current != nil; !item.Gone || !m.Compare {
			item.Why = m.dimDue(d, current, item.Columns)
		}
		if item.Why == "" && m.Fresh && there {
			item.Why = whyFresh
		}
		item.Unload = item.Why != ""
		if item.Unload {
			item.Keep = m.kept(d.Used, current, item.Columns)
		} else {
			item.Columns, item.Unloaded = Seen(item.Columns, current.Columns), current.CreatedAt
		}
	}
	if !there && (item.Unload || d.Files != "") {
		if item.Gone {
			return item, m.goneDim(d, current, item.Why)
		}
		return item, missingDim(m.Pipeline, d)
	}
	return item, nil
}

// goneDim is E-SOURCE where a dimension is due and is not there any more: the copy in the lake is too old to be used unasked.
func (m *maker) goneDim(d hindcast.Dim, current *hindcast.Manifest, why string) error {
	return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent, Place: placeOf(m.Pipeline, "dimensions."+d.Name+".table"),
		Message: fmt.Sprintf("%s of dimension %s is not there any more, and its copy in the lake, of %s, is due (%s)", d.Table, d.Name,
			day(current.CreatedAt, m.Now), why),
		Next: "bring it back, or have the copy in the lake used with a longer `refresh:`"}
}

func (m *maker) dimColumns(d hindcast.Dim, source string, all []hindcast.Column) error {
	for i, name := range slices.Concat(d.Columns, d.Text) {
		key := "columns"
		if i >= len(d.Columns) {
			key = "text"
		}
		if find(all, name) < 0 {
			return missingColumn(m.Pipeline, "dimensions."+d.Name+"."+key, source, name, all, "correct `"+key+":`")
		}
	}
	return nil
}

func missingDim(p *hindcast.Pipeline, d hindcast.Dim) error {
	key, message := "table", fmt.Sprintf("%s of dimension %s is not there", d.Table, d.Name)
	if d.Files != "" {
		key, message = "files", fmt.Sprintf("%s of dimension %s matches no file", d.Files, d.Name)
	}
	return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Place: placeOf(p, "dimensions."+d.Name+"."+key),
		Message: message, Next: "correct `" + key + ":`, or create what it names"}
}

func (m *maker) dimDue(d hindcast.Dim, current *hindcast.Manifest, columns []hindcast.Column) string {
	switch {
	case current == nil:
		return whyAbsent
	case FromElsewhere(current, m.Database):
		return whyElsewhere
	}
	why := m.columnsDue(d.Name, d.Used, current.Columns, columns)
	switch {
	case why != "":
		return why
	case d.Refresh <= 0:
		return "in every run"
	case m.Now.Sub(current.CreatedAt) >= d.Refresh:
		return "older than " + spoken(d.Refresh)
	}
	return ""
}

// spoken gives a duration without the units that are zero: "24h", not "24h0m0s".
func spoken(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// dimContent is a dimension's content as the lake, or the user's files, have it now.
func (m *maker) dimContent(d DimItem) (string, bool) {
	if len(d.Files) > 0 {
		return d.Content, true
	}
	current := m.Dims[d.Name]
	if current == nil {
		return "", false
	}
	return current.Sums.Content, true
}
