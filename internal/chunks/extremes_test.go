package chunks

import (
	"testing"
)

// Bounds of a decimal are numbers with the highest byte first, others have the lowest first; one that is missing or turned round says nothing.
func TestExtremes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of          ColumnStatistics
		least, most string
	}{
		"integers":     {ColumnStatistics{Physical: Int32, Bounds: []Bounds{{Min: []byte{0xff, 0xff, 0xff, 0xff}, Max: []byte{5, 0, 0, 0}}, {Min: []byte{2, 0, 0, 0}, Max: []byte{0, 1, 0, 0}}}}, "-1", "256"},
		"longer ones":  {ColumnStatistics{Physical: Int64, Bounds: []Bounds{{Min: []byte{0, 0, 0, 0, 0, 0, 0, 0x80}, Max: []byte{0, 0, 0, 0, 0, 0, 0, 1}}}}, "-9223372036854775808", "72057594037927936"},
		"bytes":        {ColumnStatistics{Physical: FixedBytes, Bounds: []Bounds{{Min: []byte{0xff, 0x00}, Max: []byte{0x01, 0x00}}}}, "-256", "256"},
		"turned round": {ColumnStatistics{Physical: Int32, Bounds: []Bounds{{Min: []byte{5, 0, 0, 0}, Max: []byte{1, 0, 0, 0}}}}, "", ""},
		"too short":    {ColumnStatistics{Physical: Int64, Bounds: []Bounds{{Min: []byte{5, 0, 0, 0}, Max: []byte{6, 0, 0, 0}}}}, "", ""},
		"floats":       {ColumnStatistics{Physical: Double, Bounds: []Bounds{{Min: make([]byte, 8), Max: make([]byte, 8)}}}, "", ""},
		"none of some": {ColumnStatistics{Physical: Int32, Unbounded: true, Bounds: []Bounds{{Min: []byte{1, 0, 0, 0}, Max: []byte{5, 0, 0, 0}}}}, "", ""},
		"no values":    {ColumnStatistics{Physical: Int32}, "", ""},
	} {
		least, most, ok := c.of.Extremes()
		if ok != (c.least != "") || ok && (least.String() != c.least || most.String() != c.most) {
			t.Errorf("%s: %s to %s, %t", name, least, most, ok)
		}
	}
}
