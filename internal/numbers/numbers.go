// Package numbers writes numbers, and how many there are of something, as people read them. What is machine-readable does not use
// it, nor do settings that are to be copied into a pipeline file.
package numbers

import (
	"math"
	"strconv"
	"strings"
)

// Thousands gives a number with its thousands apart: "34,118".
func Thousands[N int | int64](n N) string {
	return Decimal(strconv.FormatInt(int64(n), 10))
}

// Decimal gives a decimal number with its thousands apart: "12,345.60". A text that is not a number, such as "NaN", stays as it is.
func Decimal(text string) string {
	digits, negative := strings.CutPrefix(text, "-")
	whole, rest, found := strings.Cut(digits, ".")
	if whole == "" || strings.Trim(whole, "0123456789") != "" {
		return text
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if found {
		whole += "." + rest
	}
	if negative {
		whole = "-" + whole
	}
	return whole
}

// Counted gives "1 slice", "32 slices", "10,000 slices".
func Counted[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(n) + " " + one + "s"
}

// Short gives a number in few characters: exact below a million, then 1.3 M, 214 M, 1.2 bn.
func Short(n int64) string {
	switch {
	case n < 1_000_000:
		return Thousands(n)
	case n < 999_950_000:
		return threeDigits(float64(n)/1e6) + " M"
	}
	return threeDigits(float64(n)/1e9) + " bn"
}

// Size gives bytes: 34 B, 1.2 KB, 61.0 MB, 214 MB, 3.1 GB. Its units are decimal for all bytes, of memory too, so that two
// figures of one screen can be compared.
func Size(n int64) string {
	if n < 0 {
		return "unknown size"
	}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}

	v := float64(n)
	for _, unit := range []string{"KB", "MB", "GB", "TB"} {
		v /= 1000
		if v < 999.5 || unit == "TB" {
			return threeDigits(v) + " " + unit
		}
	}

	return ""
}

func threeDigits(v float64) string {
	if v < 99.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return Thousands(int64(math.Round(v)))
}
