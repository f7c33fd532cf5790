package duckdb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
	"github.com/hindcast/hindcast/internal/warehouse/duckdb"
)

// Each row is counted in its interval, whether that is computed, as of hours in a row, or looked for.
func TestRowsOfIntervalsThatFollowEachOther(t *testing.T) {
	path := create(t, `SET TimeZone='Europe/Berlin';
		CREATE TABLE ticks AS SELECT moment, CAST(moment AS TIMESTAMP) AS civil, timezone('UTC', moment) AS utc, i % 7 AS n
		FROM (SELECT TIMESTAMPTZ '2020-10-23 22:00:00+00' + INTERVAL (15 * i) MINUTE AS moment, i FROM range(-50, 400) r(i));
		INSERT INTO ticks VALUES (NULL, NULL, NULL, 1), ('infinity', 'infinity', 'infinity', 1), ('-infinity', '-infinity', '-infinity', 1)`)
	w, err := duckdb.NewOwner(t.Context(), duckdb.Options{Path: path, ReadOnly: true, TimeZone: "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()

	first := time.Date(2020, 10, 23, 22, 0, 0, 0, time.UTC) // the clocks are set back on the 25th at 01:00
	var hours, every2 []hindcast.Interval
	for i := range 80 {
		in := hindcast.Interval{Start: first.Add(time.Duration(i) * time.Hour), End: first.Add(time.Duration(i+1) * time.Hour)}
		if i == 79 {
			in.End = in.Start.Add(30 * time.Minute)
		}
		if hours = append(hours, in); i%2 == 0 {
			every2 = append(every2, in)
		}
	}
	for _, c := range []struct {
		column, typ, zone string
		intervals         []hindcast.Interval
	}{
		{"moment", "TIMESTAMP WITH TIME ZONE", "Europe/Berlin", hours},
		{"moment", "TIMESTAMP WITH TIME ZONE", "Europe/Berlin", hours[1:2]},
		{"moment", "TIMESTAMP WITH TIME ZONE", "Europe/Berlin", every2},
		{"utc", "TIMESTAMP", "UTC", hours},
		{"utc", "TIMESTAMP", "UTC", every2},
		{"civil", "TIMESTAMP", "Europe/Berlin", hours[:26]}, // before the hour that is there twice
		{"civil", "TIMESTAMP", "Europe/Berlin", hours[28:]}, // after it
	} {
		t.Run(fmt.Sprint(c.column, len(c.intervals)), func(t *testing.T) {
			sums, err := w.Published(t.Context(), warehouse.Published{Target: hindcast.Target{Table: "ticks", Time: c.column}, TimeZone: c.zone, Intervals: c.intervals,
				Columns: []hindcast.Column{{Name: c.column, Type: c.typ}, {Name: "n", Type: "BIGINT"}}})
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range sums {
				want := int64(4)
				if c.intervals[i].End.Sub(c.intervals[i].Start) < time.Hour {
					want = 2
				}
				if s.Rows != want || s.Content == "" {
					t.Errorf("%s: %+v, want %d rows", c.intervals[i].Start, s, want)
				}
			}
			alone, err := w.Published(t.Context(), warehouse.Published{Target: hindcast.Target{Table: "ticks", Time: c.column}, TimeZone: c.zone, Intervals: c.intervals[:1],
				Columns: []hindcast.Column{{Name: c.column, Type: c.typ}, {Name: "n", Type: "BIGINT"}}})
			if err != nil || alone[0].Content != sums[0].Content || alone[0].Totals["n"] != sums[0].Totals["n"] {
				t.Errorf("alone %+v, among others %+v, %v", alone, sums[0], err)
			}
		})
	}
}
