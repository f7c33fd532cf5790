package screen

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// onGlue is a plan whose transforms are runs of Glue.
func onGlue() *plan.Plan {
	p := months(36)
	p.Estimate.Cost = &plan.Cost{Rate: hindcast.Rate{Each: 150, Unit: "DPU", Class: "STANDARD", USD: 0.44, Region: "us-east-1", Date: "2026-11-22"}}
	return p
}

// bill is the event of what a slice's attempt has cost.
func (s *script) bill(key string, attempt int, b hindcast.Bill) {
	s.add(hindcast.Event{Type: hindcast.EventWorkBilled, Slice: key, Attempt: attempt, Bill: &b})
}

// What a run has cost stands in its report and its status, attempts that failed included, and what is under way apart.
func TestWhatARunHasCost(t *testing.T) {
	each := hindcast.Bill{Runs: 1, Unit: "DPU", Hours: 75, USD: 33, Reckoned: true}
	for name, c := range map[string]struct {
		bills func(s *script, keys []string)
		want  string
		few   string
	}{
		"nothing": {func(*script, []string) {}, "", ""},
		"a slice": {func(s *script, keys []string) { s.bill(keys[0], 1, each) },
			"75 DPU-hours, $33.00 (STANDARD in us-east-1, prices of 2026-11-22), 1 run, by how long they ran", "$33.00"},
		"as Glue says": {func(s *script, keys []string) {
			for _, key := range keys[:32] {
				s.bill(key, 1, hindcast.Bill{Runs: 2, Unit: "DPU", Hours: 75, USD: 33})
			}
		}, "2,400 DPU-hours, $1,056.00 (STANDARD in us-east-1, prices of 2026-11-22), 64 runs", "$1,056.00"},
		"a failed attempt, and one under way": {func(s *script, keys []string) {
			s.bill(keys[0], 1, each)
			s.bill(keys[0], 2, each)
			s.add(hindcast.Event{Type: hindcast.EventProgress, Slice: keys[1], Attempt: 1, Step: hindcast.StepTransform, Progress: &hindcast.Progress{Hours: 7.5, USD: 3.3}})
		}, "150 DPU-hours, $66.00 (STANDARD in us-east-1, prices of 2026-11-22), 2 runs, by how long they ran; $3.30 so far by what is under way", "$69.30"},
		"no price": {func(s *script, keys []string) {
			s.bill(keys[0], 1, hindcast.Bill{Runs: 1, Unit: "M-DPU", Hours: 2.5, Reckoned: true})
		},
			"2.5 M-DPU-hours whose price is not known, 1 run, by how long they ran", "2.5 M-DPU-hours"},
	} {
		p := onGlue()
		s := newScript("r8", 32)
		c.bills(s, runKeys(p))
		st := s.state()
		if got := spending(st, p); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		if got := spent(st); got != c.few {
			t.Errorf("%s: %q, want %q", name, got, c.few)
		}
		var report, status bytes.Buffer
		Report(&report, st, p, ReportOptions{Options: Options{Now: noon, Width: 200}})
		Status(&status, st, p, StatusOptions{Options: Options{Now: noon, Width: 200}, Alive: true})
		for _, text := range []string{report.String(), status.String()} {
			if strings.Contains(text, "  cost ") != (c.want != "") || !strings.Contains(text, c.want) {
				t.Errorf("%s:\n%s", name, text)
			}
		}
		if js := NewRunStatus(st, p, StatusOptions{}); (len(js.Billed) > 0) != (c.want != "") || js.SpentUSD != st.Spent() {
			t.Errorf("%s: %+v", name, js.Billed)
		}
	}
}

// What a warehouse costs is said as far as it is known: nodes cost the same used or not, a serverless one only while it works.
func TestWhatAWarehouseCosts(t *testing.T) {
	nodes := hindcast.Rate{Each: 4, Unit: "ra3.4xlarge", USD: 3.26, Region: "us-east-1", Date: "2026-10-07"}
	serverless := hindcast.Rate{Each: 128, Unit: hindcast.RPU, USD: 0.375, Minimum: 60, Region: "us-east-1", Date: "2026-10-07"}
	unknown := hindcast.Rate{Each: 2, Unit: "rg.xlarge", Unknown: "it is not in the table"}
	st := &hindcast.RunState{Active: time.Hour, Warehouse: hindcast.Use{Seconds: 900, Bursts: 2, Billed: 930}}
	for rate, want := range map[*hindcast.Rate][2]string{
		&nodes: {"4 ra3.4xlarge, $13.04 an hour, used or not, until it is paused (us-east-1, prices of 2026-10-07)",
			"unload and load had 4 ra3.4xlarge for 15:00: $3.26 at $13.04 an hour (us-east-1, prices of 2026-10-07); a cluster for this alone, paused for the other 45:00, costs $9.78 less"},
		&serverless: {"128 RPU, $48.00 for an hour of work at that capacity, and a minute at least (us-east-1, prices of 2026-10-07)",
			"unload and load had 128 RPU for 15:00: $12.40 at $48.00 an hour (us-east-1, prices of 2026-10-07), if it stayed at its base capacity"},
		&unknown: {"2 rg.xlarge; the price is not known: it is not in the table", "unload and load had 2 rg.xlarge for 15:00; the price is not known: it is not in the table"},
	} {
		p := months(36)
		p.Estimate.Warehouse = rate
		if got := anHour(rate); got != want[0] {
			t.Errorf("%s\nwant\n%s", got, want[0])
		}
		if got := warehousing(st, p); got != want[1] {
			t.Errorf("%s\nwant\n%s", got, want[1])
		}
	}

	for _, c := range []struct {
		change int
		rate   hindcast.Rate
		most   time.Duration
		want   string
	}{
		{4, nodes, 30 * time.Minute, "; that adds 4 ra3.4xlarge, $13.04 an hour (us-east-1, prices of 2026-10-07): $6.52 at most for the estimated time"},
		{4, nodes, 0, "; that adds 4 ra3.4xlarge, $13.04 an hour (us-east-1, prices of 2026-10-07)"},
		{-2, nodes, time.Hour, "; that takes off 2 ra3.4xlarge, $6.52 an hour (us-east-1, prices of 2026-10-07)"},
		{96, serverless, 30 * time.Second, "; that adds 96 RPU, $36.00 for an hour of work (us-east-1, prices of 2026-10-07): $0.60 at most for the estimated time"},
		{2, unknown, time.Hour, "; that adds 2 rg.xlarge; the price is not known: it is not in the table"},
	} {
		c.rate.Each = float64(c.change)
		r := &plan.Resize{Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 4 + c.change}, Now: 4, Rate: &c.rate}
		if got := resizeWork(r, c.most); !strings.HasSuffix(got, "back at the end of the run"+c.want) {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}

	for want, r := range map[string]plan.Resize{
		"cluster dw from 4 nodes to 8 nodes before the first load, back at the end of the run":                                                  {Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 8}, Now: 4},
		"cluster dw has 8 nodes already, and is held at that":                                                                                   {Sizing: hindcast.Sizing{Cluster: "dw", From: 8, To: 8}, Now: 8},
		"cluster dw has 8 nodes of ra3.xlplus already, from a run that did not end, and is held at that, back at 4 nodes at the end of the run": {Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 8}, Now: 8, Kind: "ra3.xlplus"},
		"cluster dw from 8 nodes to 16 nodes before the first load, back at 4 nodes at the end of the run":                                      {Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 16}, Now: 8},
		"cluster dw has 16 nodes for run r1 of pipeline b, and is held at that; the last of them resizes it back to 4 nodes":                    {Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 16, Shared: []string{"run r1 of pipeline b"}}, Now: 16},
		"cluster dw from 4 nodes to 8 nodes before the first load, back at the end of the run; it is resized for run r1 of pipeline b as well: then it is taken as it is found": {
			Sizing: hindcast.Sizing{Cluster: "dw", From: 4, To: 8, Shared: []string{"run r1 of pipeline b"}}, Now: 4},
	} {
		if got := resizeWork(&r, 0); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}

	grown := *st
	grown.Resized = &hindcast.Resized{Sizing: hindcast.Sizing{Cluster: "dw", From: 8, To: 4, Back: true}, Origin: 4, Grown: 8}
	p := months(36)
	p.Estimate.Warehouse = &nodes
	if got, want := warehousing(&grown, p), "unload and load took 15:00 on 4 nodes, and 8 nodes during the loads: what that costs is not known"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	grown.Resized.Refused = &hindcast.Error{Code: hindcast.EResize}
	if got, want := warehousing(&grown, p), warehousing(st, p); got != want {
		t.Errorf("it was not resized: %s\nwant\n%s", got, want)
	}
	if got := warehousing(st, months(36)); got != "" {
		t.Errorf("nobody said what it is: %s", got)
	}
}
