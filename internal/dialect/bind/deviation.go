package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// deviations are the aggregates of how far values are apart, by what each is.
func deviations() map[string]function {
	all := map[string]function{}
	for name, what := range map[string]string{"stddev": "stddev_samp", "stddev_samp": "stddev_samp", "stddev_pop": "stddev_pop",
		"variance": "var_samp", "var_samp": "var_samp", "var_pop": "var_pop"} {
		all[name] = function{least: 1, most: 1, aggregate: true, bind: deviation(what)}
	}
	return all
}

// deviation is one of floats. PostgreSQL gives exact numbers exact ones, with digits that the values decide; Redshift computes with floats.
func deviation(what string) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		x := c.args[0]
		switch {
		case !x.Type.IsNumber():
			return b.refuse(sem.NotKnown, x.At, "cast it as double precision", "%s of %s is not read", c.x.Name, x.Type)
		case x.Type.IsExact() && !b.Redshift:
			return b.refuse(sem.NotOnEngine, x.At, "cast it as double precision", "PostgreSQL gives %s of exact numbers as many digits as the values decide", c.x.Name)
		case x.Type.Kind != sem.Float8:
			x = made(sem.OpToFloat, sem.Of(sem.Float8), x.At, x)
		}
		e := rewritten(sem.OpDeviation, sem.Of(sem.Float8), c.x, x)
		e.Text, e.Distinct = what, c.x.Distinct
		return e
	}
}

// notRead are aggregates that are refused for a reason of their own.
func notRead() map[string]function {
	all := map[string]function{}
	for _, name := range []string{"corr", "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy"} {
		all[name] = function{least: 2, most: 2, who: onlyPostgres, aggregate: true, bind: func(b *binder, c *call) *sem.Expr {
			return b.refuse(sem.NotOnEngine, c.x.NameAt, "write it with count(), sum() and avg() of double precision", "engines round %s otherwise, and give NaN where it is NULL", c.x.Name)
		}}
	}
	return all
}

// bits joins the bits of integers.
func bits(op sem.Op) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		x := c.args[0]
		if !x.Type.IsInt() {
			return b.refuse(sem.NotKnown, x.At, "cast it as an integer", "%s of %s is not read", c.x.Name, x.Type)
		}
		e := rewritten(op, x.Type, c.x, x)
		e.Distinct = c.x.Distinct
		return e
	}
}

// countRows is count((a, b)), which counts rows of NULLs, too.
func (b *binder) countRows(c *call, row *ast.Row) *sem.Expr {
	if b.Redshift {
		return b.refuse(sem.Mismatch, row.At, "count in a query in FROM", "Redshift does not count rows of values")
	}
	of := made(sem.OpRow, sem.Of(sem.Bool), row.At)
	for _, x := range row.Items {
		e := b.settled(b.expr(x, c.s))
		if invalid(e) {
			return e
		}
		of.Args = append(of.Args, e)
	}
	e := rewritten(sem.OpCount, sem.Of(sem.Int8), c.x, of)
	e.Distinct = c.x.Distinct

	return e
}

// treated notes IGNORE NULLS or RESPECT NULLS.
func (b *binder) treated(e *sem.Expr, x *ast.Call) *sem.Expr {
	if x.Nulls == "" {
		return e
	}
	e.Made = true
	if x.Nulls == "respect" {
		return e
	}
	e.Text = "ignore"
	if len(e.Args) > 1 && e.Args[1].Text == "0" {
		return b.refuse(sem.NotKnown, e.Args[1].At, "write the value", "a distance of 0 is not read where NULLs are ignored")
	}

	return e
}

// nthValue is NTH_VALUE(x, n).
func nthValue(b *binder, c *call) *sem.Expr {
	v := b.settled(c.args[0])
	if _, ok := b.written(c.args[1], 1); !ok {
		return &sem.Expr{At: c.x.At}
	}
	e := read(sem.OpNthValue, v.Type, c.x, v, c.args[1])
	e.Facts = v.Facts

	return b.treated(e, c.x)
}

// ratioToReport is Redshift's RATIO_TO_REPORT, a float.
func ratioToReport(b *binder, c *call) *sem.Expr {
	x := c.args[0]
	switch {
	case !x.Type.IsExact() && x.Type.Kind != sem.Float8:
		return b.refuse(sem.NotKnown, x.At, "cast it as double precision", "RATIO_TO_REPORT of %s is not read", x.Type)
	case len(c.x.Over.Order) > 0 || c.x.Over.Frame != nil:
		return b.refuse(sem.Mismatch, c.x.Over.At, "leave the order out", "RATIO_TO_REPORT takes neither an order nor a frame")
	}
	return rewritten(sem.OpRatio, sem.Of(sem.Float8), c.x, x)
}
