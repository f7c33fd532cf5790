package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// arrays are PostgreSQL's functions of arrays. Of Redshift's one is read, of a text that is divided.
func arrays() map[string]function {
	return map[string]function{
		"array_agg":       {least: 1, most: 1, who: onlyPostgres, aggregate: true, sorted: inside, bind: gathered},
		"array_append":    {least: 2, most: 2, who: onlyPostgres, raw: true, bind: appended},
		"array_prepend":   {least: 2, most: 2, who: onlyPostgres, raw: true, bind: appended},
		"array_cat":       {least: 2, most: 2, who: onlyPostgres, raw: true, bind: appended},
		"array_length":    {least: 2, most: 2, who: onlyPostgres, raw: true, bind: arrayLength},
		"array_upper":     {least: 2, most: 2, who: onlyPostgres, raw: true, bind: arrayLength},
		"cardinality":     {least: 1, most: 1, who: onlyPostgres, raw: true, bind: arrayLength},
		"array_to_string": {least: 2, most: 3, who: onlyPostgres, raw: true, bind: arrayText},
		"string_to_array": {least: 2, most: 2, who: onlyPostgres, raw: true, bind: allParts},

		"get_array_length": {least: 1, most: 1, who: onlyRedshift, raw: true, bind: countParts},
	}
}

// arrayAlone is what to do with an array where it is not read.
const arrayAlone = "read its elements by unnest() in FROM, = ANY, a position in brackets, or array_to_string()"

// expr binds an expression, and refuses an array. How arrays are compared and ordered is not written for engines: only what calls exprOrArray reads
// them.
func (b *binder) expr(x ast.Expr, s *scope) *sem.Expr {
	e := b.exprOrArray(x, s)
	if e.Type.Kind == sem.Array {
		return b.refuse(sem.NotOnEngine, x.Span(), arrayAlone, "an array is not read here")
	}
	return e
}

// array binds an expression, and refuses what is not an array.
func (b *binder) array(x ast.Expr, s *scope) (e *sem.Expr, ok bool) {
	e = b.exprOrArray(x, s)
	if e.Type.Kind == sem.Unknown {
		b.refuse(sem.NotKnown, x.Span(), "write ARRAY[…] with the elements, or an empty array as in ARRAY[]::int[]", "a text is not read as an array")
		return e, false
	}
	if !invalid(e) && e.Type.Kind != sem.Array {
		b.refuse(sem.Mismatch, x.Span(), "", "this is %s, and an array is read here", e.Type)
		return e, false
	}
	return e, !invalid(e)
}

// element is a value as an element of an array. It refuses types that elements cannot have.
func (b *binder) element(e *sem.Expr) *sem.Expr {
	_, longer := ragged(e)
	switch {
	case invalid(e):
		return e
	case e.Type.Kind == sem.Char:
		return b.refuse(sem.NotKnown, e.At, "cast it as text", "an array of %s is not read", e.Type)
	case e.Type.Kind == sem.Array:
		return b.refuse(sem.NotKnown, e.At, "join the arrays by ||", "an array of arrays is not read")
	case e.Type.Kind == sem.Interval || e.Type.Kind == sem.Numeric && e.Type.P == 0:
		return b.refuse(sem.NotKnown, e.At, "cast it as numeric(precision, scale), or as what it is compared with", "an array of %s is not read", e.Type)
	case longer:
		return b.refuse(sem.NotKnown, e.At, "write round(…, digits) around it", "how many digits the source gives this number depends on the values")
	}
	return e
}

// arrayOf is an operation whose value is an array of a type. Elements that are texts are all of type text.
func arrayOf(op sem.Op, of sem.Type, x ast.Expr, args ...*sem.Expr) *sem.Expr {
	if of.IsText() {
		of = sem.Of(sem.Text)
	}
	return rewritten(op, sem.ArrayOf(of), x, args...)
}

// elements is ARRAY[a, b].
func (b *binder) elements(x *ast.Array, s *scope) *sem.Expr {
	if len(x.Items) == 0 {
		return b.refuse(sem.Mismatch, x.At, "cast it, as in ARRAY[]::int[]", "an empty array has no type")
	}
	var of sem.Type
	var facts sem.Facts
	all := make([]*sem.Expr, len(x.Items))
	for i, item := range x.Items {
		all[i] = b.expr(item, s)
	}
	if !b.level(all, &of, &facts, x.At, "an array") {
		return &sem.Expr{At: x.At}
	}
	for i := range all {
		if of.Kind == sem.Char {
			all[i].Type = of
		}
		if all[i] = b.element(all[i]); invalid(all[i]) {
			return all[i]
		}
	}
	return arrayOf(sem.OpArray, of, x, all...)
}

// castArray is a cast to an array: of ARRAY[], of NULL, or of an array that is of that type already.
func (b *binder) castArray(x *ast.Cast, s *scope) *sem.Expr {
	of := x.Type
	of.Array = false
	t, ok := b.typeOf(of)
	if !ok {
		return &sem.Expr{At: x.At}
	}
	if invalid(b.element(&sem.Expr{Type: t, At: x.Type.At})) {
		return &sem.Expr{At: x.At}
	}
	switch of := x.X.(type) {
	case *ast.Array:
		if len(of.Items) == 0 {
			return arrayOf(sem.OpArray, t, x)
		}
	case *ast.Null:
		return arrayOf(sem.OpNull, t, x)
	}
	e, ok := b.array(x.X, s)
	switch same := arrayOf(sem.OpSame, t, x, e); {
	case !ok:
		return &sem.Expr{At: x.At}
	case e.Type == same.Type && (!t.IsText() || t.N == 0):
		return same
	}
	return b.refuse(sem.NotKnown, x.At, "cast the elements", "a cast of %s as an array of %s is not read", e.Type, t)
}

// gathered is array_agg. Where the source leaves their order open, the elements are sorted by value, so that a rerun gives the same.
func gathered(b *binder, c *call) *sem.Expr {
	x := b.element(b.settled(c.args[0]))
	switch {
	case invalid(x):
		return x
	case c.x.Over != nil:
		return b.refuse(sem.NotKnown, c.x.Over.At, "gather in a query in FROM, and join it", "array_agg is not read over a window")
	case c.x.Distinct && x.Type.IsFloat():
		return b.refuse(sem.NotKnown, c.x.At, "cast it as numeric", "which of equal floating-point numbers is kept is not told")
	}
	keys, ok := b.keys(c)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	itself := false
	for i, k := range keys {
		if sem.Same(k.X, x) {
			keys[i].X, itself = x, true
		}
	}
	if c.x.Distinct && (len(keys) > 1 || len(keys) == 1 && !itself) {
		return b.refuse(sem.Mismatch, c.x.Order[0].At, "order by what is gathered", "with DISTINCT only the values themselves order what is gathered")
	}
	if !itself {
		keys = append(keys, sem.Key{X: x})
	}
	e := arrayOf(sem.OpGather, x.Type, c.x, x)
	e.Distinct, e.Keys = c.x.Distinct, keys

	return e
}

// appended is array_append and the like, which || can stand for.
func appended(b *binder, c *call) *sem.Expr {
	return b.joinedArrays(c.x, b.exprOrArray(c.x.Args[0], c.s), b.exprOrArray(c.x.Args[1], c.s), c.x.Name)
}

// joinedArrays joins two arrays, or an array and an element; a function's name says which of them is which.
func (b *binder) joinedArrays(x ast.Expr, l, r *sem.Expr, name string) *sem.Expr {
	if invalid(l, r) {
		return &sem.Expr{At: x.Span()}
	}
	both := []*sem.Expr{l, r}
	for i, e := range both {
		other := both[1-i]
		switch {
		case e.Type.Kind == sem.Array:
		case other.Type.Kind == sem.Array && e.Op == sem.OpNull && e.Type.Kind == sem.Unknown && (name == "" || name == "array_cat"):
			both[i] = made(sem.OpNull, other.Type, e.At)
		case other.Type.Kind != sem.Array || name == "array_cat" || name == "array_append" && i == 0 || name == "array_prepend" && i == 1:
			return b.refuse(sem.Mismatch, e.At, "", "this is %s, and an array is read here", e.Type)
		case e.Type.Kind == sem.Unknown && name == "":
			return b.refuse(sem.NotKnown, e.At, "cast it", "|| takes this for an array")
		default:
			both[i] = b.asElement(e, other.Type)
		}
	}
	switch {
	case invalid(both...):
		return &sem.Expr{At: x.Span()}
	case l.Type.Kind == sem.Array && r.Type.Kind == sem.Array && name != "" && name != "array_cat":
		return b.refuse(sem.Mismatch, x.Span(), "join them by ||", "%s takes an element", name)
	case both[0].Type != both[1].Type:
		return b.refuse(sem.NotKnown, x.Span(), "cast the elements", "%s and %s are not joined", l.Type, r.Type)
	}
	return rewritten(sem.OpArrayConcat, both[0].Type, x, both...)
}

// asElement makes a value an array with that one element, of the type of another array.
func (b *binder) asElement(e *sem.Expr, array sem.Type) *sem.Expr {
	of := array.Element()
	if t, ok := b.unify(of, e.Type); !ok || t != of && !t.IsText() {
		return b.refuse(sem.Mismatch, e.At, "cast it", "%s cannot be an element of %s", e.Type, array)
	}
	if e = b.element(b.coerce(e, of)); invalid(e) {
		return e
	}
	return made(sem.OpArray, array, e.At, e)
}

// subscript is X[n].
func (b *binder) subscript(x *ast.Subscript, s *scope) *sem.Expr {
	a, ok := b.array(x.X, s)
	if !ok {
		return &sem.Expr{At: x.At}
	}
	n, ok := b.integer(b.expr(x.Index, s))
	if !ok {
		return &sem.Expr{At: x.At}
	}
	if a.Op == sem.OpParts { // engines need no array for one part of a text
		e := rewritten(sem.OpPart, a.Type.Element(), x, a.Args[0], a.Args[1], n)
		e.ASCII = a.Args[0].ASCII
		return e
	}
	e := rewritten(sem.OpElement, a.Type.Element(), x, a, n)
	e.Facts = elementFacts(e.Type)

	return e
}

// elementFacts are what is known of an array's elements: numbers may have had fewer digits.
func elementFacts(t sem.Type) sem.Facts { return sem.Facts{Loose: t.Kind == sem.Numeric} }

// arrayLength is array_length(x, 1) or the like. PostgreSQL has no length of an array without elements, only a cardinality.
func arrayLength(b *binder, c *call) *sem.Expr {
	if !b.firstDimension(c) {
		return &sem.Expr{At: c.x.At}
	}
	a, ok := b.array(c.x.Args[0], c.s)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if a.Op == sem.OpParts && c.x.Name != "array_upper" {
		return partCount(c, a.Args)
	}
	e := rewritten(sem.OpArrayLength, sem.Of(sem.Int4), c.x, a)
	e.Not = c.x.Name != "cardinality"

	return e
}

// firstDimension refuses a second argument that is not 1, the first dimension, and reports whether the call is fine.
func (b *binder) firstDimension(c *call) bool {
	if len(c.x.Args) < 2 {
		return true
	}
	if n, is := c.x.Args[1].(*ast.Number); !is || n.Text != "1" {
		b.refuse(sem.NotKnown, c.x.At, "write 1", "only the first dimension of an array is read")
		return false
	}
	return true
}

// arrayText is array_to_string.
func arrayText(b *binder, c *call) *sem.Expr {
	a, ok := b.array(c.x.Args[0], c.s)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if len(c.x.Args) > 2 {
		return b.refuse(sem.NotKnown, c.x.Args[2].Span(), "write coalesce(…, '…') around the elements where the array is made", "a text for NULL is not read")
	}
	between := b.settled(b.expr(c.x.Args[1], c.s))
	switch {
	case invalid(between):
		return between
	case !a.Type.Element().IsText():
		return b.refuse(sem.NotKnown, a.At, "cast the elements as text where the array is made", "only an array of texts is joined, and this is %s", a.Type)
	case between.Op != sem.OpText:
		return b.refuse(sem.NotKnown, between.At, "write the text", "only a written text is read between the others")
	}
	e := rewritten(sem.OpArrayText, sem.Of(sem.Text), c.x, a)
	e.Text = between.Text

	return e
}

// quantifiedArray is a comparison with ANY or ALL of an array.
func (b *binder) quantifiedArray(x *ast.Quantified, op string, s *scope) *sem.Expr {
	v := b.expr(x.X, s)
	a, ok := b.array(x.Of, s)
	if !ok || invalid(v) {
		return &sem.Expr{At: x.At}
	}
	if queries(v) || aggregated(v) {
		return b.refuse(sem.NotKnown, v.At, "compute it in a query in FROM", "an aggregate or a query is not compared with an array's elements")
	}
	name := &sem.Expr{Op: sem.OpElementName, Type: a.Type.Element(), At: a.At, Made: true, Facts: elementFacts(a.Type.Element())}
	condition := b.comparison(op, v, name, x.At)
	if invalid(condition) {
		return condition
	}
	e := rewritten(sem.OpArrayAny, sem.Of(sem.Bool), x, a, condition)
	e.Not = x.All

	return e
}

// queries reports whether an expression reads a query.
func queries(e *sem.Expr) bool { return e.Query != nil || holds(e, queries) }

// computedArray is the array that unnest reads; nil if it is written as a list of constants. It is not ok if it was refused.
func (b *binder) computedArray(x *ast.Unnest, s *scope) (a *sem.Expr, ok bool) {
	if x.Of != nil {
		return b.array(x.Of, s)
	}
	n := len(b.refused)
	a = b.elements(&ast.Array{Node: ast.Node{At: x.CallAt}, Items: x.List}, s)
	if invalid(a) || constant(a) {
		b.refused = b.refused[:n]
		return nil, false
	}
	return a, true
}

// unnestOf is unnest of an array that is computed, possibly from the tables before it.
func (b *binder) unnestOf(x *ast.Unnest, a *sem.Expr, s *scope, bound *sem.Query) {
	if queries(a) || aggregated(a) {
		b.refuse(sem.NotKnown, a.At, "write the query in FROM, and unnest its column", "unnest of a query's value is not read")
		return
	}
	rows := made(sem.OpUnnest, a.Type.Element(), x.CallAt, a)
	rows.Not = x.Ordinality
	bound.Slots = append(bound.Slots, sem.Slot{Kind: sem.SlotExpr, At: x.CallAt, Expr: rows})
	b.unnested(x, sem.Column{Name: "unnest", Type: rows.Type, Facts: elementFacts(rows.Type)}, s, bound)
}

// unnested adds the rows of an array to the tables.
func (b *binder) unnested(x *ast.Unnest, of sem.Column, s *scope, bound *sem.Query) {
	columns := []sem.Column{of}
	if x.Ordinality {
		columns = append(columns, sem.Column{Name: "ordinality", Type: sem.Of(sem.Int8)})
	}
	b.add(b.newTable(x.Alias.Text, columns, oneColumn(x.Alias, x.Columns), x.Alias.At), s, x.Alias.At)
	b.functionAlias(x.Alias, x.As, x.Columns, bound)
}

// refuseArray refuses an array where rows are compared by it or where it would be a column of the result, and reports whether it did.
func (b *binder) refuseArray(t sem.Type, at lex.Span, where string) bool {
	if t.Kind != sem.Array {
		return false
	}
	b.refuse(sem.NotOnEngine, at, arrayAlone, "an array is not read %s", where)
	return true
}

// resultArrays refuses arrays among the columns of the result: no warehouse's target is loaded with them.
func (b *binder) resultArrays(outputs []output) {
	for _, o := range outputs {
		at := o.star
		if len(o.from) > 0 {
			at = o.from[0].At
		}
		b.refuseArray(o.Type, at, "as a column of the result")
	}
}
