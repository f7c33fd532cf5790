package emit

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// bytesDuck are the bytes of a text as numbers. A lambda that reads the text itself would have all of it for each byte.
func bytesDuck(x, t string) string {
	return each("regexp_extract_all(hex(encode("+x+")), '..')", "hindcast_k", "CAST(CAST('0x' || hindcast_k AS INTEGER) AS "+t+")")
}

// fnv is FNV-1a of 64 bits over bytes, as a number with a sign. DuckDB counts in 128 bits, which hold each product.
func fnv(p *printer, e *sem.Expr, args []text) text {
	x, bytes := args[0].text, ""
	if e.Args[0].Type.IsInt() {
		n := map[sem.Kind]int{sem.Int2: 2, sem.Int4: 4, sem.Int8: 8}[e.Args[0].Type.Kind]
		powers := strings.Split("1, 256, 65536, 16777216, 4294967296, 1099511627776, 281474976710656, 72057594037927936", ", ")
		range_ := map[int]string{2: "65536", 4: "4294967296", 8: "18446744073709551616"}[n]
		unsigned := "(CAST(" + x + " AS HUGEINT) + " + range_ + ") % " + range_
		bytes = each("["+strings.Join(powers[:n], ", ")+"]", "hindcast_k", "("+unsigned+") // hindcast_k % 256")
	} else {
		bytes = bytesDuck(x, "HUGEINT")
	}
	seed := "CAST(14695981039346656037 AS HUGEINT)"
	if len(args) == 2 {
		seed = "(CAST(" + args[1].text + " AS HUGEINT) + 18446744073709551616) % 18446744073709551616"
	}
	hash := "list_reduce(" + bytes + ", lambda hindcast_h, hindcast_b: xor(hindcast_h, hindcast_b) * 1099511628211 % 18446744073709551616, " + seed + ")"
	signed := "CAST((" + hash + " + 9223372036854775808) % 18446744073709551616 - 9223372036854775808 AS BIGINT)"

	return text{text: p.raiseWhere(operand(args[0])+" IS NULL", "the hash of NULL is not settled", signed)}
}
