package plan

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// Course is a column that the tables of a fact do not all have, or not of one type, over the history.
type Course struct {
	Fact    string    `json:"fact"`
	Column  string    `json:"column"`
	Of      []Stretch `json:"of"`                // in the order of time, without tables that are not there
	Settled bool      `json:"settled,omitempty"` // the pipeline declares what it is
}

// Stretch is a time in which a column is the same in all tables.
type Stretch struct {
	From string `json:"from"` // keys of the fact's units, both included
	To   string `json:"to"`
	Type string `json:"type,omitempty"` // empty where the tables do not have the column
}

// courses are the columns of time-named tables that differ over the history. Files of the user's own say so themselves.
func (m *maker) courses() []Course {
	var list []Course
	for _, c := range m.cutters {
		if c.fact.Table != "" && c.fact.TimeNamed() {
			list = append(list, m.coursesOf(c)...)
		}
	}
	return list
}

// lasting are the columns of tables that follow each other and have the same.
type lasting struct {
	from, to     string
	all, columns []hindcast.Column // of the first table, and what the fact takes of them
}

func (m *maker) coursesOf(c *cutter) []Course {
	f, times := c.fact, []lasting(nil)
	for i := range c.units {
		u := &c.units[i]
		times = followed(times, &f, u.Key, m.Sources[u.Source].Columns)
	}
	return coursesOver(f, times)
}

// followed are the times of a fact's tables with the next one, whose columns are all; none if it is not there.
func followed(times []lasting, f *hindcast.Fact, key string, all []hindcast.Column) []lasting {
	last := len(times) - 1
	if last >= 0 && sameRead(times[last].all, all) { // as nearly all are, and a long history has many
		times[last].to = key
		return times
	}
	columns := pick(all, f.Columns, f.Time)
	switch {
	case len(columns) == 0: // the table is not there
		return times
	case last >= 0 && sameColumns(times[last].columns, columns):
		times[last].to = key
		return times
	}
	return append(times, lasting{key, key, all, columns})
}

// coursesOver are the columns of a fact that differ between its tables.
func coursesOver(f hindcast.Fact, times []lasting) []Course {
	if len(times) < 2 {
		return nil
	}

	var list []Course
	seen := map[string]bool{}
	for _, t := range times {
		for _, column := range t.columns {
			name := strings.ToLower(column.Name)
			if seen[name] {
				continue
			}
			seen[name] = true
			if of := courseOf(column.Name, times); len(of) > 1 {
				list = append(list, Course{Fact: f.Name, Column: column.Name, Of: of, Settled: declares(f.Declared, column.Name)})
			}
		}
	}
	return list
}

func courseOf(name string, times []lasting) (of []Stretch) {
	for _, t := range times {
		typ := ""
		if i := find(t.columns, name); i >= 0 {
			typ = cmp.Or(t.columns[i].Type, t.columns[i].Source)
		}
		if last := len(of) - 1; last >= 0 && of[last].Type == typ {
			of[last].To = t.to
		} else {
			of = append(of, Stretch{t.from, t.to, typ})
		}
	}
	return of
}

// declaration gives a column one type in all slices; false if no type that can be declared holds all of its values. Was is the column that
// it seems to be renamed from, if there is one.
func declaration(c Course, all []Course) (d hindcast.Declared, ok bool) {
	d.Name = c.Column
	if d.Type, ok = c.becomes(""); !ok {
		return d, false
	}
	if old, renamed := c.renamedFrom(all); renamed {
		d.Type, _ = old.becomes(d.Type)
		d.Was = []string{old.Column}
	}
	return d, true
}

// spelled is a type as people write it in a pipeline file.
func spelled(typ string) string {
	if typ == "TIMESTAMP WITH TIME ZONE" {
		return "timestamptz"
	}
	if strings.Contains(typ, ",") {
		return `"` + strings.ToLower(typ) + `"` // a comma ends a value within braces
	}
	return strings.ToLower(typ)
}

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// quoted is a name as it stands in YAML.
func quoted(name string) string {
	if plainKey.MatchString(name) && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(name)) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", "''") + "'"
}

// becomes is the type that can be declared for the column's own types, and for with, if that is not empty.
func (c Course) becomes(with string) (typ string, ok bool) {
	typ = with
	for _, s := range c.Of {
		common, known := datatype.Common(typ, s.Type)
		switch {
		case s.Type == "":
		case typ == "", !known && datatype.Becomes(typ, s.Type):
			typ = s.Type
		case known:
			typ = common
		case !datatype.Becomes(s.Type, typ):
			return "", false
		}
	}
	for _, s := range c.Of {
		if s.Type != "" && !datatype.Becomes(s.Type, typ) {
			return "", false
		}
	}
	return datatype.Declarable(typ)
}

// renamedFrom is the column of the fact that ends where this one begins, and could be the same; false if there is none, or more than one
// pair of such columns.
func (c Course) renamedFrom(all []Course) (old Course, ok bool) {
	for _, o := range all {
		switch {
		case o.Column == c.Column || !c.follows(o):
		case ok:
			return Course{}, false
		default:
			old, ok = o, true
		}
	}
	another := func(o Course) bool { return o.Column != c.Column && o.follows(old) } // old became the one or the other
	if !ok || slices.ContainsFunc(all, another) {
		return Course{}, false
	}
	return old, true
}

// follows reports whether the column begins where another of the fact ends, and is of a type like that one's.
func (c Course) follows(o Course) bool {
	last := len(o.Of) - 1
	if o.Fact != c.Fact || c.Of[0].Type != "" || o.Of[last].Type != "" || o.Of[last].From != c.Of[1].From {
		return false
	}
	is, known := c.becomes("")
	was, as := o.becomes("")
	_, alike := datatype.Common(is, was)
	return known && as && alike
}

// Declarations are the line to paste below a fact that settles the columns that differ and are not declared yet, and the renames that it
// supposes; empty if there is nothing to declare. A line that the fact has already stands in it again.
func (p *Plan) Declarations(f *hindcast.Fact, which func(Course) bool) (line string, renames []string) {
	list, renames := declarations(f, p.Courses, which)
	return lineOf(f.Declared, list), renames
}

// Settling is what Declarations says of a fact that declares nothing yet, whose rows are placed by a column and whose tables have these columns, in the
// order of time.
func Settling(time string, tables [][]hindcast.Column) (list []hindcast.Declared, line string, renames []string) {
	f := hindcast.Fact{Time: time}
	var times []lasting
	for i, columns := range tables {
		times = followed(times, &f, strconv.Itoa(i), columns)
	}
	list, renames = declarations(&f, coursesOver(f, times), func(Course) bool { return true })
	return list, lineOf(nil, list), renames
}

// declarations are those that settle the columns of a fact that differ, as far as which wants them.
func declarations(f *hindcast.Fact, all []Course, which func(Course) bool) (list []hindcast.Declared, renames []string) {
	was := map[string]bool{}
	for _, c := range all {
		if c.Fact != f.Name || c.Settled || strings.EqualFold(c.Column, f.Time) {
			continue
		}
		d, ok := declaration(c, all)
		if !ok || !which(c) && !slices.ContainsFunc(d.Was, func(old string) bool { return which(Course{Fact: f.Name, Column: old}) }) {
			continue
		}
		list = append(list, d)
		for _, old := range d.Was {
			was[old], renames = true, append(renames, old+" became "+d.Name)
		}
	}
	return slices.DeleteFunc(list, func(d hindcast.Declared) bool { return was[d.Name] }), renames
}

// lineOf is the line that declares columns beside those that are declared already; "" if there are none to add.
func lineOf(already, list []hindcast.Declared) string {
	if len(list) == 0 {
		return ""
	}
	var entries []string
	for _, d := range slices.Concat(already, list) {
		entries = append(entries, entryOf(d))
	}
	return "columns: {" + strings.Join(entries, ", ") + "}"
}

// entryOf is a declared column as it stands in the file.
func entryOf(d hindcast.Declared) string {
	text := quoted(d.Name) + ": {type: " + spelled(d.Type)
	if d.Fill != nil {
		text += ", missing: '" + strings.ReplaceAll(*d.Fill, "'", "''") + "'"
	}
	if len(d.Was) > 0 {
		names := make([]string, len(d.Was))
		for i, name := range d.Was {
			names[i] = quoted(name)
		}
		text += ", was: [" + strings.Join(names, ", ") + "]"
	}
	return text + "}"
}

// Declaring adds to an error of the SQL that names columns which come and go the line that declares them.
func (p *Plan) Declaring(err error) error {
	if _, several := err.(interface{ Unwrap() []error }); several {
		return err // refusals, of which each is one for itself
	}
	said := hindcast.AsError(err)
	if said.Code != hindcast.ESQLColumn && said.Code != hindcast.EType || len(p.Courses) == 0 {
		return err
	}
	named := func(c Course) bool {
		return regexp.MustCompile(`(?i)(^|\W)` + regexp.QuoteMeta(c.Column) + `($|\W)`).MatchString(said.Message)
	}
	for i := range p.Pipeline.Facts {
		f := &p.Pipeline.Facts[i]
		line, renames := p.Declarations(f, named)
		if line == "" {
			continue
		}
		e := *said
		e.Next = "where the fact's tables do not have it, or of another type, write below facts." + f.Name + ":  " + line
		if len(renames) > 0 {
			e.Next = "if " + strings.Join(renames, " and ") + ", write below facts." + f.Name + ":  " + line + "  and read the new name"
		}
		return &e
	}
	return err
}
