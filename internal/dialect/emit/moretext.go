package emit

import (
	"strconv"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// replace replaces a text in another one: nothing, if it is empty.
func replace(p *printer, e *sem.Expr, args []text) text {
	plain := "replace(" + args[0].text + ", " + args[1].text + ", " + args[2].text + ")"
	if what := e.Args[1]; what.Op == sem.OpText && what.Text != "" {
		return text{text: plain}
	}
	return text{text: "CASE WHEN " + operand(args[1]) + " = '' AND " + operand(args[2]) + " IS NOT NULL THEN " + args[0].text + " ELSE " + plain + " END"}
}

// ending is LEFT or RIGHT.
func ending(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		if e.N >= 0 {
			return text{text: name + "(" + args[0].text + ", " + strconv.Itoa(e.N) + ")"}
		}
		x, n := args[0].text, operand(args[1])
		below := name + "(" + x + ", CAST(greatest(length(" + x + ") + " + n + ", 0) AS INTEGER))"
		if e.Not {
			below = p.raise("a length must be zero or more")
		}
		return text{text: "CASE WHEN " + n + " < 0 THEN " + below + " ELSE " + name + "(" + x + ", " + n + ") END"}
	}
}

// atLeastZero is a number, or zero if it is below that.
func atLeastZero(e *sem.Expr, arg text) string {
	if n, err := strconv.Atoi(e.Text); e.Op == sem.OpInt && err == nil {
		return strconv.Itoa(max(n, 0))
	}
	return "CASE WHEN " + operand(arg) + " < 0 THEN 0 ELSE " + arg.text + " END"
}

func repeat(_ *printer, e *sem.Expr, args []text) text {
	return text{text: "repeat(" + args[0].text + ", " + atLeastZero(e.Args[1], args[1]) + ")"}
}

// pad is LPAD or RPAD; what is filled with nothing is cut.
func pad(name string) func(*printer, *sem.Expr, []text) text {
	return func(_ *printer, e *sem.Expr, args []text) text {
		n := atLeastZero(e.Args[1], args[1])
		if e.Args[2].Text == "" {
			return text{text: "left(" + args[0].text + ", " + n + ")"}
		}
		return text{text: name + "(" + args[0].text + ", " + n + ", " + args[2].text + ")"}
	}
}

// splitPart is a part of a text: from the end if the number is below zero; zero raises. Nothing divides a text that is divided by nothing.
func splitPart(p *printer, e *sem.Expr, args []text) text {
	plain := "split_part(" + args[0].text + ", " + args[1].text + ", " + args[2].text + ")"
	x, by, n := operand(args[0]), operand(args[1]), operand(args[2])
	at, err := strconv.Atoi(e.Args[2].Text)
	written := e.Args[2].Op == sem.OpInt && err == nil
	if d := e.Args[1]; d.Op != sem.OpText || d.Text == "" {
		plain = "CASE WHEN " + by + " = '' THEN CASE WHEN abs(" + n + ") = 1 THEN " + x + " WHEN " + x + " IS NOT NULL AND " + n + " IS NOT NULL THEN '' END ELSE " + plain + " END"
	}
	if written && at != 0 {
		return text{text: plain}
	}
	return text{text: p.raiseWhere(n+" = 0 AND "+x+" IS NOT NULL AND "+by+" IS NOT NULL", "field position must not be zero", plain)}
}

func sha2Duck(p *printer, e *sem.Expr, args []text) text {
	if e.N != 256 {
		p.refuse(e.At, "use 256 bits", "DuckDB has no hash of %d bits", e.N)
	}
	return text{text: "sha256(" + args[0].text + ")"}
}

// hex writes an integer in hexadecimal digits: one below zero as its two's complement, in as many bits as its type has.
func hex(name string) func(*printer, *sem.Expr, []text) text {
	return func(p *printer, e *sem.Expr, args []text) text {
		x := operand(args[0])
		wide := "CAST(" + x + " AS BIGINT)"
		if !e.Not && e.Args[0].Type.Kind == sem.Int4 {
			wide = "CASE WHEN " + x + " < 0 THEN " + wide + " + 4294967296 ELSE " + wide + " END"
		}
		out := "lower(" + name + "(" + wide + "))"
		if e.Not {
			out = p.raiseWhere(x+" < 0", "a number in hexadecimal digits must be zero or more", out)
		}
		return text{text: out}
	}
}
