package plan_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// The literals of a slice are in the SQL's own dialect.
func TestParamsOfADialect(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	p := &hindcast.Pipeline{History: hindcast.History{From: time.Date(2020, 1, 1, 0, 0, 0, 0, zone), Every: hindcast.Period{N: 1, Unit: hindcast.Hours}, TimeZone: "Asia/Kolkata", Zone: zone},
		Params: []hindcast.Param{{Name: "text", Literal: `'it''s \n'`}, {Name: "rate", Literal: "1.10"}, {Name: "day", Literal: "DATE '2020-01-01'"}, {Name: "none", Literal: "NULL"}}}
	slice := hindcast.Slice{Interval: hindcast.Interval{Start: p.History.From, End: p.History.From.Add(time.Hour)}}
	now := time.Date(2026, 5, 3, 4, 5, 6, 7000, time.UTC)

	for dialect, want := range map[string]map[string]string{
		"duckdb": {"text": `'it''s \n'`, "rate": "1.10", "day": "DATE '2020-01-01'", "none": "NULL", "slice_start": "TIMESTAMPTZ '2020-01-01 00:00:00+05:30'",
			"slice_end": "TIMESTAMPTZ '2020-01-01 01:00:00+05:30'", "run_time": "TIMESTAMPTZ '2026-05-03 04:05:06.000007+00:00'"},
		"spark": {"text": `'it\'s \\n'`, "rate": "1.10", "day": "DATE '2020-01-01'", "none": "NULL", "slice_start": "TIMESTAMP_LTZ '2020-01-01 00:00:00+05:30'",
			"slice_end": "TIMESTAMP_LTZ '2020-01-01 01:00:00+05:30'", "run_time": "TIMESTAMP_LTZ '2026-05-03 04:05:06.000007+00:00'"},
	} {
		p.Transform.Dialect, p.Transform.Engine = dialect, dialect
		if got := plan.Params(slice, now, p); !maps.Equal(got, want) {
			t.Errorf("%s: got %q\nwant %q", dialect, got, want)
		}
	}
}
