package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// observed is one run of hindcast, seen from outside.
type observed struct {
	wall   time.Duration
	cpu    time.Duration // including its children
	first  time.Duration // process start to the first committed slice's event
	events []hindcast.Event
	peaks  map[string]int64 // most resident bytes of each process, by its role
}

// writePipeline writes a pipeline file, and beside it the file of the same name with its SQL, into a folder that it makes if there is none.
func writePipeline(file, pipeline, sql string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(strings.TrimSuffix(file, ".yml")+".sql", []byte(sql+"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(pipeline), 0o644)
}

// hindcastRun runs `hindcast run` on a pipeline file.
func (b *bench) hindcastRun(ctx context.Context, file string, args ...string) (*observed, error) {
	cmd := exec.CommandContext(ctx, b.hindcast, append([]string{"run", "--json", "-f", file}, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}

	o := &observed{peaks: map[string]int64{}}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}

	quit, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		if b.watching {
			o.watch(cmd.Process.Pid, quit)
		}
	}()

	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}

		var e hindcast.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading an event of hindcast: %w: %s", err, line)
		}
		if e.Type == hindcast.EventCommitted && o.first == 0 {
			o.first = time.Since(began)
		}

		o.events = append(o.events, e)
	}

	err = cmd.Wait()
	o.wall = time.Since(began)
	o.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	close(quit)
	<-watched

	if err != nil {
		return nil, fmt.Errorf("hindcast run -f %s: %w\n%s", file, err, cmp.Or(problems.String(), o.said()))
	}

	return o, nil
}

// said is what the last event says that has something to say.
func (o *observed) said() string {
	for _, e := range slices.Backward(o.events) {
		if e.Error != nil {
			return e.Error.Error()
		}
	}
	return ""
}

// step sums a step's seconds over the slices.
func (o *observed) step(step hindcast.Step) (seconds float64) {
	for _, e := range o.events {
		if e.Type == hindcast.EventStepFinished && e.Step == step {
			seconds += e.Seconds
		}
	}
	return seconds
}

// whole is a step's time from beginning to end, in a run of one slice and one fact. It includes what follows the
// seconds that the step itself reports: for an unload, the file's checksum and its manifest.
func (o *observed) whole(step hindcast.Step) float64 {
	var began time.Time
	for _, e := range o.events {
		switch {
		case e.Step != step:
		case e.Type == hindcast.EventStepStarted:
			began = e.Time
		case e.Type == hindcast.EventStepFinished:
			return e.Time.Sub(began).Seconds()
		}
	}

	return 0
}

// rows counts the rows that were published.
func (o *observed) rows() (n int64) {
	for _, e := range o.events {
		if e.Type == hindcast.EventCommitted {
			n += e.Rows
		}
	}
	return n
}

// watch records the peaks of hindcast and its children until quit is closed. The kernel keeps the peak, so an
// occasional look misses only what happens just before a process ends.
func (o *observed) watch(pid int, quit <-chan struct{}) {
	for {
		o.note("supervisor", pid)
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, task := range tasks {
			more, _ := os.ReadFile(task)
			children = append(append(children, ' '), more...)
		}

		for _, field := range strings.Fields(string(children)) {
			if child, err := strconv.Atoi(field); err == nil {
				o.note(role(child), child)
			}
		}

		select {
		case <-quit:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// held returns the peaks of these roles in MB. A role that was never seen is an error: nothing would be below every
// limit.
func (o *observed) held(roles ...string) (mb []float64, err error) {
	for _, role := range roles {
		if o.peaks[role] == 0 {
			return nil, fmt.Errorf("no process %s was seen, only %v", role, o.peaks)
		}
		mb = append(mb, float64(o.peaks[role])/1e6)
	}
	return mb, nil
}

func role(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if fields := strings.Split(string(bytes.Trim(line, "\x00")), "\x00"); len(fields) > 1 {
		return fields[len(fields)-1]
	}
	return "ended"
}

func (o *observed) note(what string, pid int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
				o.peaks[what] = max(o.peaks[what], kb<<10)
			}
		}
	}
}
