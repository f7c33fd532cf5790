package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// numberToText writes an exact number by a pattern: its digits as the engine writes a decimal of as many behind the point, cut into groups, and
// filled from the left. What has more digits than the pattern is written as signs.
func numberToText(p *printer, e *sem.Expr, args []text) text {
	n := e.Form.Number
	whole, behind := e.Args[0].Type.Digits()
	digits := min(whole-behind+1+n.Digits, sem.Most)
	value := fmt.Sprintf("CAST(%s AS %s)", args[0].text, decimal(max(digits, n.Digits+1), n.Digits))
	shown := "CAST(abs(" + value + ") AS " + p.typeName(sem.Of(sem.Text)) + ")"
	first, rest := shown, ""
	if n.Digits > 0 {
		first, rest = "split_part("+shown+", '.', 1)", "split_part("+shown+", '.', 2)"
	}

	body := "CASE WHEN length(" + first + ") > " + strconv.Itoa(n.Whole) + " THEN " + p.literal(signs(n)) + " ELSE " + wholeDigits(n, first) + p.behindPoint(n, first, rest) + " END"
	return text{text: p.signed(n, value, body)}
}

// signs are what is written of a number that is too large.
func signs(n sem.Numeral) string {
	out := grouped(strings.Repeat("#", n.Whole), n.Groups)
	if n.Point {
		out += "." + strings.Repeat("#", n.Digits)
	}
	return out
}

func grouped(digits string, groups []int) string {
	for i, g := range groups {
		at := len(digits) - g - i
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// wholeDigits are the digits before the point: none of a zero that a point follows, unless the pattern has a 0.
func wholeDigits(n sem.Numeral, first string) string {
	out := first
	switch {
	case n.Zeros > 1:
		out = fmt.Sprintf("lpad(%s, CAST(greatest(length(%s), %d) AS INTEGER), '0')", first, first, n.Zeros)
	case n.Zeros == 0 && n.Digits > 0:
		out = "CASE WHEN " + first + " = '0' THEN '' ELSE " + first + " END"
	}
	if len(n.Groups) == 0 {
		return "(" + out + ")"
	}

	length := "length(" + out + ")"
	cut := "(CASE WHEN " + length + " <= " + strconv.Itoa(n.Groups[0]) + " THEN " + out
	for i := range n.Groups {
		parts := "left(" + out + ", " + length + " - " + strconv.Itoa(n.Groups[i]) + ")"
		for j := i; j >= 0; j-- {
			size := n.Groups[j]
			if j > 0 {
				size -= n.Groups[j-1]
			}
			parts += " || ',' || left(right(" + out + ", " + strconv.Itoa(n.Groups[j]) + "), " + strconv.Itoa(size) + ")"
		}
		if i+1 < len(n.Groups) {
			cut += " WHEN " + length + " <= " + strconv.Itoa(n.Groups[i+1]) + " THEN " + parts
			continue
		}
		cut += " ELSE " + parts + " END)"
	}

	return cut
}

// behindPoint is the point and what follows: without fill, zeros at the end that the pattern has as 9 are left out, and a zero stands before a
// point that nothing follows.
func (p *printer) behindPoint(n sem.Numeral, first, rest string) string {
	switch {
	case !n.Point:
		return ""
	case !n.Bare:
		return " || '.' || " + rest
	}
	stripped := p.cutBehind(rest, "'0'")
	kept := stripped
	if n.Kept > 0 {
		kept = fmt.Sprintf("rpad(%s, CAST(greatest(length(%s), %d) AS INTEGER), '0')", kept, kept, n.Kept)
	}
	if n.Zeros > 0 || n.Kept > 0 {
		return " || '.' || " + kept
	}
	return " || CASE WHEN " + first + " = '0' AND " + stripped + " = '' THEN '0' ELSE '' END || '.' || " + kept
}

// signed puts the sign at its place, and fills what has a width.
func (p *printer) signed(n sem.Numeral, value, body string) string {
	width := n.Whole + len(n.Groups)
	if n.Point {
		width += 1 + n.Digits
	}
	sign := func(below, above string) string {
		return "CASE WHEN " + value + " < 0 THEN " + p.literal(below) + " ELSE " + p.literal(above) + " END"
	}
	fill := func(t string, wide int) string {
		if n.Bare {
			return t
		}
		return fmt.Sprintf("lpad(%s, %d, ' ')", t, wide)
	}

	out, above := "", " "
	if n.Bare {
		above = ""
	}
	switch n.Sign {
	case "":
		out = fill(sign("-", "")+" || "+body, width+1)
	case "S<":
		out = fill(sign("-", "+")+" || "+body, width+1)
	case "SG<":
		out = sign("-", "+") + " || " + fill(body, width)
	case ">S":
		out = fill(body, width) + " || " + sign("-", "+")
	case ">MI":
		out = fill(body, width) + " || " + sign("-", above)
	case "PR":
		out = fill(sign("<", above)+" || "+body, width+1) + " || " + sign(">", above)
	}
	if n.Before != "" {
		out = p.literal(n.Before) + " || " + out
	}
	if n.Behind != "" {
		out += " || " + p.literal(n.Behind)
	}

	return "(" + out + ")"
}

// textToNumber reads a text as a number by a pattern. Texts of another form raise: some of them PostgreSQL reads.
func textToNumber(p *printer, e *sem.Expr, args []text) text {
	n, x := e.Form.Number, args[0].text
	form := fmt.Sprintf("[0-9]{1,%d}", n.Whole)
	if len(n.Groups) > 0 {
		form = ""
		at := n.Whole
		for i := len(n.Groups) - 1; i >= 0; i-- {
			form += fmt.Sprintf("[0-9]{%d},", at-n.Groups[i])
			at = n.Groups[i]
		}
		form += fmt.Sprintf("[0-9]{%d}", at)
	}
	if n.Digits > 0 {
		form += fmt.Sprintf(`(?:\.[0-9]{0,%d})?`, n.Digits)
	}
	sign := "left(" + x + ", 1)"
	switch n.Sign {
	case "":
		form = "-?" + form
	case "S<", "SG<":
		form = "[-+]" + form
	default:
		form += "[-+]"
		sign = "right(" + x + ", 1)"
	}
	digits := "replace(replace(replace(" + x + ", ',', ''), '-', ''), '+', '')"

	return text{text: "CASE WHEN NOT " + p.matches(x, form) + " THEN " + p.raise("invalid input syntax for type numeric by a pattern") + " WHEN " + sign + " = '-' THEN -CAST(" +
		digits + " AS " + p.typeName(e.Type) + ") ELSE CAST(" + digits + " AS " + p.typeName(e.Type) + ") END"}
}
