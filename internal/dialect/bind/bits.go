package bind

import (
	"fmt"
	"strconv"

	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// prefixFunctions are the functions that operators before a number stand for.
var prefixFunctions = map[string]string{"|/": "sqrt", "||/": "cbrt", "@": "abs"}

// otherBits is an integer of the bits that another does not have.
func (b *binder) otherBits(x *ast.Unary, inner *sem.Expr) *sem.Expr {
	if !inner.Type.IsInt() {
		return b.refuse(sem.Mismatch, x.At, "cast it as an integer", "%s before %s is not read", x.Op, inner.Type)
	}
	return rewritten(sem.OpBitsOther, inner.Type, x, inner)
}

var bitwise = map[string]sem.Op{"&": sem.OpBitsBoth, "|": sem.OpBitsEither, "#": sem.OpBitsDiffer}

// bitwise compares the bits of two integers.
func (b *binder) bitwise(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	if !l.Type.IsInt() || !r.Type.IsInt() {
		return b.refuse(sem.Mismatch, x.At, "cast them as integers", "%s %s %s is not read", l.Type, x.Op, r.Type)
	}
	t := sem.Of(max(l.Type.Kind, r.Type.Kind))
	return rewritten(bitwise[x.Op], t, x, b.coerce(l, t), b.coerce(r, t))
}

// shift moves an integer's bits by a written number of places. By as many as it has bits or more, what comes out is the processor's choice.
func (b *binder) shift(x *ast.Binary, l, r *sem.Expr) *sem.Expr {
	bits := map[sem.Kind]int{sem.Int4: 32, sem.Int8: 64}[l.Type.Kind]
	places, err := strconv.Atoi(r.Text)
	switch {
	case bits == 0:
		return b.refuse(sem.Mismatch, x.At, "cast it as integer or bigint", "%s %s %s is not read", l.Type, x.Op, r.Type)
	case r.Op != sem.OpInt || err != nil:
		return b.refuse(sem.NotKnown, r.At, fmt.Sprintf("write a number from 0 to %d", bits-1), "the number of places is only read where it is written")
	case places < 0 || places >= bits:
		return b.refuse(sem.NotDecidable, r.At, fmt.Sprintf("write a number from 0 to %d", bits-1), "by %d places the source shifts as its processor does", places)
	}
	op := sem.OpShiftLeft
	if x.Op == ">>" {
		op = sem.OpShiftRight
	}
	return rewritten(op, l.Type, x, l, r)
}
