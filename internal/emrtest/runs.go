package emrtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// The states of runs.
const (
	Submitted  = "SUBMITTED"
	Queued     = "QUEUED"
	Pending    = "PENDING"
	Scheduled  = "SCHEDULED"
	Running    = "RUNNING"
	Success    = "SUCCESS"
	Failed     = "FAILED"
	Cancelling = "CANCELLING"
	Cancelled  = "CANCELLED"
)

// startJobRun is the request for a run.
type startJobRun struct {
	ClientToken            string            `json:"clientToken"`
	ExecutionRoleArn       string            `json:"executionRoleArn"`
	Name                   string            `json:"name"`
	JobDriver              json.RawMessage   `json:"jobDriver"`
	ConfigurationOverrides json.RawMessage   `json:"configurationOverrides"`
	Tags                   map[string]string `json:"tags"`
	Timeout                *int              `json:"executionTimeoutMinutes"`
	Mode                   string            `json:"mode"`
}

// driver is what a run executes.
type driver struct {
	SparkSubmit *struct {
		EntryPoint            string   `json:"entryPoint"`
		EntryPointArguments   []string `json:"entryPointArguments"`
		SparkSubmitParameters string   `json:"sparkSubmitParameters"`
	} `json:"sparkSubmit"`
}

// overrides are where logs go.
type overrides struct {
	MonitoringConfiguration struct {
		S3MonitoringConfiguration struct {
			LogURI string `json:"logUri"`
		} `json:"s3MonitoringConfiguration"`
	} `json:"monitoringConfiguration"`
}

// run is a job run. What changes is guarded by the server's mutex.
type run struct {
	id     string
	of     *application
	asked  startJobRun
	body   string // of the request, by which one of the same token is compared
	task   jobs.Task
	logURI string
	hidden int

	state, details string
	made, changed  time.Time
	began, ended   time.Time
	cancel         chan struct{} // closed when it is to be ended
	once           sync.Once
}

// end has the run's processes be ended. The mutex is held.
func (r *run) end(state string) {
	if r.over() {
		return
	}
	r.become(state, "the run is being cancelled")
	r.once.Do(func() { close(r.cancel) })
}

func (r *run) over() bool { return r.state == Success || r.state == Failed || r.state == Cancelled }

func (r *run) become(state, details string) {
	r.state, r.details, r.changed = state, details, time.Now()
}

var (
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	roleForm  = regexp.MustCompile(`^arn:aws[a-zA-Z0-9-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`)
	tagForm   = regexp.MustCompile(`^[A-Za-z0-9 /_.:=+@-]*$`)
)

// checked refuses a request that the model, or its documents, do.
func (in startJobRun) checked() (driver, overrides, error) {
	var d driver
	var o overrides
	if json.Unmarshal(in.JobDriver, &d) != nil || d.SparkSubmit == nil || strings.TrimSpace(d.SparkSubmit.EntryPoint) == "" {
		return d, o, invalid("this server runs jobDriver.sparkSubmit with an entryPoint only")
	}
	if len(in.ConfigurationOverrides) > 0 && json.Unmarshal(in.ConfigurationOverrides, &o) != nil {
		return d, o, invalid("configurationOverrides cannot be read")
	}
	switch {
	case !tokenForm.MatchString(in.ClientToken):
		return d, o, invalid("clientToken is %q", in.ClientToken)
	case !roleForm.MatchString(in.ExecutionRoleArn):
		return d, o, invalid("executionRoleArn is %q", in.ExecutionRoleArn)
	case len(in.Name) > 256:
		return d, o, invalid("name has more than 256 characters")
	case in.Timeout != nil && (*in.Timeout < 0 || *in.Timeout > 10080):
		return d, o, invalid("executionTimeoutMinutes is %d", *in.Timeout)
	case in.Mode != "" && in.Mode != "BATCH":
		return d, o, invalid("this server has no mode %s", in.Mode)
	case len(in.Tags) > 200 || len(d.SparkSubmit.EntryPointArguments) > 1024:
		return d, o, invalid("there are too many tags or arguments")
	case len(d.SparkSubmit.EntryPointArguments)%2 != 0:
		return d, o, invalid("this server takes pairs of arguments, --NAME VALUE")
	}
	for key, value := range in.Tags {
		if !tagForm.MatchString(key) || !tagForm.MatchString(value) || len(key) > 128 || len(value) > 256 {
			return d, o, invalid("the tag %q: %q is not allowed", key, value)
		}
	}
	return d, o, nil
}

func (s *Server) startJobRun(r request) (any, error) {
	a, err := s.found(r)
	if err != nil {
		return nil, err
	}
	var in startJobRun
	if err := r.read(&in); err != nil {
		return nil, err
	}
	d, o, err := in.checked()
	if err != nil {
		return nil, err
	}
	if is := a.tokens[in.ClientToken]; is != nil {
		if is.body != string(r.body) {
			return nil, conflict("the client token was used with other parameters")
		}
		return is.answer(), nil
	}
	switch {
	case a.state == started:
	case (a.state == created || a.state == stopped) && a.autoStart():
		a.become(started)
	default:
		return nil, conflict("Application %s is %s", a.id, a.state)
	}
	return s.begin(a, in, d, o, string(r.body)).answer(), nil
}

func (r *run) answer() any {
	return map[string]string{"applicationId": r.of.id, "jobRunId": r.id, "arn": r.arn()}
}

func (r *run) arn() string { return r.of.arn() + "/jobruns/" + r.id }

// begin makes a run, which goes its way.
func (s *Server) begin(a *application, in startJobRun, d driver, o overrides, body string) *run {
	now := time.Now()
	r := &run{id: s.id(), of: a, asked: in, body: body, logURI: o.MonitoringConfiguration.S3MonitoringConfiguration.LogURI, hidden: s.options.Hidden,
		made: now, cancel: make(chan struct{})}
	r.become(Submitted, "the run waits to be scheduled")
	r.task = jobs.Task{ID: r.id, First: r.id, JobName: a.id, Command: jobs.Command{Name: "glueetl", ScriptLocation: d.SparkSubmit.EntryPoint}, Arguments: map[string]string{}}
	for pair := range slices.Chunk(d.SparkSubmit.EntryPointArguments, 2) {
		r.task.Arguments[pair[0]] = pair[1]
	}
	a.runs, a.tokens[in.ClientToken] = append(a.runs, r), r
	s.lives.Go(func() { s.live(r) })
	return r
}

// set changes a run's state, unless it is being cancelled.
func (s *Server) set(r *run, state, details string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if r.state != Cancelling {
		r.become(state, details)
	}
	if state == Running {
		r.began = time.Now()
	}
}

// live takes a run to its end.
func (s *Server) live(r *run) {
	if r.of.slots != nil {
		select {
		case r.of.slots <- struct{}{}:
		default:
			s.set(r, Queued, "as many runs as may run at once do")
			select {
			case r.of.slots <- struct{}{}:
			case <-r.cancel:
				s.over(r, jobs.End{}, false)
				return
			}
		}
		defer func() { <-r.of.slots }()
	}
	s.set(r, Pending, "the run is prioritized")
	s.set(r, Scheduled, "the run is given resources")
	end, late := s.execute(r)
	s.over(r, end, late)
}

// execute has the run's script run, and ends it when it is cancelled or late.
func (s *Server) execute(r *run) (end jobs.End, late bool) {
	done := make(chan struct{})
	began := make(chan struct{})
	go func() {
		defer close(done)
		var err error
		if end, err = s.options.Runner.Run(s.ctx, r.task, sync.OnceFunc(func() { close(began) })); err != nil {
			end = jobs.End{Failed: true, Message: err.Error()}
		}
	}()
	timeout := 720
	if r.asked.Timeout != nil && *r.asked.Timeout > 0 {
		timeout = *r.asked.Timeout
	}
	var limit <-chan time.Time
	for {
		select {
		case <-began:
			began = nil
			s.set(r, Running, "the driver runs")
			limit = time.After(time.Duration(timeout) * s.options.Minute)
		case <-limit:
			s.stop(r)
			<-done
			return end, true
		case <-r.cancel:
			s.stop(r)
			<-done
			return end, false
		case <-done:
			return end, false
		}
	}
}

func (s *Server) stop(r *run) {
	for s.options.Runner.Stop(s.ctx, r.task) != nil {
		time.Sleep(10 * time.Millisecond) // it could not be killed yet
	}
}

// over notes how a run ended, after its logs were put.
func (s *Server) over(r *run, end jobs.End, late bool) {
	s.putLogs(r)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case late:
		r.become(Cancelled, "the run took longer than its timeout")
	case r.state == Cancelling:
		r.become(Cancelled, "the run was cancelled")
	case end.Failed:
		r.become(Failed, short("Job failed: "+end.Message))
	default:
		r.become(Success, "the run succeeded")
	}
	r.ended = time.Now()
}

func short(message string) string { return strings.ToValidUTF8(message[:min(len(message), 256)], "") }

// putLogs puts what the run wrote where its logs go.
func (s *Server) putLogs(r *run) {
	if s.options.Put == nil || r.logURI == "" {
		return
	}
	for stream, name := range map[jobs.Stream]string{jobs.Errors: "stderr.gz", jobs.Output: "stdout.gz"} {
		log, err := s.options.Runner.Log(r.id, stream)
		if err != nil {
			continue // it never began
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, err = io.Copy(z, log)
		if z.Close() != nil || log.Close() != nil || err != nil {
			continue
		}
		_ = s.options.Put(s.ctx, strings.TrimSuffix(r.logURI, "/")+"/applications/"+r.of.id+"/jobs/"+r.id+"/SPARK_DRIVER/"+name, packed.Bytes()) // a log may be missing
	}
}

// common is what lists and single answers have of a run.
func (r *run) common() map[string]any {
	out := map[string]any{"applicationId": r.of.id, "arn": r.arn(), "createdBy": "arn:aws:iam::" + account + ":user/test", "createdAt": instant(r.made),
		"updatedAt": instant(r.changed), "executionRole": r.asked.ExecutionRoleArn, "state": r.state, "stateDetails": r.details,
		"releaseLabel": r.of.asked.ReleaseLabel, "mode": "BATCH", "attempt": 1}
	if r.asked.Name != "" {
		out["name"] = r.asked.Name
	}
	return out
}

func (s *Server) getJobRun(q request) (any, error) {
	r, err := s.foundRun(q)
	if err != nil {
		return nil, err
	}
	out := r.common()
	out["jobRunId"], out["jobDriver"] = r.id, r.asked.JobDriver
	out["executionTimeoutMinutes"] = 720
	if r.asked.Timeout != nil {
		out["executionTimeoutMinutes"] = *r.asked.Timeout
	}
	if len(r.asked.ConfigurationOverrides) > 0 {
		out["configurationOverrides"] = r.asked.ConfigurationOverrides
	}
	if r.asked.Tags != nil {
		out["tags"] = r.asked.Tags
	}
	if !r.began.IsZero() {
		out["startedAt"] = instant(r.began)
	}
	if r.over() {
		out["endedAt"] = instant(r.ended)
		if !r.began.IsZero() { // in the server's minutes
			took := int(r.ended.Sub(r.began) * 60 / s.options.Minute)
			out["totalExecutionDurationSeconds"] = took
			if used := s.options.Billed; used != nil {
				vcpu, gb := used(took)
				out["billedResourceUtilization"] = map[string]float64{"vCPUHour": vcpu, "memoryGBHour": gb, "storageGBHour": 0}
			}
		}
	}
	return map[string]any{"jobRun": out}, nil
}

func (s *Server) foundRun(q request) (*run, error) {
	a, err := s.found(q)
	if err != nil {
		return nil, err
	}
	for _, r := range a.runs {
		if r.id == q.PathValue("r") {
			return r, nil
		}
	}
	return nil, notFound("JobRun %s does not exist", q.PathValue("r"))
}

func (s *Server) cancelJobRun(q request) (any, error) {
	r, err := s.foundRun(q)
	if err != nil {
		return nil, err
	}
	if r.over() {
		return nil, invalid("JobRun %s is %s", r.id, r.state)
	}
	r.end(Cancelling)
	return map[string]string{"applicationId": r.of.id, "jobRunId": r.id}, nil
}

const mostListed = 50

func (s *Server) listJobRuns(q request) (any, error) {
	a, err := s.found(q)
	if err != nil {
		return nil, err
	}
	query := q.URL.Query()
	take, err := pageOf(query)
	if err != nil {
		return nil, err
	}
	var list []*run
	for _, r := range slices.Backward(a.runs) {
		states := query["states"]
		if r.hidden > 0 {
			r.hidden--
		} else if (len(states) == 0 || slices.Contains(states, r.state)) && take.within(r.made) {
			list = append(list, r)
		}
	}

	out := map[string]any{}
	answers := []any{}
	for _, r := range list[min(take.from, len(list)):min(take.from+take.most, len(list))] {
		is := r.common()
		is["id"] = r.id
		answers = append(answers, is)
	}
	if out["jobRuns"] = answers; take.from+take.most < len(list) {
		out["nextToken"] = strconv.Itoa(take.from + take.most)
	}
	return out, nil
}

// page is which runs a list is asked for.
type page struct {
	from, most    int
	after, before time.Time
}

func (p page) within(t time.Time) bool {
	return !t.Before(p.after) && (p.before.IsZero() || t.Before(p.before))
}

func pageOf(query url.Values) (p page, err error) {
	p.most = mostListed
	if text := query.Get("maxResults"); text != "" {
		if p.most, err = strconv.Atoi(text); err != nil || p.most < 1 || p.most > mostListed {
			return p, invalid("maxResults must be from 1 to %d; it is %s", mostListed, text)
		}
	}
	if text := query.Get("nextToken"); text != "" {
		if p.from, err = strconv.Atoi(text); err != nil || p.from < 0 {
			return p, invalid("nextToken is not one of this server's")
		}
	}
	if len(query["states"]) > 8 {
		return p, invalid("states may have 8 members")
	}
	for name, into := range map[string]*time.Time{"createdAtAfter": &p.after, "createdAtBefore": &p.before} {
		if text := query.Get(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return p, invalid("%s is not a time: %s", name, text)
			}
		}
	}
	return p, nil
}
