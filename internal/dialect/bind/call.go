package bind

import (
	"sync"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// call is a function call that is being bound.
type call struct {
	x    *ast.Call
	s    *scope
	args []*sem.Expr // bound, unless the function is raw
}

// who has a function.
const (
	both = iota
	onlyPostgres
	onlyRedshift
)

// function is a function of the source.
type function struct {
	least, most int
	who         int
	raw         bool // it binds its arguments itself
	aggregate   bool // it may stand before FILTER, OVER, and have DISTINCT
	window      bool // it needs OVER
	sorted      sorted
	nulls       bool // it takes IGNORE NULLS
	arrays      bool // its arguments may be arrays
	bind        func(*binder, *call) *sem.Expr
}

// known are all functions, by name, once they are asked for. Anything else is refused.
var known struct {
	once sync.Once
	all  map[string]function
}

func functions() map[string]function {
	known.once.Do(func() {
		known.all = map[string]function{}
		for _, group := range []map[string]function{conditionals(), texts(), formatting(), patterns(), moreTexts(), jsons(), arrays(), madeTimes(), numbers(), floatFunctions(), times(), calendar(), aggregates(), rankings(), ordered(), deviations(), notRead()} {
			for name, f := range group {
				known.all[name] = f
			}
		}
	})
	return known.all
}

func times() map[string]function {
	return map[string]function{
		"extract":           {least: 2, most: 2, raw: true, bind: extract},
		"date_part":         {least: 2, most: 2, raw: true, bind: extract},
		"date_trunc":        {least: 2, most: 3, raw: true, bind: dateTrunc},
		"dateadd":           {least: 3, most: 3, raw: true, who: onlyRedshift, bind: dateAdd},
		"date_add":          {least: 3, most: 3, raw: true, who: onlyRedshift, bind: dateAdd},
		"datediff":          {least: 3, most: 3, raw: true, who: onlyRedshift, bind: dateDiff},
		"date_diff":         {least: 3, most: 3, raw: true, who: onlyRedshift, bind: dateDiff},
		"last_day":          {least: 1, most: 1, who: onlyRedshift, bind: lastDay},
		"getdate":           {who: onlyRedshift, bind: clock(sem.OpNowSeconds, sem.Timestamp)},
		"sysdate":           {who: onlyRedshift, bind: clock(sem.OpNowCivil, sem.Timestamp)},
		"now":               {who: onlyPostgres, bind: clock(sem.OpNow, sem.TimestampTZ)},
		"current_timestamp": {who: onlyPostgres, bind: clock(sem.OpNow, sem.TimestampTZ)},
		"localtimestamp":    {who: onlyPostgres, bind: clock(sem.OpNowCivil, sem.Timestamp)},
		"current_date":      {bind: clock(sem.OpToday, sem.Date)},
	}
}

func (b *binder) call(x *ast.Call, s *scope) *sem.Expr {
	f, found := functions()[x.Name]
	if !found || f.who == onlyRedshift && !b.Redshift || f.who == onlyPostgres && b.Redshift {
		b.rest(x, s)
		if no, known := refusedFunctions[x.Name]; known && (no.who == both || no.who == onlyRedshift == b.Redshift) {
			return b.refuse(sem.NotOnEngine, x.NameAt, no.instead, "%s", no.why)
		}
		return b.refuse(sem.NotKnown, x.NameAt, "", "the function %s is not known here", x.Name)
	}
	if x.Star && x.Name != "count" {
		return b.refuse(sem.Syntax, x.At, "", "%s does not take *", x.Name)
	}
	if n := len(x.Args); n < f.least && !x.Star || n > f.most {
		return b.refuse(sem.Mismatch, x.At, "", "%s is not known with %d arguments", x.Name, n)
	}
	switch {
	case !f.aggregate && (x.Distinct || x.Filter != nil):
		return b.refuse(sem.Syntax, x.At, "", "%s is not an aggregate", x.Name)
	case !f.aggregate && !f.window && x.Over != nil:
		return b.refuse(sem.Syntax, x.Over.At, "", "%s is not a function of a window", x.Name)
	case f.window && x.Over == nil:
		return b.refuse(sem.Syntax, x.At, "write OVER (…) behind it", "%s needs a window", x.Name)
	case x.Over != nil && x.Distinct:
		return b.refuse(sem.Mismatch, x.At, "", "DISTINCT is not read before OVER")
	case x.Over != nil && b.Redshift && f.aggregate && len(x.Over.Order) > 0 && x.Over.Frame == nil:
		return b.refuse(sem.Mismatch, x.Over.At, "write ROWS UNBOUNDED PRECEDING behind it", "Redshift wants a frame where an aggregate's window has an order")
	case x.Filter != nil && b.Redshift:
		return b.refuse(sem.Mismatch, x.Filter.Span(), "write CASE WHEN … END in the aggregate", "Redshift does not have FILTER")
	}

	if f.aggregate && x.Over == nil {
		defer s.ungrouped()()
	}
	c := &call{x: x, s: s}
	if !f.raw {
		arg := b.expr
		if f.arrays {
			arg = b.exprOrArray
		}
		c.args = make([]*sem.Expr, len(x.Args))
		for i, a := range x.Args {
			c.args[i] = arg(a, s)
		}
		if invalid(c.args...) {
			return &sem.Expr{At: x.At}
		}
	}
	if b.misplaced(x, f) {
		return &sem.Expr{At: x.At}
	}
	e := f.bind(b, c)
	if f.aggregate || f.window {
		b.attach(e, x, s)
	}

	return e
}

// rest binds the arguments of what was refused, to refuse them as well if need be.
func (b *binder) rest(x *ast.Call, s *scope) {
	for _, a := range x.Args {
		if c, plain := a.(*ast.Column); plain && parts[c.Parts[0].Text] != "" {
			continue
		}
		b.expr(a, s)
	}
}

// attach gives an aggregate or a function of a window what stands behind it.
func (b *binder) attach(e *sem.Expr, x *ast.Call, s *scope) {
	if invalid(e) {
		return
	}
	if x.Filter != nil {
		e.Filter = b.boolean(b.truth(x.Filter, s), "what FILTER asks")
	}
	if x.Over != nil {
		e.Over = b.window(x.Over, s)
	}
	b.nested(e)
}

// window binds what stands behind OVER.
func (b *binder) window(x *ast.Window, s *scope) *sem.Window {
	w := &sem.Window{At: x.At}
	if x.Base.Text != "" && !b.base(x, w, s) {
		return w
	}
	if x.Name != "" {
		if s.window(x.Name) == nil {
			b.refuse(sem.Syntax, x.At, "", "there is no window %s", x.Name)
			return w
		}
		of := s.window(x.Name)
		w.Frame, w.Ordered, w.Key = of.Frame, of.Ordered, of.Key
		w.Slots = []sem.Slot{{Kind: sem.SlotName, At: x.At, Text: x.Name}}
		return w
	}
	for _, p := range x.Partition {
		e := b.compared(b.settled(b.expr(p, s)))
		w.Slots = append(w.Slots, sem.Slot{Kind: sem.SlotExpr, At: e.At, Expr: e})
	}
	w.Ordered = len(x.Order) > 0
	for _, k := range x.Order {
		if b.numbered(k) {
			continue
		}
		e := b.key(k, s, &w.Slots)
		if w.Ordered = true; len(x.Order) == 1 {
			w.Key = e
		}
	}
	if x.Frame != nil {
		b.frame(x, w, s)
	}

	return w
}
