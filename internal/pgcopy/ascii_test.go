package pgcopy

import "testing"

// One byte above 127 is seen at every position in texts of every length.
func TestASCII(t *testing.T) {
	for length := range 40 {
		b := make([]byte, length)
		for i := range b {
			b[i] = byte(i + 88)
		}
		if !ascii(b) {
			t.Errorf("%d bytes of ASCII are not", length)
		}
		for i := range b {
			b[i] |= 0x80
			if ascii(b) {
				t.Errorf("%d bytes with byte %d above 127 are ASCII", length, i)
			}
			b[i] &= 0x7f
		}
	}
}
