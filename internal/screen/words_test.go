package screen

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

func TestNumbers(t *testing.T) {
	year := noon.AddDate(-1, 0, 0)
	for _, c := range []struct{ got, want string }{
		{rows(1), "1 row"}, {rows(0), "0 rows"}, {rows(-1), "unknown rows"},
		{watch(1600 * time.Millisecond), "0:02"}, {watch(171 * time.Second), "2:51"}, {watch(3723 * time.Second), "1:02:03"}, {watch(-1), "0:00"},
		{spoken(340 * time.Millisecond), "0.3 s"}, {spoken(9960 * time.Millisecond), "10 s"}, {spoken(160 * time.Second), "2 min 40 s"},
		{spoken(2 * time.Minute), "2 min"}, {spoken(65 * time.Minute), "1 h 5 min"}, {spoken(51 * time.Hour), "2 d 3 h"},
		{date(noon, noon), "12 May"}, {date(year, noon), "12 May 2025"}, {moment(noon, noon), "12:00"}, {moment(year, noon), "12 May 2025 12:00"},
		{rate(41_203_118, 171*time.Second), "14.5 M rows/min"}, {rate(5, 0), ""},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestKeys(t *testing.T) {
	months := view.NewKeys(nil, []string{"2020-05-01", "2020-07-01"})
	if got := months.Short("2020-05-01"); got != "2020-05" {
		t.Errorf("months: %q", got)
	}
	for _, other := range [][]string{{"2020-05-01", "2020-05-02"}, {"2020-05-01T00:00+02:00"}, nil} {
		if got := view.NewKeys(nil, other).Short("2020-05-01"); got != "2020-05-01" {
			t.Errorf("%v: %q", other, got)
		}
	}
	days := history("days", noon, hindcast.Period{N: 1, Unit: hindcast.Days}, 1)
	if got := view.NewKeys(days, []string{"2020-05-01"}).Short("2020-05-01"); got != "2020-05-01" {
		t.Errorf("a day that begins a month: %q, which --slices would take for the month", got)
	}
	all := []string{"a", "b", "c", "d", "e", "f", "g"}
	got := strings.Join(view.Keys{}.Ranges([]string{"a", "b", "d", "e", "f"}, view.Follows(all), "…"), ", ")
	if got != "a, b, d … f" {
		t.Errorf("ranges: %q", got)
	}
}

// What a person may copy stands on one line, where it fits.
func TestCommandsAreNotBroken(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"see how it stands: hindcast status r8; or end it: hindcast stop r8", 30, []string{"  see how it stands:", "  hindcast status r8; or end", "  it: hindcast stop r8"}},
		{"it takes that (--engine duckdb) or that", 28, []string{"  it takes that", "  (--engine duckdb) or that"}},
		{"then: hindcast run --slices '2019-03, 2019-05' --force", 52, []string{"  then:", "  hindcast run --slices '2019-03, 2019-05' --force"}},
		{"then: hindcast run --slices 2019-03 --force", 20, []string{"  then: hindcast run", "  --slices 2019-03", "  --force"}}, // it does not fit
	} {
		if got := wrap("  ", "  ", c.text, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%d cells: %q, want %q", c.width, got, c.want)
		}
	}
}

// The commands of a text are of the pipeline that is not the default one, wherever they stand in it.
func TestCommands(t *testing.T) {
	if got := (Options{File: "b.yml", Engine: "spark"}).Commands("hindcast plan --engine duckdb"); got != "hindcast plan --file b.yml --engine duckdb" {
		t.Errorf("another engine than the run's: %q", got)
	}

	const text = "`hindcast verify --files` names them; then: hindcast unload --force --slices a && hindcast run, or hindcast init, hindcast is"
	if got := (Options{}).Commands(text); got != text {
		t.Errorf("the default file: %q", got)
	}
	const want = "`hindcast verify --file 'my $b.yml' --files` names them; then: hindcast unload --file 'my $b.yml' --force --slices a" +
		" && hindcast run --file 'my $b.yml', or hindcast init, hindcast is"
	if got := (Options{File: "my $b.yml"}).Commands(text); got != want {
		t.Errorf("another file: %q", got)
	}
	const held = "hindcast diff r1, hindcast publish r1 --discard, hindcast undo r1, hindcast why 2024, hindcast trial, hindcast resize, hindcast ddl hive"
	if got := (Options{Environment: "prod"}).Commands(held); got != strings.NewReplacer("diff", "diff --env prod", "publish", "publish --env prod", "undo", "undo --env prod",
		"why", "why --env prod", "trial", "trial --env prod", "resize", "resize --env prod", "ddl", "ddl --env prod").Replace(held) {
		t.Errorf("another environment: %q", got)
	}
}

// A resume keeps to the plan: it is proposed where the plan stays right, and a new run where the file or the SQL may change.
func TestNextOfFailures(t *testing.T) {
	for code, want := range map[hindcast.Code]string{
		hindcast.EType: "mend it, then: hindcast run", hindcast.ETarget: "mend it, then: hindcast run", hindcast.ESQL: "mend it, then: hindcast run",
		hindcast.EMemory:   "mend it, then: hindcast run",
		hindcast.EDiskFull: "mend it, then: hindcast resume r9", hindcast.EUnreachable: "mend it, then: hindcast resume r9",
		hindcast.EPermission: "mend it, then: hindcast resume r9", hindcast.EWarehouseBusy: "mend it, then: hindcast resume r9",
	} {
		p := months(5)
		key := running(p)[0].Slice.Key
		st := &hindcast.RunState{Run: "r9"}
		st.Apply(hindcast.Event{Type: hindcast.EventFailed, Slice: key, Attempt: 1, Error: &hindcast.Error{Code: code, Next: "mend it"}})
		if got := afterwards(view.NewTally(st, p)); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}

		st.Apply(hindcast.Event{Type: hindcast.EventCommitted, Slice: running(p)[1].Slice.Key, Attempt: 1})
		got, accepts := afterwards(view.NewTally(st, p)), code == hindcast.ESQL
		if got[0] != want || accepts != (len(got) == 2 && strings.HasSuffix(got[1], ": hindcast resume r9 --accept-new-sql")) {
			t.Errorf("%s, with a slice that is done: %q", code, got)
		}
	}
}

// Wrapping loses no word and keeps to the width.
func TestWrap(t *testing.T) {
	text := "the quick 費用の合計は請求書 fox " + strings.Repeat("x", 90) + " jumps"
	for width := 10; width < 130; width++ {
		lines := wrap("E-CODE  ", "  ", text, width)
		for _, line := range lines {
			if cells(line) > width {
				t.Errorf("%d cells on %d: %q", cells(line), width, line)
			}
		}
		joined := strings.NewReplacer(" ", "", "\n", "").Replace(strings.Join(lines, ""))
		if want := strings.ReplaceAll("E-CODE"+text, " ", ""); joined != want {
			t.Errorf("width %d: %q, want %q", width, joined, want)
		}
	}
}

func TestClipClosesColor(t *testing.T) {
	got := clip("\x1b[31mabcdef\x1b[0mgh", 4, true)
	if got != "\x1b[31mabc…\x1b[0m" {
		t.Errorf("%q", got)
	}
}

const linesWant = `12:00:00 r8 started: 32 slices
12:00:00 dimension accounts unloaded: 2,001 rows
12:00:00 2016-03 attempt 1 started: unload
12:00:02 2016-03 unload failed (transient: connection reset), attempt 2 in 1 s
12:00:03 2016-03 attempt 2 started: transform
12:00:09 2016-03 committed 34,118 rows in 6.5 s (transform 5 s, load 1.5 s)
12:00:10 2016-09 skipped: unchanged since r7
12:00:10 2017-01 attempt 1 started: transform
12:00:40 2/32 slices, ETA –: 2017-01 transform for 0:30 (40 %, 12.3 MB written)
12:01:09 2017-01 failed for good after attempt 1 (resource: /data is full: 214 MB needed, 3 MB free)
12:01:09 2017-05 failed for good (resource: /data is full: 214 MB needed, 3 MB free)
12:01:09 worker died: exit status 137
12:01:09 stopping: 2017-01 failed
12:01:09 2017-03 stopped
12:01:09 r8 finished: 2/32 slices done, exit 2
`

func TestLines(t *testing.T) {
	var out bytes.Buffer
	s := newScript("r8", 32)
	o := options(0)
	o.Clock = func() time.Time { return s.now }
	l := NewLines(&out, o, months(36))
	feed := func() {
		for _, e := range s.events {
			l.Event(e)
		}
		s.events = nil
	}
	s.add(hindcast.Event{Type: hindcast.EventDimension, Manifest: &hindcast.Manifest{Name: "accounts", Sums: hindcast.Sums{Rows: 2001}}})
	s.step("2016-03-01", 1, hindcast.StepUnload)
	s.wait(2 * time.Second)
	s.fails("2016-03-01", 1, hindcast.StepUnload, reset, 1)
	s.wait(time.Second)
	s.do("2016-03-01", 2)
	s.wait(time.Second / 2)
	s.add(hindcast.Event{Type: hindcast.EventSkipped, Slice: "2016-09-01", Message: "unchanged\nsince r7"})
	s.step("2017-01-01", 1, hindcast.StepTransform)
	s.add(hindcast.Event{Type: hindcast.EventProgress, Slice: "2017-01-01", Attempt: 1, Step: hindcast.StepTransform,
		Progress: &hindcast.Progress{Done: 0.4, Bytes: 12_300_000}})
	for _, e := range s.events {
		s.now = e.Time // the display's clock goes with the events
		l.Event(e)
	}
	s.events = nil
	s.wait(29 * time.Second)
	l.tick()
	s.wait(time.Second)
	l.tick()
	s.wait(29 * time.Second)
	l.tick()
	s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: "2017-01-01", Attempt: 1, Error: full})
	s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: "2017-05-01", Error: full}) // outside of any attempt
	s.add(hindcast.Event{Type: hindcast.EventWorkerDied, Message: "exit status 137"})
	s.add(hindcast.Event{Type: hindcast.EventStopRequested, Message: "2017-01 failed"})
	s.add(hindcast.Event{Type: hindcast.EventStopped, Slice: "2017-03-01"})
	s.end(hindcast.ExitFailed, nil, nil)
	feed()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != linesWant {
		t.Errorf("got\n%s\nwant\n%s", out.String(), linesWant)
	}
}

// A stop costs no attempt: a resume begins with the first again, and what it goes on with keeps its number.
func TestAttemptsAreCountedFromTheResume(t *testing.T) {
	var out bytes.Buffer
	p := months(36)
	keys := runKeys(p)
	s := newScript("r8", 32)
	s.step(keys[0], 1, hindcast.StepUnload)
	s.step(keys[1], 1, hindcast.StepTransform)
	s.add(hindcast.Event{Type: hindcast.EventStopRequested, Message: "Ctrl-C"})
	s.add(hindcast.Event{Type: hindcast.EventStopped, Slice: keys[0], Attempt: 1})
	s.end(hindcast.ExitStopped, nil, nil)
	s.add(hindcast.Event{Type: hindcast.EventRunResumed})
	from := len(s.events)
	s.step(keys[0], 2, hindcast.StepUnload)
	s.fails(keys[0], 2, hindcast.StepUnload, reset, 1)
	s.step(keys[0], 3, hindcast.StepUnload)
	s.add(hindcast.Event{Type: hindcast.EventFailed, Slice: keys[0], Attempt: 3, Error: reset})
	s.step(keys[1], 1, hindcast.StepTransform) // an application had it

	l := NewLines(&out, options(0), p)
	for i, e := range s.events {
		if i < from {
			l.Past(e)
		} else {
			l.Event(e)
		}
	}
	want := `12:00:00 2016-03 attempt 1 started: unload
12:00:00 2016-03 unload failed (transient: connection reset), attempt 2 in 1 s
12:00:00 2016-03 attempt 2 started: unload
12:00:00 2016-03 failed for good after attempt 2 (transient: connection reset)
12:00:00 2016-09 attempt 1 started: transform
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}

	status := NewRunStatus(s.state(), p, StatusOptions{Options: options(0), Alive: true})
	for _, slice := range status.Slices {
		if slice.Key == keys[0] && (slice.Attempt != 3 || slice.Tries != 2) || slice.Key == keys[1] && (slice.Attempt != 1 || slice.Tries != 1) {
			t.Errorf("%+v", slice)
		}
	}
}

// Of slices that are loaded alone because they failed together the first one's line says why.
func TestWhySlicesAreLoadedAlone(t *testing.T) {
	var out bytes.Buffer
	p := months(36)
	keys := runKeys(p)[:3]
	s := newScript("r8", 32)
	for _, key := range keys {
		s.step(key, 1, hindcast.StepLoad)
	}
	for _, key := range keys {
		s.add(hindcast.Event{Type: hindcast.EventStepStarted, Slice: key, Attempt: 2, Step: hindcast.StepLoad, Message: "alone, since it was not published with others (transient: connection reset)"})
	}

	l := NewLines(&out, options(0), p)
	for _, e := range s.events {
		l.Event(e)
	}
	want := `12:00:00 r8 started: 32 slices
12:00:00 2016-03 attempt 1 started: load
12:00:00 2016-09 attempt 1 started: load
12:00:00 2017-01 attempt 1 started: load
12:00:00 2016-03 attempt 2 started: load alone, since it was not published with others (transient: connection reset)
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	j := NewJSONLines(&out)
	s := underWay(months(36))
	east := time.FixedZone("east", 7200)
	for _, e := range s.events {
		e.Time = e.Time.In(east)
		j.Event(e)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&out)
	for i, want := range s.events {
		var got struct {
			Time string
			Type hindcast.EventType
			Seq  int64
		}
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got.Time != want.Time.Format(time.RFC3339Nano) || got.Type != want.Type || got.Seq != int64(i+1) {
			t.Errorf("line %d: %+v, want %+v", i, got, want)
		}
	}
	if dec.More() {
		t.Error("more lines than events")
	}
}

func TestErrorJSON(t *testing.T) {
	var out bytes.Buffer
	if err := ErrorJSON(&out, userErrors()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], `{"type":"error","error":{"code":"E-SQL-COLUMN","class":"permanent",`) ||
		!strings.Contains(lines[2], `"code":"E-INTERNAL"`) {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	Error(&out, errors.Join(nil), options(80))
	if out.Len() > 0 {
		t.Errorf("no error was shown as %q", out.String())
	}
}

// On a terminal CSV and JSON hold nothing that it would obey; elsewhere every byte is as it is.
func TestTablesOnATerminal(t *testing.T) {
	harmful := "a\x1b[2Jb\u009b\x7f\tc\nd"
	columns := []hindcast.Column{{Name: "x\x1b", Type: "VARCHAR"}}
	for terminal, want := range map[bool][2]string{
		true:  {"x?\n\"a?[2Jb??\tc\nd\"\n", `{"x\u001b":"a\u001b[2Jb??\tc\nd"}` + "\n"},
		false: {"x\x1b\n\"" + harmful + "\"\n", `{"x\u001b":"a\u001b[2Jb` + "\u009b\x7f" + `\tc\nd"}` + "\n"},
	} {
		var asCSV, asJSON bytes.Buffer
		if err := CSV(&asCSV, columns, [][]*string{{&harmful}}, terminal); err != nil || asCSV.String() != want[0] {
			t.Errorf("CSV on a terminal (%v): %q, %v", terminal, asCSV.String(), err)
		}
		if err := JSON(&asJSON, columns, [][]*string{{&harmful}}, terminal); err != nil || asJSON.String() != want[1] {
			t.Errorf("JSON on a terminal (%v): %q, %v", terminal, asJSON.String(), err)
		}
	}
}

func TestTableForPrograms(t *testing.T) {
	var asCSV, asJSON bytes.Buffer
	text := func(s string) *string { return &s }
	columns := []hindcast.Column{{Name: "n", Type: "DECIMAL(38,6)"}, {Name: "d", Type: "DOUBLE"}, {Name: "b", Type: "BOOLEAN"}, {Name: `s"`, Type: "VARCHAR"}}
	values := [][]*string{{text("12345678901234567890.000001"), text("nan"), text("true"), text("a,<b>\n")}, {nil, text("1.5"), nil, text("")}}
	if err := CSV(&asCSV, columns, values, false); err != nil {
		t.Fatal(err)
	}
	if err := JSON(&asJSON, columns, values, false); err != nil {
		t.Fatal(err)
	}
	wantCSV := "n,d,b,\"s\"\"\"\n12345678901234567890.000001,nan,true,\"a,<b>\n\"\n,1.5,,\n"
	wantJSON := `{"n":12345678901234567890.000001,"d":"nan","b":true,"s\"":"a,<b>\n"}` + "\n" + `{"n":null,"d":1.5,"b":null,"s\"":""}` + "\n"
	if asCSV.String() != wantCSV {
		t.Errorf("CSV %q, want %q", asCSV.String(), wantCSV)
	}
	if asJSON.String() != wantJSON {
		t.Errorf("JSON %s, want %s", asJSON.String(), wantJSON)
	}
}

func TestRunStatus(t *testing.T) {
	p := months(36)
	s := NewRunStatus(diskFull(p).state(), p, StatusOptions{Options: options(80)})
	if s.State != view.Failed || s.Total != 32 || s.Done != 24 || *s.ExitCode != 2 || len(s.Slices) != 36 ||
		len(s.Errors) != 1 || len(s.Errors[0].Attempts["2019-03-01"]) != 11 || s.Next != "free space, then: hindcast resume r9" {
		t.Errorf("%+v", s)
	}
	st := underWay(p).state()
	for alive, want := range map[bool]string{true: view.Running, false: view.Interrupted} {
		if got := NewRunStatus(st, p, StatusOptions{Alive: alive}).State; got != want {
			t.Errorf("alive %v: %s, want %s", alive, got, want)
		}
	}

	heard := noon.Add(time.Minute)
	dead := NewRunStatus(st, p, StatusOptions{Options: options(80), Heard: heard})
	if dead.Counts["running"]+dead.Counts["retrying"] > 0 || dead.Counts["interrupted"] != 3 || !dead.HeardAt.Equal(heard) {
		t.Errorf("%v, heard of at %v", dead.Counts, dead.HeardAt)
	}
	for _, slice := range dead.Slices {
		if (slice.State == view.Interrupted) != (slice.Resume != "") {
			t.Errorf("%+v", slice)
		}
	}
	refused := NewRunStatus(st, p, StatusOptions{Options: options(80), Heard: heard, Refused: "superseded by r9"})
	for _, slice := range refused.Slices {
		if slice.Resume != "" {
			t.Errorf("a resume would be refused: %+v", slice)
		}
	}
	var out bytes.Buffer
	if err := s.WriteJSON(&out); err != nil || !json.Valid(out.Bytes()) {
		t.Errorf("%v %s", err, out.String())
	}
}

func TestDetect(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, c := range []struct {
		env     map[string]string
		unicode bool
	}{
		{nil, false},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.utf8", "LC_ALL": "C"}, false},
		{map[string]string{"LC_CTYPE": "en_US.UTF-8", "LANG": "C"}, true},
	} {
		o, terminal := Detect(file, func(name string) string { return c.env[name] })
		if terminal || o.Color || o.Width != 0 || o.Unicode != c.unicode {
			t.Errorf("%v: terminal %v, %+v", c.env, terminal, o)
		}
	}
}

func TestWhatAPlanCosts(t *testing.T) {
	rate := hindcast.Rate{Each: 150, Unit: "DPU", Class: "STANDARD", Minimum: 60, USD: 0.44, Region: "us-east-1", Date: "2026-11-22"}
	unknown := rate
	unknown.USD, unknown.Unknown = 0, "nobody says it"
	for want, c := range map[string]plan.Cost{
		"2,700 DPU-hours, $1,188.00 at $0.44 (STANDARD in us-east-1 on 2026-11-22); 36 runs of 150 DPU, 30 min each": {Rate: rate, Runs: 36, Seconds: 1800, Least: 90, Hours: 2700, USD: 1188},
		"16 vCPU-hours, $1.21 at $0.07574 (memory included, in us-east-1 on 2026-08-13); 2 runs of 16 vCPU, 30 min each": {
			Rate: hindcast.Rate{Each: 16, Unit: hindcast.VCPU, USD: 0.075738, Region: "us-east-1", Date: "2026-08-13"}, Runs: 2, Seconds: 1800, Least: 1, Hours: 16, USD: 1.2118},
		"at least 90 DPU-hours, $39.60 at $0.44 (STANDARD in us-east-1 on 2026-11-22); 36 runs of 150 DPU, a minute each": {Rate: rate, Runs: 36, Least: 90},
		"at least 2.5 DPU-hours; the price is not known: nobody says it; 1 run of 150 DPU, a minute each":                 {Rate: unknown, Runs: 1, Least: 2.5},
	} {
		if got := costs(&c); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
