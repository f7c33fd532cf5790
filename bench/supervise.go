package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/journal"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// supervised is what the supervisor's process reports about itself.
type supervised struct {
	Seconds float64 `json:"seconds"`
	Memory  int64   `json:"memory"` // peak resident bytes
	Journal int64   `json:"journal"`
}

// supervisor measures a run of empty slices with fake drivers and the real journal, and a resume of it.
func (b *bench) supervisor(ctx context.Context) error {
	n := b.size(10_000, 10_000)
	say("supervisor: %d empty slices", n)
	var runs, resumes, memory []float64
	for i := range b.size(3, 1) {
		dir := filepath.Join(b.dir, fmt.Sprintf("supervise-%d", i))
		for _, into := range []*[]float64{&runs, &resumes} {
			s, err := b.supervisedRun(ctx, n, dir)
			if err != nil {
				return err
			}
			*into = append(*into, s.Seconds)
			memory = append(memory, float64(s.Memory)/1e6)
		}
	}

	b.below(fmt.Sprintf("supervisor with fake drivers: %d empty slices, journal on disk", n), median(runs), 10, "s", "")
	b.below("resume of it", median(resumes), 1, "s", "")
	b.below("its memory", median(memory), 200, "MB", "")
	return nil
}

func (b *bench) supervisedRun(ctx context.Context, n int, dir string) (s supervised, err error) {
	cmd := exec.CommandContext(ctx, b.self, "supervise", strconv.Itoa(n), dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("supervising: %w", err)
	}

	err = json.Unmarshal(out, &s)
	return s, err
}

// supervise is the process: it begins the run whose journal is in the folder, or resumes it.
func supervise(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}

	store, err := file.Open(args[1])
	if err != nil {
		return err
	}

	ctx := context.Background()
	began := time.Now()
	state := &hindcast.RunState{}
	live := false
	j, err := journal.Open(ctx, store, "run/", 1, journal.Options{Run: "r1", Each: func(e hindcast.Event) {
		if !live {
			state.Apply(e)
		}
	}})
	if err != nil {
		return err
	}

	live = true
	d := &fakes{rows: map[string]hindcast.Committed{}}
	p := emptySlices(n)
	if state.Run == "" {
		state = nil
	} else {
		d.committed(p)
	}

	out := supervisor.Run(ctx, supervisor.Config{Plan: p, Order: plan.Order(p), State: state, Journal: j, Worker: d, Fence: 1, Host: "bench",
		Pid: os.Getpid(), Prove: d.prove, Kill: func() ([]string, []string) { return nil, nil }, Random: rand.Float64})
	if err := j.Close(); err != nil {
		return err
	}
	if out.ExitCode != hindcast.ExitOK {
		return fmt.Errorf("exit code %d: %w", out.ExitCode, errors.Join(out.Err))
	}

	// Not getrusage: its peak is carried over from the process that started this one.
	s := supervised{Seconds: time.Since(began).Seconds(), Memory: child.PeakMemory(os.Getpid())}
	return json.NewEncoder(os.Stdout).Encode(s)
}

// emptySlices is a plan of n days.
func emptySlices(n int) *plan.Plan {
	p := &plan.Plan{Run: "r1", Shares: plan.Shares{Transforms: 1, Unloads: 2}}
	p.Pipeline.Outputs = make([]hindcast.Output, 1)
	p.Pipeline.Run = hindcast.RunConfig{Retries: 10, RetryWait: time.Second, AttemptTimeout: time.Hour, OnFailure: hindcast.OnFailureStop}
	for i := range n {
		start := time.Date(2000, 1, 1+i, 0, 0, 0, 0, time.UTC)
		key := start.Format(time.DateOnly)
		in := hindcast.Interval{Start: start, End: start.AddDate(0, 0, 1)}
		p.Items = append(p.Items, plan.Item{Reason: hindcast.ReasonNew, Units: plan.Needs{{Fact: "f", Keys: []string{key}}}, Slice: hindcast.Slice{Key: key, Interval: in}})
		p.Units = append(p.Units, plan.Unit{Fact: "f", Key: key, Interval: in, Unload: true})
	}

	return p
}

// fakes do nothing but remember which slices are committed, and leave manifests as real drivers would.
type fakes struct {
	mutex sync.Mutex
	rows  map[string]hindcast.Committed
}

func (f *fakes) manifest(name string, try supervisor.Try) *hindcast.Manifest {
	return &hindcast.Manifest{Name: name, Key: try.Item.Slice.Key, Interval: try.Item.Slice.Interval, Run: try.Run, Attempt: try.Attempt, Generation: 1,
		Columns: []hindcast.Column{{Name: "usage_date", Type: "DATE"}, {Name: "account_id", Type: "BIGINT"}, {Name: "cost", Type: "DECIMAL(18,6)"}},
		Sums:    hindcast.Sums{Content: "0"}, Seconds: 0.001, CreatedAt: time.Now().UTC()}
}

func (f *fakes) Unload(_ context.Context, try supervisor.Try, report supervisor.Report) error {
	report(hindcast.Event{Type: hindcast.EventStepFinished, Fact: "f", Manifest: f.manifest("f", try)})
	return nil
}

func (f *fakes) Fingerprint(_ context.Context, try supervisor.Try) (string, []int, error) {
	return try.Item.Slice.Key, []int{0}, nil
}

func (f *fakes) Outlives() bool { return false }

func (f *fakes) Tag(try supervisor.Try) string { return try.Item.Slice.Key }

func (f *fakes) Start(_ context.Context, try supervisor.Try) (hindcast.Handle, error) {
	return hindcast.Handle{Tag: f.Tag(try)}, nil
}

func (f *fakes) Wait(_ context.Context, try supervisor.Try, _ hindcast.Handle, _ func(hindcast.Progress)) (supervisor.Staged, error) {
	return supervisor.Staged{Manifest: f.manifest("result", try)}, nil
}

func (*fakes) Keep(context.Context, supervisor.Try, []hindcast.Committed, []*hindcast.Manifest) error {
	return nil
}

func (*fakes) Bill(context.Context, hindcast.Handle) *hindcast.Bill { return nil }
func (f *fakes) End(context.Context, hindcast.Handle) error         { return nil }

func (f *fakes) Stage(context.Context, supervisor.Try, *hindcast.Manifest) error { return nil }

func (f *fakes) Reusable(context.Context, *hindcast.Manifest) bool { return true }

func (f *fakes) Load(_ context.Context, list []supervisor.Loading) (rows [][]hindcast.Committed, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, l := range list {
		c := hindcast.Committed{Slice: l.Try.Item.Slice, Run: l.Try.Run, Attempt: l.Try.Attempt, Fingerprint: l.Try.Fingerprint}
		f.rows[c.Slice.Key] = c
		rows = append(rows, []hindcast.Committed{c})
	}
	return rows, nil
}

func (f *fakes) Before(_ context.Context, tries []supervisor.Try) ([][]hindcast.Before, error) {
	return make([][]hindcast.Before, len(tries)), nil
}

func (f *fakes) Lookup(_ context.Context, try supervisor.Try) ([]hindcast.Committed, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if c, found := f.rows[try.Item.Slice.Key]; found {
		return []hindcast.Committed{c}, nil
	}
	return nil, nil
}

func (f *fakes) Discard(context.Context, supervisor.Try) {}

// committed sets the warehouse to the state in which the resumed run left it.
func (f *fakes) committed(p *plan.Plan) {
	for _, item := range p.Items {
		f.rows[item.Slice.Key] = hindcast.Committed{Slice: item.Slice, Run: p.Run, Attempt: 1, Fingerprint: item.Slice.Key}
	}
}

func (f *fakes) prove(context.Context) ([]hindcast.Committed, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	rows := make([]hindcast.Committed, 0, len(f.rows))
	for _, c := range f.rows {
		rows = append(rows, c)
	}

	return rows, nil
}
