package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// notZero reports whether a number cannot be zero where it is being written: by what it is, or since a branch is only computed otherwise.
func (p *printer) notZero(e *sem.Expr) bool {
	if sem.NotZero(e) {
		return true
	}
	e = inner(e)
	for _, other := range p.sure {
		if sem.Same(e, other) {
			return true
		}
	}
	return false
}

// inner is a number as it is before its type was made a wider one.
func inner(e *sem.Expr) *sem.Expr {
	for (e.Op == sem.OpWiden || e.Op == sem.OpSame || e.Op == sem.OpToFloat) && len(e.Args) == 1 {
		e = e.Args[0]
	}
	return e
}

// readsRows reports whether an aggregate or a window is written. It reads other rows, of which nothing holds that holds of the branch that it
// stands in: not in its arguments, and not in its order, its FILTER and its window either.
func readsRows(e *sem.Expr) bool { return e.Op >= sem.OpCountRows || e.Over != nil }

// arguments writes those of an operation. What a branch's condition says holds in the branch, and that it is not true behind it.
func (p *printer) arguments(e *sem.Expr, args []text) {
	defer func(before []*sem.Expr) { p.sure = before }(p.sure)
	from := 0
	switch e.Op {
	case sem.OpCaseOf, sem.OpDecode:
		from = 1
	case sem.OpCase:
	default:
		from = len(e.Args)
	}
	for i, a := range e.Args {
		if a.Op == sem.OpInterval && e.Op == sem.OpAddInterval {
			continue
		}
		n, when := len(p.sure), i-from
		if when >= 0 && when < 2*e.N && when%2 == 1 {
			p.holdsIn(e, e.Args[i-1])
		}
		args[i] = p.expr(a)
		if p.sure = p.sure[:n:n]; when >= 0 && when < 2*e.N && when%2 == 1 {
			p.holdsBehind(e, e.Args[i-1])
		}
	}
}

// holdsIn notes what holds in the branch of a condition.
func (p *printer) holdsIn(e, when *sem.Expr) {
	if e.Op == sem.OpCase {
		p.holds(when)
	}
}

// holdsBehind notes what holds where a condition is false or NULL.
func (p *printer) holdsBehind(e, when *sem.Expr) {
	switch {
	case e.Op == sem.OpCase:
		p.fails(when)
	case sem.IsZero(when):
		p.isSure(e.Args[0])
	}
}

// holds notes which numbers are not zero where a condition is true.
func (p *printer) holds(c *sem.Expr) {
	switch c.Op {
	case sem.OpAnd:
		for _, a := range c.Args {
			p.holds(a)
		}
	case sem.OpNot:
		p.fails(c.Args[0])
	case sem.OpCompare:
		if x := ofZero(c); x != nil && (c.Text == "<>" || c.Text == "<" || c.Text == ">") {
			p.isSure(x)
		}
	}
}

// fails notes which are NULL or not zero where a condition is false or NULL.
func (p *printer) fails(c *sem.Expr) {
	switch c.Op {
	case sem.OpOr:
		for _, a := range c.Args {
			p.fails(a)
		}
	case sem.OpCompare:
		if x := ofZero(c); x != nil && (c.Text == "=" || c.Text == "<=" || c.Text == ">=") {
			p.isSure(x)
		}
	}
}

// ofZero is what a comparison compares with a zero; nil if it does not.
func ofZero(c *sem.Expr) *sem.Expr {
	switch l, r := c.Args[0], c.Args[1]; {
	case sem.IsZero(r):
		return l
	case sem.IsZero(l):
		return r
	}
	return nil
}

// isSure notes a number that is not zero. If a COALESCE with zero is not, what stands before the zero is not, either.
func (p *printer) isSure(x *sem.Expr) {
	if p.computed {
		return
	}
	x = inner(x)
	p.sure = append(p.sure, x)
	if x.Op == sem.OpCoalesce && len(x.Args) == 2 && sem.IsZero(x.Args[1]) {
		p.isSure(x.Args[0])
	}
}
