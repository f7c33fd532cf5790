package bind

import (
	"slices"
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
	case *ast.Series:
		b.series(x, s, bound)
	case *ast.Unnest:
		b.unnest(x, s, bound)
	case *ast.Derived:
		// Queries in FROM do not see their neighbours, unless LATERAL stands before them.
		around := &scope{outer: s.outer, beside: s.tables}
		if x.Lateral {
			around = s
			bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotEngine, At: x.LateralAt, Text: "lateral"})
		}
		values, listed := x.Query.Body.(*ast.Values)
		inner, outputs := b.query(x.Query, around, purpose{labels: !listed, whole: true})
		if listed && b.Redshift {
			b.refuse(sem.Mismatch, values.At, "write a query with UNION ALL", "Redshift does not have VALUES in FROM")
		}
		if listed {
			b.namedValues(x, len(values.Rows[0]), outputs, bound)
		}
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotQuery, At: inner.At, Query: inner})
		s.reads = s.reads || !x.Lateral && around.reads
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
	name, at := x.Parts[len(x.Parts)-1].Text, x.At
	if x.Alias.Text != "" {
		name, at = x.Alias.Text, x.Alias.At
	}
	t, known := b.lookup(x.Parts, s.outer, name, x.Columns, at)
	if !known {
		s.unknown = true
		if first := x.Parts[0].Text; b.Redshift && len(x.Parts) == 2 && slices.ContainsFunc(s.tables, func(t *table) bool { return t.name == first }) {
			b.refuse(sem.NotKnown, x.Parts[0].At.To(x.Parts[1].At), "have the warehouse make a table of the elements, and read that", "the elements of a SUPER are not read in FROM")
			return
		}
		b.refuse(sem.NoTable, x.Parts[0].At.To(x.Parts[len(x.Parts)-1].At), "", "there is no table %s", joinNames(x.Parts))
	}
	for _, n := range x.Parts {
		bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotName, At: n.At, Text: n.Text, Quoted: n.Quoted})
	}
	if x.Alias.Text != "" {
		b.tableAlias(x.Alias, x.As, x.Columns, bound)
	}
	b.add(t, s, at)
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
		if !bare(n.Text) {
			b.refuse(sem.NotKnown, n.At, "give the table a name of small letters, or an alias here", "this name of a temporary table is not read")
		}
	}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: n.At, Text: text, Why: "a temporary table is a query of WITH"})
	b.add(b.newTable(name, slices.Clone(t.columns), x.Columns, at), s, at)
}

// bare reports whether a name is one of small letters, digits and _ alone.
func bare(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
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
	b.refuseTwins(t, at)
	s.tables = append(s.tables, t)
}

// refuseTwins refuses columns whose names differ only in the case of their letters.
func (b *binder) refuseTwins(t *table, at lex.Span) {
	plain := true // two of small letters would be the same
	for i := range t.len() {
		plain = plain && bare(t.nameOf(i))
	}
	if plain {
		return
	}
	for i := range t.len() {
		for j := range i {
			if name, other := t.nameOf(i), t.nameOf(j); name != other && strings.EqualFold(name, other) {
				b.refuse(sem.NotOnEngine, at, "give one of them another name", "engines do not tell the columns %s and %s apart", name, other)
			}
		}
	}
}

func (b *binder) join(x *ast.Join, s *scope, bound *sem.Query) {
	from := len(s.tables)
	b.from(x.L, s, bound)
	middle := len(s.tables)
	b.from(x.R, s, bound)
	b.seesBefore(x, bound)
	switch {
	case x.On != nil:
		// Only the tables of this join are seen.
		all := s.tables
		s.tables = all[from:]
		b.condition(x.On, s, bound)
		s.tables = all
	case x.Natural != (lex.Span{}):
		written := *x
		b.natural(&written, s.tables[from:middle], s.tables[middle:], bound)
		b.using(&written, s, from, middle)
	case x.Using != nil:
		b.names(x.Using, bound)
		b.using(x, s, from, middle)
	}
}

// seesBefore refuses joins to LATERAL or unnest that the source, or engines, do not take.
func (b *binder) seesBefore(x *ast.Join, bound *sem.Query) {
	at := lex.Span{}
	switch r := x.R.(type) {
	case *ast.Derived:
		at = r.LateralAt
	case *ast.Unnest:
		if slices.ContainsFunc(bound.Slots, func(s sem.Slot) bool { return s.At == r.CallAt && s.Expr != nil && s.Expr.Op == sem.OpUnnest }) {
			at = r.CallAt
		}
	}
	_, always := x.On.(*ast.Bool)
	switch {
	case at == lex.Span{}:
	case x.Kind == "right" || x.Kind == "full":
		b.refuse(sem.Mismatch, at, "write LEFT JOIN", "LATERAL does not see what a %s JOIN makes of the tables before it", strings.ToUpper(x.Kind))
	case x.Kind == "left" && !always:
		b.refuse(sem.NotOnEngine, at, "write ON TRUE, and the condition into the query", "engines take no condition behind a LEFT JOIN LATERAL")
	}
}

// using merges columns of the same name. The left one stands for both, the right one in a RIGHT join, and in a FULL join whichever is not NULL.
func (b *binder) using(x *ast.Join, s *scope, from, middle int) {
	left, right := s.tables[from:middle], s.tables[middle:]
	either := &table{}
	for i, n := range x.Using {
		l, r := visible(left, n.Text), visible(right, n.Text)
		if len(l) != 1 || len(r) != 1 {
			b.refuse(sem.NoColumn, n.At, "write ON", "the column %s does not stand once on either side", n.Text)
			continue
		}
		if l[0] != (place{left[0], i}) || x.Kind == "right" {
			left[0].shuffled = true
		}
		b.merged(l[0].column(), r[0].column(), x.Kind, n.At)
		switch x.Kind {
		case "right":
			l[0].hide()
		case "full":
			l[0].hide()
			r[0].hide()
			c := *l[0].column()
			c.Facts, c.Declared = c.Both(r[0].column().Facts), false
			either.columns = append(either.columns, c)
		default:
			r[0].hide()
		}
	}
	if len(either.columns) > 0 {
		s.tables = slices.Insert(s.tables, from, either)
	}
}

// merged refuses columns that USING does not compare as the source does.
func (b *binder) merged(l, r *sem.Column, kind string, at lex.Span) {
	t, _ := b.unify(l.Type, r.Type)
	if l.Type.Kind == sem.Invalid && r.Type.Kind == sem.Invalid {
		b.refuse(sem.NotKnown, at, "write ON, and compare texts", "the type of the column %s is not known here", l.Name)
	}
	if l.Type.Kind != r.Type.Kind || kind == "full" && l.Type != r.Type || l.Type.Kind == sem.Numeric && (differs(l.Type, t) || differs(r.Type, t)) && l.Type.S != r.Type.S {
		b.refuse(sem.NotKnown, at, "write ON", "%s and %s are compared here", l.Type, r.Type)
	}
	b.matched(l.Type, at)
	if b.Redshift && l.Type.IsText() && !(l.NoBlanks && r.NoBlanks) {
		b.refuse(sem.NotKnown, at, "write ON", "trailing blanks do not count in Redshift, and USING counts them")
	}
}

// natural finds the columns that a NATURAL join compares, and writes them as USING.
func (b *binder) natural(x *ast.Join, left, right []*table, bound *sem.Query) {
	var names []string
	for _, t := range left {
		for i := range t.len() {
			if name := t.nameOf(i); !t.hides(i) && len(visible(right, name)) > 0 && !slices.Contains(names, name) {
				names = append(names, name)
				x.Using = append(x.Using, ast.Name{At: x.Natural, Text: name})
			}
		}
	}
	if len(names) == 0 {
		b.refuse(sem.NotKnown, x.Natural, "write CROSS JOIN", "the tables of this NATURAL join have no column of the same name")
		return
	}
	for _, name := range names {
		if !bare(name) {
			b.refuse(sem.NotKnown, x.Natural, "write ON", "a NATURAL join is only read over columns with names of small letters")
		}
	}
	const why = "the columns of a NATURAL join are written"
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: x.Natural, Why: why},
		sem.Slot{Kind: sem.SlotReplace, At: lex.Span{Start: x.R.Span().End, End: x.R.Span().End}, Text: " USING (" + strings.Join(names, ", ") + ")", Why: why})
}

func visible(tables []*table, name string) []place {
	var found []place
	for _, t := range tables {
		for i := range t.len() {
			if t.nameOf(i) == name && !t.hides(i) {
				found = append(found, place{t, i})
			}
		}
	}
	return found
}
