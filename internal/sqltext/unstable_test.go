package sqltext_test

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/sqltext"
)

func TestFindUnstable(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT random() AS r, RANDOM (), gen_random_uuid(), uuid()":            "random() random() gen_random_uuid() uuid()",
		"SELECT random, 'random()', \"uuid\"('a') /* random() */ -- uuid()":     "",
		"SELECT now(), current_date, today(), current_timestamp FROM t":         "",
		"SELECT nextval('s'), setseed(0.5), txid_current()":                     "nextval() setseed() txid_current()",
		"SELECT * FROM t TABLESAMPLE 10%":                                       "TABLESAMPLE",
		"SELECT * FROM t TABLESAMPLE reservoir(10%) REPEATABLE (1) WHERE a = 1": "",
		"SELECT * FROM t USING SAMPLE 10 PERCENT (bernoulli)":                   "USING SAMPLE",
		"SELECT * FROM t USING SAMPLE 10 PERCENT (system, 377)":                 "",
		"SELECT * FROM a JOIN b USING (id)":                                     "",
		"SELECT string_agg(a, ',' ORDER BY a), list(b), first(c) FROM t":        "list() first()",
		"SELECT first(a) OVER (PARTITION BY b ORDER BY c) FROM t":               "",
		"SELECT list(a ORDER BY b) FILTER (WHERE c > 0) FROM t":                 "",
		"SELECT list(a) FILTER (WHERE c > 0) FROM t":                            "list()",
		"SELECT row_number() OVER (PARTITION BY a), row_number() OVER w FROM t": "row_number()",
		"SELECT row_number() OVER (ORDER BY a) FROM t":                          "",
		"SELECT a FROM t LIMIT 10":                                              "LIMIT",
		"SELECT a FROM t ORDER BY a LIMIT 10":                                   "",
		// each SELECT by itself: the order of a window, an aggregate or another SELECT is not its own
		"SELECT a, row_number() OVER (ORDER BY b) FROM t LIMIT 10":                           "LIMIT",
		"SELECT a, (SELECT b FROM u LIMIT 1) FROM t ORDER BY a":                              "LIMIT",
		"SELECT * FROM (SELECT a FROM t ORDER BY a) LIMIT 10":                                "",
		"WITH s AS (SELECT a FROM t ORDER BY a) SELECT * FROM s LIMIT 10":                    "",
		"WITH s AS (SELECT a FROM t LIMIT 10) SELECT * FROM s JOIN u USING (a) ORDER BY 1":   "LIMIT",
		"SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a LIMIT 1)":             "",
		"SELECT a FROM t LIMIT ALL":                                                          "",
		"SELECT a FROM t LIMIT 0":                                                            "",
		"(SELECT a FROM t ORDER BY a LIMIT 3) UNION ALL (SELECT a FROM u LIMIT 3)":           "LIMIT",
		"SELECT DISTINCT ON (a) a, b FROM t":                                                 "DISTINCT ON",
		"SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b DESC":                              "",
		"SELECT * FROM (SELECT DISTINCT ON (a) * FROM t) ORDER BY a":                         "DISTINCT ON",
		"SELECT DISTINCT a FROM t JOIN u ON t.a = u.a":                                       "",
		"SELECT lag(a) OVER (PARTITION BY b), lead(a) OVER (ORDER BY c) FROM t":              "lag()",
		"SELECT first_value(a) OVER (), ntile(4) OVER w FROM t WINDOW w AS (PARTITION BY b)": "first_value() ntile()",
		"SELECT row_number() OVER w FROM t WINDOW w AS (PARTITION BY b ORDER BY c)":          "",
		"SELECT rank() OVER (PARTITION BY b), sum(a) OVER (PARTITION BY b) FROM t":           "",
		// what is usual and as good as certain, or cannot be told from the text
		"SELECT any_value(a), min(b), arg_max(c, d), max_by(c, d), mode(e) FROM t GROUP BY f":  "",
		"SELECT list_sort(list(a)), len(array_agg(b)), list_distinct(list(c)) FROM t":          "list()",
		"SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t QUALIFY n = 1":       "",
		"SELECT sum(a), count(DISTINCT b), max(c) FROM t GROUP BY ALL ORDER BY first LIMIT 10": "",
		"SELECT list(": "list()",
	} {
		var got []string
		for _, u := range sqltext.Standard.FindUnstable(text) {
			got = append(got, u.What)
			if first, _, _ := strings.Cut(u.What, "("); !strings.HasPrefix(strings.ToLower(text[u.Offset:]), strings.ToLower(strings.Fields(first)[0])) {
				t.Errorf("%s: %s is not at %d", text, u.What, u.Offset)
			}
		}

		if strings.Join(got, " ") != want {
			t.Errorf("%s\ngot  %v\nwant %v", text, got, want)
		}
	}
}
