package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// wanted takes the columns of a source that the fact names, all by default, and always its time column. One that
// only some of the fact's tables have is left out where it is not. Those that need not be unloaded are Absent.
func (m *maker) wanted(f hindcast.Fact, source string, all []hindcast.Column) ([]hindcast.Column, error) {
	p := m.Pipeline
	columns, err := m.carried("facts."+f.Name, source, pick(all, f.Columns, f.Time), f.Text, narrowing{f.Name, f.Time, f.Used, f.Columns})
	if err != nil {
		return nil, err
	}
	if once := f.Name + "\x00" + source; !m.told[once] {
		m.told[once] = true
		if err := distinct(p, "facts."+f.Name, source, columns); err != nil {
			return nil, err
		}
	}
	if f.Time == "" {
		return columns, nil
	}
	key := "facts." + f.Name + ".time"
	i := find(columns, f.Time)
	if i < 0 {
		return nil, missingColumn(p, key, source, f.Time, all, "correct `time:`")
	}
	if err := m.timely(key, source, columns[i], f.Format); err != nil {
		return nil, err
	}
	columns[i].Format = f.Format
	return columns, m.civil(key, source, columns[i])
}

// carried gives the columns named in text their new type, leaves out what need not be unloaded, and refuses one whose
// type the lake does not have.
func (m *maker) carried(key, source string, columns []hindcast.Column, text []string, n narrowing) ([]hindcast.Column, error) {
	p, columns := m.Pipeline, slices.Clone(columns)
	for _, name := range text {
		i := find(columns, name)
		if i < 0 {
			continue // this one of the tables does not have it
		}
		c := &columns[i]
		c.Source = cmp.Or(c.Source, c.Type)
		if c.NoText {
			return nil, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: placeOf(p, key+".text"),
				Message: fmt.Sprintf("column %q of %s has type %s, which has no exact text", c.Name, source, c.Source),
				Next:    "take it out of `text:`; " + nextRefused}
		}
		c.Type, c.Text = "VARCHAR", true
	}
	columns = m.narrow(n, columns)
	for _, c := range columns {
		if c.Type == "" {
			return nil, notCarried(p, key, source, c, c.Source)
		}
		if once := key + "\x00" + c.Name; m.Reads != nil && isStandIn(c) && !m.told[once] {
			m.told[once] = true
			m.warnings = append(m.warnings, fmt.Sprintf("column %s of %s has type %s, which cannot be carried exactly: nothing reads it, and it is left out",
				c.Name, source, strings.TrimPrefix(c.Source, standIn)))
		}
	}
	return columns, nil
}

// notCarried is E-TYPE for a column whose type the lake does not have.
func notCarried(p *hindcast.Pipeline, key, source string, c hindcast.Column, typ string) *hindcast.Error {
	if c.Refused != "" {
		return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: placeOf(p, key),
			Message: fmt.Sprintf("column %q of %s %s", c.Name, source, c.Refused), Next: c.Mend}
	}
	next := nextRefused
	cuts := slices.ContainsFunc(p.Facts, func(f hindcast.Fact) bool { return "facts."+f.Name == key && strings.EqualFold(f.Time, c.Name) })
	switch {
	case cuts: // a text is not compared with a slice's bounds
		next = "the fact is cut by it: use a view that has it as a DATE, a TIMESTAMP or a whole number"
	case !c.NoText:
		next = "carry it as its exact text with `text: [" + c.Name + "]`, " + nextRefused
	}
	return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: placeOf(p, key),
		Message: fmt.Sprintf("column %q of %s has type %s, which cannot be carried exactly", c.Name, source, typ), Next: next}
}

// distinct refuses columns whose names differ in case only: the files, and the SQL, could not tell them apart.
func distinct(p *hindcast.Pipeline, key, source string, columns []hindcast.Column) error {
	seen := make(map[string]string, len(columns))
	for _, c := range columns {
		folded := strings.ToLower(c.Name)
		if other, twice := seen[folded]; twice {
			return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: placeOf(p, key),
				Message: fmt.Sprintf("columns %q and %q of %s differ in case only, and the SQL could not tell them apart", other, c.Name, source),
				Next:    "leave one out with `columns:`, or rename it in a view and use the view"}
		}
		seen[folded] = c.Name
	}
	return nil
}

const nextRefused = "leave it out with `columns:`, or cast it in a view and use the view"

// pick takes the columns named, in the order in which they are named, all if none is; and the time column.
func pick(all []hindcast.Column, names []string, time string) []hindcast.Column {
	if len(names) == 0 {
		return all
	}
	if time != "" && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, time) }) {
		names = append([]string{time}, names...)
	}
	var columns []hindcast.Column
	for _, name := range names {
		if i := find(all, name); i >= 0 {
			columns = append(columns, all[i])
		}
	}
	return columns
}

// find looks for the exact name first: DuckDB's own names are not case-sensitive, those of other sources may be.
func find(columns []hindcast.Column, name string) int {
	if i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return c.Name == name }); i >= 0 {
		return i
	}
	return slices.IndexFunc(columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, name) })
}

func missingColumn(p *hindcast.Pipeline, key, source, name string, all []hindcast.Column, next string) error {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	e := hindcast.AsError(invalid(p, key, fmt.Sprintf("%s has no column %q", source, name), next))
	e.Detail = []string{"its columns: " + strings.Join(names, ", ")}
	return e
}

// columnsThere refuses a column in `columns:` or `text:` that none of the fact's tables has.
func (m *maker) columnsThere(c *cutter) error {
	if err := m.namesThere(c, "columns", c.fact.Columns); err != nil {
		return err
	}
	if err := m.namesThere(c, "text", c.fact.Text); err != nil {
		return err
	}
	return m.declaredThere(c)
}

// declaredThere refuses a declared column that none of the fact's tables has under any of its names: it would be made up. Of a history of
// which a part was looked at nothing is known.
func (m *maker) declaredThere(c *cutter) error {
	if m.Selected != nil {
		return nil
	}
	for _, d := range c.fact.Declared {
		if m.anyHas(c, hindcast.Column{Name: d.Name, Declared: &d}) {
			continue
		}
		if err := m.namesThere(c, "columns", []string{d.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) anyHas(c *cutter, column hindcast.Column) bool {
	return slices.ContainsFunc(c.units, func(u DraftUnit) bool { return column.In(m.Sources[u.Source].Columns) >= 0 })
}

func (m *maker) namesThere(c *cutter, key string, names []string) error {
	for _, name := range names {
		source, found := "", false
		for i := range c.units {
			if is, there := m.Sources[c.units[i].Source]; there {
				source, found = c.units[i].Source, found || find(is.Columns, name) >= 0
			}
		}
		if source != "" && !found {
			return missingColumn(m.Pipeline, "facts."+c.fact.Name+"."+key, source, name, m.Sources[source].Columns, "correct `"+key+":`")
		}
	}
	return nil
}

// civil refuses time columns that have no hour, or no offset, where slices need it: a DATE cannot be cut within a
// day, and where clocks are set back 02:00 occurs twice.
func (m *maker) civil(key, source string, column hindcast.Column) error {
	h := m.Pipeline.History
	why := ""
	switch {
	case hindcast.OfInstants(column.TimeType()) || column.Type == "TIMESTAMPTZ":
		return nil
	case column.Type == "DATE" && !wholeDays(h):
		why = "its slices do not begin with a day, and a DATE has no hour"
	case column.Format.Days() && !wholeDays(h):
		why = "its slices do not begin with a day, and " + string(column.Format) + " has no hour"
	case h.Every.Sub() && setsClocks(h, m.to):
		why = "an hour occurs twice where " + h.TimeZone + " sets its clocks back"
	default:
		return nil
	}
	return invalid(m.Pipeline, key, fmt.Sprintf("column %q of %s has type %s: slices of %s cannot be cut by it, because %s", column.Name, source, column.Type, h.Every, why),
		"use a TIMESTAMP WITH TIME ZONE column, slices of whole days, or a time zone whose clocks stand (UTC)")
}

// targetTimes holds the targets' time columns to the same.
func (m *maker) targetTimes() error {
	for k := range m.Outputs {
		o := &m.Pipeline.Outputs[k]
		result := m.Outputs[k].Result
		i := find(result, o.Target.Time)
		if i < 0 {
			continue // the result is not bound yet, or its time is refused elsewhere
		}
		if err := m.civil(o.Key("target.time"), "the result", result[i]); err != nil {
			return err
		}
	}
	return nil
}

// LeftOut says of a time-named fact which tables, or files, its name could mean and no slice of history reads; "" if there
// are none.
func LeftOut(f hindcast.Fact, what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	names = slices.Sorted(slices.Values(names))
	const shown = 5
	list := strings.Join(names[:min(len(names), shown)], ", ")
	if len(names) > shown {
		list += " and " + numbers.Thousands(len(names)-shown) + " more"
	}
	if len(names) == 1 {
		return fmt.Sprintf("1 %s matches %s of fact %s and is in no slice, its rows are left out: %s", what, f.Table+f.Files, f.Name, list)
	}
	return fmt.Sprintf("%s match %s of fact %s and are in no slice, their rows are left out: %s", numbers.Counted(len(names), what), f.Table+f.Files, f.Name, list)
}

// setsClocks reports whether the zone's offset changes in the history, or in the year after its start: what holds
// today has to hold when the history has grown.
func setsClocks(h hindcast.History, to time.Time) bool {
	from := h.From.In(zoneOf(h))
	_, end := from.ZoneBounds()
	if end.IsZero() {
		return false
	}
	return end.Before(to) || end.Before(from.AddDate(1, 0, 0))
}

// sameColumns reports whether both have the same names and types, in whatever order.
func sameColumns(a, b []hindcast.Column) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.EqualFunc(a, b, func(a, b hindcast.Column) bool { return a.Name == b.Name && a.Type == b.Type }) {
		return true // as nearly all are, and a long history has many
	}
	types := make(map[string]string, len(a))
	for _, c := range a {
		types[c.Name] = c.Type
	}
	for _, c := range b {
		if typ, found := types[c.Name]; !found || typ != c.Type {
			return false
		}
	}
	return true
}

// timely refuses a time column of a type that a slice cannot be cut by.
func (m *maker) timely(key, source string, c hindcast.Column, format hindcast.TimeFormat) error {
	said := fmt.Sprintf("column %q of %s has type %s", c.Name, source, cmp.Or(c.Type, c.Source))
	switch {
	case format == "" && !hindcast.IsTime(c.Type):
		return invalid(m.Pipeline, key, said, "name a DATE or TIMESTAMP column, or say how it holds times: time: {column: "+c.Name+", format: yyyymmdd}, or yyyy-mm-dd, epoch, epoch_ms")
	case format != "" && !format.Holds(c.Type):
		return invalid(m.Pipeline, key, fmt.Sprintf("%s, and the format %s is of %s", said, format, format.Of()), "correct the format; a DATE or TIMESTAMP needs none")
	}
	return nil
}
