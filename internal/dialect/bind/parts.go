package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// parted are the arguments of a function that divides a text: the text, and what stands between its parts.
func (b *binder) parted(x *ast.Call, s *scope) (args []*sem.Expr, ok bool) {
	for _, a := range x.Args {
		args = append(args, b.settled(b.expr(a, s)))
	}
	if b.Redshift && len(args) == 1 {
		args = append(args, quoted(",", x.At))
	}
	switch {
	case invalid(args...):
		return nil, false
	case len(args) != 2:
		b.refuse(sem.NotKnown, x.At, "", "%s is not known with %d arguments", x.Name, len(args))
		return nil, false
	case !args[0].Type.IsText() || args[0].Type.Kind == sem.Char:
		b.refuse(sem.NotKnown, args[0].At, "cast it as text", "this is %s, and a text is divided here", args[0].Type)
		return nil, false
	case args[1].Op != sem.OpText || args[1].Text == "" || strings.Contains(args[1].Text, `\E`):
		b.refuse(sem.NotKnown, args[1].At, "write it in quotes", "only a written text of one character or more is read between parts")
		return nil, false
	}
	b.matched(args[0].Type, args[0].At)

	return args, true
}

// allParts is string_to_array(x, ',').
func allParts(b *binder, c *call) *sem.Expr {
	args, ok := b.parted(c.x, c.s)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return arrayOf(sem.OpParts, sem.Of(sem.Text), c.x, args...)
}

// countParts is Redshift's get_array_length(split_to_array(x, ',')).
func countParts(b *binder, c *call) *sem.Expr {
	x, ok := c.x.Args[0].(*ast.Call)
	if !ok || x.Name != "split_to_array" {
		return b.refuse(sem.NotKnown, c.x.At, "", "%s is only read of a text that is divided", c.x.Name)
	}
	args, ok := b.parted(x, c.s)
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	return partCount(c, args)
}

// partCount is how many parts a text has, as a function counts them.
func partCount(c *call, args []*sem.Expr) *sem.Expr {
	e := rewritten(sem.OpPartCount, sem.Of(sem.Int4), c.x, args...)
	e.Text = c.x.Name

	return e
}
