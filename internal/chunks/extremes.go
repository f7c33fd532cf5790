package chunks

import (
	"encoding/binary"
	"math/big"
)

// Extremes are the lowest and the highest bound of all row groups, as the integers that values are stored as: a decimal's without its
// point, a date's days, a timestamp's microseconds. Not ok if some values may have no bounds, or one of them is no such integer.
func (c *ColumnStatistics) Extremes() (least, most *big.Int, ok bool) {
	if c.Unbounded {
		return nil, nil, false
	}
	for _, b := range c.Bounds {
		from, to := c.Physical.integer(b.Min), c.Physical.integer(b.Max)
		if from == nil || to == nil || from.Cmp(to) > 0 {
			return nil, nil, false
		}
		if least == nil || from.Cmp(least) < 0 {
			least = from
		}
		if most == nil || to.Cmp(most) > 0 {
			most = to
		}
	}
	return least, most, least != nil
}

// integer reads a bound; nil if it is not an integer.
func (p Physical) integer(b []byte) *big.Int {
	switch {
	case p == Int32 && len(b) == 4:
		return big.NewInt(int64(int32(binary.LittleEndian.Uint32(b)))) //nolint:gosec // its bits are those of a signed number
	case p == Int64 && len(b) == 8:
		return big.NewInt(int64(binary.LittleEndian.Uint64(b))) //nolint:gosec // the same
	case (p == FixedBytes || p == ByteArray) && len(b) > 0:
		n := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return n
	}
	return nil
}
