package emit

import (
	"math/big"
	"strconv"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// shiftLeftDuck keeps the bits that stay, shifts them in an integer of twice the size, and makes the highest of them the sign.
func shiftLeftDuck(p *printer, e *sem.Expr, args []text) text {
	wide, bits := "BIGINT", 32
	if e.Type.Kind == sem.Int8 {
		wide, bits = "HUGEINT", 64
	}
	places, _ := strconv.Atoi(e.Args[1].Text) // the binder has read it
	number := func(n *big.Int) string { return "CAST('" + n.String() + "' AS " + wide + ")" }
	bit := func(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }
	stay := number(new(big.Int).Sub(bit(bits-places), big.NewInt(1)))
	sign := number(bit(bits - 1))
	shifted := "(CAST(" + args[0].text + " AS " + wide + ") & " + stay + ") << " + args[1].text

	return text{text: "CAST(xor(" + shifted + ", " + sign + ") - " + sign + " AS " + p.typeName(e.Type) + ")"}
}
