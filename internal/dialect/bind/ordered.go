package bind

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// sorted says where an aggregate's order may stand.
type sorted uint8

const (
	unsorted  sorted = iota
	inside           // ORDER BY in the parentheses
	mayWithin        // WITHIN GROUP (ORDER BY …), or nothing
	within           // WITHIN GROUP (ORDER BY …)
)

// ordered are aggregates for which the order of the rows matters.
func ordered() map[string]function {
	return map[string]function{
		"string_agg":      {least: 2, most: 2, who: onlyPostgres, aggregate: true, sorted: inside, bind: stringAgg},
		"listagg":         {least: 1, most: 2, who: onlyRedshift, aggregate: true, sorted: mayWithin, bind: listAgg},
		"percentile_disc": {least: 1, most: 1, aggregate: true, sorted: within, bind: percentileDisc},
		"percentile_cont": {least: 1, most: 1, aggregate: true, sorted: within, bind: percentileCont},
		"mode":            {who: onlyPostgres, aggregate: true, sorted: within, bind: mode},
		"median":          {least: 1, most: 1, who: onlyRedshift, aggregate: true, bind: median},
		"grouping":        {least: 1, most: 30, bind: grouping},
	}
}

// misplaced refuses an order or IGNORE NULLS where the function has none.
func (b *binder) misplaced(x *ast.Call, f function) bool {
	switch {
	case x.Within && f.sorted < mayWithin:
		b.refuse(sem.Syntax, x.At, "leave WITHIN GROUP out", "%s does not take WITHIN GROUP", x.Name)
	case !x.Within && f.sorted == within:
		b.refuse(sem.Syntax, x.At, "write WITHIN GROUP (ORDER BY …) behind it", "%s needs WITHIN GROUP", x.Name)
	case len(x.Order) > 0 && !x.Within && f.sorted != inside && f.aggregate && !b.Redshift:
		b.refuse(sem.NotKnown, x.Order[0].At, "leave ORDER BY out", "an order does not matter to %s", x.Name)
	case len(x.Order) > 0 && !x.Within && f.sorted != inside:
		b.refuse(sem.Syntax, x.Order[0].At, "leave ORDER BY out", "%s does not take ORDER BY", x.Name)
	case x.Nulls != "" && !f.nulls:
		b.refuse(sem.Syntax, x.At, "leave it out", "%s does not take %s NULLS", x.Name, strings.ToUpper(x.Nulls))
	case x.Nulls != "" && !b.Redshift:
		b.refuse(sem.Mismatch, x.At, "leave it out, or filter NULLs in a query in FROM", "PostgreSQL does not have %s NULLS", strings.ToUpper(x.Nulls))
	case x.Within && x.Over != nil && !b.Redshift:
		b.refuse(sem.Mismatch, x.Over.At, "aggregate in a query in FROM, and join it", "PostgreSQL does not take OVER behind WITHIN GROUP")
	default:
		return false
	}
	return true
}

// keys binds the order of an aggregate. Not ok if one was refused.
func (b *binder) keys(c *call) (all []sem.Key, ok bool) {
	for _, k := range c.x.Order {
		if b.numbered(k) {
			return nil, false
		}
		e := b.sortKey(k.X, c.s)
		if invalid(e) {
			return nil, false
		}
		all = append(all, sem.Key{X: e, Desc: k.Desc, NullsFirst: nullsFirst(k)})
	}

	return all, true
}

// stringAgg is PostgreSQL's string_agg.
func stringAgg(b *binder, c *call) *sem.Expr {
	x := b.settled(c.args[0])
	switch {
	case !x.Type.IsText():
		return b.refuse(sem.Mismatch, x.At, "cast it as text", "string_agg joins texts, and this is %s", x.Type)
	case c.x.Over != nil:
		return b.refuse(sem.NotKnown, c.x.Over.At, "join the texts in a query in FROM", "string_agg is not read over a window")
	}
	return b.joinedTexts(c, x, x)
}

// listAgg is Redshift's LISTAGG: empty texts are left out as NULLs are.
func listAgg(b *binder, c *call) *sem.Expr {
	x := b.asText(b.settled(c.args[0]))
	if invalid(x) {
		return x
	}
	if w := c.x.Over; w != nil && (len(w.Order) > 0 || w.Frame != nil) {
		return b.refuse(sem.Mismatch, w.At, "write the order in WITHIN GROUP", "LISTAGG takes neither an order nor a frame in OVER")
	}
	kept := x
	if c.x.Distinct {
		kept = b.guarded(x)
	}
	filled := made(sem.OpNullIf, x.Type, x.At, x, quoted("", x.At), kept)
	filled.Facts = kept.Facts
	e := b.joinedTexts(c, x, filled)
	if !invalid(e) {
		e.Type, e.N = sem.Type{Kind: sem.Varchar, N: mostListed}, mostListed
	}

	return e
}

// mostListed is how many bytes Redshift's LISTAGG gives at most.
const mostListed = 65535

// joinedTexts binds texts that are joined: filled are the texts as they are joined, x as they are written. Where the source leaves their order
// open they come in the order of themselves, so that a rerun gives the same.
func (b *binder) joinedTexts(c *call, x, filled *sem.Expr) *sem.Expr {
	e := rewritten(sem.OpJoinText, sem.Of(sem.Text), c.x, filled)
	e.Distinct = c.x.Distinct
	if len(c.args) == 2 {
		between := b.settled(c.args[1])
		if between.Op != sem.OpText && between.Op != sem.OpNull {
			return b.refuse(sem.NotKnown, between.At, "write the text", "only a written text is read between the others")
		}
		e.Text = between.Text
	}
	keys, ok := b.keys(c)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}

	itself := slices.ContainsFunc(keys, func(k sem.Key) bool { return sem.Same(k.X, x) || sem.Same(k.X, b.compared(x)) })
	switch {
	case e.Distinct && (len(keys) > 1 || len(keys) == 1 && !itself):
		return b.refuse(sem.Mismatch, c.x.Order[0].At, "order by what is joined", "with DISTINCT only the texts themselves order what is joined")
	case e.Distinct && len(keys) == 1:
		keys[0].X = filled
	case e.Distinct || !itself:
		keys = append(keys, sem.Key{X: filled})
	}
	e.Keys = keys
	e.ASCII = x.ASCII && factsOf(e.Text).ASCII

	return e
}

// share is the share that a percentile is asked of, as it is written: a number from 0 to 1.
func (b *binder) share(c *call) (string, bool) {
	e := c.args[0]
	f, err := strconv.ParseFloat(e.Text, 64)
	written := e.Op == sem.OpInt || e.Op == sem.OpDecimal || e.Op == sem.OpFloat
	switch {
	case !written || err != nil:
		b.refuse(sem.NotKnown, e.At, "write the number", "only a written number from 0 to 1 is read here")
	case f < 0 || f > 1:
		b.refuse(sem.Mismatch, e.At, "write a number from 0 to 1", "%s is not between 0 and 1", e.Text)
	default:
		return e.Text, true
	}
	return "", false
}

// sortedBy binds an aggregate of the values by which WITHIN GROUP orders.
func (b *binder) sortedBy(c *call) (k sem.Key, ok bool) {
	if c.x.Distinct {
		b.refuse(sem.Syntax, c.x.At, "leave DISTINCT out", "DISTINCT does not stand before WITHIN GROUP")
		return k, false
	}
	if !b.unordered(c) {
		return k, false
	}
	keys, ok := b.keys(c)
	if !ok {
		return k, false
	}
	if len(keys) != 1 {
		b.refuse(sem.NotKnown, c.x.Order[1].At, "write one key", "%s is read of one value", c.x.Name)
		return k, false
	}

	return keys[0], true
}

// unordered refuses an order or a frame in OVER, where an aggregate has an order of its own.
func (b *binder) unordered(c *call) bool {
	if w := c.x.Over; w != nil && (len(w.Order) > 0 || w.Frame != nil || w.Name != "") {
		b.refuse(sem.Mismatch, w.At, "write PARTITION BY alone", "%s takes neither an order nor a frame in OVER", c.x.Name)
		return false
	}
	return true
}

// ofKey is an ordered-set aggregate.
func ofKey(op sem.Op, t sem.Type, c *call, k sem.Key, x *sem.Expr, share string) *sem.Expr {
	e := rewritten(op, t, c.x, x)
	e.Text, e.Facts = share, x.Facts
	e.Keys = []sem.Key{{X: x, Desc: k.Desc}}

	return e
}

func percentileDisc(b *binder, c *call) *sem.Expr {
	if b.Redshift && c.x.Over == nil {
		return b.refuse(sem.Mismatch, c.x.At, "number the rows by row_number() and filter in an outer query", "Redshift has PERCENTILE_DISC only over a window")
	}
	share, ok := b.share(c)
	k, sorted := b.sortedBy(c)
	if !ok || !sorted {
		return &sem.Expr{At: c.x.At}
	}
	switch f, _ := strconv.ParseFloat(share, 64); {
	case k.X.Type.Kind == sem.Interval:
		return b.refuse(sem.NotKnown, k.X.At, "", "percentile_disc of %s is not read", k.X.Type)
	case c.x.Over != nil && f*16 != math.Trunc(f*16):
		return b.refuse(sem.NotOnEngine, c.args[0].At, "number the rows by row_number() and filter in an outer query", "engines count the rows of such a share otherwise: a multiple of 1/16 is read over a window")
	case c.x.Over != nil && k.Desc:
		return b.refuse(sem.NotKnown, c.x.Order[0].At, "number the rows by row_number() and filter in an outer query", "percentile_disc in descending order is not read over a window")
	}

	return ofKey(sem.OpDiscrete, k.X.Type, c, k, k.X, share)
}

func percentileCont(b *binder, c *call) *sem.Expr {
	share, ok := b.share(c)
	k, sorted := b.sortedBy(c)
	if !ok || !sorted {
		return &sem.Expr{At: c.x.At}
	}
	return b.continuous(c, k, share)
}

// median is Redshift's MEDIAN, which is PERCENTILE_CONT(0.5).
func median(b *binder, c *call) *sem.Expr {
	x := c.args[0]
	if c.x.Distinct {
		return b.refuse(sem.NotKnown, c.x.At, "use SELECT DISTINCT in a query in FROM", "median(DISTINCT …) is not read")
	}
	if !b.unordered(c) {
		return &sem.Expr{At: c.x.At}
	}
	return b.continuous(c, sem.Key{X: x}, "0.5")
}

// continuous is a percentile between values. Redshift's examples show one digit behind the point in the middle of two integers; its
// documentation does not say more of exact numbers.
func (b *binder) continuous(c *call, k sem.Key, share string) *sem.Expr {
	x := k.X
	half, _ := strconv.ParseFloat(share, 64)
	switch {
	case !x.Type.IsNumber():
		return b.refuse(sem.NotKnown, x.At, "cast it as a number", "%s of %s is not read", c.x.Name, x.Type)
	case b.Redshift && x.Type.IsInt() && half == 0.5:
		p, _ := x.Type.Digits()
		return ofKey(sem.OpMiddle, sem.Decimal(p+1, 1), c, k, x, share)
	case b.Redshift && x.Type.IsExact():
		return b.refuse(sem.NotDecidable, x.At, "cast it as double precision", "how many digits Redshift gives %s of %s is not documented", c.x.Name, x.Type)
	}
	if x.Type.Kind != sem.Float8 {
		x = made(sem.OpToFloat, sem.Of(sem.Float8), x.At, x)
	}

	return ofKey(sem.OpContinuous, x.Type, c, k, x, share)
}

func mode(b *binder, c *call) *sem.Expr {
	k, ok := b.sortedBy(c)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if t := k.X.Type; !t.IsExact() && !t.IsText() && !t.IsTime() {
		return b.refuse(sem.NotKnown, k.X.At, "count by GROUP BY, and take the first by row_number()", "mode of %s is not read", t)
	}

	return ofKey(sem.OpMode, k.X.Type, c, k, k.X, "")
}
