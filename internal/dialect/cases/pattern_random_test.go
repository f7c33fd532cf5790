package cases_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect"
)

// Functions that take a pattern give PostgreSQL's texts, times and numbers on DuckDB, whatever the pattern and the values, or raise, or are
// refused.
func TestRandomPatterns(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 15))}
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, m.randomTables()...)
	for tried := 0; tried < *randoms; tried += batch {
		table := pick(m, "tame", "wild")
		m.from = []string{"a"}
		c.batchOf(table, func() string { return pick(m, m.timeAsText, m.numberAsText, m.textAsTime, m.textAsNumber)() })
	}
	c.judge(*randoms, *randoms/4)
}

// moreText is a text by functions that take patterns or counts.
func (m *maker) moreText(d int) string {
	any_ := func() string { return m.expr(pick(m, text_, text_, varchar, char), d) }
	count := pick(m, "-1", "-2", "0", "1", "3", m.leaf(int2))
	switch m.IntN(10) {
	case 0:
		return m.timeAsText()
	case 1:
		return m.numberAsText()
	case 2:
		return "regexp_replace(" + any_() + ", " + quote(m.regex(1)) + ", " + pick(m, "''", "'x'", "'<\\&>'") + pick(m, "", ", 'g'") + ")"
	case 3:
		return "translate(" + any_() + ", " + pick(m, "'ab'", "'a'", "''", "'é a'") + ", " + pick(m, "''", "'x'", "'éz'") + ")"
	case 4:
		return pick(m, "left", "right") + "(" + any_() + ", " + count + ")"
	case 5:
		return "split_part(" + any_() + ", " + pick(m, "' '", "'a'", "''", m.leaf(varchar)) + ", " + count + ")"
	case 6:
		return pick(m, "lpad", "rpad") + "(" + any_() + ", " + count + pick(m, "", ", ''", ", 'é'") + ")"
	case 7:
		return "concat_ws(" + pick(m, "','", "''", m.leaf(varchar)) + ", " + any_() + ", " + m.leaf(pick(m, text_, char, int4, boolean)) + ")"
	case 8:
		return "replace(" + any_() + ", " + m.leaf(varchar) + ", " + m.leaf(varchar) + ")"
	}
	return pick(m, "initcap("+any_()+")", "substring("+any_()+" FROM "+quote(m.regex(1))+")", "to_hex("+m.leaf(pick(m, int4, int8))+")", "overlay("+any_()+" PLACING 'x' FROM 2)", "format('%s/%s', "+any_()+", "+m.leaf(int4)+")")
}

var timeFields = []string{"YYYY", "YYY", "YY", "Y", "MM", "DD", "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "FF1", "FF4", "AM", "pm", "a.m.", "P.M.", "MONTH", "Month", "month", "Mon", "MON", "mon",
	"DAY", "Day", "day", "Dy", "DY", "dy", "DDD", "D", "ID", "WW", "W", "IW", "IYYY", "Q", "CC", "SSSS", "yyyy", "mm", "dd", "hh24", "ss", "q"}

func (m *maker) timeAsText() string {
	pattern := ""
	for range 1 + m.IntN(5) {
		pattern += pick(m, "", "", "", "FM") + pick(m, timeFields...) + pick(m, "", "", "", "", "th", "TH") + pick(m, "-", "-", ":", " ", ", ", "T", "x", `"Day"`, "/", ".", "é")
	}
	return "to_char(" + m.leaf(pick(m, date, timestamp, instant)) + ", " + quote(pattern) + ")"
}

func (m *maker) numberPattern() string {
	pattern, whole := "", 1+m.IntN(6)
	zero := m.IntN(whole * 2)
	for i := range whole {
		if i > 0 && m.IntN(5) == 0 {
			pattern += pick(m, ",", "G")
		}
		pattern += map[bool]string{true: "9", false: "0"}[i < zero]
	}
	if m.IntN(3) > 0 {
		pattern += pick(m, ".", "D")
		for range m.IntN(4) {
			pattern += pick(m, "9", "9", "0")
		}
	}
	switch m.IntN(9) {
	case 0:
		pattern = "S" + pattern
	case 1:
		pattern = "SG" + pattern
	case 2, 3:
		pattern += pick(m, "S", "MI", "PR")
	case 4:
		pattern = "$" + pattern
	case 5:
		pattern += pick(m, "%", " /")
	}
	return pick(m, "", "FM") + pattern
}

func (m *maker) numberAsText() string {
	x := m.leaf(pick(m, numeric, numeric, int4, int8, int2))
	if m.IntN(3) == 0 {
		x = pick(m, "0", "0.4", "-0.4", "0.05", "-0.05", "12.50", "-1234.5", "999.995", "-0.004", "1000000", "-7", "0.999")
	}
	return "to_char(" + x + ", " + quote(m.numberPattern()) + ")"
}

func (m *maker) textAsTime() string {
	dates := []string{"2024-02-29", "2024-2-9", "2023-02-29", "29.02.2024", "20240229", "2024-13-01", "0000-01-01", "05/03/2024", "2024/05/03", " 2024-05-03", "2024-05-03 10:11:12",
		"2024-05-03T23:59:59.5", "02 Oct 2001", "5 february 2024", "May-2024", "2024-05-03 12:30 PM", "2024-05-03 12:00 am", "2024-05-03 24:00:00", "2024-05-031", "abc", "", "2024-05-03 10:11:12.789"}
	patterns := []string{"YYYY-MM-DD", "YYYY-MM-DD", "DD.MM.YYYY", "YYYYMMDD", "MM/DD/YYYY", "DD Mon YYYY", "DD month YYYY", "YYYY-MM-DD HH24:MI:SS", "YYYY-MM-DD HH12:MI AM", "YYYY-MM", "YYYY",
		"YYYY-MM-DD HH24:MI:SS.MS", "YYYY-MM-DD HH24:MI:SS.US", `YYYY-MM-DD"T"HH24:MI:SS`, "Mon-YYYY", "FMYYYY-FMMM-FMDD", "YYYY MM DD"}
	return pick(m, "to_date", "to_timestamp") + "(" + pick(m, quote(pick(m, dates...)), quote(pick(m, dates...)), m.leaf(text_), "CAST("+m.leaf(pick(m, date, timestamp))+" AS text)") + ", " + quote(pick(m, patterns...)) + ")"
}

func (m *maker) textAsNumber() string {
	texts := []string{"12,454.8-", "1234.50", "-7", "+7", "7-", "7", "0012", "1,234", "12.5", ".5", "-.5", "12345", "", "abc", "1 2", "1e3", "123.456"}
	patterns := []string{"99G999D9S", "9999.99", "S99", "999", "99.9", "9,999", "000", "9999", "99MI", "SG99"}
	return "to_number(" + pick(m, quote(pick(m, texts...)), m.leaf(text_)) + ", " + quote(pick(m, patterns...)) + ")"
}

// Regular expressions match on DuckDB what they match in PostgreSQL, or are refused.
func TestRandomRegularExpressions(t *testing.T) {
	m := &maker{Rand: rand.New(rand.NewPCG(*seed, 16))}
	c := trialOf(t, dialect.Postgres, dialect.DuckDB, m.words(60))
	for tried := 0; tried < *randoms; tried += batch {
		c.batchOf("words", m.matching)
	}
	c.judge(*randoms, *randoms/4)
}

// words are texts of few characters, so that short patterns match them in several ways.
func (m *maker) words(rows int) string {
	out := "CREATE TABLE words (id integer, t text); INSERT INTO words VALUES (0, NULL), (-1, '')"
	for n := range rows {
		word := ""
		for range m.IntN(9) {
			word += pick(m, "a", "a", "b", "b", "c", "A", "1", "-", " ", "é", "\n", ".")
		}
		out += fmt.Sprintf(", (%d, %s)", n+1, quote(word))
	}
	return out
}

// matching is an expression with a pattern.
func (m *maker) matching() string {
	p := quote(m.regex(2))
	switch m.IntN(11) {
	case 0, 1:
		return "t " + pick(m, "~", "!~", "~*", "!~*") + " " + p
	case 2:
		return "substring(t FROM " + p + ")"
	case 3:
		return "regexp_replace(t, " + p + ", " + pick(m, "'<\\&>'", "''", "'$1'", `'\1'`, `'[\2\1]'`, `'\\'`, `'x'`) + pick(m, "", ", 'g'", ", 'gi'", ", 'i'") + ")"
	case 4:
		return "regexp_replace(t, " + p + ", " + pick(m, `'<\1>'`, `'\1-\&'`) + pick(m, "", ", 'g'") + ")"
	case 5:
		return "regexp_count(t, " + p + pick(m, "", ", 2", ", 1, 'i'") + ")"
	case 6:
		return "regexp_instr(t, " + p + ")"
	case 7:
		return "regexp_substr(t, " + p + pick(m, "", ", 1, 2", ", 2", ", 1, 1, 'i'") + ")"
	case 8:
		return "regexp_like(t, " + p + pick(m, "", ", 'i'") + ")"
	case 9:
		return "t " + pick(m, "", "NOT ") + "SIMILAR TO " + quote(m.similar(2))
	}
	return "t " + pick(m, "", "NOT ") + "ILIKE " + quote(pick(m, "%", "", "a")+pick(m, "b", "_", "A", "%", `\_`, "é", ".")+pick(m, "%", "", "c"))
}

func (m *maker) regex(depth int) string {
	if depth == 0 || m.IntN(6) == 0 {
		return pick(m, "^", "", "", "") + m.branch(depth) + pick(m, "$", "", "", "")
	}
	return pick(m, "^", "", "", "", "") + m.branch(depth) + pick(m, "", "", "|"+m.branch(depth), "|"+m.branch(depth-1)+"|"+m.branch(depth-1)) + pick(m, "$", "", "", "", ".*", ".*$")
}

func (m *maker) branch(depth int) string {
	out := ""
	for range 1 + m.IntN(3) {
		atom := pick(m, "a", "b", "c", "-", "é", ".", "[ab]", "[^a]", "[a-c]", "[[:alpha:]]", `\d`, `\w`, `\s`, `\.`, "[^-]", `[\w-]`, "1", `\S`, "[[:space:].]")
		if depth > 0 && m.IntN(3) == 0 {
			inner := m.branch(depth - 1)
			if m.IntN(3) == 0 {
				inner += "|" + m.branch(depth-1)
			}
			atom = pick(m, "(", "(", "(?:") + inner + ")"
		}
		out += atom + pick(m, "", "", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "+?", "??")
	}
	return out
}

func (m *maker) similar(depth int) string {
	out := ""
	for range 1 + m.IntN(3) {
		atom := pick(m, "a", "b", "_", "%", "[ab]", "[^a]", "[[:digit:]]", ".", `\%`, "-", "^", "c")
		if depth > 0 && m.IntN(3) == 0 {
			atom = "(" + m.similar(depth-1) + pick(m, "", "|"+m.similar(depth-1)) + ")"
		}
		out += atom + pick(m, "", "", "*", "+", "?", "{2}", "{1,2}")
	}
	return out
}
