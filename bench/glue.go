package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// The runs of Glue that are watched: as many as the defaults have side by side.
const (
	glueJobs = 12
	glueRuns = 36
)

// onGlue measures how fast runs of Glue are started, how often their jobs are asked for them, and how soon the end of one is known. The API
// is hindcast's own, served over HTTP; what it runs lasts as long as the measurement wants, and writes an end.
func (b *bench) onGlue(ctx context.Context) error {
	say("glue: %d runs of %d jobs", glueRuns, glueJobs)
	dir := filepath.Join(b.dir, "glue")
	stage := &glueStage{ends: map[string]time.Time{}, each: time.Duration(b.size(250, 50)) * time.Millisecond}
	server, err := glueserver.Open(glueserver.Options{State: filepath.Join(dir, "state"), Runner: stage, Parallel: 2 * glueRuns})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counted := &glueCalls{handler: server, lists: map[string][]time.Time{}}
	web := &http.Server{Handler: counted, ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(listener) }()
	defer func() { _ = web.Close() }()

	for name, value := range map[string]string{"AWS_ENDPOINT_URL_GLUE": "http://" + listener.Addr().String(), "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	clients, err := glue.Connect(ctx, "us-east-1")
	if err != nil {
		return err
	}
	lake := filepath.Join(dir, "lake")
	if err := os.MkdirAll(lake, 0o755); err != nil {
		return err
	}
	store, err := file.Open(lake)
	if err != nil {
		return err
	}
	g := hindcast.Glue{Role: "role", Version: "5.1", WorkerType: "G.2X", Workers: 75, Jobs: glueJobs, RunsPerJob: glueRuns / glueJobs, Timeout: time.Hour, Class: "STANDARD"}
	e := glue.Open(glue.Options{Glue: g, Name: "hindcast-bench", Store: store, Scripts: store, Folder: "scripts/", Clients: clients, Capacity: glue.Capacity(hindcast.RunConfig{}, g, nil)})
	started, late, err := stage.watch(ctx, e, lake)
	if err := errors.Join(err, e.Close()); err != nil {
		return err
	}

	b.below(fmt.Sprintf("Glue: starting %d runs of %d jobs", glueRuns, glueJobs), started.Seconds(), 5, "s", "the jobs are made, the script is put")
	b.below("Glue: from a run's end to its result, the latest", slices.Max(late).Seconds(), 2, "s",
		fmt.Sprintf("the median %.2f s; the load begins then", slices.Sorted(slices.Values(late))[len(late)/2].Seconds()))
	b.below("Glue: lists of a job's runs in a second, the most", counted.most(), 1.01, "calls", "over any ten seconds")
	return nil
}

// glueStage is what runs: each run ends some time after the one before it.
type glueStage struct {
	each  time.Duration
	mutex sync.Mutex
	begun int
	ends  map[string]time.Time // by tag
}

// leastGlueRun is how long a run lasts at least, so that all have started by then.
const leastGlueRun = 12 * time.Second

func (s *glueStage) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	began()
	s.mutex.Lock()
	s.begun++
	lasts := leastGlueRun + time.Duration(s.begun)*s.each
	s.mutex.Unlock()
	select {
	case <-ctx.Done():
		return jobs.End{}, ctx.Err()
	case <-time.After(lasts):
	}

	var request struct{ End string }
	text, err := os.ReadFile(t.Arguments["--hindcast_request"])
	if err == nil {
		err = json.Unmarshal(text, &request)
	}
	if err == nil {
		err = os.WriteFile(request.End, []byte(`{"ok": {"files": [], "rows": 0, "in": {}}, "brief": {"columns": []}}`), 0o600)
	}
	s.mutex.Lock()
	s.ends[t.Arguments["--hindcast_tag"]] = time.Now()
	s.mutex.Unlock()
	return jobs.End{}, err
}

func (s *glueStage) Stop(context.Context, jobs.Task) error { return nil }
func (s *glueStage) Forget(string) error                   { return nil }
func (s *glueStage) Log(string, jobs.Stream) (io.ReadSeekCloser, error) {
	return nil, fs.ErrNotExist
}

// watch starts the runs, waits for all of them, and says how long the starts took together and how late each end was known.
func (s *glueStage) watch(ctx context.Context, e *glue.Engine, lake string) (started time.Duration, late []time.Duration, err error) {
	handles, failures := make([]hindcast.Handle, glueRuns), make([]error, glueRuns)
	works := make([]engine.Work, glueRuns)
	var group sync.WaitGroup
	began := time.Now()
	for n := range works {
		name := fmt.Sprintf("w%02d", n)
		works[n] = engine.Work{Tag: "bench/r1/" + name + "/a1", Dir: lake + "/" + name, Query: engine.Query{Dialect: "spark", SQL: "SELECT DATE '2020-01-01' AS day", TimeZone: "UTC"},
			Columns: []hindcast.Column{{Name: "day", Type: "DATE"}}, Target: hindcast.Target{Table: "out", Time: "day"},
			Slice: hindcast.Slice{Key: "2020-01-01", Interval: hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}}}
		group.Go(func() { handles[n], failures[n] = e.Start(ctx, works[n]) })
	}
	group.Wait()
	started = time.Since(began)
	if err := errors.Join(failures...); err != nil {
		return 0, nil, err
	}

	late = make([]time.Duration, glueRuns)
	for n, h := range handles {
		if h.IDs["run"] == "" {
			return 0, nil, fmt.Errorf("%s was not started", h.Tag)
		}
		group.Go(func() {
			_, failures[n] = e.Wait(ctx, h, works[n].Dir, nil)
			s.mutex.Lock()
			defer s.mutex.Unlock()
			late[n] = time.Since(s.ends[h.Tag])
		})
	}
	group.Wait()
	return started, late, errors.Join(failures...)
}

// glueCalls counts the lists of each job's runs.
type glueCalls struct {
	handler http.Handler
	mutex   sync.Mutex
	lists   map[string][]time.Time // by job
}

func (c *glueCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetJobRuns") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var asked struct{ JobName string }
		_ = json.Unmarshal(body, &asked) // the server refuses what is not JSON
		c.mutex.Lock()
		c.lists[asked.JobName] = append(c.lists[asked.JobName], time.Now())
		c.mutex.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	c.handler.ServeHTTP(w, r)
}

// most is how many lists of one job there were in a second, as a mean over the ten seconds that had most.
func (c *glueCalls) most() float64 {
	const span = 10 * time.Second
	c.mutex.Lock()
	defer c.mutex.Unlock()
	most := 0
	for _, at := range c.lists {
		for first := range at {
			n := 0
			for _, t := range at[first:] {
				if t.Sub(at[first]) < span {
					n++
				}
			}
			most = max(most, n)
		}
	}
	return float64(most) / span.Seconds()
}
