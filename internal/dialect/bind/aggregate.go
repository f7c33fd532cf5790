package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func aggregates() map[string]function {
	one := func(bind func(*binder, *call) *sem.Expr) function {
		return function{least: 1, most: 1, aggregate: true, bind: bind}
	}
	truth := func(op sem.Op) function {
		return one(func(b *binder, c *call) *sem.Expr {
			return rewritten(op, sem.Of(sem.Bool), c.x, b.boolean(c.args[0], "what is aggregated"))
		})
	}
	return map[string]function{
		"count": {least: 1, most: 1, aggregate: true, raw: true, bind: count}, "sum": one(sum), "avg": one(avg), "min": one(extreme(sem.OpMin)), "max": one(extreme(sem.OpMax)),
		"bit_and": one(bits(sem.OpBitAnd)), "bit_or": one(bits(sem.OpBitOr)), "bit_xor": {least: 1, most: 1, who: onlyPostgres, aggregate: true, bind: bits(sem.OpBitXor)},
		"bool_and": truth(sem.OpEvery), "bool_or": truth(sem.OpAny), "every": truth(sem.OpEvery),
		"any_value": one(anyValue),
	}
}

func count(b *binder, c *call) *sem.Expr {
	if c.x.Star {
		return read(sem.OpCountRows, sem.Of(sem.Int8), c.x)
	}
	if row, ok := c.x.Args[0].(*ast.Row); ok {
		return b.countRows(c, row)
	}
	a := b.settled(b.expr(c.x.Args[0], c.s))
	if invalid(a) {
		return a
	}
	if c.x.Distinct {
		a = b.compared(a)
	}
	e := read(sem.OpCount, sem.Of(sem.Int8), c.x, a)
	e.Distinct = c.x.Distinct

	return e
}

func sum(b *binder, c *call) *sem.Expr {
	a := c.args[0]
	op := sem.OpSumExact
	var t sem.Type
	switch a.Type.Kind {
	case sem.Int2, sem.Int4:
		op, t = sem.OpSumInt, sem.Of(sem.Int8)
	case sem.Int8:
		if t = sem.Decimal(sem.Most, 0); b.Redshift { // where a sum that is not a BIGINT overflows
			op, t = sem.OpSumInt, sem.Of(sem.Int8)
		}
	case sem.Numeric:
		t = sem.Decimal(sem.Most, a.Type.S)
	case sem.Float8:
		op, t = sem.OpSumFloat, a.Type
	default:
		return b.refuse(sem.NotKnown, c.x.At, "cast it as a number", "sum of %s is not read", a.Type)
	}
	e := rewritten(op, t, c.x, a)
	e.Distinct = c.x.Distinct

	return e
}

func avg(b *binder, c *call) *sem.Expr {
	a := c.args[0]
	switch {
	case a.Type.IsExact() && !b.Redshift:
		return b.avgNumeric(c, a)
	case c.x.Distinct:
		return b.refuse(sem.NotKnown, c.x.At, "", "avg(DISTINCT …) is not read")
	case a.Type.Kind == sem.Float8:
		return rewritten(sem.OpAvgFloat, a.Type, c.x, a)
	case a.Type.IsInt():
		e := rewritten(sem.OpAvgInt, sem.Of(sem.Int8), c.x, a)
		if b.RoundAverage {
			e.N = 1
		}
		return e
	case a.Type.Kind == sem.Numeric:
		e := rewritten(sem.OpAvgExact, sem.Decimal(sem.Most, a.Type.S), c.x, a)
		if b.RoundDivision {
			e.N = 1
		}
		return e
	}

	return b.refuse(sem.NotKnown, c.x.At, "cast it as a number", "avg of %s is not read", a.Type)
}

// avgNumeric is PostgreSQL's average of exact numbers.
func (b *binder) avgNumeric(c *call, a *sem.Expr) *sem.Expr {
	a = b.exact(a)
	wide := *a
	wide.Type.P = sem.Most // of the sum
	t, ok := b.quotient(&wide, sem.Of(sem.Int8), c.x.At)
	if !ok || b.refuseLoose(&wide) {
		return &sem.Expr{At: c.x.At}
	}
	e := rewritten(sem.OpAvgNumeric, t, c.x, a)
	e.Distinct, e.N = c.x.Distinct, looseness(a, nil)

	return e
}

func extreme(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		a := c.args[0]
		if a.Type.Kind == sem.Bool || a.Type.Kind == sem.Interval || a.Type.Kind == sem.Unknown {
			return b.refuse(sem.NotKnown, c.x.At, "", "%s of %s is not read", c.x.Name, a.Type)
		}
		b.ordered(a.Type, c.x.At, a.Facts)
		a = b.guarded(a)
		e := read(op, a.Type, c.x, a)
		e.Distinct, e.Facts = c.x.Distinct, a.Facts
		switch {
		case e.Type.Kind == sem.Char && !b.Redshift: // compared as before
			e.Type = sem.Of(sem.Char)
		case e.Type.IsText():
			e.Type = sem.Of(sem.Text)
		}
		return e
	}
}

// anyValue is ANY_VALUE. Any value will do, so DISTINCT changes nothing: the source itself promises no particular one.
func anyValue(b *binder, c *call) *sem.Expr {
	a := b.settled(c.args[0])
	if invalid(a) {
		return a
	}
	e := rewritten(sem.OpAnyValue, a.Type, c.x, a)
	e.Facts = a.Facts
	return e
}

func rankings() map[string]function {
	plain := func(op sem.Op, k sem.Kind) function {
		return function{window: true, bind: func(_ *binder, c *call) *sem.Expr { return read(op, sem.Of(k), c.x) }}
	}
	return map[string]function{
		"row_number": plain(sem.OpRowNumber, sem.Int8), "rank": plain(sem.OpRank, sem.Int8), "dense_rank": plain(sem.OpDenseRank, sem.Int8),
		"percent_rank": plain(sem.OpPercentRank, sem.Float8), "cume_dist": plain(sem.OpCumeDist, sem.Float8),
		"ntile":       {least: 1, most: 1, window: true, bind: ntile},
		"lag":         {least: 1, most: 3, window: true, nulls: true, bind: neighbour(sem.OpLag)},
		"lead":        {least: 1, most: 3, window: true, nulls: true, bind: neighbour(sem.OpLead)},
		"first_value": {least: 1, most: 1, window: true, nulls: true, bind: edge(sem.OpFirstValue)},
		"last_value":  {least: 1, most: 1, window: true, nulls: true, bind: edge(sem.OpLastValue)},
		"nth_value":   {least: 2, most: 2, window: true, nulls: true, bind: nthValue},

		"ratio_to_report": {least: 1, most: 1, who: onlyRedshift, window: true, bind: ratioToReport},
	}
}

func ntile(b *binder, c *call) *sem.Expr {
	if c.args[0].Op != sem.OpInt {
		return b.refuse(sem.NotKnown, c.x.At, "write a number", "only a whole number is read here")
	}
	k := sem.Int4
	if b.Redshift {
		k = sem.Int8
	}
	return rewritten(sem.OpNtile, sem.Of(k), c.x, c.args[0])
}

// neighbour is LAG or LEAD.
func neighbour(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		v := b.settled(c.args[0])
		e := read(op, v.Type, c.x, v)
		e.Facts = v.Facts
		if len(c.args) > 1 {
			if c.args[1].Op != sem.OpInt {
				return b.refuse(sem.NotKnown, c.args[1].At, "write a number", "only a whole number is read here")
			}
			e.Args = append(e.Args, c.args[1])
		}
		if len(c.args) > 2 {
			values := []*sem.Expr{v, c.args[2]}
			if !b.level(values, &e.Type, &e.Facts, c.x.At, c.x.Name) {
				return &sem.Expr{At: c.x.At}
			}
			e.Args = []*sem.Expr{values[0], c.args[1], values[1]}
		}
		return b.treated(e, c.x)
	}
}

func edge(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		v := b.settled(c.args[0])
		e := read(op, v.Type, c.x, v)
		e.Facts = v.Facts
		return b.treated(e, c.x)
	}
}
