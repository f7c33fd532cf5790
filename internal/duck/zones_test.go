package duck_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/plan"
)

// changes are the instants at which a zone's clocks changed, from local solar time to the near future.
func changes(zone *time.Location) []time.Time {
	var list []time.Time
	end := time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := time.Date(1830, 1, 1, 0, 0, 0, 0, time.UTC).In(zone); ; {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.After(end) {
			return list
		}
		list = append(list, next)
		at = next
	}
}

// In every zone and around every clock change: slices are adjacent, each has its own key, stored instants are read back
// unchanged, also by a history that was itself read back, and DuckDB reads a bound's literal as that instant.
func TestBoundsInEveryZone(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	rows, err := db.Query("SELECT name FROM pg_timezone_names()")
	if err != nil {
		t.Fatal(err)
	}
	zones, cut := 0, 0
	seen := map[string]bool{} // many zones are aliases
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation(name)
		if err != nil {
			continue // known only to ICU
		}
		zones++
		all := changes(zone)
		if seen[fmt.Sprint(all)] {
			continue
		}
		seen[fmt.Sprint(all)] = true
		var bounds []time.Time
		for _, change := range all {
			for _, every := range []hindcast.Period{{N: 1, Unit: hindcast.Days}, {N: 7, Unit: hindcast.Hours}, {N: 1, Unit: hindcast.Months}} {
				history := around(t, change, every, name)
				if every.Unit == hindcast.Days {
					bounds = append(bounds, history[0].Start)
				}
				cut++
			}
		}
		literals(t, db, name, bounds)
	}
	if err := rows.Err(); err != nil || zones < 400 || cut < 10_000 {
		t.Errorf("%d zones with %d histories, %v", zones, cut, err)
	}
}

// around cuts a history across a clock change.
func around(t *testing.T, change time.Time, every hindcast.Period, zone string) []hindcast.Slice {
	day := hindcast.Reading(change).Truncate(24*time.Hour).AddDate(0, 0, -2)
	from := hindcast.Instant(day, change.Location())
	h := hindcast.History{From: from, Every: every, TimeZone: zone, Zone: change.Location()}
	history, err := plan.Cut(h, every.AddTo(change, 2))
	if err != nil {
		t.Fatalf("%s at %s: %v", zone, change, err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	stored := hindcast.History{}
	if err := json.Unmarshal(text, &stored); err != nil || !stored.From.Equal(from) {
		t.Fatalf("%s: history.from %s is read back as %s, %v", zone, from, stored.From, err)
	}
	again, err := plan.Cut(stored, every.AddTo(change, 2))
	if err != nil || len(again) != len(history) {
		t.Fatalf("%s at %s: %d slices, %d from what was stored, %v", zone, change, len(history), len(again), err)
	}

	seen := map[string]bool{}
	for i, s := range history {
		if s != again[i] && (!s.Equal(again[i].Interval) || s.Key != again[i].Key) {
			t.Errorf("%s at %s: %v is cut from what was stored as %v", zone, change, s, again[i])
		}
		if seen[s.Key] || i > 0 && !s.Start.Equal(history[i-1].End) || !s.Start.Before(s.End) {
			t.Errorf("%s at %s: slice %s is not in its place", zone, change, s.Key)
		}
		seen[s.Key] = true
		if !every.Sub() && hindcast.Reading(s.Start).Format(time.DateOnly) != s.Key {
			t.Errorf("%s at %s: slice %s begins at %s", zone, change, s.Key, s.Start)
		}
		text, err := json.Marshal(s)
		var read hindcast.Slice
		if err == nil {
			err = json.Unmarshal(text, &read)
		}
		if err != nil || read.Key != s.Key || !read.Equal(s.Interval) {
			t.Errorf("%s at %s: %s is read back as %v, %v", zone, change, text, read, err)
		}
		civil := hindcast.Civil(s.Start, zone)
		if i > 0 && !every.Sub() && !hindcast.Reading(civil).After(hindcast.Reading(hindcast.Civil(history[i-1].Start, zone))) {
			t.Errorf("%s at %s: the civil bounds of %s go back", zone, change, s.Key)
		}
	}
	return history
}

// literals makes DuckDB read bounds as they are compared with columns of instants.
func literals(t *testing.T, db *sql.DB, zone string, bounds []time.Time) {
	if len(bounds) == 0 {
		return
	}
	list := make([]string, len(bounds))
	for i, b := range bounds {
		list[i] = fmt.Sprintf("(epoch_us(%s), %d)", duck.Bound("TIMESTAMP WITH TIME ZONE", b, zone), b.UnixMicro())
	}
	var wrong int
	if err := db.QueryRow("SELECT count(*) FROM (VALUES " + strings.Join(list, ", ") + ") AS b(is_at, was_at) WHERE is_at <> was_at").Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%s: %d of %d bounds are other instants, %v", zone, wrong, len(bounds), err)
	}
}
