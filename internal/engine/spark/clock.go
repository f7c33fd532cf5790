package spark

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// clocks are Spark's functions of the current time, by what they give.
var clocks = map[string]string{
	"now": "instant", "current_timestamp": "instant", "localtimestamp": "civil", "current_date": "date", "curdate": "date", "unix_timestamp": "seconds",
}

// bare are those that need no parentheses.
var withoutParentheses = []string{"current_timestamp", "current_date", "localtimestamp"}

// relative are the words that typed literals take for a time: DATE 'today'.
var relative = []string{"now", "today", "tomorrow", "yesterday"}

// frozen is SQL in which the current time is the query's: one instant in every slice, attempt and check of a run. Spark has
// no setting for it, and no macros: the functions are replaced by literals, where a name of theirs stands that is not a
// column's.
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

func freeze(text string, q engine.Query) frozen {
	if q.Now.IsZero() {
		return frozen{text: text}
	}
	type found struct {
		at, end int
		literal string
	}
	var all []found
	for name, kind := range clocks {
		for at := sqltext.Spark.Find(text, 0, name); at >= 0; at = sqltext.Spark.Find(text, at+1, name) {
			if end := call(text, at, name, q); end > 0 {
				all = append(all, found{at, end, timeLiteral(kind, q)})
			}
		}
	}
	for _, typ := range []string{"date", "timestamp", "timestamp_ltz", "timestamp_ntz"} {
		for at := sqltext.Spark.Find(text, 0, typ); at >= 0; at = sqltext.Spark.Find(text, at+1, typ) {
			if end, word := relativeLiteral(text, at+len(typ)); end > 0 {
				all = append(all, found{at, end, relativeTime(typ, word, q)})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].at < all[j].at })

	var out strings.Builder
	f, last := frozen{}, 0
	for _, a := range all {
		out.WriteString(text[last:a.at])
		f.edits = append(f.edits, edit{at: out.Len(), size: len(a.literal), was: a.end - a.at})
		out.WriteString(a.literal)
		last = a.end
	}
	out.WriteString(text[last:])
	f.text = out.String()
	return f
}

// call is where a call of the function ends that begins at an offset; 0 if none does.
func call(text string, at int, name string, q engine.Query) int {
	if !strings.EqualFold(text[at:min(at+len(name), len(text))], name) { // it is quoted: a name
		return 0
	}
	if before := strings.TrimRight(text[:at], " \t\r\n"); strings.HasSuffix(before, ".") {
		return 0
	}
	end := at + len(name)
	rest := strings.TrimLeft(text[end:], " \t\r\n")
	if inside, is := strings.CutPrefix(rest, "("); is {
		if after, empty := strings.CutPrefix(strings.TrimLeft(inside, " \t\r\n"), ")"); empty {
			return len(text) - len(after)
		}
		return 0
	}
	if !slices.Contains(withoutParentheses, name) {
		return 0
	}
	for _, t := range q.Tables {
		if _, is := columnOf(t.Columns, name); is {
			return 0
		}
	}
	return end
}

// relativeLiteral is where the text literal ends that follows a type and means a time by its distance from now.
func relativeLiteral(text string, at int) (end int, word string) {
	rest := strings.TrimLeft(text[at:], " \t\r\n")
	inside, is := strings.CutPrefix(rest, "'")
	if !is {
		return 0, ""
	}
	word, after, closed := strings.Cut(inside, "'")
	if word = strings.ToLower(strings.TrimSpace(word)); !closed || !slices.Contains(relative, word) {
		return 0, ""
	}
	return len(text) - len(after), word
}

func timeLiteral(kind string, q engine.Query) string {
	now := q.Now.UTC().Truncate(time.Microsecond)
	there := now.In(zoneOf(q))
	switch kind {
	case "instant":
		return "TIMESTAMP_LTZ '" + now.Format(moment) + "+00:00'"
	case "civil":
		return "TIMESTAMP_NTZ '" + there.Format(moment) + "'"
	case "seconds":
		return fmt.Sprintf("%dL", now.Unix())
	}
	return "DATE '" + there.Format(time.DateOnly) + "'"
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
