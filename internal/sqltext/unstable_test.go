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
		"SELECT list(":                                                          "list()",
	} {
		var got []string
		for _, u := range sqltext.FindUnstable(text) {
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
