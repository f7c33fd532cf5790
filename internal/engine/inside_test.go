package engine_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// The WHERE that a result needs is in the dialect that its SQL is written in, or is not said: not in that of the engine.
func TestInside(t *testing.T) {
	for _, c := range []struct {
		written   sqltext.Dialect
		time, typ string
		format    hindcast.TimeFormat
		want      string
	}{
		{"duckdb", "k", "INTEGER", hindcast.DayNumber, "k >= CAST(strftime(:slice_start, '%Y%m%d') AS INT) AND k < CAST(strftime(:slice_end, '%Y%m%d') AS INT)"},
		{"postgres", "k", "INTEGER", hindcast.DayNumber, "k >= extract(year FROM :slice_start) * 10000 + extract(month FROM :slice_start) * 100 + extract(day FROM :slice_start)" +
			" AND k < extract(year FROM :slice_end) * 10000 + extract(month FROM :slice_end) * 100 + extract(day FROM :slice_end)"},
		{"postgres", "k", "VARCHAR", hindcast.DayNumber, ""},
		{"redshift", "k", "VARCHAR", hindcast.DayText, ""},
		{"postgres", "k", "BIGINT", hindcast.EpochMS, ""},
		{"postgres", "k", "TIMESTAMP WITH TIME ZONE", "", ""},
		{"postgres", "Day", "DATE", "", `"Day" >= :slice_start AND "Day" < :slice_end`},
		{"duckdb", "Day", "DATE", "", "Day >= :slice_start AND Day < :slice_end"},
		{"spark", "the day", "DATE", "", "`the day` >= :slice_start AND `the day` < :slice_end"},
	} {
		w := engine.Work{Query: engine.Query{Dialect: "duckdb", Written: c.written}, Columns: []hindcast.Column{{Name: c.time, Type: c.typ}},
			Target: hindcast.Target{Time: c.time, Format: c.format}}
		if got := w.Inside(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		said := hindcast.AsError(w.Outside(1, nil)).Next
		if strings.Contains(said, "WHERE") != (c.want != "") || !strings.Contains(said, "`outside: drop` below target") {
			t.Errorf("%+v: %s", c, said)
		}
	}
}
