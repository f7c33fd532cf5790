// Package numbers writes numbers, and how many there are of something, as people read them. What is machine-readable does not use
// it.
package numbers

import "strconv"

// Thousands gives a number with its thousands apart: "34,118".
func Thousands[N int | int64](n N) string {
	text, sign := strconv.FormatInt(int64(n), 10), ""
	if n < 0 {
		text, sign = text[1:], "-"
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Counted gives "1 slice", "32 slices", "10,000 slices".
func Counted[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(n) + " " + one + "s"
}
