package bind

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// temp is a temporary table of a script.
type temp struct {
	version  string // what it is called after the last statement that changed it
	columns  []sem.Column
	declared []bool     // the column's type was declared, so that values are made to fit it
	notNull  []bool     // the column is NOT NULL
	defaults []ast.Expr // nil is NULL
}

// Script binds a script, or a query by itself: its last query over the temporary tables before it. Where anything is refused it is not to be used.
func Script(text string, all []ast.Statement, o Options) (*sem.Script, []sem.Refusal) {
	b := &binder{Options: o, text: text, temps: map[string]*temp{}}
	out := &sem.Script{}
	for _, st := range all {
		if out.Result != nil {
			b.afterResult(st)
			continue
		}
		b.statement(st, out)
	}
	if out.Result == nil && len(b.refused) == 0 {
		b.refuse(sem.NotKnown, lex.Span{Start: len(text), End: len(text)}, "end with the SELECT whose rows are the result", "the script has no result")
	}

	return out, b.refused
}

// afterResult refuses what follows the result, unless it could not change it.
func (b *binder) afterResult(st ast.Statement) {
	switch st.(type) {
	case *ast.Idle, *ast.Drop:
	case *ast.Result:
		b.refuse(sem.NotKnown, st.Span(), "leave the earlier SELECT out", "a second SELECT follows: one query's rows are the result")
	default:
		b.refuse(sem.NotKnown, st.Span(), "leave it out", "what follows the last SELECT does not change the result")
	}
}

func (b *binder) statement(st ast.Statement, out *sem.Script) {
	switch st := st.(type) {
	case *ast.Result:
		result, outputs := b.query(st.Query, &scope{}, purpose{labels: true})
		b.resultArrays(outputs)
		out.Result = result
	case *ast.CreateAs:
		b.createAs(st, out)
	case *ast.CreateTable:
		b.createTable(st, out)
	case *ast.Insert:
		b.insert(st, out)
	case *ast.Update:
		b.update(st, out)
	case *ast.Delete:
		b.deletes(st, out)
	case *ast.Truncate:
		b.truncate(st, out)
	case *ast.Alter:
		b.alter(st, out)
	case *ast.Drop:
		b.drop(st)
	}
}

// step adds a step, after which a table has another version.
func (b *binder) step(t *temp, name string, step sem.Step, out *sem.Script) {
	t.take(step.Values)
	step.Before, step.Columns = t.version, t.columns
	step.Name = fmt.Sprintf("hindcast_%s_%d", strings.ToLower(name), len(out.Steps)+1)
	t.version = step.Name
	out.Steps = append(out.Steps, step)
}

// take notes what still holds for all values of the columns once they get new ones. A column that gets none has nil.
func (t *temp) take(values []*sem.Expr) {
	t.columns = slices.Clone(t.columns)
	for i, v := range values {
		if v == nil || v.Op == sem.OpNull {
			continue
		}
		v.NotZero, v.Range = sem.NotZero(v), sem.Within(v)
		c := &t.columns[i]
		both := c.Both(v.Facts)
		c.NoBlanks, c.ASCII, c.NotZero, c.Range = both.NoBlanks, both.ASCII, both.NotZero, both.Range
	}
}

// makes adds a table, unless one of its name is there.
func (b *binder) makes(n ast.Name, t *temp) bool {
	for other := range b.temps {
		switch {
		case other == n.Text:
			b.refuse(sem.Mismatch, n.At, "drop it before, or give one of them another name", "the table %s is made twice", n.Text)
			return false
		case strings.EqualFold(other, n.Text):
			b.refuse(sem.NotOnEngine, n.At, "give one of them another name", "engines do not tell the tables %s and %s apart", other, n.Text)
			return false
		}
	}
	b.temps[n.Text] = t

	return true
}

func (b *binder) createAs(st *ast.CreateAs, out *sem.Script) {
	switch {
	case st.IfNotExists && b.Redshift:
		b.refuse(sem.Mismatch, st.Name.At, "leave IF NOT EXISTS out", "Redshift does not have IF NOT EXISTS with AS")
	case st.IfNotExists && b.temps[st.Name.Text] != nil:
		return
	}
	q, outputs := b.query(st.Query, &scope{}, purpose{labels: true})
	t := &temp{columns: b.newTable(st.Name.Text, columnsOf(outputs), st.Columns, st.Name.At).columns, notNull: make([]bool, len(outputs)), defaults: make([]ast.Expr, len(outputs))}
	seen := map[string]bool{}
	for i, o := range outputs {
		b.refuseArray(o.Type, st.Name.At, "as a column of a temporary table")
		name := strings.ToLower(t.columns[i].Name)
		if seen[name] {
			b.refuse(sem.NotOnEngine, st.Name.At, "give one of them another name", "two columns of %s are named %s", st.Name.Text, t.columns[i].Name)
		}
		seen[name] = true
		t.declared = append(t.declared, o.Declared || len(o.from) == 1 && declares(o.from[0]))
	}
	if b.makes(st.Name, t) {
		b.step(t, st.Name.Text, sem.Step{At: st.At, Query: q, Empty: st.NoData}, out)
	}
}

func (b *binder) createTable(st *ast.CreateTable, out *sem.Script) {
	if st.IfNotExists && b.temps[st.Name.Text] != nil {
		return
	}
	if st.Like != nil {
		b.createLike(st, out)
		return
	}
	t := &temp{}
	for _, c := range st.Columns {
		t.add(c, b.columnType(c))
	}
	if b.makes(st.Name, t) {
		b.step(t, st.Name.Text, sem.Step{At: st.At}, out)
	}
}

func (b *binder) drop(st *ast.Drop) {
	for _, n := range st.Names {
		if b.temps[n.Text] == nil && !st.IfExists {
			b.refuse(sem.NoTable, n.At, "write DROP TABLE IF EXISTS, or leave it out", "there is no temporary table %s", n.At.In(b.text))
		}
		delete(b.temps, n.Text)
	}
}

func (t *temp) column(name string) int {
	for i, c := range t.columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

func (b *binder) insert(st *ast.Insert, out *sem.Script) {
	t := b.temp(st.Table, "INSERT", st.Query)
	if t == nil {
		b.query(st.Query, &scope{}, purpose{}) // whatever is refused in it as well
		return
	}
	into := make([]int, 0, len(t.columns))
	for _, n := range st.Columns {
		i := t.column(n.Text)
		if i < 0 {
			b.refuse(sem.NoColumn, n.At, "", "%s has no column %s", st.Table.Text, n.Text)
			return
		}
		into = append(into, i)
	}
	q, outputs := b.query(st.Query, &scope{}, purpose{})
	for i := range t.columns {
		if len(st.Columns) == 0 && i < len(outputs) {
			into = append(into, i)
		}
	}
	if len(into) != len(outputs) {
		b.refuse(sem.Mismatch, st.At, "", "%d values are inserted into %d columns", len(outputs), len(into))
		return
	}

	step := sem.Step{At: st.At, Query: q, Values: make([]*sem.Expr, len(t.columns))}
	for n, i := range into {
		o := outputs[n]
		if o.open {
			b.decide(&o, unlimited(t.columns[i].Type))
		}
		v := made(sem.OpRaw, o.Type, st.Table.At)
		v.Text, v.Facts = "hindcast_q.c"+strconv.Itoa(n+1), o.Facts
		if step.Values[i] != nil {
			b.refuse(sem.Syntax, st.At, "", "the column %s is named twice", t.columns[i].Name)
		}
		step.Values[i] = b.assigned(v, t, i)
	}
	for i, v := range step.Values {
		if v == nil {
			step.Values[i] = b.unsaid(t, i, st.Table.At)
		}
	}
	b.step(t, st.Table.Text, step, out)
}

// unlimited is a type that a literal takes, which is then made to fit the column.
func unlimited(t sem.Type) sem.Type {
	if t.IsText() {
		return sem.Of(sem.Text)
	}
	return t
}

// unsaid is the value of a column that an INSERT does not name.
func (b *binder) unsaid(t *temp, i int, at lex.Span) *sem.Expr {
	if t.defaults[i] != nil {
		return b.assigned(b.expr(t.defaults[i], &scope{}), t, i)
	}
	null := made(sem.OpNull, t.columns[i].Type, at)
	if t.notNull[i] {
		return b.notNull(null, t.columns[i].Name)
	}

	return null
}

// notNull raises where a value is NULL.
func (b *binder) notNull(e *sem.Expr, column string) *sem.Expr {
	out := made(sem.OpNotNull, e.Type, e.At, e)
	out.Facts, out.Text = e.Facts, column
	return out
}

// assigned is a value as a column of a table takes it.
func (b *binder) assigned(e *sem.Expr, t *temp, i int) *sem.Expr {
	c := t.columns[i]
	if e.Type.Kind == sem.Unknown {
		e = b.literal(e, unlimited(c.Type))
	}
	if invalid(e) || c.Type.Kind == sem.Invalid {
		return e
	}
	out := b.fitted(e, c.Type, t.declared[i])
	if out == nil {
		return b.refuse(sem.NotKnown, e.At, "cast it", "%s is not taken as the column %s, which is %s", e.Type, c.Name, c.Type)
	}
	if t.notNull[i] {
		out = b.notNull(out, c.Name)
	}

	return out
}

// fitted is a value as one of a column's type; nil if it is not known how. What a column takes whose type was not declared is only known of values that
// fit as they are.
func (b *binder) fitted(e *sem.Expr, t sem.Type, declared bool) *sem.Expr {
	from := e.Type
	switch {
	case from == t && (declared || t.Kind != sem.Numeric || !loose(e)):
		return e
	case from.IsText() && t.IsText():
		if t.N == 0 && t.Kind != sem.Char || from.N > 0 && from.N <= t.N && from.Kind == t.Kind {
			return e
		}
		if !declared {
			return nil
		}
		return b.fittedText(e, t)
	case t.Kind == sem.Numeric && from.IsExact():
		if p, s := from.Digits(); !declared && (s != t.S || p-s > t.P-t.S) {
			return nil
		}
		return b.converted(e, t, e.At)
	case t.IsInt() && from.IsNumber(), t.Kind == sem.Float8 && from.IsNumber(), from.IsTime() && t.IsTime():
		return b.converted(e, t, e.At)
	}

	return nil
}

// fittedText raises where a text is longer than the column, unless only by blanks.
func (b *binder) fittedText(e *sem.Expr, t sem.Type) *sem.Expr {
	out := made(sem.OpFitText, t, e.At, e)
	out.N, out.Facts = t.N, sem.Facts{ASCII: e.ASCII, NoBlanks: e.NoBlanks}
	if b.Redshift {
		out.Text = "bytes"
	}
	if t.Kind != sem.Char {
		return out
	}
	return trimmed(out)
}
