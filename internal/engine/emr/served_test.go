package emr_test

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/emrtest"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/emr"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

// scripts is a Runner whose scripts are a function of the test, which writes the end, if it does, and returns why it failed.
type scripts struct {
	script func(tag string, write func(end string)) string
	log    string // what each writes into its log

	mutex sync.Mutex
	live  map[string]chan struct{} // closed when a run is stopped
}

func (s *scripts) stopped(id string) chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.live[id] == nil {
		s.live[id] = make(chan struct{})
	}
	return s.live[id]
}

func (s *scripts) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	began()
	ended := make(chan string, 1)
	go func() {
		ended <- s.script(t.Arguments[awsspark.TagArgument], func(end string) {
			var request struct{ End string }
			text, err := os.ReadFile(t.Arguments[awsspark.RequestArgument])
			if err == nil {
				err = json.Unmarshal(text, &request)
			}
			if err == nil {
				err = os.WriteFile(request.End, []byte(end), 0o600)
			}
			if err != nil {
				panic(err)
			}
		})
	}()
	select {
	case why := <-ended:
		return jobs.End{Failed: why != "", Message: why}, nil
	case <-s.stopped(t.ID):
		return jobs.End{Failed: true, Message: "killed"}, nil
	case <-ctx.Done():
		return jobs.End{}, ctx.Err()
	}
}

func (s *scripts) Stop(_ context.Context, t jobs.Task) error {
	stopped := s.stopped(t.ID)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	select {
	case <-stopped:
	default:
		close(stopped)
	}
	return nil
}

func (s *scripts) Forget(string) error { return nil }

func (s *scripts) Log(_ string, of jobs.Stream) (io.ReadSeekCloser, error) {
	if s.log == "" || of != jobs.Errors {
		return nil, fs.ErrNotExist
	}
	return struct {
		*strings.Reader
		io.Closer
	}{strings.NewReader(s.log), io.NopCloser(nil)}, nil
}

// served is an EMR Serverless whose scripts are functions, over a lake in a folder.
type served struct {
	*emrtest.Server
	scripts
	endpoint    string
	lake        string
	application string
}

// serve starts one with an application. What it is given of options may be zero.
func serve(t *testing.T, o emrtest.Options, change func(*emrserverless.CreateApplicationInput)) *served {
	t.Helper()
	s := &served{scripts: scripts{live: map[string]chan struct{}{}}, lake: t.TempDir()}
	o.Runner = &s.scripts
	o.Put = func(_ context.Context, location string, body []byte) error {
		if err := os.MkdirAll(filepath.Dir(location), 0o700); err != nil {
			return err
		}
		return os.WriteFile(location, body, 0o600)
	}
	s.Server = emrtest.New(o)
	web := httptest.NewServer(s.Server)
	t.Cleanup(func() {
		web.Close()
		s.Close()
	})
	s.endpoint = web.URL
	s.application = created(t, s.endpoint, change)
	return s
}

// quick is the pace of tests.
const quick = 10 * time.Millisecond

// open opens an engine over the lake.
func (s *served) open(t *testing.T, change func(*emr.Options)) *emr.Engine {
	t.Helper()
	store, err := file.Open(s.lake)
	if err != nil {
		t.Fatal(err)
	}
	o := emr.Options{EMR: block(s.application), Store: store, Scripts: store, Folder: "scripts/", Client: client(s.endpoint), Pace: quick}
	if change != nil {
		change(&o)
	}
	o.Capacity = emr.Capacity(hindcast.RunConfig{}, o.EMR, nil, nil)
	e := emr.Open(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (s *served) work(name string) engine.Work {
	january := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}
	return engine.Work{Tag: "p/r1/" + name + "/a1", Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Query: engine.Query{Dialect: "spark", SQL: "SELECT DATE '2020-01-01' AS day", TimeZone: "UTC"},
		Columns: []hindcast.Column{{Name: "day", Type: "DATE"}}, Target: hindcast.Target{Table: "out", Time: "day"}, Dir: s.lake + "/" + name[:min(len(name), 100)]}
}

// ok is the end of work that wrote a file.
const ok = `{"ok": {"files": [{"name": "part-0.parquet", "rows": 3, "bytes": 9}], "rows": 3, "in": {}}, "brief": {"columns": [{"name": "day", "type": "DATE"}]}}`

// writes is a script that writes an end, unless that is "", and fails for a reason, unless there is none.
func writes(end, why string) func(string, func(string)) string {
	return func(_ string, write func(string)) string {
		if end != "" {
			write(end)
		}
		return why
	}
}

// lasts is a script that runs until it is stopped.
func lasts(string, func(string)) string { select {} }

func start(t *testing.T, e *emr.Engine, w engine.Work) hindcast.Handle {
	t.Helper()
	h, err := e.Start(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// wants wants an error of the code and class, whose text and details have the words.
func wants(t *testing.T, what string, err error, code hindcast.Code, class hindcast.Class, words ...string) {
	t.Helper()
	is := hindcast.AsError(err)
	if err == nil || is.Code != code || is.Class != class {
		t.Errorf("%s: %v, want %s, %s", what, err, code, class)
		return
	}
	all := strings.Join(append([]string{is.Message, is.Next}, is.Detail...), "\n")
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("%s: %q is not in %s", what, word, all)
		}
	}
}

// What work came to is what its script wrote last. What EMR Serverless says of a run decides only where there is no end.
func TestTheEndOfWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script  func(string, func(string)) string
		log     string
		timeout time.Duration
		code    hindcast.Code // "" is well
		class   hindcast.Class
		words   []string
	}{
		"well":                       {script: writes(ok, "")},
		"well, in a run that failed": {script: writes(ok, "exit code 1")},
		"a check that failed": {script: writes(`{"failed": {"kind": "check_rows", "count": 0, "check": 0}, "brief": {"columns": [], "checks": [{"name": "rows", "rows": {"min": 1}}]}}`, "SystemExit"),
			code: hindcast.ECheck, class: hindcast.ClassCheck},
		"no end": {script: writes("", "exit code 1"), log: strings.Repeat("a line\n", 100_000) + "Traceback\nException: no such bucket\n",
			code: hindcast.EWorker, class: hindcast.ClassTransient, words: []string{"died", "exit code 1", "Exception: no such bucket", "/SPARK_DRIVER/stderr.gz"}},
		"no log":    {script: writes("", "exit code 1"), code: hindcast.EWorker, class: hindcast.ClassTransient, words: []string{"it has no log in"}},
		"no memory": {script: writes("", "exit code 1"), log: "java.lang.OutOfMemoryError: Java heap space\n", code: hindcast.EMemory, class: hindcast.ClassResource, words: []string{"executor_memory"}},
		"no quota": {script: writes("", "exit code 1"), log: "ServiceQuotaExceededException: Max concurrent vCPUs\n", code: hindcast.EWorker, class: hindcast.ClassTransient,
			words: []string{"ask for a higher quota"}},
		"success without an end": {script: writes("", ""), code: hindcast.EWorker, class: hindcast.ClassTransient, words: []string{"its script is not hindcast's"}},
		"too long":               {script: lasts, timeout: time.Minute, code: hindcast.ETimeout, class: hindcast.ClassTransient, words: []string{"ran longer than emr_serverless.timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emrtest.Options{Minute: 50 * time.Millisecond}, nil)
			s.script, s.log = c.script, c.log
			e, w := s.open(t, func(o *emr.Options) {
				if c.timeout > 0 {
					o.EMR.Timeout = c.timeout
				}
			}), s.work("a")
			result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil)
			if c.code != "" {
				wants(t, name, err, c.code, c.class, c.words...)
				return
			}
			if err != nil || result.Rows != 3 || len(result.Files) != 1 || result.Files[0].Path != w.Dir+"/part-0.parquet" || len(result.Columns) != 1 {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
}

// on is a rule for the first requests of an operation.
func on(operation string, faults ...emrtest.Fault) func(string, int) emrtest.Fault {
	return func(op string, n int) emrtest.Fault {
		if op == operation && n <= len(faults) {
			return faults[n-1]
		}
		return emrtest.None
	}
}

// A run is started once, whatever becomes of the answers: each start of the same work has the same token.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	long := slices.Repeat([]emrtest.Fault{emrtest.Unreached, emrtest.LostAnswer, emrtest.Broken}, 3)
	for name, c := range map[string]struct {
		rule   func(string, int) emrtest.Fault
		hidden int
	}{
		"a start's is lost":            {rule: on("StartJobRun", emrtest.LostAnswer)},
		"500 after a start":            {rule: on("StartJobRun", emrtest.Broken)},
		"a start never got there":      {rule: on("StartJobRun", emrtest.Unreached)},
		"more starts than Start makes": {rule: on("StartJobRun", long...)},
		"throttled": {rule: func(op string, n int) emrtest.Fault {
			return map[bool]emrtest.Fault{true: emrtest.Throttled}[n > 1 && n <= 4 || n == 1 && op == "StartJobRun"]
		}},
		"every other list": {rule: func(op string, n int) emrtest.Fault {
			return map[bool]emrtest.Fault{true: emrtest.Unreached}[op == "ListJobRuns" && n%2 == 1]
		}},
		"the list has it after a while":   {hidden: 5},
		"an application's answer is lost": {rule: on("GetApplication", emrtest.None, emrtest.LostAnswer, emrtest.Broken)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emrtest.Options{Rule: c.rule, Hidden: c.hidden}, nil)
			s.script = writes(ok, "")
			e, w := s.open(t, nil), s.work("a")
			if result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil); err != nil || result.Rows != 3 {
				t.Errorf("%+v, %v", result, err)
			}
			list := s.list(t)
			for range c.hidden {
				list = s.list(t)
			}
			if len(list) != 1 {
				t.Errorf("%d runs were started", len(list))
			}
		})
	}
}

// list is all runs of the application, however many requests that takes.
func (s *served) list(t *testing.T) (all []types.JobRunSummary) {
	t.Helper()
	pages := emrserverless.NewListJobRunsPaginator(client(s.endpoint).API.(*emrserverless.Client), &emrserverless.ListJobRunsInput{ApplicationId: &s.application, MaxResults: aws.Int32(20)})
	for failed := 0; pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			if failed++; failed > 20 {
				t.Fatal(err)
			}
			continue
		}
		all = append(all, page.JobRuns...)
	}
	return all
}

// Work whose start has no answer is ended for certain: its token gives the run that there may be.
func TestAStartWithoutAnAnswerIsEnded(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{Rule: on("StartJobRun", emrtest.LostAnswer, emrtest.Unreached, emrtest.Unreached, emrtest.Broken, emrtest.Unreached), Hidden: 1000}, nil)
	s.script = lasts
	e, w := s.open(t, nil), s.work("a")
	h := start(t, e, w)
	if h.IDs != nil {
		t.Errorf("%+v", h)
	}
	if err := e.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	if n := len(s.Called("CancelJobRun")); n != 1 {
		t.Errorf("%d runs were cancelled", n)
	}
	out, err := client(s.endpoint).ListJobRuns(t.Context(), &emrserverless.ListJobRunsInput{ApplicationId: &s.application})
	if err != nil || len(out.JobRuns) != 0 { // it hides them: one asks by their ids
		t.Errorf("%+v, %v", out, err)
	}
}

// What a process that died had started is found by its name, waited for and stopped by the next one; and what a lost end wrote is read.
func TestFoundAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{Hidden: 1}, nil)
	s.script = func(tag string, write func(string)) string {
		if strings.Contains(tag, "slow") {
			select {}
		}
		write(ok)
		return ""
	}
	long := strings.Repeat("a very long name of an output ", 12) + "slow"
	e, w, slow, longest := s.open(t, nil), s.work("a"), s.work("slow"), s.work(long)
	h, hs, hl := start(t, e, w), start(t, e, slow), start(t, e, longest)

	later := s.open(t, nil)
	if result, err := later.Wait(t.Context(), hindcast.Handle{Tag: h.Tag}, w.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("by its tag: %+v, %v", result, err)
	}
	if result, err := later.Wait(t.Context(), h, w.Dir, nil); err != nil || result.Rows != 3 {
		t.Errorf("by its handle: %+v, %v", result, err)
	}
	alive, err := later.Alive(t.Context(), "p/r1/")
	if err != nil || len(alive) != 2 || !slices.ContainsFunc(alive, func(h hindcast.Handle) bool { return h.Tag == slow.Tag && h.IDs["run"] == hs.IDs["run"] }) ||
		!slices.ContainsFunc(alive, func(h hindcast.Handle) bool { return h.Tag == longest.Tag && h.IDs["run"] == hl.IDs["run"] }) {
		t.Errorf("alive: %+v, %v", alive, err)
	}
	for _, tag := range []string{slow.Tag, longest.Tag, "p/r1/nosuch/a1"} {
		if err := later.Stop(t.Context(), hindcast.Handle{Tag: tag}); err != nil {
			t.Error(err)
		}
	}
	if alive, err := e.Alive(t.Context(), ""); err != nil || len(alive) != 0 {
		t.Errorf("after the stop: %+v, %v", alive, err)
	}
	_, err = e.Wait(t.Context(), hs, slow.Dir, nil)
	wants(t, "what was stopped", err, hindcast.EWorker, hindcast.ClassTransient, "was cancelled")
	_, err = e.Wait(t.Context(), hindcast.Handle{Tag: "p/r1/nosuch/a1"}, s.lake+"/nosuch", nil)
	wants(t, "what never was", err, hindcast.EWorker, hindcast.ClassTransient)
}

// A handle of another application, which the pipeline named before, is followed and stopped there.
func TestAnotherApplication(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, nil)
	s.script = lasts
	h := start(t, s.open(t, nil), s.work("a"))
	other := created(t, s.endpoint, nil)
	later := s.open(t, func(o *emr.Options) { o.EMR.Application = other })
	if err := later.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	if list := s.list(t); len(list) != 1 || list[0].State != types.JobRunStateCancelled {
		t.Errorf("%+v", list)
	}
}

// Close cancels all runs, whose answers may be lost or throttled, and more of them than a list has on a page.
func TestCloseCancelsAll(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{Rule: on("CancelJobRun", emrtest.LostAnswer, emrtest.Throttled, emrtest.Broken)}, nil)
	s.script = lasts
	e := s.open(t, nil)
	var group sync.WaitGroup
	for n := range 60 {
		group.Go(func() { start(t, e, s.work("w"+string(rune('A'+n)))) })
	}
	group.Wait()
	if names := e.Workers(); len(names) != 60 {
		t.Errorf("%q", names)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if alive, err := s.open(t, nil).Alive(t.Context(), ""); err != nil || len(alive) != 0 {
		t.Errorf("%+v, %v", alive, err)
	}
	_, err := e.Start(t.Context(), s.work("late"))
	wants(t, "after Close", err, hindcast.EStopped, hindcast.ClassCanceled)
}

// While a run works, its progress is what its script says of it, and a report that cannot be read changes nothing.
func TestProgressOfARun(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, nil)
	e, w := s.open(t, nil), s.work("a")
	says := func(text string) {
		if err := os.WriteFile(filepath.Join(w.Dir, "_hindcast_progress.json"), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	let := make(chan struct{})
	s.script = func(_ string, write func(string)) string {
		says(`{"stage": 2, "tasks": 8, "tasks_done": 3, "rows": 100, "bytes": 5, "spilled": 0}`)
		<-let
		write(ok)
		return ""
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []hindcast.Progress
	torn := 0
	_, err := e.Wait(ctx, start(t, e, w), w.Dir, func(p hindcast.Progress) {
		switch {
		case p.Tasks == 0: // not before its script has said something
		case len(seen) == 0 || seen[len(seen)-1] != p:
			seen = append(seen, p)
			says(`{"stage": 2, "tas`)
		default:
			if torn++; torn == 30 { // times the pace, so that it was read again
				close(let)
			}
		}
	})
	if want := []hindcast.Progress{{Stage: 2, Tasks: 8, TasksDone: 3, Rows: 100, Bytes: 5}}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("%+v, %v", seen, err)
	}
}

// As many runs as the application has room for run, and the others are queued there.
func TestQueued(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, func(in *emrserverless.CreateApplicationInput) {
		in.SchedulerConfiguration = &types.SchedulerConfiguration{MaxConcurrentRuns: aws.Int32(1)}
	})
	let := make(chan struct{})
	s.script = func(_ string, write func(string)) string {
		<-let
		write(ok)
		return ""
	}
	e, w, second := s.open(t, nil), s.work("a"), s.work("b")
	h1, h2 := start(t, e, w), start(t, e, second)
	if alive, err := e.Alive(t.Context(), "p/r1/"); err != nil || len(alive) != 2 {
		t.Errorf("%+v, %v", alive, err)
	}
	close(let)
	for dir, h := range map[string]hindcast.Handle{w.Dir: h1, second.Dir: h2} {
		if _, err := e.Wait(t.Context(), h, dir, nil); err != nil {
			t.Error(err)
		}
	}
}

// An application that does not start by itself is started; one that is on its way is waited for, and people hear of it.
func TestTheApplicationIsStarted(t *testing.T) {
	t.Parallel()
	off := func(in *emrserverless.CreateApplicationInput) {
		in.AutoStartConfiguration = &types.AutoStartConfig{Enabled: aws.Bool(false)}
	}
	for name, c := range map[string]struct {
		change  func(*emrserverless.CreateApplicationInput)
		rule    func(string, int) emrtest.Fault
		before  func(t *testing.T, s *served)
		stopped bool // behind the engine's back, after a first run
		starts  int
		said    string
	}{
		"it is made":                       {before: func(t *testing.T, s *served) { s.application = create(t, s.endpoint, nil) }, said: "is CREATING: runs wait for it"},
		"it does not start by itself":      {change: off, starts: 1, said: "is started: it does not start by itself"},
		"a start's answer is lost":         {change: off, rule: on("StartApplication", emrtest.LostAnswer), starts: 2, said: "is started"},
		"it was stopped after a first run": {change: off, stopped: true, starts: 2, said: "is STOPPING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emrtest.Options{Rule: c.rule}, c.change)
			s.script = writes(ok, "")
			if c.before != nil {
				c.before(t, s)
			}
			var mutex sync.Mutex
			var said []string
			e := s.open(t, func(o *emr.Options) {
				o.Says = func(what string) {
					mutex.Lock()
					defer mutex.Unlock()
					said = append(said, what)
				}
			})
			if c.stopped {
				w := s.work("before")
				if _, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := client(s.endpoint).API.(*emrserverless.Client).StopApplication(t.Context(), &emrserverless.StopApplicationInput{ApplicationId: &s.application}); err != nil {
					t.Fatal(err)
				}
			}
			w := s.work("a")
			if result, err := e.Wait(t.Context(), start(t, e, w), w.Dir, nil); err != nil || result.Rows != 3 {
				t.Errorf("%+v, %v", result, err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			if n := len(s.Called("StartApplication")); n != c.starts || !strings.Contains(strings.Join(said, "\n"), c.said) {
				t.Errorf("it was started %d times; said: %q", n, said)
			}
		})
	}
}

// What an application is decides how much runs on it at once, and whether anything does.
func TestDescribe(t *testing.T) {
	t.Parallel()
	limit := func(cpu, memory, disk string) func(*emrserverless.CreateApplicationInput) {
		return func(in *emrserverless.CreateApplicationInput) {
			in.MaximumCapacity = &types.MaximumAllowedResources{Cpu: &cpu, Memory: &memory}
			if disk != "" {
				in.MaximumCapacity.Disk = &disk
			}
		}
	}
	for name, c := range map[string]struct {
		change  func(*emrserverless.CreateApplicationInput)
		pipe    func(*hindcast.EMRServerless)
		delete  bool
		slots   int
		cap     string
		refused []string
	}{
		"no limits": {slots: 15, cap: "emr_serverless.runs: 15"},
		"vCPU":      {change: limit("100 vCPU", "4000 GB", ""), slots: 6, cap: "the application's maximumCapacity: 100 vCPU, 4000 GB"},
		"memory":    {change: limit("400", "200GB", ""), slots: 3, cap: "the application's maximumCapacity: 400 vCPU, 200 GB"},
		"disk":      {change: limit("400vCPU", "2000 GB", "160 GB"), slots: 2, cap: "the application's maximumCapacity: 400 vCPU, 2000 GB, 160 GB of disk"},
		"its scheduler": {change: func(in *emrserverless.CreateApplicationInput) {
			in.SchedulerConfiguration = &types.SchedulerConfiguration{MaxConcurrentRuns: aws.Int32(4)}
		}, slots: 4, cap: "the application's maxConcurrentRuns: 4"},
		"too small":       {change: limit("12 vCPU", "400 GB", ""), refused: []string{"may have 12 vCPU, 400 GB at most, and a run has 16 vCPU and 64 GB", "raise the application's maximumCapacity"}},
		"another release": {change: func(in *emrserverless.CreateApplicationInput) { in.ReleaseLabel = aws.String("emr-7.9.0") }, refused: []string{"has the release emr-7.9.0, and the pipeline says emr-7.12.0", "write emr_serverless.release: emr-7.9.0"}},
		"Hive":            {change: func(in *emrserverless.CreateApplicationInput) { in.Type = aws.String("HIVE") }, refused: []string{"runs HIVE"}},
		"terminated":      {delete: true, refused: []string{"is TERMINATED", "make another application"}},
		"none":            {pipe: func(p *hindcast.EMRServerless) { p.Application = "nosuch" }, refused: []string{"has no application nosuch", "list-applications"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emrtest.Options{}, c.change)
			p, api := block(s.application), client(s.endpoint)
			if c.pipe != nil {
				c.pipe(&p)
			}
			if c.delete {
				if _, err := api.API.(*emrserverless.Client).DeleteApplication(t.Context(), &emrserverless.DeleteApplicationInput{ApplicationId: &s.application}); err != nil {
					t.Fatal(err)
				}
			}
			a, err := emr.Describe(t.Context(), api, p)
			if len(c.refused) > 0 {
				wants(t, name, err, hindcast.EEMR, hindcast.ClassPermanent, c.refused...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if is := emr.Capacity(hindcast.RunConfig{}, p, a, nil); is.Slots != c.slots || is.Cap != c.cap || is.EachThreads != 12 || is.EachMemory != 48<<30 {
				t.Errorf("%+v", is)
			}
		})
	}
}

// A run is started as the pipeline has it, with workers of exactly the size that it names.
func TestTheStart(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, nil)
	s.script = writes(ok, "")
	e, w := s.open(t, func(o *emr.Options) { o.EMR.Driver = hindcast.EMRWorker{Cores: 1, Memory: 2} }), s.work("a")
	h := start(t, e, w)
	if _, err := e.Wait(t.Context(), h, w.Dir, nil); err != nil {
		t.Fatal(err)
	}
	id := h.IDs["run"]
	out, err := client(s.endpoint).GetJobRun(t.Context(), &emrserverless.GetJobRunInput{ApplicationId: &s.application, JobRunId: &id})
	if err != nil {
		t.Fatal(err)
	}
	r := out.JobRun
	submit := r.JobDriver.(*types.JobDriverMemberSparkSubmit).Value
	if aws.ToString(r.Name) != w.Tag || aws.ToInt64(r.ExecutionTimeoutMinutes) != 60 || r.Tags["team"] != "finance" || aws.ToString(r.ExecutionRole) != block("").Role ||
		aws.ToString(r.ConfigurationOverrides.MonitoringConfiguration.S3MonitoringConfiguration.LogUri) != w.Dir+"/_hindcast_logs/" {
		t.Errorf("%+v", r)
	}
	const parameters = "--conf spark.driver.cores=1 --conf spark.driver.memory=1664m --conf spark.driver.memoryOverhead=384m " +
		"--conf spark.executor.cores=4 --conf spark.executor.memory=14894m --conf spark.executor.memoryOverhead=1490m " +
		"--conf spark.executor.instances=3 --conf spark.dynamicAllocation.enabled=false"
	if aws.ToString(submit.SparkSubmitParameters) != parameters || !slices.Equal(submit.EntryPointArguments, []string{"--hindcast_request", w.Dir + "/_hindcast_request.json", "--hindcast_tag", w.Tag}) {
		t.Errorf("%+v", submit)
	}
	if script, err := os.ReadFile(aws.ToString(submit.EntryPoint)); err != nil || string(script) != string(awsspark.Script()) {
		t.Errorf("its script: %v", err)
	}
}

// What EMR Serverless refuses is the user's to correct.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, nil)
	e, w := s.open(t, func(o *emr.Options) { o.EMR.Role = "nobody" }), s.work("a")
	_, err := e.Start(t.Context(), w)
	wants(t, "what is not a role", err, hindcast.EEMR, hindcast.ClassPermanent, "executionRoleArn", "emr_serverless")
}
