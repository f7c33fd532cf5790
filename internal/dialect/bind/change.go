package bind

import (
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// temp is a table that the script made; nil if that is refused. What a script does to its target the load does here: rows is the query of
// an INSERT.
func (b *binder) temp(n ast.Name, what string, rows *ast.Query) *temp {
	t := b.temps[n.Text]
	switch {
	case t != nil:
	case rows != nil:
		b.refuse(sem.NotKnown, n.At, "leave it out, and end with its query: "+excerpt(rows.At.In(b.text)),
			"%s is not a table that the script made: rows are inserted into the target by the load", n.Text)
	case what == "DELETE" || what == "TRUNCATE":
		b.refuse(sem.NotKnown, n.At, "leave it out, and end with the SELECT of the INSERT that follows",
			"%s is not a table that the script made: the load deletes the rows that new ones replace", n.Text)
	default:
		b.refuse(sem.NotKnown, n.At, "leave it out: the rows of the last SELECT are the result", "%s of a table that the script did not make is not read", what)
	}
	return t
}

// excerpt is a text on one line, and its beginning if it is long.
func excerpt(text string) string {
	const most = 200
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// change is an UPDATE or DELETE, and the scope of its expressions: the table, and the items of FROM or USING.
func (b *binder) change(t *temp, name, alias ast.Name, at lex.Span, others []ast.From) (sem.Step, *scope) {
	if alias.Text == "" {
		alias = name
	}
	s := &scope{}
	b.add(b.newTable(alias.Text, slices.Clone(t.columns), nil, alias.At), s, alias.At)
	step := sem.Step{At: at, Changes: true, Alias: alias.Text}
	for _, f := range others {
		_, joined := f.(*ast.Join)
		item := sem.Item{Query: sem.Query{At: f.Span()}, Join: joined}
		b.from(f, s, &item.Query)
		step.From = append(step.From, item)
	}

	return step, s
}

// where binds the condition of an UPDATE or DELETE; nil is none.
func (b *binder) where(x ast.Expr, s *scope) *sem.Expr {
	if x == nil {
		return nil
	}
	return b.boolean(b.truth(x, s), "a condition")
}

func (b *binder) update(st *ast.Update, out *sem.Script) {
	t := b.temp(st.Table, "UPDATE", nil)
	if t == nil {
		return
	}
	step, s := b.change(t, st.Table, st.Alias, st.At, st.From)
	step.Values = make([]*sem.Expr, len(t.columns))
	for _, a := range st.Set {
		i := t.column(a.Column.Text)
		switch {
		case i < 0:
			b.refuse(sem.NoColumn, a.Column.At, "", "%s has no column %s", st.Table.Text, a.Column.Text)
			continue
		case step.Values[i] != nil:
			b.refuse(sem.Syntax, a.Column.At, "", "the column %s is set twice", a.Column.Text)
		}
		step.Values[i] = b.assigned(b.expr(a.X, s), t, i)
	}
	step.Where = b.where(st.Where, s)
	b.step(t, st.Table.Text, step, out)
}

func (b *binder) deletes(st *ast.Delete, out *sem.Script) {
	t := b.temp(st.Table, "DELETE", nil)
	if t == nil {
		return
	}
	step, s := b.change(t, st.Table, st.Alias, st.At, st.Using)
	step.Where = b.where(st.Where, s)
	b.step(t, st.Table.Text, step, out)
}

func (b *binder) truncate(st *ast.Truncate, out *sem.Script) {
	if b.Redshift && len(st.Tables) > 1 {
		b.refuse(sem.Mismatch, st.At, "write TRUNCATE for each", "Redshift truncates one table at a time")
	}
	for _, n := range st.Tables {
		if t := b.temp(n, "TRUNCATE", nil); t != nil {
			b.step(t, n.Text, sem.Step{At: st.At, Changes: true, Alias: n.Text}, out)
		}
	}
}

// add adds a column to a table.
func (t *temp) add(c ast.ColumnDef, typ sem.Type) {
	t.columns = append(slices.Clone(t.columns), sem.Column{Name: c.Name.Text, Type: typ, Facts: sem.Facts{NoBlanks: typ.Kind == sem.Char}})
	t.declared, t.notNull, t.defaults = append(t.declared, true), append(t.notNull, c.NotNull), append(t.defaults, c.Default)
}

// columnType is the type of a column that is made.
func (b *binder) columnType(c ast.ColumnDef) sem.Type {
	typ, ok := b.typeOf(c.Type)
	if ok && typ.Kind == sem.Numeric && typ.P == 0 {
		b.refuse(sem.NotOnEngine, c.Type.At, "write numeric(precision, scale)", "engines hold no unbounded decimals")
	}
	return typ
}

// createLike makes a table with the columns of another one.
func (b *binder) createLike(st *ast.CreateTable, out *sem.Script) {
	other := b.temps[joinNames(st.Like)]
	if other == nil {
		b.refuse(sem.NotKnown, st.Like[0].At, "write CREATE TEMP TABLE … AS SELECT * FROM "+joinNames(st.Like)+" WHERE FALSE",
			"which columns of %s are NOT NULL is not known here, and LIKE copies that", joinNames(st.Like))
		return
	}
	t := &temp{columns: slices.Clone(other.columns), declared: slices.Clone(other.declared), notNull: slices.Clone(other.notNull), defaults: make([]ast.Expr, len(other.columns))}
	for i := range t.columns {
		t.columns[i].Facts = sem.Facts{NoBlanks: t.columns[i].Type.Kind == sem.Char}
	}
	if b.makes(st.Name, t) {
		b.step(t, st.Name.Text, sem.Step{At: st.At}, out)
	}
}

// alter binds ALTER TABLE: the table after it has other columns, or another name.
func (b *binder) alter(st *ast.Alter, out *sem.Script) {
	t := b.temp(st.Table, "ALTER", nil)
	if t == nil {
		return
	}
	step := sem.Step{At: st.At, Picks: columnNames(t)}
	switch i := t.column(st.Column.Text); {
	case st.Add != nil:
		b.addColumn(t, st, &step)
	case st.Column.Text == "":
		b.rename(t, st)
		return
	case i < 0:
		b.refuse(sem.NoColumn, st.Column.At, "", "%s has no column %s", st.Table.Text, st.Column.Text)
		return
	case st.To.Text == "":
		b.dropColumn(t, i, st, &step)
	default:
		b.free(t, st.To)
		t.columns = slices.Clone(t.columns)
		t.columns[i].Name = st.To.Text
	}
	b.step(t, st.Table.Text, step, out)
}

func columnNames(t *temp) []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	return names
}

// free refuses a name that a column of the table has.
func (b *binder) free(t *temp, n ast.Name) {
	for _, c := range t.columns {
		if strings.EqualFold(c.Name, n.Text) {
			b.refuse(sem.Mismatch, n.At, "give it another name", "the table has a column %s", c.Name)
		}
	}
}

func (b *binder) addColumn(t *temp, st *ast.Alter, step *sem.Step) {
	b.free(t, st.Add.Name)
	t.add(*st.Add, b.columnType(*st.Add))
	step.Added = b.unsaid(t, len(t.columns)-1, st.Add.Name.At)
}

func (b *binder) dropColumn(t *temp, i int, st *ast.Alter, step *sem.Step) {
	if len(t.columns) == 1 {
		b.refuse(sem.NotOnEngine, st.Column.At, "drop the table", "engines hold no table without columns")
		return
	}
	step.Picks = slices.Delete(step.Picks, i, i+1)
	t.columns = slices.Delete(slices.Clone(t.columns), i, i+1)
	t.declared, t.notNull, t.defaults = slices.Delete(t.declared, i, i+1), slices.Delete(t.notNull, i, i+1), slices.Delete(t.defaults, i, i+1)
}

func (b *binder) rename(t *temp, st *ast.Alter) {
	delete(b.temps, st.Table.Text)
	b.makes(st.To, t)
}

// declares reports whether a column of CREATE TABLE AS has its expression's type with the length and digits: a cast's, or one that has none.
func declares(e *sem.Expr) bool {
	switch e.Op {
	case sem.OpToDecimal, sem.OpNull:
		return true
	case sem.OpText, sem.OpCutText, sem.OpCutBytes:
		return e.Type.N > 0
	default:
	}
	return e.Type.IsInt() || e.Type.IsTime() || e.Type.IsFloat() || e.Type.Kind == sem.Bool
}
