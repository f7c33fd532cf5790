package bind

import (
	"math/big"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// The limits within which width_bucket is read: PostgreSQL rounds the quotient, and within these cannot round it up to a whole number.
const (
	mostBuckets = 9999
	mostWidth   = 100_000_000_000 // of all buckets together, in the last digit of the numbers
)

// widthBucket is width_bucket of decimals, whose bounds and number of buckets are written.
func widthBucket(b *binder, c *call) *sem.Expr {
	x, low, high := c.args[0], c.args[1], c.args[2]
	n, ok := b.written(c.args[3], 1)
	if !ok || n > mostBuckets {
		return b.refuse(sem.NotKnown, c.args[3].At, "write a number from 1 to 9999", "only such a number of buckets is read")
	}
	for _, bound := range []*sem.Expr{low, high} {
		if bound.Op != sem.OpInt && bound.Op != sem.OpDecimal {
			return b.refuse(sem.NotKnown, bound.At, "write the number", "only a bound that is written is read")
		}
	}
	switch {
	case !x.Type.IsExact() || x.Type.IsInt() && low.Op == sem.OpInt && high.Op == sem.OpInt:
		return b.refuse(sem.NotKnown, x.At, "cast it as numeric(precision, scale)", "PostgreSQL's buckets of %s are counted in floating-point numbers, and rounded by its version", x.Type)
	case x.Type.Kind == sem.Numeric && x.Type.P == 0:
		return b.refuse(sem.NotKnown, x.At, "cast it as numeric(precision, scale)", "how many digits this has is not known")
	}
	return b.bucket(c, b.exact(x), low, high, n)
}

// bucket compares a value with the bounds, and counts how many of the buckets lie before it.
func (b *binder) bucket(c *call, x, low, high *sem.Expr, n int) *sem.Expr {
	at := c.x.At
	before, behind, from, to := "<", ">=", x, low
	width := new(big.Rat).Sub(rational(high), rational(low))
	if width.Sign() < 0 {
		before, behind, from, to = ">", "<=", low, x
		width.Neg(width)
	}
	digits := max(x.Type.S, b.exact(low).Type.S, b.exact(high).Type.S)
	units := new(big.Rat).Mul(width, new(big.Rat).SetInt(powerOfTen(digits)))
	switch {
	case width.Sign() == 0:
		return b.refuse(sem.Mismatch, at, "", "the lower bound cannot equal the upper bound")
	case units.Cmp(big.NewRat(mostWidth, 1)) > 0:
		return b.refuse(sem.NotKnown, at, "round the value, or compare it in a CASE", "so many digits between the bounds are not read")
	}

	over := made(sem.OpDecimal, sem.Decimal(len(units.Num().String())+1, digits), at)
	over.Text = width.FloatString(digits)
	from, to = b.exact(from), b.exact(to)
	gap := made(sem.OpSubtract, sumType(from.Type, to.Type), at, from, to)
	count := b.exact(number(n, at))
	gone := made(sem.OpMultiply, productType(gap.Type, count.Type), at, gap, count)
	cut := made(sem.OpDecimalDivide, sem.Decimal(9, 0), at, gone, over)
	whole := made(sem.OpDecimalToInt, sem.Of(sem.Int4), at, cut)
	inside := made(sem.OpAdd, sem.Of(sem.Int4), at, whole, number(1, at))

	e := rewritten(sem.OpCase, sem.Of(sem.Int4), c.x, b.comparison(before, x, low, at), number(0, at), b.comparison(behind, x, high, at), number(n+1, at), inside)
	e.N, e.Why = 2, "the engine has no such function"

	return e
}

// rational is the value of a number that is written.
func rational(e *sem.Expr) *big.Rat {
	r, _ := new(big.Rat).SetString(e.Text)
	return r
}
