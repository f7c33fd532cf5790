package pgcopy

import (
	"encoding/binary"
	"math/bits"
)

// numeric in binary: the number of base-10000 digits, the weight of the first, a sign, the number of decimals to
// display, then the digits.
const (
	numericHead     = 8
	numericPositive = 0x0000
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericInf      = 0xD000
	numericMinusInf = 0xF000
	base            = 10000
)

var tens = [...]uint64{1, 10, 100, 1000, 10000}

// numeric decodes into a DECIMAL, whose integer is the value times 10^scale.
func (c *column) numeric(row int, b []byte) error {
	if len(b) < numericHead {
		return c.corrupt("is cut off")
	}

	count := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	sign := binary.BigEndian.Uint16(b[4:])
	digits := b[numericHead:]
	switch {
	case sign == numericNaN:
		return c.refused("NaN, which "+c.decimalName()+" cannot hold", "correct the value at the source, or "+nextAsText(c.name))
	case sign == numericInf || sign == numericMinusInf:
		return c.refused("an infinity, which "+c.decimalName()+" cannot hold", "correct the value at the source, or "+nextAsText(c.name))
	case len(digits) != 2*count || sign != numericPositive && sign != numericNegative:
		return c.corrupt("has the wrong length or sign")
	}

	x, ok := unpack(digits, weight, c.scale)
	if !ok || !x.below(c.precision) {
		return c.corrupt("has more digits than its type")
	}
	if sign == numericNegative {
		x = x.negative()
	}

	c.putDecimal(row, x)
	return nil
}

func (c *column) decimalName() string {
	return "DECIMAL(" + itoa(c.precision) + "," + itoa(c.scale) + ")"
}

// unpack computes digits · 10000^(weight-…) · 10^scale; ok is false if that has a fraction, or more than 38 digits.
func unpack(digits []byte, weight, scale int) (x u128, ok bool) {
	// shift is the power of ten that a digit counts with after scaling; it falls by 4 from digit to digit.
	shift := 4*weight + scale
	for ; len(digits) > 0; digits, shift = digits[2:], shift-4 {
		d := uint64(binary.BigEndian.Uint16(digits))
		if d >= base || shift <= -4 && d != 0 {
			return x, false
		}
		switch {
		case shift <= -4:
		case shift < 0: // the digit straddles the last decimal
			if d%tens[-shift] != 0 {
				return x, false
			}
			if x, ok = x.timesPlus(tens[4+shift], d/tens[-shift]); !ok {
				return x, false
			}
		default:
			if x, ok = x.timesPlus(base, d); !ok {
				return x, false
			}
		}
	}

	if shift += 4; shift > 0 && x == (u128{}) {
		return x, true
	}

	for ; shift > 0; shift -= min(shift, 4) {
		if x, ok = x.timesPlus(tens[min(shift, 4)], 0); !ok {
			return x, false
		}
	}

	return x, true
}

// putDecimal writes the integer in the width that DuckDB has for the precision.
func (c *column) putDecimal(row int, x u128) {
	if c.sum != nil {
		c.sum.add(x.low, int64(x.high))
	}
	switch {
	case c.precision <= 4:
		put(&c.vector, row, int16(x.low))
	case c.precision <= 9:
		put(&c.vector, row, int32(x.low))
	case c.precision <= 18:
		put(&c.vector, row, int64(x.low))
	default:
		put(&c.vector, row, wide{x.low, int64(x.high)})
	}
}

// u128 is an unsigned integer, or a two's complement one.
type u128 struct{ low, high uint64 }

// timesPlus computes x·m + a; ok is false if that does not fit.
func (x u128) timesPlus(m, a uint64) (u128, bool) {
	carried, low := bits.Mul64(x.low, m)
	low, carry := bits.Add64(low, a, 0)
	if x.high == 0 {
		return u128{low, carried + carry}, true
	}

	over, high := bits.Mul64(x.high, m)
	high, more := bits.Add64(high, carried+carry, 0)
	return u128{low, high}, over == 0 && more == 0
}

func (x u128) negative() u128 {
	low, borrow := bits.Sub64(0, x.low, 0)
	high, _ := bits.Sub64(0, x.high, borrow)
	return u128{low, high}
}

// below reports whether x < 10^digits.
func (x u128) below(digits int) bool {
	p := powers[digits]
	return x.high < p.high || x.high == p.high && x.low < p.low
}

// powers are the powers of ten up to 10^38.
var powers = func() (p [maxPrecision + 1]u128) {
	p[0] = u128{low: 1}
	for i := range maxPrecision {
		p[i+1], _ = p[i].timesPlus(10, 0)
	}
	return p
}()

// numeric appends a whole number or DECIMAL as numeric.
func (s *sender) numeric(out []byte, row int) ([]byte, error) {
	w := s.whole(&s.vector, row)
	x := u128{w.low, uint64(w.high)}
	sign := uint16(numericPositive)
	if w.high < 0 {
		sign, x = numericNegative, x.negative()
	}

	if s.unit > 1 {
		if _, rest := x.over(uint64(s.unit)); rest != 0 {
			return out, s.misfit(signedText(w))
		}
	}

	digits, weight := pack(x, s.scale)
	if len(digits.kept()) == 0 {
		sign, weight = numericPositive, 0
	}

	n := len(digits.kept())
	out = binary.BigEndian.AppendUint32(out, uint32(numericHead+2*n))
	out = binary.BigEndian.AppendUint16(out, uint16(n))
	out = binary.BigEndian.AppendUint16(out, uint16(int16(weight)))
	out = binary.BigEndian.AppendUint16(out, sign)
	out = binary.BigEndian.AppendUint16(out, uint16(s.shown))
	for i := digits.count - 1; i >= digits.skip; i-- {
		out = binary.BigEndian.AppendUint16(out, digits.digit[i])
	}

	return out, nil
}

// packed are digits to base 10000, the last one first.
type packed struct {
	digit [12]uint16
	count int
	skip  int // trailing zeros, which numeric does not keep
}

func (p *packed) kept() []uint16 { return p.digit[p.skip:p.count] }

// pack computes the digits of x / 10^scale, and the weight of the first.
func pack(x u128, scale int) (p packed, weight int) {
	fraction := (scale + 3) / 4
	if decimals := scale % 4; decimals != 0 { // the last digit straddles the last decimal
		var rest uint64
		x, rest = x.over(tens[decimals])
		p.digit[0], p.count = uint16(rest*tens[4-decimals]), 1
	}

	for x != (u128{}) {
		var rest uint64
		x, rest = x.over(base)
		p.digit[p.count] = uint16(rest)
		p.count++
	}

	for p.skip < p.count && p.digit[p.skip] == 0 {
		p.skip++
	}

	for p.count > p.skip && p.digit[p.count-1] == 0 {
		p.count--
	}

	return p, p.count - 1 - fraction
}

// over divides by a number below 2^63.
func (x u128) over(d uint64) (u128, uint64) {
	if x.high == 0 {
		return u128{low: x.low / d}, x.low % d
	}
	high, rest := x.high/d, x.high%d
	low, rest := bits.Div64(rest, x.low, d)
	return u128{low, high}, rest
}
