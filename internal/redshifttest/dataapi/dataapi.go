//go:build unix

// Package dataapi is a stand-in for the Redshift Data API in tests: JSON 1.1 in front of the stand-in for Redshift, to which each of
// its sessions is a connection. It takes what botocore's model has, and no more than Amazon's documents say that the service takes.
//
// It checks that a client names statements, sessions and results rightly, repeats calls by their tokens, and stays within the limits.
// It cannot tell how long anything takes, what EventBridge hears, or which words errors have beyond those of the cluster:
// docs/reference/redshift-stand-in.md.
package dataapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
)

// Secret is a user and a password in Secrets Manager.
type Secret struct{ User, Password string }

// Fault is what happens at one call.
type Fault int

// The faults.
const (
	None     Fault = iota
	Lose           // it is done, and the connection is closed instead of its answer
	Refuse         // the connection is closed, and it is not done
	Throttle       // it is not done: there are too many calls
	Forbid         // it is not done: the caller has no right to it
	Crowded        // it is not done: too many statements are active
	Invalid        // it is not done: something about the call is wrong, whoever makes it
)

// Call is a call that was received.
type Call struct {
	Action string
	Body   string
	Nth    int // of this action, from 1
}

// Limits of the service.
const (
	longestSQL  = 100_000
	mostBatched = 40
	longestKeep = 86400 // seconds
	longestWait = 30    // seconds
	longestName = 2048
	longestMark = 64 // of a ClientToken
	pageRows    = 100
)

// Server is a running Data API.
type Server struct {
	URL string

	running sync.WaitGroup

	mutex      sync.Mutex // over what follows
	clusters   map[string]*redshifttest.Server
	workgroups map[string]*redshifttest.Server
	secrets    map[string]Secret
	statements map[string]*statement
	tokens     map[string]*statement // by ClientToken
	sessions   map[string]*session
	rule       func(Call) Fault
	seen       map[string]int
	log        []Call
}

// Start starts a Data API without clusters. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{clusters: map[string]*redshifttest.Server{}, workgroups: map[string]*redshifttest.Server{}, secrets: map[string]Secret{},
		statements: map[string]*statement{}, tokens: map[string]*statement{}, sessions: map[string]*session{}, seen: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		server.Close()
		s.Expire()
		s.running.Wait()
	})
	s.URL = server.URL
	return s
}

// Env is the environment in which the AWS tools find the server.
func (s *Server) Env() []string { return []string{"AWS_ENDPOINT_URL_REDSHIFT_DATA=" + s.URL} }

// Cluster has a cluster's statements go to a database.
func (s *Server) Cluster(name string, database *redshifttest.Server) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.clusters[name] = database
}

// Workgroup has a workgroup's statements go to a database.
func (s *Server) Workgroup(name string, database *redshifttest.Server) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.workgroups[name] = database
}

// Secret makes a secret.
func (s *Server) Secret(arn string, secret Secret) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.secrets[arn] = secret
}

// Rule has each call from now on meet a fault.
func (s *Server) Rule(rule func(Call) Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rule = rule
}

// Calls are the calls of an action so far.
func (s *Server) Calls(action string) (calls []Call) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.log {
		if c.Action == action {
			calls = append(calls, c)
		}
	}
	return calls
}

// Expire ends every session in which no statement runs, as time does.
func (s *Server) Expire() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for id, is := range s.sessions {
		if !is.busy {
			s.end(id)
		}
	}
}

// Sessions are how many there are.
func (s *Server) Sessions() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.sessions)
}

// refusal is an error that the service answers with.
type refusal struct {
	status        int
	code, message string
}

func invalid(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "ValidationException", fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "ResourceNotFoundException", fmt.Sprintf(format, args...)}
}

var refusals = map[Fault]*refusal{
	Throttle: {http.StatusBadRequest, "ThrottlingException", "Rate exceeded"},
	Forbid:   {http.StatusBadRequest, "AccessDeniedException", "User is not authorized to perform this action"},
	Crowded:  {http.StatusBadRequest, "ActiveStatementsExceededException", "Active statements exceeded the allowed quota (200)."},
	Invalid:  invalid("StatementName is not valid"),
}

// action answers a body. It takes the mutex by itself: some wait.
type action func(s *Server, body []byte) (any, *refusal)

var actions = map[string]action{
	"ExecuteStatement":      (*Server).executeStatement,
	"BatchExecuteStatement": (*Server).batchExecuteStatement,
	"DescribeStatement":     (*Server).describeStatement,
	"GetStatementResult":    (*Server).getStatementResult,
	"CancelStatement":       (*Server).cancelStatement,
}

// scope is that of a signature.
var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/]+/[0-9]{8}/` + control.Region + `/redshift-data/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	target, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	do := actions[name]
	switch {
	case !scope.MatchString(r.Header.Get("Authorization")):
		answer(w, nil, &refusal{http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to " + control.Region + "/redshift-data"})
		return
	case target != "RedshiftData" || do == nil:
		answer(w, nil, &refusal{http.StatusBadRequest, "UnknownOperationException", target + "." + name})
		return
	}

	fault := s.meet(name, string(body))
	if refused := refusals[fault]; refused != nil {
		answer(w, nil, refused)
		return
	}
	if fault == Refuse {
		panic(http.ErrAbortHandler)
	}
	result, refused := do(s, body)
	if fault == Lose {
		panic(http.ErrAbortHandler)
	}
	answer(w, result, refused)
}

// meet notes a call and says which fault it meets.
func (s *Server) meet(name, body string) Fault {
	s.mutex.Lock()
	s.seen[name]++
	c := Call{Action: name, Body: body, Nth: s.seen[name]}
	s.log = append(s.log, c)
	rule := s.rule
	s.mutex.Unlock()
	if rule == nil {
		return None
	}
	return rule(c)
}

func answer(w http.ResponseWriter, result any, refused *refusal) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", newID())
	if refused != nil {
		w.WriteHeader(refused.status)
		result = map[string]string{"__type": refused.code, "Message": refused.message}
		if refused.code == "ResourceNotFoundException" {
			result = map[string]string{"__type": refused.code, "Message": refused.message, "ResourceId": ""}
		}
	}
	_ = json.NewEncoder(w).Encode(result) // a client that is gone asks again
}

func newID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

// decode reads a body that has no other members than those of in.
func decode(body []byte, in any) *refusal {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return &refusal{http.StatusBadRequest, "SerializationException", err.Error()}
	}
	return nil
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
