package screen

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast/internal/numbers"
)

// rows gives a number of rows in words, "unknown rows" if it is negative.
func rows(n int64) string {
	switch {
	case n < 0:
		return "unknown rows"
	case n == 1:
		return "1 row"
	}
	return numbers.Short(n) + " rows"
}

// watch gives a duration as a stop watch shows it: 0:02, 2:51, 1:02:03.
func watch(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// spoken gives a duration in words: 0.3 s, 12 s, 2 min 40 s, 1 h 5 min, 2 d 3 h.
func spoken(d time.Duration) string {
	s := int64(max(d, 0).Round(time.Second) / time.Second)
	switch {
	case d < 9950*time.Millisecond:
		return strings.TrimSuffix(strconv.FormatFloat(max(d, 0).Seconds(), 'f', 1, 64), ".0") + " s"
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return twoUnits(s/60, "min", s%60, "s")
	case s < 86400:
		return twoUnits(s/3600, "h", s/60%60, "min")
	}
	return twoUnits(s/86400, "d", s/3600%24, "h")
}

func twoUnits(a int64, unitA string, b int64, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d %s", a, unitA)
	}
	return fmt.Sprintf("%d %s %d %s", a, unitA, b, unitB)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// date gives a day, with its year where that is not this one: "3 May", "3 May 2025".
func date(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// moment gives a time of today as 12:04, and any other with its day: "3 May 12:04".
func moment(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04")
	}
	return date(t, now) + t.Format(" 15:04")
}

// rate gives rows per minute; "" if no time has passed.
func rate(n int64, took time.Duration) string {
	if n <= 0 || took <= 0 {
		return ""
	}
	return numbers.Short(int64(float64(n)/took.Minutes())) + " rows/min"
}

// near gives a path as it is shortest to write from the working directory.
func (o Options) near(path string) string {
	if o.Dir == "" || !filepath.IsAbs(path) {
		return path
	}

	rel, err := filepath.Rel(o.Dir, path)
	if err != nil || len(rel) >= len(path) || strings.HasPrefix(rel, filepath.Join("..", "..")) {
		return path
	}

	return rel
}
