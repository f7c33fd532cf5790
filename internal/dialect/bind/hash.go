package bind

import "github.com/hindcast/hindcast/internal/dialect/sem"

// fnv is FNV_HASH: of a text's bytes, or of those of an integer of its type. A seed is the hash so far.
func fnv(b *binder, c *call) *sem.Expr {
	a := b.settled(c.args[0])
	switch {
	case !a.Type.IsInt() && !a.Type.IsText():
		return b.refuse(sem.NotDecidable, a.At, "cast it as bigint or as a text", "which bytes of a %s are hashed is not documented", a.Type)
	case a.Type.Kind == sem.Char:
		return b.refuse(sem.NotKnown, a.At, "cast it as character varying", "the padding of a character(n) counts, and is not carried")
	}
	e := rewritten(sem.OpFNV, sem.Of(sem.Int8), c.x, a)
	if len(c.args) == 2 {
		seed := c.args[1]
		if !seed.Type.IsInt() {
			return b.refuse(sem.Mismatch, seed.At, "cast it as bigint", "this is %s, and a bigint is read here", seed.Type)
		}
		e.Args = append(e.Args, b.coerce(seed, sem.Of(sem.Int8)))
	}
	return e
}
