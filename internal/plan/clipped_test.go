package plan

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// With `to: today` the last slice ends in the middle of its table: the table belongs to it as it is.
func TestTheLastTableMayGoOnBeyondTheHistory(t *testing.T) {
	from := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &hindcast.Pipeline{History: hindcast.History{From: from, To: "2020-06-15", Every: hindcast.Period{N: 1, Unit: hindcast.Months}, TimeZone: "UTC", Zone: time.UTC}}
	history, err := Cut(p.History, time.Date(2020, 6, 15, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCutter(p, hindcast.Fact{Name: "billing", Table: "b_{yyyy}_{mm}"}, history)
	if err != nil {
		t.Fatal(err)
	}
	last := history[len(history)-1]
	reads, err := c.in(last)
	if err != nil || reads.first != reads.own || reads.after != reads.own+1 || reads.end != reads.after || c.units[reads.own].Source != "b_2020_06" {
		t.Errorf("the slice %s reads %+v, %v", last.Key, reads, err)
	}
	wide, err := newCutter(p, hindcast.Fact{Name: "billing", Table: "b_{yyyy}_{mm}", Every: hindcast.Period{N: 2, Unit: hindcast.Months}}, history)
	if err == nil {
		_, err = wide.in(history[0])
	}
	if err == nil {
		t.Error("a table over two slices was taken")
	}
}

func timeOf(p *hindcast.Pipeline, fact string) string {
	for _, f := range p.Facts {
		if f.Name == fact {
			return f.Time
		}
	}
	return ""
}
