package survey_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/survey"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const hourly = `pipeline: p
warehouse: duckdb:w.duckdb
lake: ./lake
history: {from: 2020-01-01, to: 2020-02-16, every: 1 hour, time_zone: UTC}
facts: {sales: {files: sales.parquet, time: t}}
transform: {sql: totals.sql}
target: {table: totals, time: t}
`

// asked is a warehouse that notes which status rows it is asked for.
type asked struct {
	warehouse.Warehouse
	within []hindcast.Interval
	times  int
}

func (a *asked) Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (warehouse.Overview, error) {
	a.within, a.times = append(a.within, within...), a.times+1
	return a.Warehouse.Overview(ctx, pipeline, target, within)
}

// hours is a world of 1,104 hourly slices, each of which is committed.
func hours(t *testing.T) world {
	t.Helper()
	w := newWorld(t)
	w.write("p.yml", hourly)
	w.write("totals.sql", "SELECT t, sum(n) AS n FROM sales GROUP BY t")
	w.parquet("sales.parquet", "SELECT TIMESTAMP '2020-01-01' + INTERVAL (i) DAY AS t, i AS n FROM range(46) r(i)")
	w.warehouse("CREATE TABLE totals (t TIMESTAMP, n HUGEINT)")

	var lines strings.Builder
	for _, item := range w.made(session.Choice{}).Items {
		parts := item.Parts[0]
		text, err := json.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(map[string]any{"slice": item.Slice.Key, "first": item.Slice.Start, "last": item.Slice.End,
			"fingerprint": plan.Fingerprint(parts), "parts": string(text)})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s\n", line)
	}
	w.write("rows.json", lines.String())
	w.warehouse(`CREATE TABLE hindcast_status (pipeline VARCHAR NOT NULL, target VARCHAR NOT NULL, slice VARCHAR NOT NULL, slice_start TIMESTAMPTZ NOT NULL,
		slice_end TIMESTAMPTZ NOT NULL, run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL, "rows" BIGINT NOT NULL,
		content VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL, committed_at TIMESTAMPTZ NOT NULL, publication VARCHAR)`,
		`INSERT INTO hindcast_status SELECT 'p', 'totals', slice, first, last, 'r1', 1, fingerprint, parts, 0, '', '{}', '', TIMESTAMPTZ '2020-03-01 12:00:00+00', 'r1'
		FROM read_json('rows.json', columns = {slice: 'VARCHAR', first: 'TIMESTAMPTZ', last: 'TIMESTAMPTZ', fingerprint: 'VARCHAR', parts: 'VARCHAR'}) ORDER BY random()`)
	return w
}

// Of a long history the status rows are read where one of them is not as expected, and nowhere else; what somebody edits by hand
// is found.
func TestWhichStatusRowsOfALongHistoryAreRead(t *testing.T) {
	w := hours(t)
	const key = "2020-01-03T05:00+00:00"
	of := " WHERE slice = '" + key + "'"
	for _, c := range []struct{ name, edit, undo, items string }{
		{"as it was committed", "", "", ""},
		{"made of other SQL", `UPDATE hindcast_status SET fingerprint = reverse(fingerprint), parts = replace(parts, '"sql":"', '"sql":"0')` + of,
			`UPDATE hindcast_status SET fingerprint = reverse(fingerprint), parts = replace(parts, '"sql":"0', '"sql":"')` + of, key + " " + string(hindcast.ReasonSQL)},
		{"another end", "UPDATE hindcast_status SET slice_end = slice_end + INTERVAL 1 MINUTE" + of, "UPDATE hindcast_status SET slice_end = slice_end - INTERVAL 1 MINUTE" + of,
			key + " " + string(hindcast.ReasonNew)},
		{"another key", "UPDATE hindcast_status SET slice = slice || ' '" + of, "UPDATE hindcast_status SET slice = trim(slice)", key + " " + string(hindcast.ReasonNew)},
		{"another target", "UPDATE hindcast_status SET target = 'other'" + of, "UPDATE hindcast_status SET target = 'totals'", key + " " + string(hindcast.ReasonNew)},
		{"a row twice", "INSERT INTO hindcast_status FROM hindcast_status" + of, "", ""},
		{"a row that is gone", "DELETE FROM hindcast_status" + of, "", key + " " + string(hindcast.ReasonNew)},
	} {
		if c.edit != "" {
			w.warehouse(c.edit)
		}
		var a *asked
		made, err := w.survey(session.Choice{}, func(s *survey.Survey) (*plan.Plan, error) {
			a = &asked{Warehouse: s.Warehouse}
			s.Warehouse = a
			return s.Plan(w.Context())
		})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.undo != "" {
			w.warehouse(c.undo)
		}

		var items []string
		for _, item := range made.Items {
			items = append(items, item.Slice.Key+" "+string(item.Reason))
		}
		if got := strings.Join(items, ", "); got != c.items || made.Total() != 1104 {
			t.Errorf("%s: %d slices, and to be made are %q, want %q", c.name, made.Total(), got, c.items)
		}
		switch {
		case c.edit == "" && a.times > 0:
			t.Errorf("%s: status rows are read of %v", c.name, a.within)
		case c.edit != "" && (a.times != 1 || len(a.within) != 1 || a.within[0].End.Sub(a.within[0].Start).Hours() > 600):
			t.Errorf("%s: status rows are read %d times, of %v", c.name, a.times, a.within)
		}
	}
}
