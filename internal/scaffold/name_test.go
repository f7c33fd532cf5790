package scaffold

import (
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

func TestTimeIn(t *testing.T) {
	cases := []struct{ name, pattern, start, stem string }{
		{"billing_2016_01", "billing_{yyyy}_{mm}", "2016-01-01T00", "billing"},
		{"events_20200131", "events_{yyyy}{mm}{dd}", "2020-01-31T00", "events"},
		{"events_2020_01_31_h", "events_{yyyy}_{mm}_{dd}_h", "2020-01-31T00", "events_h"},
		{"x_2020q1", "x_{yyyy}q{q}", "2020-01-01T00", "x"},
		{"x_2020-Q4", "x_{yyyy}-Q{q}", "2020-10-01T00", "x"},
		{"sales_2020", "sales_{yyyy}", "2020-01-01T00", "sales"},
		{"hits_2020010223", "hits_{yyyy}{mm}{dd}{hh}", "2020-01-02T23", "hits"},
		{"hits_20200102T23", "hits_{yyyy}{mm}{dd}T{hh}", "2020-01-02T23", "hits"},
		{"sales_03_2020", "sales_{mm}_{yyyy}", "2020-03-01T00", "sales"},
		{"d31_12_2020", "d{dd}_{mm}_{yyyy}", "2020-12-31T00", "d"},
		{"2020_05_cost", "{yyyy}_{mm}_cost", "2020-05-01T00", "cost"},
		{"v202005", "v{yyyy}{mm}", "2020-05-01T00", "v"},
		{"iso_3166", "", "", ""},
		{"x_20201", "", "", ""},
		{"x_20201301", "", "", ""},
		{"x_20200230", "", "", ""},
		{"accounts", "", "", ""},
	}
	for _, c := range cases {
		n, ok := timeIn(warehouse.Table{Name: c.name})
		if ok != (c.pattern != "") {
			t.Errorf("%s: found %t, %s", c.name, ok, n.pattern)
			continue
		}
		if !ok {
			continue
		}
		if n.pattern != c.pattern || n.start.Format("2006-01-02T15") != c.start || n.stem != c.stem {
			t.Errorf("%s: got %s, %s, %s; want %s, %s, %s", c.name, n.pattern, n.start, n.stem, c.pattern, c.start, c.stem)
		}
		if back := hindcast.FillTime(n.pattern, n.start); back != c.name {
			t.Errorf("%s: the pattern gives %s", c.name, back)
		}
	}
}

func TestSplitNameIsSpelledBack(t *testing.T) {
	for name, want := range map[string]string{
		"billing": "|billing", "s.billing": "s.|billing", `"a.b"."c""d"`: `"a.b".|c"d`, `"a.b"`: "|a.b", `s."x.y"`: "s.|x.y",
	} {
		schema, own := splitName(name)
		if got := schema + "|" + own; got != want || schema+spelled(own) != name {
			t.Errorf("%s: got %s and back %s", name, got, schema+spelled(own))
		}
	}
}

func TestOnGrid(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	n, _ := timeIn(warehouse.Table{Name: "a_2020_01"})
	for text, want := range map[string]bool{"2019-11-01": true, "2020-01-01": true, "2020-03-01": true, "2020-03-02": false, "2019-11-02": false} {
		if got := onGrid(n.every, n.start, day(text)); got != want {
			t.Errorf("%s: got %t", text, got)
		}
	}
}
