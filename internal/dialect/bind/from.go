package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// from binds an item of FROM, and adds its tables to the scope.
func (b *binder) from(x ast.From, s *scope, bound *sem.Query) {
	switch x := x.(type) {
	case *ast.Table:
		b.table(x, s, bound)
	case *ast.Derived:
		// Queries in FROM do not see their neighbours.
		inner, outputs := b.query(x.Query, &scope{outer: s.outer, beside: s.tables}, purpose{labels: true})
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotQuery, At: inner.At, Query: inner})
		b.add(b.newTable(x.Alias.Text, columnsOf(outputs), x.Columns, x.Alias.At), s, x.Alias.At)
		b.tableAlias(x.Alias, x.As, x.Columns, bound)
	case *ast.Join:
		b.join(x, s, bound)
	case *ast.Pivot:
		b.pivot(x, s, bound)
	}
}

func (b *binder) table(x *ast.Table, s *scope, bound *sem.Query) {
	if t := b.temporary(x.Parts, s.outer); t != nil {
		b.version(x, t, s, bound)
		return
	}
	columns, known := b.lookup(x.Parts, s.outer)
	if !known {
		s.unknown = true
		b.refuse(sem.NoTable, x.Parts[0].At.To(x.Parts[len(x.Parts)-1].At), "", "there is no table %s", joinNames(x.Parts))
	}
	for _, n := range x.Parts {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: n.At, Text: n.Text, Quoted: n.Quoted})
	}
	name, at := x.Parts[len(x.Parts)-1].Text, x.At
	if x.Alias.Text != "" {
		name, at = x.Alias.Text, x.Alias.At
		b.tableAlias(x.Alias, x.As, x.Columns, bound)
	}
	b.add(b.newTable(name, columns, x.Columns, at), s, at)
}

// temporary is the temporary table of a script that a name means; nil if it means none.
func (b *binder) temporary(parts []ast.Name, s *scope) *temp {
	if len(parts) != 1 {
		return nil
	}
	if _, ok := s.query(parts[0].Text); ok {
		return nil
	}
	return b.temps[parts[0].Text]
}

// version is a temporary table in FROM, which is called otherwise after each statement that changes it.
func (b *binder) version(x *ast.Table, t *temp, s *scope, bound *sem.Query) {
	n, text := x.Parts[0], t.version
	name, at := n.Text, n.At
	if x.Alias.Text != "" {
		name, at = x.Alias.Text, x.Alias.At
		b.tableAlias(x.Alias, x.As, x.Columns, bound)
	} else {
		text += ` AS ` + n.At.In(b.text)
		if strings.ContainsFunc(n.Text, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			b.refuse(sem.NotKnown, n.At, "give the table a name of small letters, or an alias here", "this name of a temporary table is not read")
		}
	}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: n.At, Text: text, Why: "a temporary table is a query of WITH"})
	b.add(b.newTable(name, t.columns, x.Columns, at), s, at)
}

func joinNames(parts []ast.Name) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = p.Text
	}
	return strings.Join(words, ".")
}

func (b *binder) tableAlias(n ast.Name, as bool, columns []ast.Name, bound *sem.Query) {
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotAlias, At: n.At, Text: n.Text, Quoted: n.Quoted, Bare: !as})
	b.names(columns, bound)
}

func (b *binder) add(t *table, s *scope, at lex.Span) {
	for _, other := range s.tables {
		switch {
		case other.name == t.name:
			b.refuse(sem.Syntax, at, "give one of them another alias", "two tables of FROM are named %s", t.name)
		case strings.EqualFold(other.name, t.name):
			b.refuse(sem.NotOnEngine, at, "give one of them another alias", "engines do not tell the tables %s and %s apart", other.name, t.name)
		}
	}
	for i, f := range t.columns {
		for _, other := range t.columns[:i] {
			if f.column.Name != other.column.Name && strings.EqualFold(f.column.Name, other.column.Name) {
				b.refuse(sem.NotOnEngine, at, "give one of them another name", "engines do not tell the columns %s and %s apart", f.column.Name, other.column.Name)
			}
		}
	}
	s.tables = append(s.tables, t)
}

func (b *binder) join(x *ast.Join, s *scope, bound *sem.Query) {
	from := len(s.tables)
	b.from(x.L, s, bound)
	middle := len(s.tables)
	b.from(x.R, s, bound)
	switch {
	case x.On != nil:
		// Only the tables of this join are seen.
		all := s.tables
		s.tables = all[from:]
		b.condition(x.On, s, bound)
		s.tables = all
	case x.Using != nil:
		b.using(x, s.tables[from:middle], s.tables[middle:], bound)
	}
}

// using merges columns of the same name: the left one stands for both.
func (b *binder) using(x *ast.Join, left, right []*table, bound *sem.Query) {
	if x.Kind == "right" || x.Kind == "full" {
		b.refuse(sem.NotKnown, x.Using[0].At, "write ON", "USING is not read in %s joins", strings.ToUpper(x.Kind))
		return
	}
	b.names(x.Using, bound)
	for i, n := range x.Using {
		l, r := visible(left, n.Text), visible(right, n.Text)
		if len(l) != 1 || len(r) != 1 {
			b.refuse(sem.NoColumn, n.At, "write ON", "the column %s does not stand once on either side", n.Text)
			continue
		}
		if i >= len(left[0].columns) || left[0].columns[i] != l[0] {
			left[0].shuffled = true
		}
		if l[0].column.Type.Kind != r[0].column.Type.Kind {
			b.refuse(sem.NotKnown, n.At, "write ON", "%s and %s are compared here", l[0].column.Type, r[0].column.Type)
		}
		b.matched(l[0].column.Type, n.At)
		if b.Redshift && l[0].column.Type.IsText() && !(l[0].column.NoBlanks && r[0].column.NoBlanks) {
			b.refuse(sem.NotKnown, n.At, "write ON", "trailing blanks do not count in Redshift, and USING counts them")
		}
		r[0].merged = true
	}
}

func visible(tables []*table, name string) []*field {
	var found []*field
	for _, t := range tables {
		for _, f := range t.columns {
			if f.column.Name == name && !f.merged {
				found = append(found, f)
			}
		}
	}
	return found
}
