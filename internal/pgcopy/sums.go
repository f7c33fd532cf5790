package pgcopy

import (
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/hindcast/hindcast"
)

// content is the sum of the rows' hashes: it does not depend on their order, and counts duplicates.
type content u128

func (c *content) add(h xxh3.Uint128) { c.merge(content{h.Lo, h.Hi}) }

func (c *content) merge(o content) {
	var carry uint64
	c.low, carry = bits.Add64(c.low, o.low, 0)
	c.high, _ = bits.Add64(c.high, o.high, carry)
}

func (c *content) text() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], c.high)
	binary.BigEndian.PutUint64(b[8:], c.low)
	return hex.EncodeToString(b[:])
}

// total is an exact sum of up to 2^64 values of 128 bits.
type total struct {
	low, middle, high uint64
	some              bool
}

// add adds a two's complement number.
func (t *total) add(low uint64, high int64) {
	var carry uint64
	t.low, carry = bits.Add64(t.low, low, 0)
	t.middle, carry = bits.Add64(t.middle, uint64(high), carry)
	t.high += uint64(high>>63) + carry
	t.some = true
}

func (t *total) merge(o *total) {
	var carry uint64
	t.low, carry = bits.Add64(t.low, o.low, 0)
	t.middle, carry = bits.Add64(t.middle, o.middle, carry)
	t.high += o.high + carry
	t.some = t.some || o.some
}

// text is the sum as DuckDB spells a DECIMAL of this scale.
func (t *total) text(scale int) string {
	x := big.NewInt(int64(t.high))
	for _, part := range []uint64{t.middle, t.low} {
		x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(part))
	}

	sign := ""
	if x.Sign() < 0 {
		sign = "-"
		x.Neg(x)
	}

	digits := x.String()
	if scale == 0 {
		return sign + digits
	}

	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// sumsOf merges what decoders of the same fields have counted.
func sumsOf(decoders []*decoder) hindcast.Sums {
	sums := hindcast.Sums{}
	var all content
	for _, d := range decoders {
		sums.Rows += d.rows
		all.merge(d.content)
	}

	sums.Content = all.text()
	if len(decoders) == 0 {
		return sums
	}

	for i, c := range decoders[0].columns {
		var t total
		for _, d := range decoders {
			if d.columns[i].sum != nil {
				t.merge(d.columns[i].sum)
			}
		}

		sums.Totals = t.into(sums.Totals, c.name, c.scale)
	}

	return sums
}

// into adds the sum of a column to the totals; a column of nothing but NULLs has none.
func (t *total) into(totals map[string]string, name string, scale int) map[string]string {
	if !t.some {
		return totals
	}
	if totals == nil {
		totals = map[string]string{}
	}

	totals[name] = t.text(scale)
	return totals
}

func itoa(n int) string { return strconv.Itoa(n) }
