// Package glueservertest puts faults before a served Glue API, so that tests see what its clients make of them.
package glueservertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Request is one that a client sent.
type Request struct {
	Operation string         // StartJobRun
	Body      map[string]any // as JSON has it
	Number    int            // of the requests for this operation, from 1
}

// Fault is what becomes of a request.
type Fault int

// The faults.
const (
	None       Fault = iota
	Throttled        // ThrottlingException; the server does not see the request
	Refused          // ConcurrentRunsExceededException, likewise
	NotThere         // EntityNotFoundException, likewise: of a retry that is not there yet
	Broken           // status 500, after the server did what it was asked for
	LostAnswer       // the connection ends without an answer, after the server did what it was asked for
)

// Faults is a handler that asks rule of every request. Rule is not called in parallel.
func Faults(server http.Handler, rule func(Request) Fault) http.Handler {
	return &faulty{server: server, rule: rule, counts: map[string]int{}}
}

type faulty struct {
	server http.Handler
	rule   func(Request) Fault

	mutex  sync.Mutex
	counts map[string]int
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch f.ask(r, body) {
	case None:
		f.server.ServeHTTP(w, r)
	case Throttled:
		refuse(w, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	case Refused:
		refuse(w, http.StatusBadRequest, "ConcurrentRunsExceededException", "Concurrent runs exceeded")
	case NotThere:
		refuse(w, http.StatusBadRequest, "EntityNotFoundException", "not found")
	case Broken:
		f.server.ServeHTTP(httptest.NewRecorder(), r)
		refuse(w, http.StatusInternalServerError, "InternalServiceException", "broken")
	case LostAnswer:
		f.server.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
}

func (f *faulty) ask(r *http.Request, body []byte) Fault {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	f.counts[operation]++
	is := Request{Operation: operation, Number: f.counts[operation]}
	_ = json.Unmarshal(body, &is.Body) // of IAM it is a form
	return f.rule(is)
}

func refuse(w http.ResponseWriter, status int, name, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": name, "Message": message}) // a client that is gone asks again
}
