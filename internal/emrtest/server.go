// Package emrtest serves the API of EMR Serverless to tests, as Amazon's documents and botocore's model have it: REST with JSON,
// applications and their job runs, kept in memory. What a run executes is a jobs.Runner's, as with the Glue API. Faults are put before it on demand.
//
// It checks what the model says of requests that hindcast makes, and the states of applications and runs. What it cannot tell is how soon a
// list has a new run, for how long a client token is known, how many calls an account may make, and the words of messages: they are its own.
package emrtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// Fault is what becomes of a request.
type Fault int

// The faults.
const (
	None       Fault = iota
	Throttled        // ThrottlingException; the server does not see the request
	Unreached        // the connection ends, likewise
	Broken           // status 500, after the server did what it was asked for
	LostAnswer       // the connection ends without an answer, after the server did what it was asked for
)

// Options make a server.
type Options struct {
	Runner jobs.Runner
	Rule   func(operation string, number int) Fault                      // asked of every request, numbered from 1 for each operation; nil is None
	Put    func(ctx context.Context, location string, body []byte) error // puts a run's logs, s3://…; nil puts none
	Minute time.Duration                                                 // how long a minute of a timeout takes; 0 is a minute
	Hidden int                                                           // in how many lists a new run is not yet
	Billed func(seconds int) (vcpu, gb float64)                          // what a run of so long is billed as, in hours; nil does not say it
}

// Server answers requests until it is closed.
type Server struct {
	options Options
	mux     *http.ServeMux
	ctx     context.Context
	cancel  context.CancelFunc
	lives   sync.WaitGroup

	mutex        sync.Mutex
	applications map[string]*application
	made         int // ids that were given
	counts       map[string]int
	calls        []Call
}

// Call is a request that was made.
type Call struct {
	Operation string
	Body      string
}

// New makes a server.
func New(o Options) *Server {
	if o.Minute == 0 {
		o.Minute = time.Minute
	}
	if o.Rule == nil {
		o.Rule = func(string, int) Fault { return None }
	}
	s := &Server{options: o, mux: http.NewServeMux(), applications: map[string]*application{}, counts: map[string]int{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for pattern, is := range map[string]struct {
		name string
		do   operation
	}{
		"POST /applications":                   {"CreateApplication", s.createApplication},
		"GET /applications":                    {"ListApplications", s.listApplications},
		"GET /applications/{a}":                {"GetApplication", s.getApplication},
		"DELETE /applications/{a}":             {"DeleteApplication", s.deleteApplication},
		"POST /applications/{a}/start":         {"StartApplication", s.startApplication},
		"POST /applications/{a}/stop":          {"StopApplication", s.stopApplication},
		"POST /applications/{a}/jobruns":       {"StartJobRun", s.startJobRun},
		"GET /applications/{a}/jobruns":        {"ListJobRuns", s.listJobRuns},
		"GET /applications/{a}/jobruns/{r}":    {"GetJobRun", s.getJobRun},
		"DELETE /applications/{a}/jobruns/{r}": {"CancelJobRun", s.cancelJobRun},
	} {
		s.mux.HandleFunc(pattern, s.handler(is.name, is.do))
	}
	return s
}

// Close ends the server, after its runs were killed.
func (s *Server) Close() {
	s.mutex.Lock()
	for _, a := range s.applications {
		for _, r := range a.runs {
			r.end(Cancelling)
		}
	}
	s.mutex.Unlock()
	s.lives.Wait()
	s.cancel()
}

// Called are the bodies of an operation's requests.
func (s *Server) Called(operation string) (bodies []string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.calls {
		if c.Operation == operation {
			bodies = append(bodies, c.Body)
		}
	}
	return bodies
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		refuse(w, &fault{http.StatusNotFound, "UnknownOperationException", "there is no " + r.Method + " " + r.URL.Path})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// request is what an operation is asked.
type request struct {
	*http.Request
	body []byte
}

// read reads the body; one that is empty says nothing.
func (r request) read(into any) error {
	if len(r.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.body, into); err != nil {
		return invalid("the request cannot be read: %v", err)
	}
	return nil
}

// operation answers a request. It is called with the mutex held.
type operation func(r request) (any, error)

// handler answers an operation's requests, with the fault that the rule has for it.
func (s *Server) handler(name string, do operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		s.mutex.Lock()
		s.counts[name]++
		s.calls = append(s.calls, Call{name, string(body)})
		what := s.options.Rule(name, s.counts[name])
		s.mutex.Unlock()

		r.Body = io.NopCloser(bytes.NewReader(body))
		switch what {
		case None:
			s.answer(w, request{r, body}, do)
		case Throttled:
			refuse(w, &fault{http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded"})
		case Broken:
			s.answer(httptest.NewRecorder(), request{r, body}, do)
			refuse(w, errors.New("broken"))
		case LostAnswer:
			s.answer(httptest.NewRecorder(), request{r, body}, do)
			panic(http.ErrAbortHandler)
		case Unreached:
			panic(http.ErrAbortHandler)
		}
	}
}

func (s *Server) answer(w http.ResponseWriter, r request, do operation) {
	s.mutex.Lock()
	answer, err := do(r)
	s.mutex.Unlock()
	if err != nil {
		refuse(w, err)
		return
	}
	send(w, http.StatusOK, answer)
}

// fault is an error of the API.
type fault struct {
	status        int
	name, message string
}

func (f *fault) Error() string { return f.name + ": " + f.message }

func invalid(format string, args ...any) error {
	return &fault{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &fault{http.StatusNotFound, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &fault{http.StatusConflict, "ConflictException", fmt.Sprintf(format, args...)}
}

func refuse(w http.ResponseWriter, err error) {
	f, known := errors.AsType[*fault](err)
	if !known {
		f = &fault{http.StatusInternalServerError, "InternalServerException", err.Error()}
	}
	w.Header().Set("x-amzn-ErrorType", f.name)
	send(w, f.status, map[string]string{"message": f.message})
}

func send(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that is gone asks again
}

// id gives the next id. The mutex is held.
func (s *Server) id() string {
	s.made++
	return fmt.Sprintf("00f%013x", s.made)
}

// instant is a time as answers have it: seconds since 1970.
func instant(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
