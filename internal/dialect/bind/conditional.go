package bind

import (
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func conditionals() map[string]function {
	return map[string]function{
		"coalesce": {least: 1, most: 100, arrays: true, bind: levelled(sem.OpCoalesce, "COALESCE")},
		"nvl":      {least: 2, most: 100, who: onlyRedshift, bind: levelled(sem.OpCoalesce, "NVL")},
		"greatest": {least: 1, most: 100, bind: levelled(sem.OpGreatest, "GREATEST")},
		"least":    {least: 1, most: 100, bind: levelled(sem.OpLeast, "LEAST")},
		"nullif":   {least: 2, most: 2, bind: nullIf},
		"nvl2":     {least: 3, most: 3, who: onlyRedshift, bind: nvl2},
		"decode":   {least: 3, most: 200, who: onlyRedshift, bind: decode},
	}
}

// levelled is a function whose arguments are all of one type, which it gives.
func levelled(op sem.Op, what string) func(*binder, *call) *sem.Expr {
	return func(b *binder, c *call) *sem.Expr {
		e := read(op, sem.Type{}, c.x)
		e.Args = c.args
		if !b.level(e.Args, &e.Type, &e.Facts, c.x.At, what) {
			return &sem.Expr{At: c.x.At}
		}
		if op == sem.OpCoalesce {
			e.Made = c.x.Name != "coalesce"
			return e
		}

		if e.Type.Kind == sem.Bool || e.Type.Kind == sem.Interval {
			return b.refuse(sem.NotKnown, c.x.At, "", "%s of %s is not read", what, e.Type)
		}
		b.ordered(e.Type, c.x.At, factsOfAll(e.Args)...)
		for i := range e.Args {
			e.Args[i] = b.guarded(e.Args[i])
		}
		return e
	}
}

// nullIf has the type of its first argument, unless that is converted to be compared.
func nullIf(b *binder, c *call) *sem.Expr {
	first := c.args[0]
	if first.Type.Kind == sem.Unknown && c.args[1].Type.Kind != sem.Unknown && c.args[1].Type.Kind != sem.Interval {
		first = b.literal(first, b.unsized(c.args[1].Type, first))
	}
	first = b.settled(first)
	l, r, ok := b.comparable(first, c.args[1], c.x.At, "NULLIF")
	if !ok {
		return &sem.Expr{At: c.x.At}
	}
	if t, _ := b.unify(first.Type, c.args[1].Type); first.Type.IsNumber() && !t.IsInt() && t.Kind != first.Type.Kind {
		return b.refuse(sem.NotKnown, c.x.At, "cast the first value as "+t.String(), "NULLIF of %s and %s gives the type in which they are compared", first.Type, c.args[1].Type)
	}
	e := rewritten(sem.OpNullIf, first.Type, c.x, l, r, first)
	e.Facts = first.Facts
	asCharacter := first.Type.Kind == sem.Char && c.args[1].Type.Kind != sem.Text
	if !first.Type.IsText() || asCharacter || b.Redshift {
		return e
	}

	// PostgreSQL gives the value in the type in which it is compared.
	e.Type = sem.Of(sem.Text)
	if first.Type.Kind == sem.Varchar && c.args[1].Type.Kind == sem.Char {
		e.Type, e.Args[2] = sem.Of(sem.Char), trimmed(first)
		e.Facts = e.Args[2].Facts
	}

	return e
}

func nvl2(b *binder, c *call) *sem.Expr {
	e := rewritten(sem.OpNVL2, sem.Type{}, c.x)
	results := c.args[1:]
	if !b.level(results, &e.Type, &e.Facts, c.x.At, "NVL2") {
		return &sem.Expr{At: c.x.At}
	}
	e.Args = []*sem.Expr{b.settled(c.args[0]), results[0], results[1]}

	return e
}

// decode is DECODE(x, when, then, …, else).
func decode(b *binder, c *call) *sem.Expr {
	e := rewritten(sem.OpDecode, sem.Type{}, c.x)
	whens, results := []*sem.Expr{c.args[0]}, []*sem.Expr{}
	for i := 1; i < len(c.args); i += 2 {
		if i+1 == len(c.args) {
			results = append(results, c.args[i])
			break
		}
		whens = append(whens, c.args[i])
		results = append(results, c.args[i+1])
	}
	var facts sem.Facts
	var t sem.Type
	if !b.level(whens, &t, &facts, c.x.At, "DECODE") || !b.level(results, &e.Type, &e.Facts, c.x.At, "DECODE") {
		return &sem.Expr{At: c.x.At}
	}
	for i := range whens {
		whens[i] = b.compared(whens[i])
	}
	e.Args = append(e.Args, whens[0])
	for i := range whens[1:] {
		e.Args = append(e.Args, whens[i+1], results[i])
	}
	e.N = len(whens) - 1
	e.Args = append(e.Args, results[len(whens)-1:]...)

	return e
}
