package emit

import "github.com/hindcast/hindcast/internal/dialect/sem"

// notZero reports whether a number cannot be zero where it is being written: because of what it is, or of the branch that it stands in.
func (p *printer) notZero(e *sem.Expr) bool {
	if sem.NotZero(e) {
		return true
	}
	e = sem.Inner(e)
	for _, other := range p.sure {
		if sem.Same(e, other) {
			return true
		}
	}
	return false
}

// readsRows reports whether an expression is an aggregate or a function of a window. It reads other rows, and what holds in its branch need not
// hold for those: neither in its arguments nor in its order, FILTER and window.
func readsRows(e *sem.Expr) bool { return e.Op >= sem.OpCountRows || e.Over != nil }

// arguments writes those of an operation. A branch's condition holds in the branch, and does not in those behind it.
func (p *printer) arguments(e *sem.Expr, args []text) {
	defer func(before []*sem.Expr) { p.sure = before }(p.sure)
	for i, a := range e.Args {
		if a.Op == sem.OpInterval && e.Op == sem.OpAddInterval {
			continue
		}
		n, branch := len(p.sure), isBranch(e, i)
		if branch && e.Op == sem.OpCase {
			p.holds(e.Args[i-1])
		}
		args[i] = p.expr(a)
		if p.sure = p.sure[:n:n]; branch {
			p.holdsBehind(e, e.Args[i-1])
		}
	}
}

// isBranch reports whether an argument is the result of the condition before it.
func isBranch(e *sem.Expr, i int) bool {
	switch e.Op {
	case sem.OpCase:
		return i < 2*e.N && i%2 == 1
	case sem.OpCaseOf, sem.OpDecode:
		return i > 0 && i <= 2*e.N && i%2 == 0
	}
	return false
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
	x = sem.Inner(x)
	p.sure = append(p.sure, x)
	if x.Op == sem.OpCoalesce && len(x.Args) == 2 && sem.IsZero(x.Args[1]) {
		p.isSure(x.Args[0])
	}
}
