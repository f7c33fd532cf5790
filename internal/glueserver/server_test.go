package glueserver_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// stage is a Runner whose scripts end when the test says so. It outlives servers, as processes do.
type stage struct {
	mutex   sync.Mutex
	acts    map[string]*act
	opened  chan *act // every script that began, once
	deaf    bool      // processes do not die
	stops   chan string
	written map[string]string // logs
}

type act struct {
	jobs.Task
	end     chan jobs.End
	stopped chan struct{}
	once    sync.Once
}

func newStage() *stage {
	return &stage{acts: map[string]*act{}, opened: make(chan *act, 1000), stops: make(chan string, 1000), written: map[string]string{}}
}

func (s *stage) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	s.mutex.Lock()
	a := s.acts[t.ID]
	if a == nil {
		a = &act{Task: t, end: make(chan jobs.End, 1), stopped: make(chan struct{})}
		s.acts[t.ID] = a
		s.opened <- a
	}
	s.mutex.Unlock()
	began()
	select {
	case end := <-a.end:
		return end, nil
	case <-a.stopped:
		return jobs.End{Failed: true, Message: "killed"}, nil
	case <-ctx.Done():
		return jobs.End{}, ctx.Err()
	}
}

func (s *stage) Stop(_ context.Context, t jobs.Task) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stops <- t.ID
	if s.deaf {
		return errors.New("it still lives")
	}
	if a := s.acts[t.ID]; a != nil {
		a.once.Do(func() { close(a.stopped) })
	}
	return nil
}

func (s *stage) Forget(string) error { return nil }

func (s *stage) Log(id string, of jobs.Stream) (io.ReadSeekCloser, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	text, there := s.written[id+"/"+string(of)]
	if !there {
		return nil, fs.ErrNotExist
	}
	return struct {
		*strings.Reader
		io.Closer
	}{strings.NewReader(text), io.NopCloser(nil)}, nil
}

// world is a server with its client.
type world struct {
	t      *testing.T
	stage  *stage
	client *glue.Client
	server *glueserver.Server
	http   *httptest.Server
	o      glueserver.Options
}

func serve(t *testing.T, o glueserver.Options) *world {
	t.Helper()
	w := &world{t: t, stage: newStage(), o: o}
	if w.o.State == "" {
		w.o.State = t.TempDir()
	}
	if w.o.Parallel == 0 {
		w.o.Parallel = 100
	}
	w.o.Runner = w.stage
	w.open()
	t.Cleanup(func() { w.shut() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.server, err = glueserver.Open(w.o); err != nil {
		w.t.Fatal(err)
	}
	w.http = httptest.NewServer(w.server)
	w.client = w.as("key", "secret")
}

func (w *world) as(key, secret string) *glue.Client {
	return glue.New(glue.Options{BaseEndpoint: &w.http.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")})
}

func (w *world) shut() {
	w.http.Close()
	if err := w.server.Close(); err != nil {
		w.t.Error(err)
	}
}

// again is a restart of the server.
func (w *world) again() {
	w.t.Helper()
	w.shut()
	w.open()
}

// job makes a job of that name.
func (w *world) job(name string, change func(*glue.CreateJobInput)) {
	w.t.Helper()
	in := &glue.CreateJobInput{Name: &name, Role: aws.String("arn:aws:iam::000000000000:role/r"),
		Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("s3://b/script.py"), PythonVersion: aws.String("3")}}
	if change != nil {
		change(in)
	}
	out, err := w.client.CreateJob(w.t.Context(), in)
	if err != nil || *out.Name != name {
		w.t.Fatal(out, err)
	}
}

func (w *world) start(name string, arguments map[string]string) (string, error) {
	out, err := w.client.StartJobRun(w.t.Context(), &glue.StartJobRunInput{JobName: &name, Arguments: arguments})
	if err != nil {
		return "", err
	}
	return *out.JobRunId, nil
}

func (w *world) started(name string) string {
	w.t.Helper()
	id, err := w.start(name, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) run(name, id string) *types.JobRun {
	w.t.Helper()
	out, err := w.client.GetJobRun(w.t.Context(), &glue.GetJobRunInput{JobName: &name, RunId: &id})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.JobRun
}

// until asks until the run is in a state.
func (w *world) until(name, id string, state types.JobRunState) *types.JobRun {
	w.t.Helper()
	for {
		var missing *types.EntityNotFoundException
		out, err := w.client.GetJobRun(w.t.Context(), &glue.GetJobRunInput{JobName: &name, RunId: &id})
		switch {
		case errors.As(err, &missing): // an attempt that is not there yet
		case err != nil:
			w.t.Fatal(err)
		case out.JobRun.JobRunState == state:
			return out.JobRun
		}
	}
}

// faults asserts the name of an error.
func faults[E error](t *testing.T, err error) {
	t.Helper()
	if is := new(E); !errors.As(err, is) {
		t.Errorf("%v is not a %T", err, *is)
	}
}

// A run goes from its start to a good end, with everything that was said of it.
func TestRun(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.job("etl", func(in *glue.CreateJobInput) {
		in.DefaultArguments = map[string]string{"--a": "job's", "--b": "job's", "--c": "job's"}
		in.NonOverridableArguments = map[string]string{"--c": "fixed"}
		in.WorkerType, in.NumberOfWorkers, in.Timeout, in.GlueVersion = types.WorkerTypeG2x, aws.Int32(75), aws.Int32(30), aws.String("4.0")
	})
	given := map[string]string{"--b": "run's", "--c": "run's", "--text": "ä \"quoted\" <&> \u2028 ", "--empty": ""}
	id, err := w.start("etl", given)
	if err != nil {
		t.Fatal(err)
	}
	a := <-w.stage.opened
	if want := map[string]string{"--a": "job's", "--b": "run's", "--c": "fixed", "--text": given["--text"], "--empty": ""}; !maps.Equal(a.Arguments, want) {
		t.Errorf("the script has %v; want %v", a.Arguments, want)
	}
	r := w.until("etl", id, types.JobRunStateRunning)
	if !maps.Equal(r.Arguments, given) || len(id) != 67 || !strings.HasPrefix(id, "jr_") || r.Attempt != 0 || r.PreviousRunId != nil || *r.Timeout != 30 ||
		*r.MaxCapacity != 150 || r.AllocatedCapacity != 150 || *r.NumberOfWorkers != 75 || *r.LogGroupName != "/aws-glue/jobs" || *r.GlueVersion != "4.0" { //nolint:staticcheck // deprecated, and still read by clients
		t.Errorf("%+v", r)
	}
	if r.StartedOn == nil || time.Since(*r.StartedOn) > time.Hour || r.CompletedOn != nil || r.DPUSeconds != nil {
		t.Errorf("started %v, completed %v, %v", r.StartedOn, r.CompletedOn, r.DPUSeconds)
	}

	a.end <- jobs.End{}
	if r := w.until("etl", id, types.JobRunStateSucceeded); r.CompletedOn == nil || r.CompletedOn.Before(*r.StartedOn) || r.ErrorMessage != nil {
		t.Errorf("%+v", r)
	}
}

// A run that fails is tried again, under ids that are told from the first one's, until it succeeds or nothing is left.
func TestAttempts(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.job("etl", func(in *glue.CreateJobInput) { in.MaxRetries = 2 })
	heals, fails := w.started("etl"), ""
	for range 2 {
		(<-w.stage.opened).end <- jobs.End{Failed: true, Message: "ValueError: no"}
	}
	(<-w.stage.opened).end <- jobs.End{}
	r := w.until("etl", heals+"_attempt_2", types.JobRunStateSucceeded)
	if r.Attempt != 2 || *r.PreviousRunId != heals+"_attempt_1" {
		t.Errorf("%+v", r)
	}
	if r := w.run("etl", heals+"_attempt_1"); r.JobRunState != types.JobRunStateFailed || *r.PreviousRunId != heals || *r.ErrorMessage != "ValueError: no" {
		t.Errorf("%+v", r)
	}

	fails = w.started("etl")
	for range 3 {
		(<-w.stage.opened).end <- jobs.End{Failed: true, Message: "no"}
	}
	w.until("etl", fails+"_attempt_2", types.JobRunStateFailed)
	_, err := w.client.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("etl"), RunId: aws.String(fails + "_attempt_3")})
	faults[*types.EntityNotFoundException](t, err)

	list, err := w.client.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: aws.String("etl")})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range list.JobRuns {
		ids = append(ids, *r.Id)
	}
	if want := []string{fails + "_attempt_2", fails + "_attempt_1", fails, heals + "_attempt_2", heals + "_attempt_1", heals}; !slices.Equal(ids, want) {
		t.Errorf("runs are %v; want %v", ids, want)
	}
}

// A stop is STOPPING until all processes are confirmed dead, ends in STOPPED, and nothing is tried again. What cannot be stopped is named.
func TestStop(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.job("etl", func(in *glue.CreateJobInput) {
		in.MaxRetries, in.ExecutionProperty = 3, &types.ExecutionProperty{MaxConcurrentRuns: 3}
	})
	over, id := w.started("etl"), ""
	(<-w.stage.opened).end <- jobs.End{}
	w.until("etl", over, types.JobRunStateSucceeded)
	id = w.started("etl")
	<-w.stage.opened
	w.until("etl", id, types.JobRunStateRunning)

	w.stage.mutex.Lock()
	w.stage.deaf = true
	w.stage.mutex.Unlock()
	out, err := w.client.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: aws.String("etl"), JobRunIds: []string{id, id + "_attempt_1", over}})
	if err != nil || len(out.SuccessfulSubmissions) != 1 || *out.SuccessfulSubmissions[0].JobRunId != id || len(out.Errors) != 2 ||
		*out.Errors[0].ErrorDetail.ErrorCode != "EntityNotFoundException" || *out.Errors[1].ErrorDetail.ErrorCode != "InvalidInputException" {
		t.Fatalf("%+v, %v", out, err)
	}
	<-w.stage.stops
	if r := w.run("etl", id); r.JobRunState != types.JobRunStateStopping {
		t.Errorf("it is %s while a process is alive", r.JobRunState)
	}
	w.stage.mutex.Lock()
	w.stage.deaf = false
	w.stage.mutex.Unlock()
	if r := w.until("etl", id, types.JobRunStateStopped); r.CompletedOn == nil {
		t.Errorf("%+v", r)
	}
	_, err = w.client.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("etl"), RunId: aws.String(id + "_attempt_1")})
	faults[*types.EntityNotFoundException](t, err)
}

// A run that takes longer than its timeout is killed, and not tried again.
func TestTimeout(t *testing.T) {
	w := serve(t, glueserver.Options{Minute: time.Millisecond})
	w.job("etl", func(in *glue.CreateJobInput) { in.MaxRetries, in.Timeout = 3, aws.Int32(1) })
	id := w.started("etl")
	a := <-w.stage.opened
	r := w.until("etl", id, types.JobRunStateTimeout)
	<-a.stopped
	if r.ErrorMessage == nil || r.CompletedOn == nil {
		t.Errorf("%+v", r)
	}
	_, err := w.client.GetJobRun(t.Context(), &glue.GetJobRunInput{JobName: aws.String("etl"), RunId: aws.String(id + "_attempt_1")})
	faults[*types.EntityNotFoundException](t, err)
}

// A run without room is refused, or waits where its job or it asks for that.
func TestRoom(t *testing.T) {
	w := serve(t, glueserver.Options{Limits: jobs.Limits{Runs: 2, DPU: 25}})
	w.job("one", nil)
	w.job("two", func(in *glue.CreateJobInput) { in.WorkerType, in.NumberOfWorkers = types.WorkerTypeG1x, aws.Int32(20) })
	w.job("three", nil)
	w.job("four", nil)
	first := w.started("one")
	act := <-w.stage.opened
	_, err := w.start("one", nil)
	faults[*types.ConcurrentRunsExceededException](t, err)
	if !strings.Contains(err.Error(), "Concurrent runs exceeded for one") {
		t.Error(err)
	}
	_, err = w.start("two", nil) // 10 and 20 DPUs
	faults[*types.ResourceNumberLimitExceededException](t, err)
	w.started("three")
	<-w.stage.opened
	_, err = w.start("four", nil)
	faults[*types.ConcurrentRunsExceededException](t, err)

	out, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("one"), JobRunQueuingEnabled: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if r := w.run("one", *out.JobRunId); r.JobRunState != types.JobRunStateWaiting || r.StateDetail == nil || r.StartedOn == nil {
		t.Errorf("%+v", r)
	}
	gone, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("one"), JobRunQueuingEnabled: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: aws.String("one"), JobRunIds: []string{*gone.JobRunId}}); err != nil {
		t.Fatal(err)
	}
	w.until("one", *gone.JobRunId, types.JobRunStateStopped)

	act.end <- jobs.End{}
	w.until("one", first, types.JobRunStateSucceeded)
	if a := <-w.stage.opened; a.ID != *out.JobRunId {
		t.Errorf("%s began; want %s", a.ID, *out.JobRunId)
	}
	if r := w.until("one", *out.JobRunId, types.JobRunStateRunning); r.StateDetail != nil {
		t.Errorf("%+v", r)
	}
}

// Runs survive a restart of the server in each of their states, and no script is started twice.
func TestRestart(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.job("etl", func(in *glue.CreateJobInput) {
		in.MaxRetries, in.ExecutionProperty, in.Tags = 1, &types.ExecutionProperty{MaxConcurrentRuns: 3}, map[string]string{"team": "data"}
	})
	over, failing, running, stopping := w.started("etl"), "", "", ""
	(<-w.stage.opened).end <- jobs.End{}
	before := w.until("etl", over, types.JobRunStateSucceeded)
	failing = w.started("etl")
	fails := <-w.stage.opened
	running = w.started("etl")
	runs := <-w.stage.opened
	stopping = w.started("etl")
	<-w.stage.opened
	waits, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: aws.String("etl"), JobRunQueuingEnabled: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	w.stage.mutex.Lock()
	w.stage.deaf = true
	w.stage.mutex.Unlock()
	if _, err := w.client.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: aws.String("etl"), JobRunIds: []string{stopping}}); err != nil {
		t.Fatal(err)
	}
	<-w.stage.stops

	w.again()
	w.stage.mutex.Lock()
	w.stage.deaf = false
	w.stage.mutex.Unlock()
	after := w.run("etl", over)
	if after.JobRunState != types.JobRunStateSucceeded || !after.StartedOn.Equal(*before.StartedOn) || !after.CompletedOn.Equal(*before.CompletedOn) {
		t.Errorf("%+v, before %+v", after, before)
	}
	w.until("etl", stopping, types.JobRunStateStopped)
	if a := <-w.stage.opened; a.ID != *waits.JobRunId {
		t.Errorf("%s began; want %s", a.ID, *waits.JobRunId)
	}
	fails.end <- jobs.End{Failed: true, Message: "no"}
	if a := <-w.stage.opened; a.ID != failing+"_attempt_1" {
		t.Errorf("%s began; want the second attempt at %s", a.ID, failing)
	}
	runs.end <- jobs.End{}
	w.until("etl", running, types.JobRunStateSucceeded)
	tags, err := w.client.GetTags(t.Context(), &glue.GetTagsInput{ResourceArn: aws.String("arn:aws:glue:eu-central-1:1:job/etl")})
	if err != nil || !maps.Equal(tags.Tags, map[string]string{"team": "data"}) {
		t.Errorf("%+v, %v", tags, err)
	}
	select {
	case a := <-w.stage.opened:
		t.Errorf("%s began twice", a.ID)
	default:
	}
}

// Scripts run beside each other as far as the machine has room, whatever Glue's limits are.
func TestParallel(t *testing.T) {
	w := serve(t, glueserver.Options{Parallel: 2})
	w.job("etl", func(in *glue.CreateJobInput) { in.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 5} })
	var ids []string
	for range 5 {
		ids = append(ids, w.started("etl"))
	}
	first, second := <-w.stage.opened, <-w.stage.opened
	starting := 0
	for _, id := range ids {
		if w.run("etl", id).JobRunState == types.JobRunStateStarting && id != first.ID && id != second.ID {
			starting++
		}
	}
	if starting != 3 {
		t.Errorf("%d runs are starting", starting)
	}
	for _, a := range []*act{first, second} {
		a.end <- jobs.End{}
	}
	for range 3 {
		(<-w.stage.opened).end <- jobs.End{}
	}
	for _, id := range ids {
		w.until("etl", id, types.JobRunStateSucceeded)
	}
}

// What AWS's documents bound is refused here, where clients send it.
func TestBounds(t *testing.T) {
	w := serve(t, glueserver.Options{})
	w.job("etl", nil)
	long := strings.Repeat("ä", 256)
	name := aws.String("etl")
	for what, call := range map[string]func() error{
		"a name of 256": func() error {
			_, err := w.client.GetJob(t.Context(), &glue.GetJobInput{JobName: &long})
			return err
		},
		"26 ids": func() error {
			_, err := w.client.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: name, JobRunIds: slices.Repeat([]string{"jr_1"}, 26)})
			return err
		},
		"no ids": func() error {
			_, err := w.client.BatchStopJobRun(t.Context(), &glue.BatchStopJobRunInput{JobName: name, JobRunIds: []string{}})
			return err
		},
		"201 runs": func() error {
			_, err := w.client.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: name, MaxResults: aws.Int32(201)})
			return err
		},
		"1001 jobs": func() error {
			_, err := w.client.GetJobs(t.Context(), &glue.GetJobsInput{MaxResults: aws.Int32(1001)})
			return err
		},
		"a token of nobody": func() error {
			_, err := w.client.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: name, NextToken: aws.String("?")})
			return err
		},
		"a worker type": func() error {
			_, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: name, WorkerType: "G.3X"})
			return err
		},
		"one worker": func() error {
			_, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: name, WorkerType: "G.1X", NumberOfWorkers: aws.Int32(1)})
			return err
		},
		"eight days": func() error {
			_, err := w.client.StartJobRun(t.Context(), &glue.StartJobRunInput{JobName: name, Timeout: aws.Int32(8 * 24 * 60)})
			return err
		},
		"long arguments": func() error {
			_, err := w.start("etl", map[string]string{"--a": strings.Repeat("a", 260<<10)})
			return err
		},
		"11 retries": func() error {
			_, err := w.client.UpdateJob(t.Context(), &glue.UpdateJobInput{JobName: name, JobUpdate: &types.JobUpdate{MaxRetries: 11, Role: aws.String("r"),
				Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("x.py")}}})
			return err
		},
		"no role": func() error {
			_, err := w.client.UpdateJob(t.Context(), &glue.UpdateJobInput{JobName: name, JobUpdate: &types.JobUpdate{}})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) { faults[*types.InvalidInputException](t, call()) })
	}
	if _, err := w.client.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: name, MaxResults: aws.Int32(200)}); err != nil {
		t.Error(err)
	}
	_, err := w.client.GetDevEndpoints(t.Context(), &glue.GetDevEndpointsInput{})
	if err == nil || !strings.Contains(err.Error(), "UnknownOperationException") {
		t.Errorf("an operation that is not there: %v", err)
	}
}

// A job is kept as it was given: an update that changes nothing finds nothing to change.
func TestDefinitions(t *testing.T) {
	w := serve(t, glueserver.Options{Limits: jobs.Limits{Jobs: 30}})
	w.job("etl", func(in *glue.CreateJobInput) {
		in.Description, in.MaxCapacity, in.LogUri = aws.String(""), aws.Float64(10), aws.String("s3://b/logs/")
		in.Connections = &types.ConnectionsList{Connections: []string{"c"}}
		in.DefaultArguments = map[string]string{}
	})
	_, err := w.client.CreateJob(t.Context(), &glue.CreateJobInput{Name: aws.String("etl"), Role: aws.String("r"), Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("x")}})
	faults[*types.AlreadyExistsException](t, err)
	got, err := w.client.GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
	if err != nil {
		t.Fatal(err)
	}
	j := got.Job
	if j.Description == nil || *j.Description != "" || *j.MaxCapacity != 10 || *j.LogUri != "s3://b/logs/" || j.MaxRetries != 0 || j.ExecutionProperty.MaxConcurrentRuns != 1 ||
		*j.Command.PythonVersion != "3" || *j.Timeout != 480 || j.NumberOfWorkers != nil || j.WorkerType != "" || !slices.Equal(j.Connections.Connections, []string{"c"}) {
		t.Errorf("%+v", j)
	}

	if _, err := w.client.UpdateJob(t.Context(), &glue.UpdateJobInput{JobName: aws.String("etl"), JobUpdate: &types.JobUpdate{Role: aws.String("other"), GlueVersion: aws.String("4.0"),
		Command: &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: aws.String("new.py")}}}); err != nil {
		t.Fatal(err)
	}
	got, err = w.client.GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
	if err != nil || got.Job.Connections != nil || got.Job.MaxCapacity != nil || *got.Job.NumberOfWorkers != 10 || *got.Job.Timeout != 2880 || *got.Job.Role != "other" {
		t.Errorf("after an update: %+v, %v", got.Job, err)
	}

	for i := range 25 {
		w.job(fmt.Sprintf("n%02d", i), nil)
	}
	var names []string
	for pages := glue.NewListJobsPaginator(w.client, &glue.ListJobsInput{MaxResults: aws.Int32(10)}); pages.HasMorePages(); {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, p.JobNames...)
	}
	if len(names) != 26 || names[0] != "etl" || names[25] != "n24" {
		t.Errorf("jobs are %v", names)
	}
	batch, err := w.client.BatchGetJobs(t.Context(), &glue.BatchGetJobsInput{JobNames: []string{"n03", "nobody"}})
	if err != nil || len(batch.Jobs) != 1 || !slices.Equal(batch.JobsNotFound, []string{"nobody"}) {
		t.Errorf("%+v, %v", batch, err)
	}
	for range 2 { // the second time it is not there
		if _, err := w.client.DeleteJob(t.Context(), &glue.DeleteJobInput{JobName: aws.String("etl")}); err != nil {
			t.Error(err)
		}
	}
	_, err = w.client.GetJob(t.Context(), &glue.GetJobInput{JobName: aws.String("etl")})
	faults[*types.EntityNotFoundException](t, err)
}

// Requests are verified by the keys, with exactly the headers that were signed; a server without keys answers loopback's names alone.
func TestSignatures(t *testing.T) {
	w := serve(t, glueserver.Options{Keys: &glueserver.Keys{ID: "AKIDEXAMPLE", Secret: "right"}})
	for name, c := range map[string]struct {
		client *glue.Client
		want   string
	}{
		"right":     {w.as("AKIDEXAMPLE", "right"), ""},
		"wrong":     {w.as("AKIDEXAMPLE", "wrong"), "InvalidSignatureException"},
		"unknown":   {w.as("AKIDOTHER", "right"), "UnrecognizedClientException"},
		"anonymous": {glue.New(glue.Options{BaseEndpoint: &w.http.URL, Region: "eu-central-1", Credentials: aws.AnonymousCredentials{}}), "MissingAuthenticationTokenException"},
	} {
		_, err := c.client.GetJobs(t.Context(), &glue.GetJobsInput{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}

	open := serve(t, glueserver.Options{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, open.http.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "attacker.example:9443"
	request.Header.Set("X-Amz-Target", "AWSGlue.GetJobs")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "AccessDeniedException") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

// A request whose signature does not hold is refused as AWS says it, to each service in its own form.
func TestRefusedSignatures(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	w := serve(t, glueserver.Options{Keys: &glueserver.Keys{ID: "AKIDEXAMPLE", Secret: "right"}, Now: func() time.Time { return now }})
	const form, list = "Action=GetRole&Version=2010-05-08&RoleName=r", "{}"
	for name, c := range map[string]struct {
		body   string
		at     time.Duration
		harm   func(*http.Request)
		status int
		want   string
	}{
		"right":             {list, 14 * time.Minute, nil, 200, `{"Jobs":[]}`},
		"expired":           {list, -16 * time.Minute, nil, 400, `"InvalidSignatureException","Message":"Signature expired: 20261129T114400Z is now earlier than 20261129T114500Z (20261129T120000Z - 15 min.)"`},
		"early":             {list, 16 * time.Minute, nil, 400, `"InvalidSignatureException","Message":"Signature not yet current: 20261129T121600Z is still later than 20261129T121500Z (20261129T120000Z + 15 min.)"`},
		"no signature":      {list, 0, func(r *http.Request) { r.Header.Del("Authorization") }, 400, `"MissingAuthenticationTokenException","Message":"Missing Authentication Token"`},
		"another scheme":    {list, 0, func(r *http.Request) { r.Header.Set("Authorization", "Bearer token") }, 400, `"IncompleteSignatureException"`},
		"no date":           {list, 0, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 400, `"IncompleteSignatureException","Message":"Date must be`},
		"another day":       {list, 0, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261128T120000Z") }, 400, `'20261129' != '20261128'`},
		"another body":      {list, 0, func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("[]")), 2 }, 400, `"The request signature we calculated does not match`},
		"another call":      {list, 0, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AWSGlue.DeleteJob") }, 400, `"The request signature we calculated does not match`},
		"not signed":        {list, 0, func(r *http.Request) { r.Header.Set("X-Amz-Other", "x") }, 400, `'x-amz-other' must be a 'SignedHeader'`},
		"IAM":               {form, 0, nil, 200, "<Arn>arn:aws:iam::000000000000:role/r</Arn>"},
		"IAM, expired":      {form, -16 * time.Minute, nil, 403, "<Code>SignatureDoesNotMatch</Code><Message>Signature expired: 20261129T114400Z is now"},
		"IAM, no signature": {form, 0, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "<Code>MissingAuthenticationToken</Code>"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.http.URL+"/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			service := "glue"
			if c.body == form {
				service = "iam"
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			} else {
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "AWSGlue.GetJobs")
			}
			sum := sha256.Sum256([]byte(c.body))
			if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "right"}, r, hex.EncodeToString(sum[:]), service, "eu-central-1", now.Add(c.at)); err != nil {
				t.Fatal(err)
			}
			if c.harm != nil {
				c.harm(r)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			if text, _ := io.ReadAll(answer.Body); answer.StatusCode != c.status || !strings.Contains(string(text), c.want) {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
}
