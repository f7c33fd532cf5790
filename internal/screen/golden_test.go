package screen

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// screens are all that a person may see, for given options.
var screens = map[string]func(*bytes.Buffer, Options){
	"plan": func(w *bytes.Buffer, o Options) { Plan(w, months(36), PlanOptions{Options: o}) },
	"plan_first": func(w *bytes.Buffer, o Options) {
		p := months(36)
		p.Outputs[0].Existing, p.Items, p.Estimate = false, p.Items[6:], plan.Estimate{RowsIn: -1, RowsOut: -1, DiskNeeded: 3 * gb, DiskFree: gb}
		p.Warnings = []string{"target cost_summary has a column \"note\" that the SQL does not give; it stays NULL in every row that is loaded"}
		Plan(w, p, PlanOptions{Options: o})
	},
	"plan_nothing": func(w *bytes.Buffer, o Options) {
		p := months(36)
		for i := range p.Items {
			p.Items[i].Reason, p.Items[i].Detail = hindcast.ReasonUpToDate, ""
		}
		Plan(w, p, PlanOptions{Options: o})
	},
	"plan_resume": func(w *bytes.Buffer, o Options) {
		Plan(w, months(36), PlanOptions{Options: o, Before: Before{"r8", view.Interrupted}})
	},
	"plan_under_way": func(w *bytes.Buffer, o Options) {
		Plan(w, months(36), PlanOptions{Options: o, Before: Before{"r8", view.Running}})
	},
	"plan_spark": func(w *bytes.Buffer, o Options) {
		p := months(36)
		p.Engine = plan.Version{Name: "spark", Version: "4.0.5"}
		p.Dims[0].Broadcast, p.Dims[0].Bytes = true, 24_000
		p.Estimate.LowSeconds, p.Estimate.HighSeconds, p.Estimate.From = 0, 0, ""
		p.Estimate.Elsewhere = &plan.Elsewhere{Engine: "duckdb", Run: "r7", Slices: 32, Seconds: 171}
		p.Recommended = &plan.Recommendation{Engine: "duckdb", Why: "the largest slice, 2021-11, reads about 110 MB, and there are 5.8 GB of memory: DuckDB needs no start-up for that"}
		o.Engine = "spark"
		Plan(w, p, PlanOptions{Options: o})
	},
	"board":          func(w *bytes.Buffer, o Options) { frames(w, o, months(36), underWay(months(36)), 24) },
	"board_low":      func(w *bytes.Buffer, o Options) { frames(w, o, months(36), underWay(months(36)), 8) },
	"board_stopping": func(w *bytes.Buffer, o Options) { frames(w, o, months(36), stopping(), 24) },
	"board_10000":    func(w *bytes.Buffer, o Options) { p, s := tenThousandOnce(); frames(w, o, p, s, 24) },
	"board_hourly":   func(w *bytes.Buffer, o Options) { p, s := hourly(); frames(w, o, p, s, 24) },
	"board_year": func(w *bytes.Buffer, o Options) {
		p := history("year", time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), hindcast.Period{N: 1, Unit: hindcast.Days}, 366)
		frames(w, o, p, newScript("r1", 366), 24)
	},
	"report_skipped": func(w *bytes.Buffer, o Options) {
		p := months(36)
		p.Items[0].Reason = hindcast.ReasonMissing
		s := newScript("r8", len(running(p)))
		for i, key := range runKeys(p) {
			if i > 25 {
				s.add(hindcast.Event{Type: hindcast.EventSkipped, Slice: key, Message: "the facts are as they were"})
				continue
			}
			s.do(key, 1)
		}
		s.end(hindcast.ExitOK, nil, nil)
		report(w, o, p, s)
	},
	"report":         func(w *bytes.Buffer, o Options) { report(w, o, months(36), finished(months(36))) },
	"report_resumed": func(w *bytes.Buffer, o Options) { report(w, o, months(36), resumed(months(36))) },
	"failure":        func(w *bytes.Buffer, o Options) { report(w, o, months(36), diskFull(months(36))) },
	"failure_dead":   func(w *bytes.Buffer, o Options) { report(w, o, months(36), byUser(months(36))) },
	"failure_all":    func(w *bytes.Buffer, o Options) { report(w, o, months(36), inEvery(months(36))) },
	"error":          func(w *bytes.Buffer, o Options) { Error(w, userErrors(), o) },
	"status": func(w *bytes.Buffer, o Options) {
		Status(w, underWay(months(36)).state(), months(36), StatusOptions{Options: o, Alive: true})
	},
	"status_dead": func(w *bytes.Buffer, o Options) {
		Status(w, diskFull(months(36)).state(), months(36), StatusOptions{Options: o, Log: "/home/ana/costs/lake/_hindcast/runs/r9/log"})
	},
	"status_interrupted": func(w *bytes.Buffer, o Options) {
		p, s := months(36), underWay(months(36))
		Status(w, s.state(), p, StatusOptions{Options: o, Heard: s.now.Add(9 * time.Second), Log: "/home/ana/costs/lake/_hindcast/runs/r8/log"})
	},
	"status_silent": func(w *bytes.Buffer, o Options) {
		s := underWay(months(36))
		Status(w, s.state(), months(36), StatusOptions{Options: o, Alive: true, Silent: s.now.Add(9 * time.Second)})
	},
	"status_left": func(w *bytes.Buffer, o Options) {
		p, s := months(36), underWay(months(36))
		handle := func(n string) hindcast.Handle {
			return hindcast.Handle{Tag: "t" + n, IDs: map[string]string{"application": "application-" + n, "master": "local[2]"}}
		}
		keys := runKeys(p)
		Status(w, s.state(), p, StatusOptions{Options: o, Heard: s.now, Left: []Left{
			{Slice: keys[20], Handle: handle("123"), Since: s.now, Taken: true}, {Slice: keys[21], Handle: handle("124"), Since: s.now},
			{Slice: keys[22], Handle: handle("125"), Since: s.now, Host: "crunch"}, {Handle: handle("126"), Since: s.now, Idle: true}}})
	},
	"slices": func(w *bytes.Buffer, o Options) {
		SliceTable(w, underWay(months(36)).state(), months(36), StatusOptions{Options: o, Alive: true})
	},
	"slices_interrupted": func(w *bytes.Buffer, o Options) {
		p := months(36)
		keys := runKeys(p)[20:24]
		SliceTable(w, underWay(p).state().Only(keys), p.Only(keys), StatusOptions{Options: o})
	},
	"list": func(w *bytes.Buffer, o Options) {
		p := months(36)
		List(w, []RunInfo{Info(finished(p).state(), p, StatusOptions{}), Info(diskFull(p).state(), p, StatusOptions{}),
			{Run: "r10", State: view.Interrupted, Total: 36, StartedAt: noon.AddDate(0, -6, 0), Next: "hindcast resume r10"}, overtaken(p)}, o)
	},
	"list_none": func(w *bytes.Buffer, o Options) { List(w, nil, o) },
	"table":     func(w *bytes.Buffer, o Options) { Table(w, tableColumns, tableValues(), TableOptions{o, true}) },
}

// resumed is a run that was killed after ten slices and resumed an hour later.
func resumed(p *plan.Plan) *script {
	keys := runKeys(p)
	s := newScript("r8", len(keys))
	for _, key := range keys[:10] {
		s.do(key, 1)
	}
	s.wait(time.Hour)
	s.add(hindcast.Event{Type: hindcast.EventRunResumed, Pid: 4343, Host: "crunch"})
	for _, key := range keys[10:] {
		s.do(key, 1)
	}
	s.end(hindcast.ExitOK, nil, nil)
	return s
}

// overtaken is a run whose slices a later one has published.
func overtaken(p *plan.Plan) RunInfo {
	info := Info(diskFull(p).state(), p, StatusOptions{})
	info.Run, info.StartedAt = "r7", noon.AddDate(0, -7, 0)
	info.Refuse("superseded by r8", "hindcast run")
	return info
}

func stopping() *script {
	s := underWay(months(36))
	s.add(hindcast.Event{Type: hindcast.EventStopRequested, Message: "Ctrl-C"})
	return s
}

func hourly() (*plan.Plan, *script) {
	p := history("clicks", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), hindcast.Period{N: 1, Unit: hindcast.Hours}, 72)
	s := newScript("r3", 72)
	for i := range 30 {
		s.do(p.Items[i].Slice.Key, 1)
	}
	s.step(p.Items[30].Slice.Key, 1, hindcast.StepUnload)
	return p, s
}

func report(w *bytes.Buffer, o Options, p *plan.Plan, s *script) {
	Report(w, s.state(), p, ReportOptions{Options: o, Log: "/home/ana/costs/lake/_hindcast/runs/" + s.run + "/log"})
}

// frames shows the last frame of a board that was drawn after every event, as a terminal shows it.
func frames(w *bytes.Buffer, o Options, p *plan.Plan, s *script, height int) {
	o.Height = height
	now := noon
	o.Clock = func() time.Time { return now }
	var out bytes.Buffer
	b := NewBoard(&out, o, p)
	for i, e := range s.events {
		now = e.Time
		b.Event(e)
		if i%10 == 0 && len(s.events) < 1000 {
			b.Draw()
		}
	}
	now = s.now.Add(time.Second)
	b.Draw()
	for _, line := range b.canvas.lines {
		fmt.Fprintln(w, line)
	}
}

var tableColumns = []hindcast.Column{{Name: "usage_month", Type: "DATE"}, {Name: "account_id", Type: "VARCHAR"},
	{Name: "net_cost", Type: "DECIMAL(18,6)"}, {Name: "note", Type: "VARCHAR"}, {Name: "tags", Type: "VARCHAR[]"}, {Name: "n", Type: "BIGINT"}}

func tableValues() [][]*string {
	text := func(s string) *string { return &s }
	return [][]*string{
		{text("2019-03-01"), text("a-17"), text("1204118.200000"), text("費用の合計は請求書と一致しています"), text("[a, b]"), text("1")},
		{text("2019-03-01"), text("a-3"), text("-6.000000"), nil, text("[]"), text("22")},
		{text("2019-03-01"), text("x\x1b[31m\ny"), nil, text(strings.Repeat("long ", 40)), nil, text("333")},
	}
}

func options(width int) Options {
	return Options{Width: width, Height: 24, Unicode: true, Now: noon.Add(time.Hour), Dir: "/home/ana/costs"}
}

func TestGolden(t *testing.T) {
	for name, show := range screens {
		for _, width := range []int{40, 80, 120} {
			t.Run(fmt.Sprintf("%s_%d", name, width), func(t *testing.T) {
				var got bytes.Buffer
				show(&got, options(width))
				golden(t, fmt.Sprintf("%s_%d.txt", name, width), got.Bytes())
			})
		}
	}
}

func TestGoldenASCII(t *testing.T) {
	for name, show := range screens {
		o := options(80)
		o.Unicode = false
		var got bytes.Buffer
		show(&got, o)
		golden(t, name+"_ascii.txt", got.Bytes())
		if name == "table" { // the user's own values stay
			continue
		}
		for _, r := range got.String() {
			if r > 126 {
				t.Errorf("%s: %q is not ASCII", name, r)
			}
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -update rewrites it\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

// No line of any screen is wider than the screen, in colour or without, at any width that is in use.
func TestFits(t *testing.T) {
	for name, show := range screens {
		for width := 24; width <= 132; width += 9 {
			for _, color := range []bool{false, true} {
				o := options(width)
				o.Color = color
				var got bytes.Buffer
				show(&got, o)
				for _, line := range strings.Split(strings.TrimSuffix(got.String(), "\n"), "\n") {
					if cells(line) > width {
						t.Errorf("%s: %d cells on a width of %d: %q", name, cells(line), width, line)
					}
				}
			}
		}
	}
}

// Colour only repeats what the text says.
func TestColorAddsNothing(t *testing.T) {
	for name, show := range screens {
		o := options(80)
		var plainText, colored bytes.Buffer
		show(&plainText, o)
		o.Color = true
		show(&colored, o)
		if got := uncolored(colored.String()); got != plainText.String() {
			t.Errorf("%s: without its colour:\n%s\nwant:\n%s", name, got, plainText.String())
		}
	}
}

func uncolored(s string) string {
	var b strings.Builder
	for s != "" {
		text, _, rest := nextColor(s)
		b.WriteString(text)
		s = rest
	}
	return b.String()
}

// Control characters in what comes from outside never reach the terminal.
func TestNoControlCharacters(t *testing.T) {
	for name, show := range screens {
		var got bytes.Buffer
		show(&got, options(80))
		if strings.ContainsAny(got.String(), "\x1b\r\t\x00") {
			t.Errorf("%s holds control characters: %q", name, got.String())
		}
	}
}
