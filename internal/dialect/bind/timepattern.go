package bind

import (
	"strings"

	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// timeWords are the fields of a pattern of dates and times, of which PostgreSQL takes the longest that stands at a place. Those of digits are the
// same in lower case.
var timeWords = []string{"A.D.", "A.M.", "AD", "AM", "B.C.", "BC", "CC", "DAY", "DDD", "DD", "DY", "Day", "Dy", "D", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "FX", "HH24",
	"HH12", "HH", "IDDD", "ID", "IW", "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MONTH", "MON", "MS", "Month", "Mon", "OF", "P.M.", "PM", "Q", "RM", "SSSSS", "SSSS", "SS",
	"TZH", "TZM", "TZ", "US", "WW", "W", "Y,YYY", "YYYY", "YYY", "YY", "Y", "a.d.", "a.m.", "ad", "am", "b.c.", "bc", "day", "dy", "month", "mon", "p.m.", "pm", "rm", "tz"}

// lettered are those that are written in letters, or not at all: their case matters.
var lettered = map[string]bool{"A.D.": true, "A.M.": true, "AD": true, "AM": true, "B.C.": true, "BC": true, "DAY": true, "DY": true, "MONTH": true, "MON": true, "P.M.": true,
	"PM": true, "RM": true, "TZ": true}

// written are the fields that are written out.
var written = fieldSet("A.M.", "AM", "P.M.", "PM", "a.m.", "am", "p.m.", "pm", "CC", "DAY", "Day", "day", "DDD", "DD", "DY", "Dy", "dy", "D", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
	"HH24", "HH12", "HH", "ID", "IW", "IYYY", "MI", "MM", "MONTH", "Month", "month", "MON", "Mon", "mon", "MS", "Q", "SSSSS", "SSSS", "SS", "US", "WW", "W", "YYYY", "YYY", "YY", "Y")

// redshiftTimes are those of them that Redshift's list of patterns has.
var redshiftTimes = fieldSet("A.M.", "AM", "P.M.", "PM", "a.m.", "am", "p.m.", "pm", "CC", "DAY", "Day", "day", "DDD", "DD", "DY", "Dy", "dy", "D",
	"HH24", "HH12", "HH", "ID", "IW", "IYYY", "MI", "MM", "MONTH", "Month", "month", "MON", "Mon", "mon", "MS", "Q", "SS", "US", "WW", "W", "YYYY", "YYY", "YY", "Y")

func fieldSet(all ...string) map[string]bool {
	m := map[string]bool{}
	for _, f := range all {
		m[f] = true
	}
	return m
}

// wrong is what a pattern cannot be read for, and where in it.
type wrong struct {
	from, to int
	why      string
}

// timeWord is the field that stands at the start of a text, as it is written and as it is called; "" if there is none.
func timeWord(text string) (as, name string) {
	for _, w := range timeWords {
		if !strings.HasPrefix(text, w) || len(w) <= len(as) {
			continue
		}
		as, name = w, w
	}
	for _, w := range timeWords {
		if low := strings.ToLower(w); len(low) > len(as) && !lettered[w] && strings.ToUpper(w) == w && strings.HasPrefix(text, low) {
			as, name = low, w
		}
	}
	return as, name
}

// modifier is the first of several that a text begins with, such as those that stand before a field; "" if it begins with none of them.
func modifier(text string, all ...string) string {
	for _, m := range all {
		if strings.HasPrefix(text, m) {
			return m
		}
	}
	return ""
}

// timePattern reads a pattern of dates and times as PostgreSQL does. What is not a field stands for itself.
func timePattern(text string, redshift bool) (parts []sem.TimePart, bad *wrong) {
	for at := 0; at < len(text); {
		from := at
		before := modifier(text[at:], "FM", "fm", "TM", "tm")
		at += len(before)
		as, name := timeWord(text[at:])
		if as == "" {
			if before != "" {
				return nil, &wrong{from, at, before + " is only read before a field"}
			}
			between, end, ok := timeBetween(text, at, redshift)
			if !ok {
				return nil, &wrong{from, end, "this letter is not a field of Redshift's list"}
			}
			if at = end; between != "" {
				parts = append(parts, sem.TimePart{Text: between})
			}
			continue
		}
		at += len(as)
		behind := modifier(text[at:], "TH", "th", "SP", "sp")
		at += len(behind)
		switch {
		case !written[name] || strings.EqualFold(before, "TM") || strings.EqualFold(behind, "SP"):
			return nil, &wrong{from, at, text[from:at] + " is not read"}
		case redshift && (!redshiftTimes[name] || before != "" || behind != ""):
			return nil, &wrong{from, at, text[from:at] + " is not settled by Redshift's list of patterns"}
		case behind != "" && (lettered[strings.ToUpper(name)] || name == "MS" || name == "US" || name[0] == 'F'):
			return nil, &wrong{from, at, behind + " is read behind whole numbers"}
		}
		parts = append(parts, sem.TimePart{Field: name, Bare: before != "", Ordinal: behind})
	}

	return parts, nil
}

// timeBetween is what stands between fields at a place, and where that ends: a text in double quotes, or one character. Not ok if Redshift may
// take it for a field.
func timeBetween(text string, at int, redshift bool) (between string, end int, ok bool) {
	if text[at] == '"' {
		var out strings.Builder
		for at++; at < len(text) && text[at] != '"'; at++ {
			if text[at] == '\\' && at+1 < len(text) {
				at++
			}
			out.WriteByte(text[at])
		}
		return out.String(), min(at+1, len(text)), true
	}
	if text[at] == '\\' && at+1 < len(text) && text[at+1] == '"' {
		at++
	}
	n := 1
	for at+n < len(text) && text[at+n]&0xC0 == 0x80 { // the rest of a character
		n++
	}
	c := text[at] | 0x20
	return text[at : at+n], at + n, !redshift || (c < 'a' || c > 'z') && text[at] < 0x80
}
