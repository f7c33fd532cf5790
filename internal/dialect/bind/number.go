package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func numbers() map[string]function {
	return map[string]function{
		"round":   {least: 1, most: 2, bind: rounding(sem.OpRound)},
		"trunc":   {least: 1, most: 2, bind: rounding(sem.OpTruncate)},
		"ceil":    {least: 1, most: 1, bind: whole1(sem.OpCeiling)},
		"ceiling": {least: 1, most: 1, bind: whole1(sem.OpCeiling)},
		"floor":   {least: 1, most: 1, bind: whole1(sem.OpFloor)},
		"abs":     {least: 1, most: 1, bind: abs},
		"mod":     {least: 2, most: 2, bind: mod},
	}
}

// rounding is ROUND or TRUNC, of a decimal. TRUNC of a timestamp is its date in Redshift.
func rounding(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		a := c.args[0]
		if b.Redshift && op == sem.OpTruncate && a.Type.Kind == sem.Timestamp && len(c.args) == 1 {
			return rewritten(sem.OpTimestampToDate, sem.Of(sem.Date), c.x, a)
		}
		if e := b.wholeFloat(map[sem.Op]sem.Op{sem.OpRound: sem.OpRoundFloat, sem.OpTruncate: sem.OpTruncateFloat}[op], c); e != nil {
			return e
		}
		n := 0
		if len(c.args) == 2 {
			var ok bool
			if n, ok = b.written(c.args[1], -sem.Most); !ok {
				return &sem.Expr{At: c.x.At}
			}
			if a.Type.IsInt() && !b.Redshift {
				a = b.exact(a)
			}
		}
		if a.Type.Kind != sem.Numeric || n > 30 {
			return b.refuse(sem.NotKnown, c.x.At, "cast it as a decimal first", "%s of %s is not read", c.x.Name, a.Type)
		}

		t := sem.Decimal(a.Type.P+1, a.Type.S) // 9.5 becomes 10
		if !b.Redshift {                       // which gives the digits that were asked for; Redshift keeps the type
			t = sem.Decimal(a.Type.P-a.Type.S+max(n, 0)+1, max(n, 0))
		}
		e := rewritten(op, t, c.x, a)
		e.N = min(n, a.Type.S)
		return e
	}
}

// whole1 is CEIL or FLOOR of a decimal.
func whole1(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		a := c.args[0]
		if e := b.wholeFloat(map[sem.Op]sem.Op{sem.OpCeiling: sem.OpCeilingFloat, sem.OpFloor: sem.OpFloorFloat}[op], c); e != nil {
			return e
		}
		if a.Type.Kind != sem.Numeric {
			return b.refuse(sem.NotKnown, c.x.At, "cast it as a decimal first", "%s of %s is not read", c.x.Name, a.Type)
		}
		t := sem.Decimal(a.Type.P-a.Type.S+1, 0)
		return rewritten(op, t, c.x, a)
	}
}

func abs(b *binder, c *call) *sem.Expr {
	a := c.args[0]
	if !a.Type.IsNumber() {
		return b.refuse(sem.Mismatch, c.x.At, "cast it as a number", "abs of %s is not read", a.Type)
	}
	return rewritten(sem.OpAbs, a.Type, c.x, a)
}

func mod(b *binder, c *call) *sem.Expr {
	l, r := c.args[0], c.args[1]
	if l.Type.IsExact() && r.Type.IsExact() && (l.Type.Kind == sem.Numeric || r.Type.Kind == sem.Numeric) {
		return b.decimalModulo(c.x, l, r)
	}
	if !l.Type.IsInt() || !r.Type.IsInt() {
		return b.refuse(sem.NotKnown, c.x.At, "cast them as integers", "mod of %s and %s is not read", l.Type, r.Type)
	}
	t := sem.Of(max(l.Type.Kind, r.Type.Kind))
	return rewritten(sem.OpIntModulo, t, c.x, b.coerce(l, t), b.coerce(r, t))
}

// like binds LIKE. The escape is a backslash unless the text says another.
func (b *binder) like(x *ast.Like, s *scope) *sem.Expr {
	v, pattern := b.settled(b.expr(x.X, s)), b.settled(b.expr(x.Pattern, s))
	if invalid(v, pattern) {
		return &sem.Expr{At: x.At}
	}
	if !v.Type.IsText() || !pattern.Type.IsText() || pattern.Type.Kind == sem.Char {
		return b.refuse(sem.Mismatch, x.At, "cast them as text", "LIKE compares %s with %s", v.Type, pattern.Type)
	}
	b.matched(v.Type, v.At)
	escape := `\`
	if x.Escape != nil {
		text, ok := x.Escape.(*ast.String)
		if !ok || len(text.Value) > 1 || text.Value != "" && text.Value[0] > '~' {
			return b.refuse(sem.NotKnown, x.Escape.Span(), "write one character of ASCII", "this escape is not read")
		}
		escape = text.Value
	}
	fixed := pattern.Op == sem.OpText
	if x.Word != "like" {
		return b.likePattern(x, v, pattern, escape)
	}
	if v.Type.Kind == sem.Char && (!fixed || !strings.HasSuffix(pattern.Text, "%") || strings.ContainsAny(pattern.Text, "_ ")) {
		return b.refuse(sem.NotKnown, x.At, "cast it as text", "LIKE counts the padding of a character(n), which is not carried")
	}
	if fixed && escape != "" && strings.HasSuffix(pattern.Text, escape) && strings.Count(pattern.Text, escape)%2 == 1 {
		return b.refuse(sem.Mismatch, pattern.At, "", "the pattern ends with the escape")
	}
	e := read(sem.OpLike, sem.Of(sem.Bool), x, v, pattern)
	e.Not, e.Text = x.Not, escape
	e.Made = x.Escape != nil || !fixed || strings.Contains(pattern.Text, `\`)

	return e
}
