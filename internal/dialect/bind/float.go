package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// floatFunctions are functions of floating-point numbers.
func floatFunctions() map[string]function {
	return map[string]function{
		"sqrt":  {least: 1, most: 1, bind: ofFloats(sem.OpSqrt)},
		"exp":   {least: 1, most: 1, bind: ofFloats(sem.OpExp)},
		"ln":    {least: 1, most: 1, bind: ofFloats(sem.OpLn)},
		"log":   {least: 1, most: 1, bind: ofFloats(sem.OpLog10)},
		"power": {least: 2, most: 2, bind: ofFloats(sem.OpPower)},
		"pow":   {least: 2, most: 2, bind: ofFloats(sem.OpPower)},
		"sign":  {least: 1, most: 1, bind: sign},
	}
}

// ofFloats is a function that is computed of floating-point numbers, as which integers are taken.
func ofFloats(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		args, ok := b.asFloats(c.args)
		if !ok {
			return b.refuse(sem.NotKnown, c.x.At, "cast it as double precision", "%s of %s is not read: how many digits it has the values decide", c.x.Name, c.args[0].Type)
		}
		return rewritten(op, sem.Of(sem.Float8), c.x, args...)
	}
}

// asFloats are numbers as floating-point ones; not ok if one is a decimal, of which the source computes a decimal.
func (b *binder) asFloats(all []*sem.Expr) ([]*sem.Expr, bool) {
	out := make([]*sem.Expr, len(all))
	for i, e := range all {
		if !e.Type.IsInt() && !e.Type.IsFloat() {
			return nil, false
		}
		out[i] = b.coerce(e, sem.Of(sem.Float8))
	}
	return out, true
}

// power is the operator ^.
func (b *binder) power(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	args, ok := b.asFloats([]*sem.Expr{l, r})
	if b.Redshift || !ok {
		return b.refuse(sem.NotKnown, x.At, "cast both as double precision", "%s ^ %s is not read: how many digits it has the values decide", l.Type, r.Type)
	}
	return rewritten(sem.OpPower, sem.Of(sem.Float8), x, args...)
}

// sign is -1, 0 or 1.
func sign(b *binder, c *call) *sem.Expr {
	a := c.args[0]
	switch {
	case b.Redshift || !a.Type.IsNumber():
		return b.refuse(sem.NotKnown, c.x.At, "write CASE WHEN … > 0 THEN 1 …", "sign of %s is not read", a.Type)
	case a.Type.Kind == sem.Numeric:
		return rewritten(sem.OpSign, sem.Decimal(1, 0), c.x, a)
	}
	return rewritten(sem.OpSign, sem.Of(sem.Float8), c.x, b.coerce(a, sem.Of(sem.Float8)))
}

// wholeFloat rounds a floating-point number to a whole one; nil if it is not one. PostgreSQL takes integers for such numbers.
func (b *binder) wholeFloat(op sem.Op, c *call) *sem.Expr {
	a := c.args[0]
	if len(c.args) > 1 || !a.Type.IsFloat() && (b.Redshift || !a.Type.IsInt()) || b.Redshift && op == sem.OpRoundFloat {
		return nil
	}
	return rewritten(op, sem.Of(sem.Float8), c.x, b.coerce(a, sem.Of(sem.Float8)))
}

// decimalModulo is the rest of a division of decimals.
func (b *binder) decimalModulo(x ast.Expr, l, r *sem.Expr) *sem.Expr {
	p1, s1 := l.Type.Digits()
	p2, s2 := r.Type.Digits()
	s := max(s1, s2)
	whole := max(p1-s1, p2-s2)
	if whole+s > sem.Most || p1 == 0 || p2 == 0 || b.Redshift {
		return b.refuse(sem.NotKnown, x.Span(), "cast them as smaller decimals, or as integers", "%s %% %s is not read", l.Type, r.Type)
	}
	return rewritten(sem.OpDecimalModulo, sem.Decimal(whole+s, s), x, l, r)
}
