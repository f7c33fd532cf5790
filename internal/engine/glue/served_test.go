package glue_test

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// fault is what happens to a call on its way.
type fault int

const (
	none     fault = iota
	lose           // the server does it, and the connection is closed instead of its answer
	internal       // the server does it, and the answer is 500
	refuse         // the connection is closed, and the server never asked
	throttle       // 400 ThrottlingException, the same
)

// scripted is a served Glue whose scripts are functions of the test.
type scripted struct {
	endpoint string
	mutex    sync.Mutex
	calls    []string                             // operations with their bodies
	rule     func(op string, nth int) fault       // of each call of an operation, from 1
	script   func(jobs.Task, func([]byte)) string // writes the end, if it does; why it failed, or ""
	live     map[string]chan struct{}             // closed when a run is stopped
	logs     map[string]string
}

func serve(t *testing.T, o glueserver.Options) *scripted {
	t.Helper()
	s := &scripted{live: map[string]chan struct{}{}, logs: map[string]string{}, rule: func(string, int) fault { return none }}
	o.State, o.Runner, o.Parallel = t.TempDir(), s, 100
	server, err := glueserver.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		s.mutex.Lock()
		seen[op]++
		s.calls = append(s.calls, op+" "+string(body))
		what := s.rule(op, seen[op])
		s.mutex.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		switch what {
		case none:
			server.ServeHTTP(w, r)
		case throttle:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ThrottlingException","Message":"Rate exceeded"}`)
		case lose, internal:
			server.ServeHTTP(httptest.NewRecorder(), r)
			if what == internal {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = io.WriteString(w, `{"__type":"InternalServiceException","Message":"as the test says"}`)
				return
			}
			panic(http.ErrAbortHandler)
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(func() {
		proxy.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	s.endpoint = proxy.URL
	return s
}

// called are the bodies of an operation's calls.
func (s *scripted) called(op string) (bodies []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, call := range s.calls {
		if is, body, _ := strings.Cut(call, " "); is == op {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

func (s *scripted) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	s.mutex.Lock()
	stopped := s.live[t.ID]
	if stopped == nil {
		stopped = make(chan struct{})
		s.live[t.ID] = stopped
	}
	script := s.script
	s.mutex.Unlock()
	began()

	ended := make(chan string, 1)
	go func() {
		ended <- script(t, func(end []byte) {
			var request struct{ End string }
			text, err := os.ReadFile(t.Arguments["--hindcast_request"])
			if err == nil {
				err = json.Unmarshal(text, &request)
			}
			if err == nil {
				err = os.WriteFile(request.End, end, 0o600)
			}
			if err != nil {
				panic(err)
			}
		})
	}()
	select {
	case why := <-ended:
		return jobs.End{Failed: why != "", Message: why}, nil
	case <-stopped:
		return jobs.End{Failed: true, Message: "killed"}, nil
	case <-ctx.Done():
		return jobs.End{}, ctx.Err()
	}
}

func (s *scripted) Stop(_ context.Context, t jobs.Task) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if stopped := s.live[t.ID]; stopped != nil {
		close(stopped)
		s.live[t.ID] = nil
	}
	return nil
}

func (s *scripted) Forget(string) error { return nil }

func (s *scripted) Log(id string, of jobs.Stream) (io.ReadSeekCloser, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	text, there := s.logs[string(of)]
	if !there {
		return nil, fs.ErrNotExist
	}
	return struct {
		*strings.Reader
		io.Closer
	}{strings.NewReader(text), io.NopCloser(nil)}, nil
}

// clients are those of an endpoint.
func clients(endpoint string) glue.Clients {
	return glue.ClientsOf(aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }})
}

// quick is the pace of tests.
const quick = 10 * time.Millisecond

var small = hindcast.Glue{Role: "role", Version: "5.1", WorkerType: "G.1X", Workers: 2, Jobs: 2, RunsPerJob: 2, Timeout: time.Hour, Class: "STANDARD"}

// open opens an engine over a lake in a folder.
func (s *scripted) open(t *testing.T, lake string, g hindcast.Glue) *glue.Engine {
	t.Helper()
	return s.opened(t, lake, g, nil)
}

// paid is open with prices: a run costs a dollar a minute.
func (s *scripted) paid(t *testing.T, lake string, g hindcast.Glue) *glue.Engine {
	t.Helper()
	return s.opened(t, lake, g, aDollar)
}

func (s *scripted) opened(t *testing.T, lake string, g hindcast.Glue, price func(hindcast.Glue) hindcast.Rate) *glue.Engine {
	t.Helper()
	store, err := file.Open(lake)
	if err != nil {
		t.Fatal(err)
	}
	e := glue.Open(glue.Options{Glue: g, Name: "hindcast-p", Store: store, Scripts: store, Folder: "scripts/", Clients: clients(s.endpoint), Capacity: glue.Capacity(hindcast.RunConfig{}, g, nil), Price: price, Pace: quick})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func workOf(lake, name string) engine.Work {
	day := hindcast.Column{Name: "day", Type: "DATE"}
	january := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}
	return engine.Work{Tag: "p/r1/" + name + "/a1", Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Query: engine.Query{Dialect: "spark", SQL: "SELECT DATE '2020-01-01' AS day", TimeZone: "UTC"},
		Columns: []hindcast.Column{day}, Target: hindcast.Target{Table: "out", Time: "day"}, Dir: lake + "/" + name}
}

// ok is the end of work that wrote a file.
var ok = []byte(`{"ok": {"files": [{"name": "part-0.parquet", "rows": 3, "bytes": 9}], "rows": 3, "in": {}}, "brief": {"columns": [{"name": "day", "type": "DATE"}]}}`)

func writes(end []byte, why string) func(jobs.Task, func([]byte)) string {
	return func(_ jobs.Task, write func([]byte)) string {
		if end != nil {
			write(end)
		}
		return why
	}
}

// lasts is a script that runs until it is stopped.
func lasts(jobs.Task, func([]byte)) string { select {} }

func start(t *testing.T, e *glue.Engine, w engine.Work) hindcast.Handle {
	t.Helper()
	h, err := e.Start(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What work came to is what its script wrote last. What Glue says of a run decides only where there is no end.
func TestTheEndOfWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script  func(jobs.Task, func([]byte)) string
		logs    map[string]string
		timeout time.Duration
		want    *hindcast.Error
		detail  string
	}{
		"well":                       {script: writes(ok, "")},
		"well, in a run that failed": {script: writes(ok, "exit code 1")},
		"a check that failed": {script: writes([]byte(`{"failed": {"kind": "check_rows", "count": 0, "check": 0}, "brief": {"columns": [], "checks": [{"name": "rows", "rows": {"min": 1}}]}}`), "SystemExit"),
			want: &hindcast.Error{Code: hindcast.ECheck, Class: hindcast.ClassCheck}},
		"no end": {script: writes(nil, "exit code 1"), logs: map[string]string{"error": "Traceback\nException: no such bucket\n"},
			want: &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient}, detail: "Exception: no such bucket"},
		"no end, and only output": {script: writes(nil, "exit code 1"), logs: map[string]string{"output": "a word\n"},
			want: &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient}, detail: "a word"},
		"no memory": {script: writes(nil, "exit code 1"), logs: map[string]string{"error": "java.lang.OutOfMemoryError: Java heap space\n"},
			want: &hindcast.Error{Code: hindcast.EMemory, Class: hindcast.ClassResource}},
		"success without an end": {script: writes(nil, ""), want: &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient}},
		"too long":               {script: lasts, timeout: time.Minute, want: &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, glueserver.Options{Minute: 50 * time.Millisecond})
			s.script, s.logs = c.script, c.logs
			g := small
			if c.timeout > 0 {
				g.Timeout = c.timeout
			}
			lake := t.TempDir()
			e, w := s.open(t, lake, g), workOf(lake, "a")
			result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil)
			if c.want == nil {
				if err != nil || result.Rows != 3 || len(result.Files) != 1 || result.Files[0].Path != w.Dir+"/part-0.parquet" || len(result.Columns) != 1 {
					t.Errorf("%+v, %v", result, err)
				}
				return
			}
			is := hindcast.AsError(err)
			if is == nil || is.Code != c.want.Code || is.Class != c.want.Class || c.detail != "" && !slices.Contains(is.Detail, c.detail) {
				t.Errorf("%+v", is)
			}
		})
	}
}

// A run is started once, whatever becomes of the answers.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]func(op string, nth int) fault{
		"a start's is lost":       func(op string, nth int) fault { return map[bool]fault{true: lose}[op == "StartJobRun" && nth == 1] },
		"500 after a start":       func(op string, nth int) fault { return map[bool]fault{true: internal}[op == "StartJobRun" && nth == 1] },
		"a start never got there": func(op string, nth int) fault { return map[bool]fault{true: refuse}[op == "StartJobRun" && nth == 1] },
		"a job's is lost":         func(op string, nth int) fault { return map[bool]fault{true: lose}[op == "CreateJob" && nth == 1] },
		"throttled": func(op string, nth int) fault {
			return map[bool]fault{true: throttle}[nth <= 3 && (op == "StartJobRun" || op == "GetJobRuns" || op == "GetJob")]
		},
		"every other list": func(op string, nth int) fault { return map[bool]fault{true: refuse}[op == "GetJobRuns" && nth%2 == 1] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, glueserver.Options{})
			s.script, s.rule = writes(ok, ""), rule
			lake := t.TempDir()
			e, w := s.open(t, lake, small), workOf(lake, "a")
			if result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil); err != nil || result.Rows != 3 {
				t.Errorf("%+v, %v", result, err)
			}
			n := 0
			for _, j := range []string{"hindcast-p-01", "hindcast-p-02"} {
				out, err := clients(s.endpoint).Jobs.GetJobRuns(t.Context(), &awsglue.GetJobRunsInput{JobName: &j})
				for try := 0; err != nil && try < 5 && name != "throttled"; try++ {
					out, err = clients(s.endpoint).Jobs.GetJobRuns(t.Context(), &awsglue.GetJobRunsInput{JobName: &j})
				}
				if err == nil {
					n += len(out.JobRuns)
				}
			}
			if n != 1 {
				t.Errorf("%d runs were started", n)
			}
		})
	}
}

// Work for which there is no room waits until there is, in Wait and not in Start.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	let := make(chan struct{})
	s.script = func(task jobs.Task, write func([]byte)) string {
		if strings.Contains(task.Arguments["--hindcast_tag"], "first") {
			<-let
		}
		write(ok)
		return ""
	}
	g := small
	g.Jobs, g.RunsPerJob = 1, 1
	lake := t.TempDir()
	e, other := s.open(t, lake, g), s.open(t, lake, g)
	first, second, third := workOf(lake, "first"), workOf(lake, "second"), workOf(lake, "third")
	h1, h2, h3 := start(t, e, first), start(t, e, second), start(t, other, third) // the other process knows only by Glue's answer
	if h1.IDs["run"] == "" || h2.IDs != nil || h3.IDs != nil {
		t.Errorf("%+v, %+v, %+v", h1, h2, h3)
	}
	if alive, err := e.Alive(t.Context(), "p/r1/"); err != nil || len(alive) != 2 {
		t.Errorf("alive: %+v, %v", alive, err)
	}

	waiting := make(chan error, 2)
	once := sync.OnceFunc(func() { close(let) })
	for engine, w := range map[*glue.Engine]engine.Work{e: second, other: third} {
		go func() {
			_, err := engine.Wait(t.Context(), hindcast.Handle{Tag: w.Tag}, w.Dir, func(hindcast.Progress) { once() })
			waiting <- err
		}()
	}
	for range 2 {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
	if result, err := e.Wait(t.Context(), h1, first.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("%+v, %v", result, err)
	}
}

// What a process that died had started is found by its tag, waited for and stopped by the next one; and what a lost end wrote is read.
func TestFoundAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = func(task jobs.Task, write func([]byte)) string {
		if strings.Contains(task.Arguments["--hindcast_tag"], "slow") {
			select {}
		}
		write(ok)
		return ""
	}
	lake := t.TempDir()
	e, w, slow := s.open(t, lake, small), workOf(lake, "a"), workOf(lake, "slow")
	h, hs := start(t, e, w), start(t, e, slow)

	later := s.open(t, lake, small)
	if result, err := later.Wait(t.Context(), hindcast.Handle{Tag: h.Tag}, w.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("by its tag: %+v, %v", result, err)
	}
	if result, err := later.Wait(t.Context(), h, w.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("by its handle: %+v, %v", result, err)
	}
	alive, err := later.Alive(t.Context(), "p/r1/")
	if err != nil || len(alive) != 1 || alive[0].Tag != slow.Tag || alive[0].IDs["run"] != hs.IDs["run"] {
		t.Errorf("alive: %+v, %v", alive, err)
	}
	if err := later.Stop(t.Context(), hindcast.Handle{Tag: slow.Tag}); err != nil {
		t.Error(err)
	}
	if alive, err := e.Alive(t.Context(), ""); err != nil || len(alive) != 0 {
		t.Errorf("after the stop: %+v, %v", alive, err)
	}
	if _, err := e.Wait(t.Context(), hs, slow.Dir, nil); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EWorker {
		t.Errorf("what was stopped: %v", err)
	}
	if _, err := e.Wait(t.Context(), hindcast.Handle{Tag: "p/r1/nosuch/a1"}, lake+"/nosuch", nil); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EWorker {
		t.Errorf("what never was: %v", err)
	}
}

// All runs of a job are stopped with as few calls as Glue allows, whose answers may be lost, and are stopped when Close returns.
func TestCloseStopsInBatches(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = lasts
	s.rule = func(op string, nth int) fault { return map[bool]fault{true: lose}[op == "BatchStopJobRun" && nth == 1] }
	g := small
	g.Jobs, g.RunsPerJob = 1, 40
	lake := t.TempDir()
	e := s.open(t, lake, g)
	var group sync.WaitGroup
	for n := range 40 {
		group.Go(func() { start(t, e, workOf(lake, "w"+string(rune('A'+n)))) })
	}
	group.Wait()
	if names := e.Workers(); len(names) != 40 {
		t.Errorf("%q", names)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if alive, err := s.open(t, lake, g).Alive(t.Context(), ""); err != nil || len(alive) != 0 {
		t.Errorf("%+v, %v", alive, err)
	}
	for _, body := range s.called("BatchStopJobRun") {
		var in struct{ JobRunIds []string }
		if err := json.Unmarshal([]byte(body), &in); err != nil || len(in.JobRunIds) == 0 || len(in.JobRunIds) > 25 {
			t.Errorf("%d ids, %v", len(in.JobRunIds), err)
		}
	}
	if _, err := e.Start(t.Context(), workOf(lake, "late")); hindcast.AsError(err) == nil || hindcast.AsError(err).Code != hindcast.EStopped {
		t.Errorf("after Close: %v", err)
	}
}

// Where Glue makes attempts of its own they are followed from the first one's id, and all of them are stopped.
func TestGluesOwnAttempts(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = func(task jobs.Task, write func([]byte)) string {
		switch {
		case task.Attempt == 0:
			return "the driver was lost"
		case strings.Contains(task.Arguments["--hindcast_tag"], "slow"):
			select {}
		}
		write(ok)
		return ""
	}
	g := small
	g.MaxRetries = 2
	lake := t.TempDir()
	e, w, slow := s.open(t, lake, g), workOf(lake, "a"), workOf(lake, "slow")
	if result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	if err := e.Stop(t.Context(), start(t, e, slow)); err != nil {
		t.Error(err)
	}
	if alive, err := e.Alive(t.Context(), ""); err != nil || len(alive) != 0 {
		t.Errorf("%+v, %v", alive, err)
	}
}

// paced notes how far apart calls for the runs of a job are.
type paced struct {
	glue.Jobs
	mutex sync.Mutex
	last  map[string]time.Time
	least time.Duration
	calls int
}

func (p *paced) GetJobRuns(ctx context.Context, in *awsglue.GetJobRunsInput, o ...func(*awsglue.Options)) (*awsglue.GetJobRunsOutput, error) {
	p.mutex.Lock()
	now := time.Now()
	if last, is := p.last[*in.JobName]; is {
		p.least = min(p.least, now.Sub(last))
	}
	p.last[*in.JobName] = now
	p.calls++
	p.mutex.Unlock()
	return p.Jobs.GetJobRuns(ctx, in, o...)
}

// However many wait, a job is asked once in a pace.
func TestAJobIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	let := make(chan struct{})
	s.script = func(_ jobs.Task, write func([]byte)) string {
		<-let
		write(ok)
		return ""
	}
	lake := t.TempDir()
	store, err := file.Open(lake)
	if err != nil {
		t.Fatal(err)
	}
	c := clients(s.endpoint)
	p := &paced{Jobs: c.Jobs, last: map[string]time.Time{}, least: time.Hour}
	c.Jobs = p
	g := small
	g.Jobs, g.RunsPerJob = 1, 10
	e := glue.Open(glue.Options{Glue: g, Name: "hindcast-p", Store: store, Scripts: store, Clients: c, Capacity: glue.Capacity(hindcast.RunConfig{}, g, nil), Pace: quick})
	var group sync.WaitGroup
	seen := make(chan struct{}, 1000)
	for n := range 10 {
		w := workOf(lake, "w"+string(rune('a'+n)))
		h := start(t, e, w)
		group.Go(func() {
			if _, err := e.Wait(t.Context(), h, w.Dir, func(hindcast.Progress) {
				select {
				case seen <- struct{}{}:
				default:
				}
			}); err != nil {
				t.Error(err)
			}
		})
	}
	for range 50 {
		<-seen
	}
	close(let)
	group.Wait()
	if p.least < quick {
		t.Errorf("a job was asked twice in %v", p.least)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// The jobs are as the pipeline has them: made, changed back, and left alone where they are. Their connections take turns.
func TestJobsAreThePipelines(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	s.script = writes(ok, "")
	g := small
	g.Jobs, g.RunsPerJob, g.Connections = 3, 1, []string{"a", "b"}
	lake := t.TempDir()
	run := func(g hindcast.Glue, name string) {
		t.Helper()
		e := s.open(t, lake, g)
		var handles []hindcast.Handle
		for n := range g.Jobs {
			handles = append(handles, start(t, e, workOf(lake, name+string(rune('a'+n)))))
		}
		for n, h := range handles {
			if _, err := e.Wait(t.Context(), h, lake+"/"+name+string(rune('a'+n)), nil); err != nil {
				t.Error(err)
			}
		}
	}
	run(g, "first")
	run(g, "again")
	if made, changed := len(s.called("CreateJob")), len(s.called("UpdateJob")); made != 3 || changed != 0 {
		t.Errorf("%d were made, %d changed", made, changed)
	}
	for n, connection := range []string{"a", "b", "a"} {
		name := "hindcast-p-0" + string(rune('1'+n))
		is, err := clients(s.endpoint).Jobs.GetJob(t.Context(), &awsglue.GetJobInput{JobName: &name})
		if err != nil || is.Job.Connections == nil || !slices.Equal(is.Job.Connections.Connections, []string{connection}) || is.Job.MaxRetries != 0 || is.Job.ExecutionProperty.MaxConcurrentRuns != 1 {
			t.Errorf("%s: %+v, %v", name, is, err)
			continue
		}
		script, err := os.ReadFile(aws.ToString(is.Job.Command.ScriptLocation))
		if err != nil || string(script) != string(awsspark.Script()) {
			t.Errorf("its script: %v", err)
		}
	}
	g.Workers, g.Class = 3, "FLEX"
	run(g, "changed")
	if made, changed := len(s.called("CreateJob")), len(s.called("UpdateJob")); made != 3 || changed != 3 {
		t.Errorf("%d were made, %d changed", made, changed)
	}
}

// What Glue refuses is the user's to correct.
func TestWhatGlueRefuses(t *testing.T) {
	t.Parallel()
	s := serve(t, glueserver.Options{})
	lake := t.TempDir()
	g := small
	g.Workers = 1
	_, err := s.open(t, lake, g).Start(t.Context(), workOf(lake, "a"))
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EGlue || e.Class != hindcast.ClassPermanent || e.Next == "" {
		t.Errorf("%v", err)
	}
}
