package eventschema

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

var at = time.Date(2026, 5, 3, 12, 4, 7, 250_000_000, time.UTC)

func manifest() *hindcast.Manifest {
	return &hindcast.Manifest{
		Name: "billing", Key: "2019-03-01", Generation: 1, Source: "billing_2019_03", Run: "r8", Attempt: 1,
		Interval:  hindcast.Interval{Start: at.AddDate(-7, 0, 0), End: at.AddDate(-7, 2, 0)},
		Columns:   []hindcast.Column{{Name: "cost", Type: "DECIMAL(18,6)", Source: "numeric(18,6)", NotNull: true}},
		Files:     []hindcast.File{{Path: "facts/billing/a.parquet", Rows: 10, Bytes: 400, SHA256: strings.Repeat("0f", 32), CRC32C: "0a1b2c3d4e5f6071"}},
		Bytes:     400,
		Sums:      hindcast.Sums{Rows: 10, Content: "9c1f", Totals: map[string]string{"cost": "-12.500000"}},
		CreatedAt: at,
	}
}

// samples holds one event of each type, with every field that the type may carry.
func samples() map[hindcast.EventType]hindcast.Event {
	code := hindcast.ExitUnknown
	until := at.Add(time.Hour)
	failure := &hindcast.Error{Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Message: "no column costs",
		Place: hindcast.Place{File: "a.sql", Line: 3, Column: 8}, Excerpt: "  SELECT costs\n", Detail: []string{"cost"}, Next: "mend it"}
	events := map[hindcast.EventType]hindcast.Event{
		hindcast.EventRunStarted: {Total: 36, UpToDate: 35, Engine: "duckdb", Fence: 1, Pid: 7, Host: "here",
			Moved:  []hindcast.Moved{{Name: "billing", Slices: []string{"2019-03-01"}, Why: "62 rows at the source, 60 in the lake"}},
			Copies: &hindcast.Ages{Oldest: time.Unix(1, 0).UTC(), Newest: time.Unix(2, 0).UTC()}},
		hindcast.EventRunResumed:  {Fence: 2, Pid: 8, Host: "here", Slices: []string{"2019-03-01"}},
		hindcast.EventStepStarted: {Slice: "2019-03-01", Attempt: 1, Step: hindcast.StepUnload, Fact: "billing"},
		hindcast.EventStepFinished: {Slice: "2019-03-01", Attempt: 1, Step: hindcast.StepTransform, Rows: 10, Bytes: 4, RowsIn: 90, BytesIn: 80, Seconds: 0.5, Memory: 9, Spilled: 5, Manifest: manifest(),
			Strays: []hindcast.Stray{{Fact: "billing", Source: "b/*.parquet", Time: "day", Strays: hindcast.Strays{NoTime: 2, Outside: 3}, Estimate: true}}},
		hindcast.EventUnloadWaits: {Slice: "2019-03-01", Attempt: 1, Step: hindcast.StepUnload, Fact: "billing", Message: "run r1 of shop is unloading 2019-03 of billing_2019_03"},
		hindcast.EventProgress: {Slice: "2019-03-01", Attempt: 1, Step: hindcast.StepTransform,
			Progress: &hindcast.Progress{Done: 0.25, Rows: 7, Bytes: 4, Spilled: 1, Stage: 2, Tasks: 8, TasksDone: 2, Hours: 1.5, USD: 0.66}},
		hindcast.EventFingerprint:  {Slice: "2019-03-01", Attempt: 1, Fingerprint: "5e2d"},
		hindcast.EventWorkPrepared: {Slice: "2019-03-01", Attempt: 1, Fence: 8, Fingerprint: "5e2d", Handle: &hindcast.Handle{Tag: "billing/r8/2019-03-01/a1"}},
		hindcast.EventWorkStarted: {Slice: "2019-03-01", Attempt: 1,
			Handle: &hindcast.Handle{Tag: "billing/r8/2019-03-01/a1", IDs: map[string]string{"application": "app-20261129120000-0007"}}},
		hindcast.EventWorkBilled: {Slice: "2019-03-01", Attempt: 1, Output: "daily", Bill: &hindcast.Bill{Runs: 2, Unit: "DPU", Hours: 1.5, USD: 0.66, Reckoned: true}},
		hindcast.EventStaged:     {Slice: "2019-03-01", Attempt: 1, Rows: 10},
		hindcast.EventHeld: {Slice: "2019-03-01", Attempt: 1, Before: []hindcast.Before{{Target: "mart.cost_summary", Publication: "r7", Fingerprint: "5e2d",
			Columns: []hindcast.Column{{Name: "net_cost", Type: "DECIMAL(18,6)"}}, Sums: hindcast.Sums{Rows: 9, Content: "values:3f", Totals: map[string]string{"net_cost": "1.5"}}}}},
		hindcast.EventDiscarded:      {Slice: "2019-03-01", Attempt: 1, Message: "discarded by ana"},
		hindcast.EventLoadPrepared:   {Slice: "2019-03-01", Attempt: 1, Fingerprint: "5e2d"},
		hindcast.EventCommitted:      {Slice: "2019-03-01T04:00-05:00", Attempt: 1, Rows: 10},
		hindcast.EventSkipped:        {Slice: "2019-03-01", Message: "up to date"},
		hindcast.EventAttemptFailed:  {Slice: "2019-03-01", Attempt: 1, Step: hindcast.StepLoad, Error: failure, Seconds: 1.5},
		hindcast.EventFailed:         {Slice: "2019-03-01", Attempt: 11, Error: failure},
		hindcast.EventStopped:        {Slice: "2019-03-01", Attempt: 1, Message: "hindcast stop by ana"},
		hindcast.EventStopRequested:  {Message: "SIGINT"},
		hindcast.EventWorkerDied:     {Message: "worker 1 (pid 12): signal killed", Pid: 12},
		hindcast.EventDimension:      {Manifest: &hindcast.Manifest{Name: "accounts", Key: "all", Generation: 3, CreatedAt: at}},
		hindcast.EventResizePrepared: {Resize: &hindcast.Sizing{Cluster: "dw", Region: "eu-central-1", From: 4, To: 8, Shared: []string{"run r1 of pipeline other"}}},
		hindcast.EventResized:        {Resize: &hindcast.Sizing{Workgroup: "etl", From: 256, To: 32, Back: true}, Seconds: 412.5, Fence: 9, Pid: 8, Host: "here"},
		hindcast.EventResizeFailed:   {Resize: &hindcast.Sizing{Cluster: "dw", From: 4, To: 8}, Seconds: 3600, Error: failure},
		hindcast.EventRunWaiting:     {Until: &until},
		hindcast.EventRunGoesOn:      {},
		hindcast.EventSQLAccepted:    {Message: "accepted by ana on crunch at 2026-11-30T08:12:10Z"},
		hindcast.EventRunFinished: {ExitCode: &code, Message: "1 slice of the run was not asked for", Counts: map[hindcast.State]int{hindcast.Succeeded: 35, hindcast.Failed: 1},
			Billed: []hindcast.Bill{{Runs: 36, Unit: "M-DPU", Hours: 2700}},
			Dead:   []string{"worker 12"}, Unconfirmed: []string{"worker 13"}},
	}
	for kind, event := range events {
		event.V, event.Seq, event.Time, event.Run, event.Type = hindcast.EventVersion, 1, at, "r8", kind
		events[kind] = event
	}

	return events
}

func line(t *testing.T, event hindcast.Event) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryTypeIsAccepted(t *testing.T) {
	for kind, event := range samples() {
		t.Run(string(kind), func(t *testing.T) {
			if err := Validate(append(line(t, event), '\n')); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEnumIsTheEventTypes(t *testing.T) {
	want := slices.Sorted(maps.Keys(samples()))
	var got []hindcast.EventType
	for _, kind := range schema(t)["properties"].(map[string]any)["type"].(map[string]any)["enum"].([]any) {
		got = append(got, hindcast.EventType(kind.(string)))
	}

	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the schema's types are %v, the samples' are %v", got, want)
	}
}

func TestWrongEventsAreRefused(t *testing.T) {
	base := samples()
	change := func(kind hindcast.EventType, edit func(*hindcast.Event)) string {
		event := base[kind]
		edit(&event)
		return string(line(t, event))
	}

	good := string(line(t, base[hindcast.EventCommitted]))
	cases := map[string]string{
		"empty":                                 "",
		"not JSON":                              "r8 done",
		"two values":                            good + " {}",
		"not an object":                         "[]",
		"unknown field":                         strings.Replace(good, `{`, `{"colour":"red",`, 1),
		"unknown type":                          change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Type = "published" }),
		"other version":                         change(hindcast.EventCommitted, func(e *hindcast.Event) { e.V = 2 }),
		"no number":                             change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Seq = 0 }),
		"no run":                                change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Run = "" }),
		"local time":                            change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Time = at.In(time.FixedZone("", 3600)) }),
		"no time":                               strings.Replace(good, "2026-05-03T12", "2026-05-03 12", 1),
		"slice's key":                           change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Slice = "2019-03" }),
		"committed nothing":                     change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Slice = "" }),
		"held, and no word of what stood there": change(hindcast.EventHeld, func(e *hindcast.Event) { e.Before = nil }),
		"staged before":                         change(hindcast.EventStaged, func(e *hindcast.Event) { e.Before = base[hindcast.EventHeld].Before }),
		"slice of a run":                        change(hindcast.EventRunStarted, func(e *hindcast.Event) { e.Slice = "2019-03-01" }),
		"failed, no error":                      change(hindcast.EventFailed, func(e *hindcast.Event) { e.Error = nil }),
		"error's class":                         change(hindcast.EventFailed, func(e *hindcast.Event) { e.Error = &hindcast.Error{Code: "E-X", Message: "m"} }),
		"error's code":                          change(hindcast.EventFailed, func(e *hindcast.Event) { e.Error = &hindcast.Error{Code: "x", Class: "check", Message: "m"} }),
		"committed an error":                    change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Error = base[hindcast.EventFailed].Error }),
		"step":                                  change(hindcast.EventStepStarted, func(e *hindcast.Event) { e.Step = "stage" }),
		"no step":                               change(hindcast.EventStepStarted, func(e *hindcast.Event) { e.Step = "" }),
		"waits for nobody":                      change(hindcast.EventUnloadWaits, func(e *hindcast.Event) { e.Message = "" }),
		"no progress":                           change(hindcast.EventProgress, func(e *hindcast.Event) { e.Progress = nil }),
		"no manifest":                           change(hindcast.EventStepFinished, func(e *hindcast.Event) { e.Manifest = nil }),
		"no fingerprint":                        change(hindcast.EventLoadPrepared, func(e *hindcast.Event) { e.Fingerprint = "" }),
		"started, no handle":                    change(hindcast.EventWorkStarted, func(e *hindcast.Event) { e.Handle = nil }),
		"handle of a load":                      change(hindcast.EventLoadPrepared, func(e *hindcast.Event) { e.Handle = base[hindcast.EventWorkStarted].Handle }),
		"billed, no bill":                       change(hindcast.EventWorkBilled, func(e *hindcast.Event) { e.Bill = nil }),
		"bill of a commit":                      change(hindcast.EventCommitted, func(e *hindcast.Event) { e.Bill = &hindcast.Bill{Unit: "DPU"} }),
		"handle, no tag":                        change(hindcast.EventWorkStarted, func(e *hindcast.Event) { e.Handle = &hindcast.Handle{} }),
		"skipped silently":                      change(hindcast.EventSkipped, func(e *hindcast.Event) { e.Message = "" }),
		"stop without who":                      change(hindcast.EventStopRequested, func(e *hindcast.Event) { e.Message = "" }),
		"finished, no code":                     change(hindcast.EventRunFinished, func(e *hindcast.Event) { e.ExitCode = nil }),
		"early exit code":                       change(hindcast.EventStopped, func(e *hindcast.Event) { e.ExitCode = new(int) }),
		"slices of no run":                      change(hindcast.EventStopped, func(e *hindcast.Event) { e.Slices = []string{"2019-03-01"} }),
		"state":                                 change(hindcast.EventRunFinished, func(e *hindcast.Event) { e.Counts = map[hindcast.State]int{"done": 1} }),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if Validate([]byte(text)) == nil {
				t.Errorf("accepted %s", text)
			}
		})
	}
}

// TestFieldsAreTheStructs keeps the schema's fields and the JSON fields of the Go types equal, in both directions.
func TestFieldsAreTheStructs(t *testing.T) {
	root := schema(t)
	defs := root["$defs"].(map[string]any)
	pairs := map[string]struct {
		object any
		goType reflect.Type
	}{
		"event":    {root, reflect.TypeFor[hindcast.Event]()},
		"manifest": {defs["manifest"], reflect.TypeFor[hindcast.Manifest]()},
		"error":    {defs["error"], reflect.TypeFor[hindcast.Error]()},
		"place":    {defs["place"], reflect.TypeFor[hindcast.Place]()},
		"column":   {defs["column"], reflect.TypeFor[hindcast.Column]()},
		"declared": {defs["declared"], reflect.TypeFor[hindcast.Declared]()},
		"file":     {defs["file"], reflect.TypeFor[hindcast.File]()},
		"sums":     {defs["sums"], reflect.TypeFor[hindcast.Sums]()},
		"interval": {defs["interval"], reflect.TypeFor[hindcast.Interval]()},
		"handle":   {defs["handle"], reflect.TypeFor[hindcast.Handle]()},
		"progress": {defs["progress"], reflect.TypeFor[hindcast.Progress]()},
		"bill":     {defs["bill"], reflect.TypeFor[hindcast.Bill]()},
	}
	for name, pair := range pairs {
		object := pair.object.(map[string]any)
		got := slices.Sorted(maps.Keys(object["properties"].(map[string]any)))
		want, always := jsonFields(pair.goType)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the Go type has %v", name, got, want)
		}

		var required []string
		for _, field := range asList(object["required"]) {
			required = append(required, field.(string))
		}

		slices.Sort(required)
		if !slices.Equal(required, always) {
			t.Errorf("%s: the schema requires %v, the Go type always writes %v", name, required, always)
		}
	}
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}

// jsonFields returns the names of a struct's JSON fields, and of those that are written even when zero.
func jsonFields(goType reflect.Type) (all, always []string) {
	for field := range goType.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		all = append(all, name)
		if !strings.Contains(options, "omit") {
			always = append(always, name)
		}
	}

	slices.Sort(all)
	slices.Sort(always)
	return all, always
}

func schema(t *testing.T) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal(Source(), &value); err != nil {
		t.Fatal(fmt.Errorf("parsing the schema: %w", err))
	}
	return value
}
