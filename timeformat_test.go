package hindcast_test

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// A number with digits after the point is not whole: what counts a target's rows by slices rounds it into the next slice.
func TestFormatHolds(t *testing.T) {
	for typ, want := range map[string]string{
		"INTEGER": "yyyymmdd epoch epoch_ms ", "BIGINT": "yyyymmdd epoch epoch_ms ", "DECIMAL(18,0)": "yyyymmdd epoch epoch_ms ",
		"DECIMAL(18,2)": "", "DOUBLE": "", "SMALLINT": "", "DATE": "", "VARCHAR": "yyyymmdd yyyy-mm-dd ",
	} {
		got := ""
		for _, f := range hindcast.TimeFormats {
			if f.Holds(typ) {
				got += string(f) + " "
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
}
