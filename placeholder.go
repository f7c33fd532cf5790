package hindcast

import (
	"strconv"
	"strings"
	"time"
)

// Placeholder stands for a piece of a time in the name of a table or file.
type Placeholder struct {
	Text   string
	Period Period // the shortest time that it tells apart
	Digits []int  // how many digits it may stand for
	layout string // of package time; "" for a quarter
}

// Placeholders lists them, the finest first.
var Placeholders = []Placeholder{
	{"{hh}", Period{1, Hours}, []int{2}, "15"},
	{"{dd}", Period{1, Days}, []int{2}, "02"},
	{"{d}", Period{1, Days}, []int{1, 2}, "2"},
	{"{mm}", Period{1, Months}, []int{2}, "01"},
	{"{m}", Period{1, Months}, []int{1, 2}, "1"},
	{"{q}", Period{1, Quarters}, []int{1}, ""},
	{"{yyyy}", Period{1, Years}, []int{4}, "2006"},
	{"{yy}", Period{1, Years}, []int{2}, "06"},
}

// FillTime puts a time into a text's placeholders.
func FillTime(text string, t time.Time) string {
	for _, p := range Placeholders {
		if !strings.Contains(text, p.Text) {
			continue
		}
		value := strconv.Itoa((int(t.Month()) + 2) / 3)
		if p.layout != "" {
			value = t.Format(p.layout)
		}
		text = strings.ReplaceAll(text, p.Text, value)
	}
	return text
}
