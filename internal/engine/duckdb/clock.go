package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// clock makes DuckDB's functions of time give the query's instant, in the session's zone: the same in every slice,
// attempt and check of a run. Macros do it, which DuckDB finds before its own functions: wherever the SQL may call one, a
// CTE, a lambda or another macro's body included.
func (r *Runner) clock(ctx context.Context, q engine.Query) error {
	if q.Now.IsZero() {
		return nil
	}
	zone, err := time.LoadLocation(r.zone)
	if err != nil {
		return fmt.Errorf("setting the clock: %w", err)
	}
	macros := clockMacros(q.Now, zone)
	if macros == r.time {
		return nil
	}
	if err := r.exec(ctx, macros); err != nil {
		return err
	}
	r.time = macros
	return nil
}

// clocks are the functions of time, by what they give. CURRENT_DATE and the like are these functions without their
// parentheses.
var clocks = map[string][]string{
	"instant":  {"now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"},
	"date":     {"current_date", "today"},
	"time":     {"current_time", "get_current_time"},
	"civil":    {"localtimestamp", "current_localtimestamp"},
	"wall":     {"localtime", "current_localtime"},
	"distance": {"age"}, // of one argument, from today's midnight
}

func clockMacros(now time.Time, zone *time.Location) string {
	const moment, day, hour = "2006-01-02 15:04:05.999999", time.DateOnly, "15:04:05.999999"
	there := now.In(zone).Truncate(time.Microsecond)
	value := map[string]string{
		"instant": "() AS TIMESTAMPTZ " + duck.String(now.UTC().Format(moment)+"+00"),
		"date":    "() AS DATE " + duck.String(there.Format(day)),
		"time":    "() AS CAST(" + duck.String(there.Format(hour+"-07:00:00")) + " AS TIMETZ)",
		"civil":   "() AS TIMESTAMP " + duck.String(there.Format(moment)),
		"wall":    "() AS TIME " + duck.String(there.Format(hour)),
		"distance": "(a) AS system.main.age(CAST(DATE " + duck.String(there.Format(day)) + " AS TIMESTAMP), a)," +
			" (a, b) AS system.main.age(a, b)",
	}
	var text strings.Builder
	for _, kind := range []string{"instant", "date", "time", "civil", "wall", "distance"} {
		for _, name := range clocks[kind] {
			fmt.Fprintf(&text, "CREATE OR REPLACE TEMP MACRO %s%s;\n", name, value[kind])
		}
	}
	return text.String()
}

// ownClock finds a function of time that is called in DuckDB itself, past the macros.
func ownClock(node any) (name string, offset int, found bool) {
	switch n := node.(type) {
	case map[string]any:
		function, _ := n["function_name"].(string)
		schema, _ := n["schema"].(string)
		if n["type"] == "FUNCTION" && (n["catalog"] == "system" || schema == "system" || schema == "pg_catalog") {
			for _, names := range clocks {
				if slices.Contains(names, strings.ToLower(function)) {
					at, _ := n["query_location"].(float64)
					return function, int(at), true
				}
			}
		}
		for _, v := range n {
			if name, offset, found = ownClock(v); found {
				return name, offset, true
			}
		}
	case []any:
		for _, v := range n {
			if name, offset, found = ownClock(v); found {
				return name, offset, true
			}
		}
	}
	return "", 0, false
}

func notTheRuns(name string, place hindcast.Place) error {
	return &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Place: place,
		Message: fmt.Sprintf("%s() of DuckDB's own schema differs from slice to slice", name),
		Next:    fmt.Sprintf("write %s() without the schema, or :run_time: that is the run's time, the same in all slices", name)}
}

// timeWords are the texts that PostgreSQL and others take for a time, and DuckDB does not, with the day that they mean.
var timeWords = map[string]string{"now": "current_date", "today": "current_date", "tomorrow": "current_date + 1", "yesterday": "current_date - 1"}

// wordCast is a cast of such a text.
type wordCast struct {
	word, typ string
	offset    int
}

// timeWord finds a cast of such a text to a time: it would fail where a row first needs it, in the middle of a run.
func timeWord(node any) (c wordCast, found bool) {
	switch n := node.(type) {
	case map[string]any:
		if c, found = wordOf(n); found {
			return c, true
		}
		for _, v := range n {
			if c, found = timeWord(v); found {
				return c, true
			}
		}
	case []any:
		for _, v := range n {
			if c, found = timeWord(v); found {
				return c, true
			}
		}
	}
	return c, false
}

func wordOf(cast map[string]any) (c wordCast, found bool) {
	if try, _ := cast["try_cast"].(bool); cast["class"] != "CAST" || try {
		return c, false
	}
	typ, _ := cast["cast_type"].(map[string]any)
	child, _ := cast["child"].(map[string]any)
	value, _ := child["value"].(map[string]any)
	text, _ := value["value"].(string)
	at, _ := child["query_location"].(float64)
	c.typ, _ = typ["id"].(string)
	c.word, c.offset = strings.ToLower(strings.TrimSpace(text)), int(at)
	_, known := timeWords[c.word]
	isTime := c.typ == "DATE" || strings.HasPrefix(c.typ, "TIME")
	return c, child["class"] == "CONSTANT" && known && isTime
}

func notATime(c wordCast, place hindcast.Place) error {
	instead := "CAST(" + timeWords[c.word] + " AS " + c.typ + ")"
	switch {
	case c.typ == "DATE":
		instead = timeWords[c.word]
	case !strings.HasPrefix(c.typ, "TIMESTAMP"):
		instead = "localtime"
	case c.word == "now" && strings.HasSuffix(c.typ, "ZONE"):
		instead = "now()"
	case c.word == "now":
		instead = "localtimestamp"
	}
	return &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Place: place,
		Message: fmt.Sprintf("'%s' is not a %s for DuckDB, as it is for PostgreSQL", c.word, c.typ),
		Next:    fmt.Sprintf("write %s, or use :run_time: that is the run's time, the same in all slices", instead)}
}
