package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// scope is where names are looked up: a SELECT's tables, then those of the queries around it.
type scope struct {
	outer   *scope
	tables  []*table
	unknown bool // one of them was refused
	with    map[string][]sem.Column
	windows map[string]*sem.Window
	// aliases are the select list's so far, which Redshift lets later items use.
	aliases []alias
	// before are the items before the one that a key of GROUP BY is, while that key is bound: it may use their aliases. Early are those that have been
	// bound so, by their place.
	before []ast.Item
	early  map[int]*sem.Expr
	// keys are those of GROUP BY that may end in blanks, which do not count; where they are repeated a group's one text is meant.
	keys []*sem.Expr
	// sets says that GROUP BY has grouping sets.
	sets bool
	// shape is what engines may take only in another shape of the SELECT; nil if there is nothing.
	shape *sem.Select
	// setKeys are all keys of GROUP BY, for grouping sets.
	setKeys []spelled
	// grouped are the items of the select list that GROUP BY names by number or alias.
	grouped []ast.Expr
	// named are the columns of the select list; set where engines look there first.
	named []output
	// labels are the names that the select list gives, known before anything is bound.
	labels []string
	// beside are the tables before a query in FROM, which it does not see, though engines look there.
	beside []*table
	// reads says that a column of a query around this one is read here.
	reads bool
	// selects says that it is that of a SELECT, and not only what a query in FROM or of WITH sees.
	selects bool
}

type alias struct {
	name string
	x    *sem.Expr
}

// table is an item of FROM.
type table struct {
	name    string
	columns []sem.Column
	given   []Column      // of a table of the schema, in place of columns
	made    []*sem.Column // of those given, the ones that have been read
	spare   []sem.Column  // for the next ones
	read    func(Column) sem.Column
	merged  []bool // those that another table's column of the same name stands for, by USING; nil if there is none
	// shuffled says that * has other columns first than stand first in FROM: by USING, where engines do not agree on that, or since (+) is
	// written as joins in another order.
	shuffled bool
}

func (t *table) len() int { return len(t.columns) + len(t.given) }

func (t *table) nameOf(i int) string {
	if t.given != nil {
		return t.given[i].Name
	}
	return t.columns[i].Name
}

// next is the first column of a name from a place on; -1 if there is none.
func (t *table) next(name string, from int) int {
	for i := from; i < len(t.given); i++ {
		if t.given[i].Name == name {
			return i
		}
	}
	for i := from; i < len(t.columns); i++ {
		if t.columns[i].Name == name {
			return i
		}
	}

	return -1
}

// column is the one column that stands for each in this item of FROM.
func (t *table) column(i int) *sem.Column {
	if t.given == nil {
		return &t.columns[i]
	}
	if t.made[i] == nil {
		if len(t.spare) == 0 {
			t.spare = make([]sem.Column, min(4, len(t.given)))
		}
		t.spare[0] = t.read(t.given[i])
		t.made[i], t.spare = &t.spare[0], t.spare[1:]
	}
	return t.made[i]
}

// hides reports whether another table's column of the same name stands for a column.
func (t *table) hides(i int) bool { return len(t.merged) > 0 && t.merged[i] }

// place is a column of a table.
type place struct {
	table *table
	i     int
}

func (p place) column() *sem.Column { return p.table.column(p.i) }

// hide lets another table's column of the same name stand for it.
func (p place) hide() {
	if p.table.merged == nil {
		p.table.merged = make([]bool, p.table.len())
	}
	p.table.merged[p.i] = true
}

// query looks a CTE up.
func (s *scope) query(name string) ([]sem.Column, bool) {
	for ; s != nil; s = s.outer {
		if columns, ok := s.with[name]; ok {
			return columns, true
		}
	}
	return nil, false
}

// sameQuery is a CTE whose name differs only in the case of its letters.
func (s *scope) sameQuery(name string) string {
	for ; s != nil; s = s.outer {
		for other := range s.with {
			if strings.EqualFold(other, name) && other != name {
				return other
			}
		}
	}
	return ""
}

func (s *scope) window(name string) *sem.Window { return s.windows[name] }

// find looks a column up in this scope alone, and returns the first of the n that have the name: it is ambiguous if there are several. known says
// whether the table is.
func (s *scope) find(qualifier, name string) (found *sem.Column, n int, known bool) {
	for _, t := range s.tables {
		if qualifier != "" && t.name != qualifier {
			continue
		}
		known = true
		for i := t.next(name, 0); i >= 0; i = t.next(name, i+1) {
			if qualifier == "" && t.hides(i) {
				continue
			}
			if n++; n == 1 {
				found = t.column(i)
			}
		}
	}

	return found, n, known
}

// alias looks one up among the earlier items of the select list.
func (s *scope) alias(name string) *sem.Expr {
	for _, a := range s.aliases {
		if a.name == name {
			return a.x
		}
	}
	return nil
}

// earlier is what an alias of an earlier item of the select list names; nil if there is none.
func (b *binder) earlier(name string, s *scope) *sem.Expr {
	if a := s.alias(name); a != nil || !b.Redshift {
		return a
	}
	for i, it := range s.before {
		if it.Alias.Text != name {
			continue
		}
		if s.early[i] == nil {
			all := s.before
			s.before = all[:i]
			e := b.settled(b.expr(it.X, s))
			if s.before = all; s.early == nil {
				s.early = map[int]*sem.Expr{}
			}
			s.early[i] = e
		}
		return s.early[i]
	}
	return nil
}

// column binds a name.
func (b *binder) column(x *ast.Column, s *scope) *sem.Expr {
	if x.Outer {
		return b.refuse(sem.NotKnown, x.At, "write LEFT JOIN … ON", "(+) is only read in conditions of WHERE that are joined by AND")
	}
	if len(x.Parts) > 2 {
		if b.Redshift {
			return b.refuse(sem.NotKnown, x.At, "write the table's alias and the column; keep a SUPER as a text, and read it by json_extract_path_text()", "neither a column behind a schema's name nor a path into a SUPER is read")
		}
		return b.refuse(sem.NotKnown, x.At, "write the table's alias and the column", "a column behind a schema's name is not read")
	}

	name, qualifier := x.Parts[len(x.Parts)-1], ""
	if len(x.Parts) == 2 {
		qualifier = x.Parts[0].Text
	}
	first, shadowed := true, false
	for in := s; in != nil; in = in.outer {
		found, n, known := in.find(qualifier, name.Text)
		switch {
		case n > 1:
			return b.refuse(sem.NoColumn, x.At, "write the table's name before it", "the column %s could be of several tables", name.Text)
		case n == 1 && shadowed:
			return b.shadowed(x, name.Text, qualifier)
		case n == 1 && qualifier == "" && renames(s, in, found):
			return b.refuse(sem.NotKnown, x.At, "write the table's name before it", "engines may take %s for the alias of that name here", name.Text)
		case n == 1 && in != s && in.isKey(&sem.Expr{Op: sem.OpColumn, Type: found.Type, Column: found, Text: found.Name}):
			return b.refuse(sem.NotKnown, x.At, "group in a query in FROM", "%s is a key of GROUP BY that may end in blanks, and stands in a query within", name.Text)
		case n == 1:
			e := b.named(x, found)
			e.Outer = in != s
			for within, between := s, 0; within != in; within = within.outer {
				if within.reads = true; within.selects {
					between++
				}
				e.Far = between > 1
				e.Field = e.Field || qualifier != "" && within.hasColumn(qualifier)
			}
			return e
		case known && qualifier != "" && !in.unknown:
			return b.refuse(sem.NoColumn, x.At, closest(name.Text, in, qualifier), "%s has no column %s", qualifier, name.Text)
		}
		if in.unknown {
			return &sem.Expr{At: x.At} // the table that is not known was refused
		}
		if first && qualifier == "" {
			if a := b.earlier(name.Text, in); a != nil {
				return b.lateral(x, name.Text, a, in)
			}
		}
		first = false
		shadowed = shadowed || in.shadows(qualifier, name.Text)
	}
	if qualifier != "" {
		return b.refuse(sem.NoTable, x.Parts[0].At, "", "%s is not a table or alias of FROM", qualifier)
	}

	return b.refuse(sem.NoColumn, x.At, closest(name.Text, s, ""), "there is no column %s", name.Text)
}

// hasColumn reports whether a table of this scope has a column of a name, as engines fold it.
func (s *scope) hasColumn(name string) bool {
	return slices.ContainsFunc(s.tables, func(t *table) bool {
		for i := range t.len() {
			if strings.EqualFold(t.nameOf(i), name) {
				return true
			}
		}
		return false
	})
}

// shadows reports whether engines find something in this scope that the source does not, and so look no further out. They fold all names.
func (s *scope) shadows(qualifier, name string) bool {
	for _, t := range slices.Concat(s.tables, s.beside) {
		if qualifier != "" {
			if strings.EqualFold(t.name, qualifier) {
				return true
			}
			continue
		}
		for i := range t.len() {
			if strings.EqualFold(t.nameOf(i), name) {
				return true
			}
		}
	}

	return qualifier == "" && slices.ContainsFunc(s.labels, func(label string) bool { return strings.EqualFold(label, name) })
}

// distinct reports whether an alias of the select list is the only name in this scope that engines take for it.
func (s *scope) distinct(alias string) bool {
	n := 0
	for _, label := range s.labels {
		if strings.EqualFold(label, alias) {
			n++
		}
	}
	columns := scope{tables: s.tables}

	return n < 2 && !columns.shadows("", alias)
}

// shadowed refuses a column of a query around this one that engines would not find.
func (b *binder) shadowed(x *ast.Column, name, qualifier string) *sem.Expr {
	if qualifier != "" {
		return b.refuse(sem.NotOnEngine, x.At, "give one of the tables another alias", "engines may take %s for a table of the inner query", qualifier)
	}
	return b.refuse(sem.NotOnEngine, x.At, "write the table's name before it", "engines may take %s for a column or alias of the inner query", name)
}

// renames reports whether a select list from one scope out to another gives a column's name to something else, where engines look there first.
func renames(from, to *scope, c *sem.Column) bool {
	for s := from; s != nil; s = s.outer {
		if other, ok := renamed(s.named, c.Name); ok && other != c {
			return true
		}
		if s == to {
			break
		}
	}

	return false
}

// named is a column that was found.
func (b *binder) named(x *ast.Column, c *sem.Column) *sem.Expr {
	if c.Type.Kind == sem.Invalid && !c.Declared && !c.Type.IsDocument() {
		return &sem.Expr{At: x.At} // what it is made of was refused
	}
	if c.Type.IsDocument() && b.asDocument == x {
		e := b.columnExpr(x, sem.Of(sem.Text))
		e.Column, e.Text = c, c.Name
		return e
	}
	if c.Type.IsDocument() {
		return b.refuseDocument(c, x.At)
	}
	if c.Type.Kind == sem.Invalid {
		return b.refuse(sem.NotKnown, x.At, "cast it in the warehouse's own view, or leave it out", "the type of the column %s is not known here", c.Name)
	}
	e := b.columnExpr(x, c.Type)
	e.Column, e.Facts, e.Text = c, c.Facts, c.Name

	return e
}

// columnExpr is a column as it is written, without a mark behind it.
func (b *binder) columnExpr(x *ast.Column, t sem.Type) *sem.Expr {
	if len(b.columns) == 0 {
		b.columns = make([]sem.Expr, 16)
	}
	e := &b.columns[0]
	b.columns = b.columns[1:]
	e.Op, e.Type, e.At, e.Parens, e.Made, e.Names = sem.OpColumn, t, x.At, x.Parend, x.Marked, x.Parts

	return e
}

// lateral is an alias of an earlier item. A column of a query around this one might have been meant.
func (b *binder) lateral(x *ast.Column, name string, a *sem.Expr, in *scope) *sem.Expr {
	for out := in.outer; out != nil; out = out.outer {
		if _, n, _ := out.find("", name); n > 0 {
			return b.refuse(sem.NoColumn, x.At, "give the alias another name", "%s could be the alias, or a column of a query around this one", name)
		}
	}
	if !in.distinct(name) {
		return b.refuse(sem.NotOnEngine, x.At, "give the alias another name", "engines do not tell the alias %s and another name apart", name)
	}
	if a.Op == sem.OpOneSpelling && len(in.keys) == 0 { // an aggregate reads the texts of a group's rows
		a = a.Args[0]
	}
	if b.work += b.size(a); b.work > most {
		return b.refuse(sem.NotKnown, x.At, "compute the alias in a query in FROM", "the statement is too large with its aliases written out")
	}
	e := b.columnExpr(x, a.Type)
	e.Facts, e.Text, e.Column, e.Item = a.Facts, name, &sem.Column{Name: name, Type: a.Type}, a

	return e
}

// size is how many expressions an item of a select list is made of, with those that its aliases stand for: each may be asked for what it holds.
func (b *binder) size(item *sem.Expr) int {
	if n := b.sizes[item]; n > 0 {
		return n
	}
	n := 0
	holds(item, func(part *sem.Expr) bool { n = min(n+b.size(part), most); return false })
	if b.sizes == nil {
		b.sizes = map[*sem.Expr]int{}
	}
	b.sizes[item] = n + 1

	return n + 1
}

// closest names a column that may have been meant.
func closest(name string, s *scope, qualifier string) string {
	best, least := "", 3
	for _, t := range s.tables {
		if qualifier != "" && t.name != qualifier {
			continue
		}
		for i := range t.len() {
			if d := distance(name, t.nameOf(i), least); d < least {
				best, least = t.nameOf(i), d
			}
		}
	}
	if best == "" {
		return ""
	}

	return "perhaps " + best + " is meant"
}

// distance is how many letters differ between two words; most or more if many do.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(before+cost, row[j]+1, row[j+1]+1)
		}
	}

	return row[len(b)]
}

// lookup is a table by its name, as an item of FROM of another name with some of its columns renamed; it has no columns if it is not known.
func (b *binder) lookup(parts []ast.Name, s *scope, name string, renamed []ast.Name, at lex.Span) (t *table, known bool) {
	if len(parts) == 1 {
		if columns, ok := s.query(parts[0].Text); ok {
			return b.newTable(name, slices.Clone(columns), renamed, at), true
		}
		if other := s.sameQuery(parts[0].Text); other != "" {
			b.refuse(sem.NotOnEngine, parts[0].At, "give the query of WITH another name", "engines do not tell the table %s and the query %s apart", parts[0].Text, other)
		}
	}
	given, known := b.Table(joinNames(parts))
	if known && len(renamed) == 0 {
		return &table{name: name, given: given, made: make([]*sem.Column, len(given)), read: b.Column}, true
	}
	columns := make([]sem.Column, len(given))
	for i, c := range given {
		columns[i] = b.Column(c)
	}

	return b.newTable(name, columns, renamed, at), known
}

// newTable is an item of FROM with these columns, which are its own from then on, and some of which an alias renames.
func (b *binder) newTable(name string, columns []sem.Column, renamed []ast.Name, at lex.Span) *table {
	if len(renamed) > len(columns) {
		b.refuse(sem.Mismatch, at, "", "%s has %d columns, and %d names are given", name, len(columns), len(renamed))
		renamed = nil
	}
	for i := range renamed {
		columns[i].Name = renamed[i].Text
	}

	return &table{name: name, columns: columns}
}
