package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// typeOf is what a type's name means.
func (b *binder) typeOf(t ast.Type) (sem.Type, bool) {
	found, why := TypeOf(t.Name, t.Args, b.Redshift)
	if t.Array {
		why = "an array is not read here"
	}
	if why != "" {
		b.refuse(sem.NotKnown, t.At, "", "%s", why)
		return sem.Type{}, false
	}
	return found, true
}

var plainTypes = map[string]sem.Kind{"bool": sem.Bool, "boolean": sem.Bool, "smallint": sem.Int2, "int2": sem.Int2, "int": sem.Int4, "integer": sem.Int4,
	"int4": sem.Int4, "bigint": sem.Int8, "int8": sem.Int8, "real": sem.Float4, "float4": sem.Float4, "double precision": sem.Float8,
	"float8": sem.Float8, "float": sem.Float8, "date": sem.Date, "timestamp": sem.Timestamp, "timestamptz": sem.TimestampTZ}

// TypeOf is what a type's name and arguments mean in a dialect; why says what is not known about it.
func TypeOf(name string, args []int, redshift bool) (t sem.Type, why string) {
	if k, ok := plainTypes[name]; ok {
		switch {
		case len(args) == 0, k == sem.Timestamp && args[0] == 6, k == sem.TimestampTZ && args[0] == 6:
			return sem.Of(k), ""
		case name == "float" && len(args) == 1 && args[0] >= 25 && args[0] <= 53:
			return sem.Of(sem.Float8), ""
		}
		return t, "the type " + name + " is not read with a precision"
	}
	switch name {
	case "numeric", "decimal", "dec":
		return decimalType(args, redshift)
	case "text":
		if redshift {
			return sem.Type{Kind: sem.Varchar, N: 256}, ""
		}
		return sem.Of(sem.Text), ""
	case "varchar", "character varying", "char varying", "nvarchar":
		return textType(sem.Varchar, args, redshift, 256)
	case "char", "character", "nchar":
		return textType(sem.Char, args, false, 1)
	case "bpchar":
		if redshift {
			return textType(sem.Char, args, redshift, 256)
		}
	}

	return t, "the type " + name + " is not known here"
}

func decimalType(args []int, redshift bool) (t sem.Type, why string) {
	switch {
	case len(args) == 0 && redshift:
		return sem.Decimal(18, 0), ""
	case len(args) == 0:
		return sem.Of(sem.Numeric), ""
	case len(args) > 2 || args[0] < 1 || args[0] > sem.Most || len(args) == 2 && args[1] > args[0]:
		return t, "engines hold decimals of up to 38 digits"
	case len(args) == 1:
		return sem.Decimal(args[0], 0), ""
	}
	return sem.Decimal(args[0], args[1]), ""
}

// textType is a text with a limit; Redshift has one where none is written.
func textType(k sem.Kind, args []int, redshift bool, unsaid int) (t sem.Type, why string) {
	switch {
	case len(args) > 1 || len(args) == 1 && args[0] < 1:
		return t, "this is not a length"
	case len(args) == 1:
		return sem.Type{Kind: k, N: args[0]}, ""
	case redshift || k == sem.Char:
		return sem.Type{Kind: k, N: unsaid}, ""
	}
	return sem.Of(k), ""
}

func (b *binder) cast(x *ast.Cast, s *scope) *sem.Expr {
	if x.Type.Array {
		return b.castArray(x, s)
	}
	inner := b.expr(x.X, s)
	t, ok := b.typeOf(x.Type)
	if !ok || invalid(inner) {
		return &sem.Expr{At: x.At}
	}
	if inner.Type.Kind == sem.Unknown {
		e := *b.typed(inner, t)
		e.At, e.Parens = x.At, x.Parend
		e.Made = e.Made || !x.Literal || e.Op != sem.OpDate && e.Op != sem.OpTimestamp
		return &e
	}
	e := b.converted(inner, t, x.At)
	e.At, e.Parens = x.At, x.Parend

	return e
}

// converted is an explicit cast.
func (b *binder) converted(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	from := e.Type
	var out *sem.Expr
	switch {
	case invalid(e):
		return e
	case from.IsText():
		out = b.textTo(e, t, at)
	case from.IsInt():
		out = b.intTo(e, t, at)
	case from.Kind == sem.Numeric:
		out = b.decimalTo(e, t, at)
	case from.IsFloat():
		out = b.floatTo(e, t, at)
	case from.IsTime():
		out = b.timeTo(e, t, at)
	case from.Kind == sem.Bool:
		out = b.boolTo(e, t, at)
	}
	if out == nil {
		return b.refuse(sem.NotKnown, at, "", "a cast of %s as %s is not read", from, t)
	}

	return out
}

func (b *binder) textTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	switch {
	case t.IsInt():
		return made(sem.OpTextToInt, t, at, e)
	case t.Kind == sem.Numeric && t.P > 0:
		if b.Redshift {
			return b.refuse(sem.NotDecidable, at, "cast it as double precision, or load it as a decimal", "whether Redshift rounds or cuts a text as %s is not documented", t)
		}
		return made(sem.OpTextToDecimal, t, at, e)
	case t.Kind == sem.Date:
		return made(sem.OpTextToDate, t, at, e)
	case t.Kind == sem.Timestamp:
		return made(sem.OpTextToTimestamp, t, at, e)
	case t.IsText():
		return b.cut(e, t, at)
	}
	return nil
}

// cut is a text as a text of a limited length: what is longer is cut.
func (b *binder) cut(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	op := sem.OpCutText
	if b.Redshift {
		op = sem.OpCutBytes
	}
	out := made(op, t, at, e)
	out.Facts = sem.Facts{ASCII: e.ASCII}
	out.N = t.N
	if e.Type.N > 0 && e.Type.N <= t.N || t.N == 0 {
		out.Op, out.N, out.NoBlanks = sem.OpCutText, 0, e.NoBlanks
	}
	if t.Kind == sem.Char {
		// A CHAR is carried without its padding.
		out = made(sem.OpTrimKey, t, at, out)
		out.Facts = sem.Facts{NoBlanks: true, ASCII: e.ASCII}
	}

	return out
}

func (b *binder) intTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	switch {
	case t.IsInt():
		return made(sem.OpIntToInt, t, at, e)
	case t.Kind == sem.Numeric:
		if p, s := e.Type.Digits(); t.P == 0 {
			t = sem.Decimal(p, s)
		}
		return made(sem.OpToDecimal, t, at, e)
	case t.IsFloat():
		return made(sem.OpToFloat, t, at, e)
	case t.IsText():
		return b.shown(e, t, at)
	case t.Kind == sem.Bool && e.Type.Kind == sem.Int4:
		return made(sem.OpIntToBool, t, at, e)
	}
	return nil
}

// shown is a value as a text.
func (b *binder) shown(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	out := made(sem.OpToText, sem.Of(sem.Text), at, e)
	out.Facts = sem.Facts{NoBlanks: true, ASCII: true}
	if t.Kind == sem.Text || t.N == 0 {
		out.Type = t
		return out
	}
	longest := 26
	if e.Type.IsExact() {
		longest, _ = e.Type.Digits()
		longest += 3
	}
	out.Type.N = longest
	if b.Redshift && t.N < longest {
		return b.refuse(sem.NotDecidable, at, "cast it as a longer text, and take left() of it",
			"whether Redshift cuts a number that is longer than %s, or raises, is not documented", t)
	}

	return b.cut(out, t, at)
}

func (b *binder) decimalTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	switch {
	case t.IsInt():
		if b.Redshift && e.Type.S > 0 && !whole(e, 0) {
			return b.refuse(sem.NotDecidable, at, "write round() or trunc() around it", "whether Redshift rounds or cuts a decimal as %s is not documented", t)
		}
		return made(sem.OpDecimalToInt, t, at, e)
	case t.Kind == sem.Numeric && t.P == 0:
		return same(e, at)
	case t.Kind == sem.Numeric:
		if b.Redshift && e.Type.S > t.S && !whole(e, t.S) {
			return b.refuse(sem.NotDecidable, at, "write round() or trunc() around it", "Redshift's documentation says that a decimal is rounded as %s, and that it is not", t)
		}
		return made(sem.OpToDecimal, t, at, e)
	case t.IsFloat() && t.Kind == sem.Float8:
		return made(sem.OpToFloat, t, at, e)
	case t.IsText() && loose(e):
		return b.refuse(sem.NotKnown, at, "write round(…, digits) around it", "how many digits the source shows of this number depends on the values")
	case t.IsText() && (!b.Redshift || e.Op == sem.OpColumn || e.Op == sem.OpToDecimal || e.Op == sem.OpRound || e.Op == sem.OpDecimal):
		return b.shown(e, t, at)
	}
	return nil
}

// whole reports whether a decimal has no more than s digits behind the point, whatever its type says.
func whole(e *sem.Expr, s int) bool {
	switch e.Op {
	case sem.OpRound, sem.OpTruncate:
		return e.N <= s
	case sem.OpCeiling, sem.OpFloor:
		return true
	}
	return false
}

// same is a cast that changes nothing.
func same(e *sem.Expr, at lex.Span) *sem.Expr { return made(sem.OpSame, e.Type, at, e) }

func (b *binder) floatTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	switch {
	case t.IsInt() && !b.Redshift:
		return made(sem.OpFloatToInt, t, at, e)
	case t.Kind == e.Type.Kind:
		return same(e, at)
	case t.Kind == sem.Float8:
		return made(sem.OpToFloat, t, at, e)
	case t.Kind == sem.Numeric && t.P > 0 && !b.Redshift:
		return made(sem.OpFloatToDecimal, t, at, e)
	}
	return nil
}

func (b *binder) timeTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	if t.Kind == e.Type.Kind {
		return same(e, at)
	}
	switch {
	case e.Type.Kind == sem.Date && t.Kind == sem.Timestamp:
		return made(sem.OpDateToTimestamp, t, at, e)
	case e.Type.Kind == sem.Timestamp && t.Kind == sem.Date:
		return made(sem.OpTimestampToDate, t, at, e)
	case t.IsText() && e.Type.Kind != sem.TimestampTZ:
		if !b.ISO {
			return b.refuse(sem.NotDecidable, at, "SET DateStyle = 'ISO' for the role", "the session's DateStyle decides how this text is written, and it is not ISO")
		}
		return b.shown(e, t, at)
	case t.Kind == sem.TimestampTZ && b.zoned(at):
		return made(sem.OpToInstant, t, at, e)
	case e.Type.Kind == sem.TimestampTZ && t.IsTime() && b.zoned(at):
		out := made(sem.OpFromInstant, sem.Of(sem.Timestamp), at, e)
		if t.Kind == sem.Date {
			out = made(sem.OpTimestampToDate, t, at, out)
		}
		return out
	}
	return nil
}

// zoned reports whether the session's time zone is known, and refuses otherwise.
func (b *binder) zoned(at lex.Span) bool {
	if !b.UTC {
		b.refuse(sem.NotDecidable, at, "write the zone with AT TIME ZONE; or have history.time_zone and the TimeZone of the warehouse's sessions be UTC", "this depends on the session's time zone, which is not UTC")
	}
	return true
}

func (b *binder) boolTo(e *sem.Expr, t sem.Type, at lex.Span) *sem.Expr {
	switch {
	case t.Kind == sem.Bool:
		return same(e, at)
	case t.Kind == sem.Int4:
		return made(sem.OpBoolToInt, t, at, e)
	case t.IsText() && !b.Redshift:
		out := made(sem.OpBoolToText, sem.Type{Kind: sem.Text, N: 5}, at, e)
		out.Facts = sem.Facts{NoBlanks: true, ASCII: true}
		return b.cut(out, t, at)
	}
	return nil
}

// unify is the type that values of two types are made: that of CASE, COALESCE, UNION and comparisons.
func (b *binder) unify(l, r sem.Type) (sem.Type, bool) {
	switch {
	case l.Kind == sem.Unknown:
		return r, true
	case r.Kind == sem.Unknown || l == r:
		return l, true
	case l.Kind == sem.Array || r.Kind == sem.Array:
		return l, false
	case l.IsFloat() && r.IsNumber() || r.IsFloat() && l.IsNumber():
		return sem.Of(sem.Float8), true
	case l.IsInt() && r.IsInt():
		return sem.Of(max(l.Kind, r.Kind)), true
	case l.IsExact() && r.IsExact():
		p1, s1 := l.Digits()
		p2, s2 := r.Digits()
		s := max(s1, s2)
		return sem.Decimal(max(p1-s1, p2-s2)+s, s), p1 > 0 && p2 > 0
	case l.IsText() && r.IsText():
		if l.Kind == sem.Char && r.Kind == sem.Char {
			return sem.Of(sem.Char), true
		}
		if l.Kind == sem.Varchar && r.Kind == sem.Varchar {
			return sem.Of(sem.Varchar), true
		}
		return sem.Of(sem.Text), true
	case l.IsTime() && r.IsTime():
		return sem.Of(max(l.Kind, r.Kind)), true
	}
	return sem.Type{}, l.Kind == r.Kind
}

// unifyAll is the type that several values are made. Literals without a type take that of the others.
func (b *binder) unifyAll(all []*sem.Expr) (sem.Type, bool) {
	t := sem.Of(sem.Unknown)
	for _, e := range all {
		one, ok := b.unify(t, e.Type)
		if !ok {
			return t, false
		}
		t = one
	}
	for _, e := range all {
		if e.Type.Kind == sem.Unknown {
			t = b.unsized(t, e)
		}
	}
	return t, true
}

// common is the type that PostgreSQL makes texts in the results of CASE and its kind, and in a set operation: the first one's, which for
// CASE is that of ELSE. ok is false if not all of them are texts, or the dialect is not PostgreSQL's.
func (b *binder) common(types []sem.Type) (t sem.Type, ok bool) {
	open := false
	defer func() {
		if open { // a literal is not cut
			t.N = 0
		}
	}()
	for _, one := range types {
		open = open || one.Kind == sem.Unknown
		switch {
		case b.Redshift || !one.IsText() && one.Kind != sem.Unknown:
			return t, false
		case t.Kind == sem.Invalid && one.IsText():
			t = one
		case one.IsText() && one.N != t.N:
			t.N = 0
		}
	}
	return t, t.IsText()
}

// mixed refuses values of types that PostgreSQL makes one in another way than it compares them.
func (b *binder) mixed(types []sem.Type, at lex.Span, what string) bool {
	has := map[sem.Kind]bool{}
	exact := false
	for _, t := range types {
		has[t.Kind] = true
		exact = exact || t.IsExact()
	}
	switch {
	case has[sem.Float4] && exact && !has[sem.Float8]:
		b.refuse(sem.NotKnown, at, "cast the real as double precision", "%s makes real and other numbers one type, which is real", what)
	case has[sem.Char] && has[sem.Varchar]:
		b.refuse(sem.NotKnown, at, "cast the character column as text", "%s mixes character and character varying: whether trailing blanks count depends on their order", what)
	default:
		return false
	}
	return true
}

func typesOf(all []*sem.Expr) []sem.Type {
	types := make([]sem.Type, len(all))
	for i, e := range all {
		types[i] = e.Type
	}
	return types
}

// coerce is an implicit conversion to a type that unify gave.
func (b *binder) coerce(e *sem.Expr, t sem.Type) *sem.Expr {
	switch {
	case invalid(e) || t.Kind == sem.Unknown:
		return e
	case e.Type.Kind == sem.Unknown && t.Kind == sem.Array && e.Op != sem.OpNull:
		return b.refuse(sem.NotKnown, e.At, "write ARRAY[…]", "an array in quotes is not read")
	case e.Type.Kind == sem.Unknown:
		return b.literal(e, t)
	case e.Type.IsText() && t.IsText():
		return e
	case e.Type.IsExact() && t.IsExact() && (e.Type.Kind != t.Kind || e.Type != t):
		widened := made(sem.OpWiden, t, e.At, e)
		return widened
	case e.Type.IsNumber() && t.Kind == sem.Float8 && e.Type.Kind != t.Kind:
		return made(sem.OpToFloat, t, e.At, e)
	case e.Type.IsTime() && t.IsTime() && e.Type.Kind != t.Kind:
		return b.timeTo(e, t, e.At)
	}
	return e
}
