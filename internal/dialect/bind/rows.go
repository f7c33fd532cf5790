package bind

import (
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// namedValues names the columns of VALUES in FROM that its alias does not: engines would name them otherwise.
func (b *binder) namedValues(x *ast.Derived, n int, outputs []output, bound *sem.Query) {
	if len(x.Columns) == n || len(outputs) != n {
		return
	}
	if len(x.Columns) > 0 {
		b.refuse(sem.NotKnown, x.Alias.At, "name all of them", "only some of the columns of VALUES are named")
		return
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "column" + strconv.Itoa(i+1)
	}
	end := lex.Span{Start: x.Alias.At.End, End: x.Alias.At.End}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: end, Text: "(" + strings.Join(names, ", ") + ")", Why: "the source names the columns so"})
}

// aliased reports whether a function in FROM has an alias, and refuses it otherwise.
func (b *binder) aliased(alias ast.Name, call lex.Span) bool {
	if alias.Text == "" {
		b.refuse(sem.NotKnown, call, "write AS and a name with its column behind it", "a function in FROM needs an alias")
		return false
	}
	return true
}

// unnest is unnest(…): the elements of an array that is written as rows of VALUES.
func (b *binder) unnest(x *ast.Unnest, s *scope, bound *sem.Query) {
	defer func(tables int) { s.unknown = s.unknown || len(s.tables) == tables }(len(s.tables)) // it was refused
	width := 1
	if x.Ordinality {
		width = 2
	}
	switch {
	case b.Redshift:
		b.refuse(sem.Mismatch, x.CallAt, "write a query with UNION ALL", "Redshift does not have arrays of this form")
		return
	case !b.aliased(x.Alias, x.CallAt):
		return
	case len(x.Columns) != width && (width > 1 || len(x.Columns) > 0):
		b.refuse(sem.NotKnown, x.Alias.At, "name the columns behind the alias", "the columns of unnest are to be named")
		return
	}
	if a, ok := b.computedArray(x, s); a != nil {
		if ok {
			b.unnestOf(x, a, s, bound)
		}
		return
	}
	values := &ast.Values{At: x.CallAt}
	for _, e := range x.List {
		values.Rows = append(values.Rows, []ast.Expr{e})
	}
	list := &sem.Query{At: x.CallAt}
	around := &scope{outer: s.outer, beside: s.tables}
	outputs := b.values(values, around, purpose{}, list)
	s.reads = s.reads || around.reads
	if len(outputs) != 1 {
		return
	}
	slot := sem.Slot{Kind: sem.SlotReplace, At: x.CallAt, Text: "(VALUES ", Why: "the elements of an array that is written are rows", Slots: list.Slots}
	for i := range list.Slots {
		if i > 0 {
			slot.Text += ", "
		}
		slot.Text += "(\x00"
		if x.Ordinality {
			slot.Text += ", CAST(" + strconv.Itoa(i+1) + " AS BIGINT)"
		}
		slot.Text += ")"
	}
	slot.Text += ")"
	bound.Slots = append(bound.Slots, slot)
	b.unnested(x, outputs[0].Column, s, bound)
}

// oneColumn are the names of the columns of a function's rows: PostgreSQL names the one column of simple values as the alias.
func oneColumn(alias ast.Name, columns []ast.Name) []ast.Name {
	if len(columns) == 0 {
		return []ast.Name{alias}
	}
	return columns
}

// functionAlias names the rows of a function in FROM, and their column where the text does not.
func (b *binder) functionAlias(alias ast.Name, as bool, columns []ast.Name, bound *sem.Query) {
	b.tableAlias(alias, as, columns, bound)
	if len(columns) > 0 {
		return
	}
	end := lex.Span{Start: alias.At.End, End: alias.At.End}
	name := sem.Slot{Kind: sem.SlotExpr, At: alias.At, Expr: &sem.Expr{Op: sem.OpName, At: alias.At, Made: true, Text: alias.Text}}
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotReplace, At: end, Text: "(\x00)", Slots: []sem.Slot{name}, Why: "the source names the column so"})
}

// series is generate_series in FROM.
func (b *binder) series(x *ast.Series, s *scope, bound *sem.Query) {
	defer func(tables int) { s.unknown = s.unknown || len(s.tables) == tables }(len(s.tables)) // it was refused
	if b.Redshift {
		b.refuse(sem.NotKnown, x.Call.At, "number the rows of a table by row_number()", "Redshift computes generate_series on its leader node alone, without tables")
		return
	}
	if !b.aliased(x.Alias, x.Call.At) {
		return
	}
	if len(x.Columns) > 1 {
		b.refuse(sem.Mismatch, x.Alias.At, "name its column, as in AS t (n)", "generate_series has one column")
		return
	}
	around := &scope{outer: s.outer, beside: s.tables}
	e := b.seriesOf(x, around)
	s.reads = s.reads || around.reads
	if invalid(e) {
		return
	}
	slot := sem.Slot{Kind: sem.SlotReplace, At: x.Call.At, Text: "(SELECT \x00 AS hindcast_n)", Why: "the engine has it as a list", Slots: []sem.Slot{{Kind: sem.SlotExpr, At: x.Call.At, Expr: e}}}
	bound.Slots = append(bound.Slots, slot)
	b.add(b.newTable(x.Alias.Text, []sem.Column{{Type: e.Type}}, oneColumn(x.Alias, x.Columns), x.Alias.At), s, x.Alias.At)
	b.functionAlias(x.Alias, x.As, x.Columns, bound)
}

// seriesOf binds the bounds and the step.
func (b *binder) seriesOf(x *ast.Series, s *scope) *sem.Expr {
	args := make([]*sem.Expr, len(x.Call.Args))
	for i, a := range x.Call.Args {
		args[i] = b.expr(a, s)
	}
	if invalid(args...) {
		return &sem.Expr{At: x.Call.At}
	}
	if len(args) == 2 && args[0].Type.IsInt() {
		args = append(args, number(1, x.Call.At))
	}
	switch {
	case len(args) != 3:
		return b.refuse(sem.NotKnown, x.Call.At, "write its begin, end and step", "generate_series is not read with %d arguments of these types", len(args))
	case args[0].Type.IsInt() && args[1].Type.IsInt() && args[2].Type.IsInt():
		t := sem.Of(max(args[0].Type.Kind, args[1].Type.Kind, args[2].Type.Kind, sem.Int4))
		for i := range args {
			args[i] = b.coerce(args[i], t)
		}
		return made(sem.OpSeries, t, x.Call.At, args...)
	case args[0].Type.IsTime() && args[2].Op == sem.OpInterval:
		return b.timeSeries(x, args)
	}
	return b.refuse(sem.NotKnown, x.Call.At, "write integers, or times with INTERVAL '…'", "generate_series of %s and %s is not read", args[0].Type, args[1].Type)
}

// timeSeries is a series of timestamps; PostgreSQL makes dates instants.
func (b *binder) timeSeries(x *ast.Series, args []*sem.Expr) *sem.Expr {
	t := sem.Of(sem.Timestamp)
	if args[1].Type.Kind == sem.Unknown {
		args[1] = b.literal(args[1], args[0].Type)
	}
	if !args[1].Type.IsTime() {
		return b.refuse(sem.Mismatch, args[1].At, "cast it", "this is %s, and a time is read here", args[1].Type)
	}
	instant := args[0].Type.Kind != sem.Timestamp || args[1].Type.Kind != sem.Timestamp
	step := args[2]
	if i := *step; i.Months == 0 && i.Days == 0 && i.Micros == 0 || (i.Months < 0 || i.Days < 0 || i.Micros < 0) && (i.Months > 0 || i.Days > 0 || i.Micros > 0) {
		return b.refuse(sem.NotKnown, step.At, "write a step of one sign", "this step is not read")
	}
	e := made(sem.OpTimeSeries, t, x.Call.At, b.coerce(args[0], t), b.coerce(args[1], t))
	e.Months, e.Days, e.Micros = step.Months, step.Days, step.Micros
	if invalid(e.Args...) {
		return &sem.Expr{At: x.Call.At}
	}
	if instant && b.zoned(x.Call.At) {
		e.Type = sem.Of(sem.TimestampTZ)
	}

	return e
}
