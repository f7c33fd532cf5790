package emit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

const allDigits = "0123456789abcdefghijklmnopqrstuvwxyz"

// inBase is a text as a number of a base. Texts that the source's documentation does not mention raise.
func inBase(p *printer, e *sem.Expr, args []text) text {
	body := func(v string) string {
		prefix := ""
		if e.N == 16 {
			prefix = "(?:0x)?"
		}
		digits := allDigits[:e.N]
		form := `[ \t\n\r\f\x0B]*[+-]?` + prefix + "[" + digits + strings.ToUpper(digits) + "]+"
		number, matches := p.digitsInBase(e.N, v), "regexp_full_match("+v+", "+p.literal(form)+")"
		if p.Engine.spark() {
			matches = p.has(text{text: v}, asWhole(form))
		}
		value := "CASE WHEN " + v + " LIKE '%-%' THEN -" + number + " ELSE " + number + " END"
		return "CASE WHEN " + v + " = '' THEN CAST(0 AS BIGINT) WHEN NOT " + matches + " THEN " + p.raise("STRTOL of a text that its documentation does not tell of") +
			" ELSE CAST(" + value + " AS BIGINT) END"
	}
	if p.Engine.spark() {
		return text{text: body(args[0].text)}
	}
	return text{text: named(alone(args[0].text), "hindcast_text", body("hindcast_text"))}
}

// digitsInBase is the value of the digits at a text's end, behind a sign and 0x.
func (p *printer) digitsInBase(base int, v string) string {
	before := "^[^0-9A-Za-z]*"
	if base == 16 {
		before += "(?:0x)?"
	}
	n := strconv.Itoa(base)
	digits := "regexp_extract_all(lower(regexp_replace(" + v + ", " + p.literal(before) + ", '')), '.'"
	if p.Engine.spark() {
		return "aggregate(transform(" + digits + ", 0), hindcast_c -> CAST(instr('" + allDigits + "', hindcast_c) - 1 AS DECIMAL(38,0))), CAST(0 AS DECIMAL(38,0)), " +
			"(hindcast_a, hindcast_b) -> CAST(hindcast_a * " + n + " + hindcast_b AS DECIMAL(38,0)))"
	}
	return bound(each(digits+")", "hindcast_c", "CAST(strpos('"+allDigits+"', hindcast_c) - 1 AS HUGEINT)"), top, bottom, top+" * "+n+" + "+bottom)
}

// crcStep is the remainder of half a byte by CRC-32C's polynomial, its bits turned round.
var crcStep = func() string {
	all := make([]string, 16)
	for i := range uint32(16) {
		r := i
		for range 4 {
			if r&1 == 1 {
				r = r>>1 ^ 0x82f63b78
			} else {
				r >>= 1
			}
		}
		all[i] = strconv.FormatUint(uint64(r), 10)
	}
	return strings.Join(all, ", ")
}()

// crc is CRC-32C of a text's bytes, which takes each byte in two halves, as eight hexadecimal digits.
func crc(p *printer, _ *sem.Expr, args []text) text {
	x := args[0].text
	if p.Engine.spark() {
		half := func(r string) string {
			return fmt.Sprintf("(shiftright(%[1]s, 4) ^ element_at(array(%[2]s), CAST((%[1]s & 15) + 1 AS INT)))", r, crcStep)
		}
		bytes := "transform(regexp_extract_all(hex(" + x + "), '..', 0), hindcast_k -> CAST(conv(hindcast_k, 16, 10) AS BIGINT))"
		rest := "aggregate(" + bytes + ", CAST(4294967295 AS BIGINT), (hindcast_a, hindcast_b) -> " + half(half("(hindcast_a ^ hindcast_b)")) + ")"
		return text{text: "CASE WHEN " + operand(args[0]) + " = '' THEN '00000000' ELSE lower(lpad(hex(" + rest + " ^ CAST(4294967295 AS BIGINT)), 8, '0')) END"}
	}
	half := func(r string) string {
		return fmt.Sprintf("xor(%[1]s >> 4, list_extract(CAST([%[2]s] AS BIGINT[]), (%[1]s & 15) + 1))", r, crcStep)
	}
	rest := "list_reduce(" + bytesDuck(x, "BIGINT") + ", lambda hindcast_a, hindcast_b: " + half(half("xor(hindcast_a, hindcast_b)")) + ", CAST(4294967295 AS BIGINT))"

	return text{text: "lower(lpad(hex(xor(" + rest + ", CAST(4294967295 AS BIGINT))), 8, '0'))"}
}
