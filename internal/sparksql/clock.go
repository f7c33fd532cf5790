package sparksql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// relative are the words that typed literals take for a time: DATE 'today'.
var relative = []string{"now", "today", "tomorrow", "yesterday"}

// literals are the types of those literals.
var literals = []string{"date", "timestamp", "timestamp_ltz", "timestamp_ntz"}

// frozen is SQL in which literals such as DATE 'today' mean the query's time: Spark's parser makes them the machine's, and nothing
// is left of it in the plan. Functions of time are frozen in the plan, by hindcast_tables.py, where no name is taken for one.
type frozen struct {
	start int // where the text that was frozen begins in the query
	text  string
	edits []edit
}

// edit is a replacement: size bytes at the offset in the frozen text stand for was bytes.
type edit struct{ at, size, was int }

// before is where an offset in the frozen text lies in the text that was frozen.
func (f frozen) before(offset int) int {
	shift := 0
	for _, e := range f.edits {
		if offset < e.at+e.size {
			if offset >= e.at {
				return e.at + shift
			}
			break
		}
		shift += e.was - e.size
	}
	return offset + shift
}

// freeze replaces the typed literals that mean a time by its distance from now.
func freeze(text string, q engine.Query) (frozen, error) {
	var out strings.Builder
	f, last := frozen{}, 0
	for _, l := range sqltext.Spark.Typed(text, literals...) {
		word := strings.ToLower(strings.TrimSpace(l.Value))
		if !slices.ContainsFunc(relative, func(r string) bool { return strings.HasPrefix(word, r) }) {
			continue
		}
		if !slices.Contains(relative, word) {
			return frozen{}, &hindcast.Error{Code: hindcast.ESQL, Class: hindcast.ClassPermanent, Place: q.Place(q.Dialect.Find(q.SQL, 0, l.Type)),
				Message: fmt.Sprintf("%s '%s' is the time of Spark's machine", l.Type, l.Value), Next: "write current_date() or now(): they give the same time in every slice"}
		}
		if q.Now.IsZero() {
			continue
		}
		literal := relativeTime(strings.ToLower(l.Type), word, q)
		out.WriteString(text[last:l.At])
		f.edits = append(f.edits, edit{at: out.Len(), size: len(literal), was: l.End - l.At})
		out.WriteString(literal)
		last = l.End
	}
	out.WriteString(text[last:])
	f.text = out.String()
	return f, nil
}

// Now is the query's time as Request has it; "" is Spark's own.
func Now(q engine.Query) string {
	if q.Now.IsZero() {
		return ""
	}
	return q.Now.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
}

// Words are the typed literals that freeze replaces, with what stands for them.
func Words(q engine.Query) map[string]string {
	words := map[string]string{}
	for _, typ := range literals {
		for _, word := range relative {
			words[typ+" "+word] = relativeTime(typ, word, q)
		}
	}
	return words
}

func relativeTime(typ, word string, q engine.Query) string {
	there := q.Now.In(zoneOf(q)).Truncate(time.Microsecond)
	if word != "now" || typ == "date" {
		there = time.Date(there.Year(), there.Month(), there.Day(), 0, 0, 0, 0, there.Location())
	}
	switch word {
	case "tomorrow":
		there = there.AddDate(0, 0, 1)
	case "yesterday":
		there = there.AddDate(0, 0, -1)
	}
	switch typ {
	case "date":
		return "DATE '" + there.Format(time.DateOnly) + "'"
	case "timestamp_ltz":
		return "TIMESTAMP_LTZ '" + there.UTC().Format(moment) + "+00:00'"
	}
	return "TIMESTAMP_NTZ '" + there.Format(moment) + "'"
}

func zoneOf(q engine.Query) *time.Location {
	zone, err := time.LoadLocation(q.TimeZone)
	if err != nil { // the pipeline's decoder has refused it
		return time.UTC
	}
	return zone
}
