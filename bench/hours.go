package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/plan"
)

// A long history of short slices: one row an hour, and a result of one row.
const (
	hourlyFacts = `CREATE TABLE events AS SELECT TIMESTAMP '2010-01-01' + INTERVAL (i) HOUR AS event_time, i::BIGINT AS event_id,
  ((hash(i * 7) %% 1000000) / 100.0)::DECIMAL(18,6) AS cost FROM range(%d) AS r(i)`
	hourlySQL    = `SELECT event_time, sum(cost) AS cost, count(*) AS events FROM events GROUP BY ALL`
	hourlyTarget = `CREATE TABLE hourly (event_time TIMESTAMP, cost DECIMAL(38,6), events BIGINT)`
)

var hourlyFrom = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

func hourlyPipeline(hours int) string {
	return fmt.Sprintf(`pipeline: hourly
warehouse: duckdb:warehouse.duckdb
lake: ./lake
history: {from: 2010-01-01, to: %s, every: 1 hour, time_zone: UTC}
facts:
  events: {table: events, time: event_time}
transform: {sql: hourly.sql}
target: {table: hourly, time: event_time}
`, hourlyFrom.Add(time.Duration(hours)*time.Hour).Format("2006-01-02T15:04"))
}

// hours measures what a long, finished history costs: a plan of it, and a run of one slice.
func (b *bench) hours(ctx context.Context) error {
	n := b.size(100_000, 10_000)
	say("hours: %d hourly slices", n)
	dir := filepath.Join(b.dir, "hours")
	if err := b.makeHours(ctx, dir, n); err != nil {
		return err
	}

	pipeline := filepath.Join(dir, "hourly.yml")
	new, err := b.spent(ctx, "plan", "-f", pipeline)
	if err != nil {
		return err
	}

	b.below(fmt.Sprintf("plan of %d hourly slices, none committed", n), new.Seconds, 1, "CPU s", new.detail())
	if err := b.publishHours(ctx, dir, n, n-1); err != nil {
		return err
	}

	one, err := b.spent(ctx, "run", "-f", pipeline, "--slices", "new")
	if err != nil {
		return err
	}

	b.below("run of one new slice among them, all others committed", one.Seconds, 2, "CPU s", one.detail())
	var seconds []float64
	var peak int64
	var last spent
	for range b.size(3, 1) {
		if last, err = b.spent(ctx, "plan", "-f", pipeline); err != nil {
			return err
		}
		if !bytes.Contains(last.out, []byte("nothing to do")) {
			return fmt.Errorf("the history is not up to date:\n%s", last.out)
		}
		seconds, peak = append(seconds, last.Seconds), max(peak, last.Peak)
	}

	first := hourlyFrom.Format("2006-01-02T15:04") + "+00:00"
	if err := b.oneHour(ctx, pipeline, first); err != nil {
		return err
	}

	named, err := b.spent(ctx, "plan", "-f", pipeline, "--slices", first)
	if err != nil {
		return err
	}

	b.below("plan of one of its slices, named by key", named.Seconds, 0.5, "CPU s", named.detail())
	b.below("plan of which nothing is to do", median(seconds), 1, "CPU s", last.detail())
	b.below("its memory, the largest process's", float64(peak)/1e6, 150, "MB", "")
	return b.touchedHours(ctx, dir, pipeline)
}

// oneHour measures a run of one slice that is unloaded again: what is written of the whole history beside it.
func (b *bench) oneHour(ctx context.Context, pipeline, key string) error {
	run := []string{"run", "-f", pipeline, "--slices", key, "--force"}
	fresh, err := b.spent(ctx, append(run, "--fresh")...)
	if err != nil {
		return err
	}
	kept, err := b.spent(ctx, run...)
	if err != nil {
		return err
	}

	b.below("run of one of its slices, named by key, with an unload", fresh.Seconds, 2, "CPU s", fresh.detail())
	b.below("run of it from the unloaded copy", kept.Seconds, 1, "CPU s", kept.detail())
	return nil
}

// touchedHours measures a plan once somebody has written into the folder of entries: each is looked at.
func (b *bench) touchedHours(ctx context.Context, dir, pipeline string) error {
	other := filepath.Join(dir, "lake", "_hindcast", "hourly", "catalog", "facts", "events", ".tmp-other")
	if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Remove(other)); err != nil {
		return err
	}

	touched, err := b.spent(ctx, "plan", "-f", pipeline)
	if err != nil {
		return err
	}
	b.below("plan of which nothing is to do, its catalog just touched", touched.Seconds, 1.5, "CPU s", touched.detail())
	return nil
}

// spent is what a command used, including its children.
type spent struct {
	Seconds float64       `json:"seconds"` // of CPU
	Wall    time.Duration `json:"wall"`
	Peak    int64         `json:"peak"` // resident bytes of the largest of its processes
	out     []byte
}

func (s spent) detail() string {
	return fmt.Sprintf("%.2f s, %.0f MB", s.Wall.Seconds(), float64(s.Peak)/1e6)
}

// spent runs hindcast and says what it took.
func (b *bench) spent(ctx context.Context, args ...string) (s spent, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	used := filepath.Join(b.dir, "used.json")
	defer func() { _ = os.Remove(used) }()

	cmd := exec.CommandContext(ctx, self, slices.Concat([]string{"spent", used, b.hindcast}, args)...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return s, fmt.Errorf("hindcast %s: %w\n%s%s", args[0], err, out.String(), problems.String())
	}

	text, err := os.ReadFile(used)
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(text, &s)
	s.out = out.Bytes()
	return s, err
}

// spentHere runs a command and writes what it used into a file. The system counts the memory of the process that starts another as
// that one's too: this process is small, and whoever measures is not. What the system tells of a process that has ended is of
// those that it waited for too: hindcast waits for its workers.
func spentHere(args []string) error {
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}

	took := time.Since(began)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("this system does not say what a process used")
	}

	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	text, err := json.Marshal(spent{Seconds: cpu.Seconds(), Wall: took, Peak: usage.Maxrss * 1024})
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], text, 0o644)
}

func (b *bench) makeHours(ctx context.Context, dir string, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := makeDatabase(ctx, filepath.Join(dir, "warehouse.duckdb"), fmt.Sprintf(hourlyFacts, n), hourlyTarget); err != nil {
		return err
	}
	return writePipeline(filepath.Join(dir, "hourly.yml"), hourlyPipeline(n), hourlySQL)
}

// publishHours creates in seconds what hour-long runs of the first of the n slices would leave: manifests and their index,
// published rows, status rows.
func (b *bench) publishHours(ctx context.Context, dir string, n, first int) error {
	out, err := b.spent(ctx, "plan", "--json", "-f", filepath.Join(dir, "hourly.yml"))
	if err != nil {
		return err
	}

	var p plan.Plan
	if err := json.Unmarshal(out.out, &p); err != nil {
		return err
	}
	if len(p.Items) != n {
		return fmt.Errorf("the plan has %d slices, not %d", len(p.Items), n)
	}

	rows := filepath.Join(dir, "status.json")
	if err := publishFacts(ctx, filepath.Join(dir, "lake"), &p, first); err != nil {
		return err
	}
	if err := writeStatus(rows, p.Items[:first]); err != nil {
		return err
	}
	defer func() { _ = os.Remove(rows) }()

	return makeDatabase(ctx, filepath.Join(dir, "warehouse.duckdb"),
		fmt.Sprintf("INSERT INTO hourly %s", hourlySQL),
		fmt.Sprintf("DELETE FROM hourly WHERE event_time >= TIMESTAMP '2010-01-01' + INTERVAL (%d) HOUR", first),
		`CREATE TABLE hindcast_lease (name VARCHAR PRIMARY KEY, n BIGINT NOT NULL)`,
		`CREATE TABLE hindcast_status (pipeline VARCHAR NOT NULL, target VARCHAR NOT NULL, slice VARCHAR NOT NULL,
  slice_start TIMESTAMP WITH TIME ZONE NOT NULL, slice_end TIMESTAMP WITH TIME ZONE NOT NULL,
  run VARCHAR NOT NULL, attempt INTEGER NOT NULL, fingerprint VARCHAR NOT NULL, parts VARCHAR NOT NULL,
  "rows" BIGINT NOT NULL, content VARCHAR NOT NULL, totals VARCHAR NOT NULL, previous VARCHAR NOT NULL,
  committed_at TIMESTAMP WITH TIME ZONE NOT NULL)`,
		`INSERT INTO hindcast_status SELECT 'hourly', 'hourly', s.key, s.start, s.end, 'r1', 1, s.fingerprint, s.parts, 1,
  CAST(CAST(hash(h.event_time, h.cost, h.events) AS HUGEINT) AS VARCHAR), json_object('cost', h.cost::VARCHAR, 'events', '1')::VARCHAR, '', s.start
  FROM read_json('`+rows+`', columns = {key: 'VARCHAR', start: 'TIMESTAMPTZ', "end": 'TIMESTAMPTZ', fingerprint: 'VARCHAR', parts: 'VARCHAR'}) s
  JOIN hourly h ON h.event_time = timezone('UTC', s.start)`)
}

// contentOf stands for the content of a slice's facts, which are never read.
func contentOf(key string) string { return "bench:" + key }

// publishFacts publishes a unit of one file for each slice.
func publishFacts(ctx context.Context, folder string, p *plan.Plan, first int) error {
	store, err := file.Open(folder)
	if err != nil {
		return err
	}

	l := lake.New(unsynced{store}, "hourly")
	work := make(chan int)
	errs := make(chan error, runtime.GOMAXPROCS(0))
	for range cap(errs) {
		go func() {
			var failed error
			for i := range work {
				if failed == nil {
					failed = publishFact(ctx, l, folder, &p.Units[i])
				}
			}

			errs <- failed
		}()
	}

	for i := range first {
		work <- i
	}

	close(work)
	for range cap(errs) {
		if err := <-errs; err != nil {
			return err
		}
	}

	return l.SaveIndex(ctx)
}

func publishFact(ctx context.Context, l *lake.Lake, folder string, u *plan.Unit) error {
	m := &hindcast.Manifest{Name: u.Fact, Key: u.Key, Interval: u.Interval, Source: u.Source, Time: "event_time", Generation: 1, Run: "r1", Fence: 1,
		Attempt: 1, Columns: u.Columns, Sums: hindcast.Sums{Rows: 1, Content: contentOf(u.Key), Totals: map[string]string{"cost": "1.000000", "event_id": "1"}},
		Seconds: 0.01, CreatedAt: hourlyFrom.AddDate(15, 0, 0)}
	path := filepath.Join(folder, filepath.FromSlash(l.Prefix(m)), "data_0.parquet")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte("PAR1"), 0o644); err != nil {
		return err
	}

	m.Files = []hindcast.File{{Path: path, Rows: 1, Bytes: 4}}
	return l.PublishUnit(ctx, m)
}

// unsynced is a folder whose bytes need not survive a loss of power.
type unsynced struct{ *file.Store }

// Put writes the object without an fsync.
func (u unsynced) Put(_ context.Context, key string, body []byte, _ objstore.Condition) (objstore.Info, error) {
	path := u.File(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return objstore.Info{}, err
	}
	return objstore.Info{Key: key, Bytes: int64(len(body))}, os.WriteFile(path, body, 0o644)
}

func writeStatus(path string, items []plan.Item) error {
	var text bytes.Buffer
	lines := json.NewEncoder(&text)
	for _, item := range items {
		parts := item.Parts[0]
		parts.Facts = map[string]string{"events": plan.FactContent([]string{contentOf(item.Slice.Key)})}
		encoded, err := json.Marshal(parts)
		if err != nil {
			return err
		}

		if err := lines.Encode(map[string]any{"key": item.Slice.Key, "start": item.Slice.Start, "end": item.Slice.End,
			"fingerprint": plan.Fingerprint(parts), "parts": string(encoded)}); err != nil {
			return err
		}
	}

	return os.WriteFile(path, text.Bytes(), 0o644)
}
