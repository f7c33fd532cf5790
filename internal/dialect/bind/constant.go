package bind

import (
	"math/big"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// byConstant is one divided by a written number, if what a decimal of a type gives multiplied with that is what PostgreSQL's division gives:
// the quotient ends after so few digits that PostgreSQL does not round it. Otherwise nil. A product costs an engine a fraction of a quotient.
func byConstant(t sem.Type, r *sem.Expr) *sem.Expr {
	for (r.Op == sem.OpWiden || r.Op == sem.OpToDecimal) && len(r.Args) == 1 {
		r = r.Args[0]
	}
	if r.Op != sem.OpInt && r.Op != sem.OpDecimal {
		return nil
	}
	whole, behind, _ := strings.Cut(r.Text, ".")
	divisor, ok := new(big.Int).SetString(whole+behind, 10)
	if !ok || divisor.Sign() <= 0 {
		return nil
	}

	p, s := t.Digits()
	for k := 0; s+k <= few; k++ {
		inverse, rest := new(big.Int).QuoRem(powerOfTen(k+len(behind)), divisor, new(big.Int))
		if rest.Sign() != 0 {
			continue
		}
		digits := inverse.String()
		before := max(len(digits)-k, 0)
		if s+k > leastDigits(p-s+before, max(s, len(behind))) {
			return nil
		}
		if k >= len(digits) {
			digits = strings.Repeat("0", k-len(digits)+1) + digits
		}
		text := digits[:len(digits)-k]
		if k > 0 {
			text += "." + digits[len(digits)-k:]
		}
		return &sem.Expr{Op: sem.OpDecimal, Type: sem.Decimal(max(before, 1)+k, k), At: r.At, Made: true, Text: text}
	}

	return nil
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// leastDigits is how many digits behind the point PostgreSQL gives a quotient at least that has at most so many before it: sixteen, less
// four for each group of four before the last one, and never fewer than the operands have.
func leastDigits(before, operands int) int { return max(20-4*max(sem.Fours(before), 0), operands) }
