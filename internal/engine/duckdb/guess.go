package duckdb

import (
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/engine"
)

// clauses say where to look for the cause of a binder error without a position: behind the first of these words.
var clauses = []struct {
	says  string
	words []string
}{
	{"EXCLUDE list", []string{"EXCLUDE"}},
	{"REPLACE list", []string{"REPLACE"}},
	{"RENAME list", []string{"RENAME"}},
	{"side of join", []string{"USING"}},
	{"NATURAL JOIN", []string{"NATURAL"}},
	{"be used in an aggregate", []string{"HAVING", "QUALIFY", "ORDER"}},
	{"Set operations", []string{"UNION", "EXCEPT", "INTERSECT"}},
	{"GROUP BY term", []string{"GROUP"}},
	{"ORDER term", []string{"ORDER"}},
	{"VALUES lists", []string{"VALUES"}},
	{"window function must", []string{"QUALIFY"}},
	{"ample", []string{"TABLESAMPLE", "SAMPLE"}},
	{"ivot", []string{"PIVOT", "UNPIVOT"}},
	{"aggregates", []string{"sum", "count", "min", "max", "avg", "any_value", "first", "last", "list", "string_agg", "arg_max", "arg_min", "max_by", "min_by"}},
}

var (
	quotedName   = regexp.MustCompile(`"([^"]+)"`)
	unquotedName = regexp.MustCompile(`(?i)\b(?:column|table|function|type|sequence)(?: with name| named)? "?([\w.]+)"?`)
	anyWord      = regexp.MustCompile(`[A-Za-z_]\w+`)
)

// guess says where in the query's text an error without a position probably is: at the name that it mentions, in the clause
// that it mentions, at the function that it begins with; otherwise where the statement begins.
func guess(q engine.Query, start int, message, name string) int {
	message, _, _ = strings.Cut(message, "\n")
	from, clause := start, -1
	for _, c := range clauses {
		if !strings.Contains(message, c.says) {
			continue
		}
		if clause = q.Dialect.Find(q.SQL, start, c.words...); clause >= 0 {
			from = clause + 1
			break
		}
	}

	names := []string{name}
	for _, form := range []*regexp.Regexp{quotedName, unquotedName} {
		for _, m := range form.FindAllStringSubmatch(message, -1) {
			names = append(names, m[1][strings.LastIndexByte(m[1], '.')+1:])
		}
	}

	for _, n := range names {
		if at := q.Dialect.Find(q.SQL, from, n); n != "" && at >= 0 {
			return at
		}
	}
	if clause >= 0 {
		return clause
	}
	for _, w := range anyWord.FindAllString(message, -1) {
		if at := q.Dialect.Find(q.SQL, start, w); at >= 0 && strings.HasPrefix(strings.TrimSpace(q.SQL[at+len(w):]), "(") {
			return at
		}
	}
	return start
}
