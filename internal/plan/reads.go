package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// Reads are the columns of a fact or a dimension that are read, as the engine finds them.
type Reads struct {
	SQL []string // what results are made from; the fact's time column among them
	All []string // by the SQL or by a check
	// Along are columns of types that the lake does not have which the engine reads although nothing depends on their values.
	Along  []string
	Unsure bool // the engine does not know which columns are read
}

// reads says what is read of a fact or a dimension; sure is false where the engine was not, or nobody has asked it.
func (m *maker) reads(name string) (r Reads, sure bool) {
	r, found := m.Reads[name]
	return r, found && !r.Unsure
}

// narrowing is a fact or a dimension as far as its columns go.
type narrowing struct {
	name, time string
	used       bool
	named      []string // in a list of `columns:`
}

// narrow marks as Absent what need not be unloaded: what nothing reads, under `columns: used`; and in any case columns
// whose type the lake does not have, unless they are read, or named in a list. The SQL sees those as VARCHAR. While nobody has asked yet
// what is read, they are taken for columns that are not.
func (m *maker) narrow(n narrowing, columns []hindcast.Column) []hindcast.Column {
	r, sure := m.reads(n.name)
	left := 0
	for i := range columns {
		c := &columns[i]
		time := n.time != "" && strings.EqualFold(c.Name, n.time)
		read := has(r.All, c.Name) || time
		switch {
		case c.Type == "":
			unread := sure && !read || m.Reads == nil && !time
			c.Absent = (unread || has(r.Along, c.Name)) && !has(n.named, c.Name)
			c.Blank = c.Absent && !unread
		case n.used && sure:
			c.Absent = !read
		}
		if c.Absent && c.Type == "" {
			c.Source, c.Type = standIn+c.Source, "VARCHAR"
		}
		if !c.Absent {
			left++
		}
	}
	if i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return !isStandIn(c) }); left == 0 && i >= 0 {
		columns[i].Absent = false // rows are only counted: one column carries them
	}
	return columns
}

// standIn begins the Source of an absent column whose type the lake does not have.
const standIn = "not carried: "

func isStandIn(c hindcast.Column) bool { return c.Absent && strings.HasPrefix(c.Source, standIn) }

func has(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// Explain gives the cause of an error of the SQL that names a column whose type the lake does not have: the engine sees a
// text there, and what it says of that leads astray. text is the SQL, with that of the checks.
func (p *Plan) Explain(err error, text string) error {
	said := hindcast.AsError(err)
	if said.Code == hindcast.ESQLSyntax {
		return err
	}
	if said.Code == hindcast.ESQLColumn || said.Code == hindcast.ESQLTable { // it names what it is about
		text = said.Message
	}

	find := func(key, source string, columns []hindcast.Column) *hindcast.Error {
		for _, c := range columns {
			if isStandIn(c) && regexp.MustCompile(`(?i)(^|\W)`+regexp.QuoteMeta(c.Name)+`($|\W)`).MatchString(text) {
				e := notCarried(&p.Pipeline, key, source, c, strings.TrimPrefix(c.Source, standIn))
				e.Cause = err
				return e
			}
		}
		return nil
	}
	for _, u := range p.Units {
		if e := find("facts."+u.Fact, u.Source, u.Columns); e != nil {
			return e
		}
	}
	for _, d := range p.Dims {
		if e := find("dimensions."+d.Name, d.Source, d.Columns); e != nil {
			return e
		}
	}
	return err
}

// columnsDue says why what the lake has of a source does not do for columns that are wanted now; "" if it does. What is
// narrowed by `columns: used` may be there with more columns: a definition that needs fewer unloads nothing. But each
// that is there must still be in the source as it was: a column that was dropped may change what the SQL means, and no
// name in it shows that.
func (m *maker) columnsDue(name string, used bool, current, now []hindcast.Column) string {
	if !used {
		if slices.ContainsFunc(now, func(c hindcast.Column) bool { return c.Absent }) {
			now = hindcast.Present(now)
		}
		if sameColumns(current, now) {
			return ""
		}
		return whyColumns
	}
	types := make(map[string]string, len(now))
	for _, c := range now {
		types[c.Name] = c.Type
	}
	there := make(map[string]bool, len(current))
	for _, c := range current {
		if typ, found := types[c.Name]; !found || typ != c.Type {
			return whyColumns
		}
		there[c.Name] = true
	}
	r, sure := m.reads(name)
	why := ""
	for _, c := range now {
		switch {
		case c.Absent || there[c.Name]:
		case !sure || has(r.SQL, c.Name) || len(there) == 0:
			return whyColumns
		case has(r.All, c.Name):
			why = whyChecks
		}
	}
	return why
}

// kept are the columns that are unloaded again although nothing reads them, because the generation before has them: the
// contents of both can be compared then, and the same rows do not make slices stale.
func (m *maker) kept(used bool, current *hindcast.Manifest, now []hindcast.Column) []string {
	if !used || current == nil || m.Force {
		return nil
	}
	var names []string
	for _, c := range now {
		if c.Absent && !isStandIn(c) && find(current.Columns, c.Name) >= 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

// Extracted are the columns that an unload takes of those that the SQL sees.
func Extracted(columns []hindcast.Column, kept []string) []hindcast.Column {
	columns = slices.Clone(columns)
	for i := range columns {
		if slices.Contains(kept, columns[i].Name) {
			columns[i].Absent = false
		}
	}
	return hindcast.Present(columns)
}

// Alike are columns that an unload takes, in the order of the generation before where that has the same ones: the contents of both can be compared
// then. It may have come from another pipeline, or be older than the order in the pipeline file. Columns that the file does not list stay in the
// table's order: a query by hand, which does not ask the source, takes the order of the files for it.
func Alike(columns []hindcast.Column, listed []string, before *hindcast.Manifest) []hindcast.Column {
	if len(listed) == 0 || before == nil || len(before.Columns) != len(columns) {
		return columns
	}
	ordered := make([]hindcast.Column, 0, len(columns))
	for _, was := range before.Columns {
		i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return c.Name == was.Name })
		if i < 0 {
			return columns
		}
		ordered = append(ordered, columns[i])
	}
	return ordered
}

// Seen are the columns that the SQL sees of files that hold some: each as the files have it, the others Absent, in the plan's order. The files
// may be of a time when the pipeline file named them in another order, and SQL may read by position.
func Seen(columns, inFiles []hindcast.Column) []hindcast.Column {
	if slices.EqualFunc(columns, inFiles, func(c, in hindcast.Column) bool { return !c.Absent && c.Name == in.Name }) {
		return inFiles
	}
	columns = slices.Clone(columns)
	for i := range columns {
		n := find(inFiles, columns[i].Name)
		switch {
		case n < 0:
			columns[i].Absent = true // it carried rows that were only to be counted, and others do
		case !columns[i].Absent:
			columns[i] = inFiles[n]
		}
	}
	return columns
}

// Columns of a source from which on it is worth saying that few of them are read.
const wide = 20

// columnNotes says what the columns mean for what is unloaded: for tables that are wide and of which little is read, the
// line that unloads no more; and for columns that the lake does not have yet, what is unloaded again.
func (m *maker) columnNotes(out *Plan) []string {
	var notes []string
	for _, f := range m.Pipeline.Facts {
		var due, again int
		var lacking []string
		var columns []hindcast.Column
		for _, u := range out.Units {
			if u.Fact != f.Name || !u.Unload || u.Missing {
				continue
			}
			due++
			columns = u.Columns
			current := m.current(u.Fact, u.Key)
			if current != nil && (u.Why == whyColumns || u.Why == whyChecks) {
				again++
				lacking = merge(lacking, m.lacking(f.Used, current.Columns, u.Columns))
			}
		}
		if again > 0 && len(lacking) > 0 {
			notes = append(notes, fmt.Sprintf("%s of %s %s not in the lake: %s unloaded again", listed("column", lacking), f.Name, isAre(lacking),
				numbers.Counted(again, "part")+" of it "+are(again)))
		}
		if due > 0 && f.Files == "" && !f.Used && len(f.Columns)+len(f.Declared) == 0 {
			notes = m.proposed(notes, "facts."+f.Name, f.Name, f.Time, columns)
		}
	}
	for _, d := range out.Dims {
		notes = m.dimNotes(notes, d)
	}
	return notes
}

func (m *maker) dimNotes(notes []string, d DimItem) []string {
	i := slices.IndexFunc(m.Pipeline.Dims, func(of hindcast.Dim) bool { return of.Name == d.Name })
	dim := m.Pipeline.Dims[i]
	if !d.Unload {
		return notes
	}
	if current := m.Dims[d.Name]; current != nil && (d.Why == whyColumns || d.Why == whyChecks) {
		if lacking := m.lacking(dim.Used, current.Columns, d.Columns); len(lacking) > 0 {
			notes = append(notes, fmt.Sprintf("%s of %s %s not in the lake: it is unloaded again", listed("column", lacking), d.Name, isAre(lacking)))
		}
	}
	if dim.Files == "" && !dim.Used && len(dim.Columns) == 0 {
		notes = m.proposed(notes, "dimensions."+d.Name, d.Name, "", d.Columns)
	}
	return notes
}

// proposed adds the line that narrows an unload, where it saves half of a wide table or more.
func (m *maker) proposed(notes []string, place, name, time string, columns []hindcast.Column) []string {
	r, sure := m.reads(name)
	n := len(r.All)
	if time != "" && !has(r.All, time) {
		n++
	}
	if !sure || len(columns) < wide || 2*n > len(columns) {
		return notes
	}
	return append(notes, fmt.Sprintf("%s: SQL and checks read %d of %d columns; to unload no others, write below %s:  columns: used", name, n, len(columns), place))
}

// lacking are the columns that are wanted and not there.
func (m *maker) lacking(used bool, current, now []hindcast.Column) []string {
	var names []string
	for _, c := range now {
		if i := find(current, c.Name); used && !c.Absent && i < 0 {
			names = append(names, c.Name)
		}
	}
	return names
}

func merge(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(a, name)
		}
	}
	return a
}

// listed names a few of many.
func listed(word string, names []string) string {
	const shown = 4
	if len(names) > 1 {
		word += "s"
	}
	if len(names) > shown {
		return fmt.Sprintf("%s %s and %d more", word, strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return word + " " + strings.Join(names, ", ")
}

func isAre(names []string) string { return are(len(names)) }

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// partOf is about how many bytes of a source its columns take that are not Absent.
func partOf(source Source, columns []hindcast.Column) int64 {
	if source.Bytes <= 0 || len(source.Columns) == 0 {
		return source.Bytes
	}
	present := 0
	for i := range columns {
		if !columns[i].Absent {
			present++
		}
	}
	return source.Bytes * int64(present) / int64(len(source.Columns))
}
