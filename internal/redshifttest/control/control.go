//go:build unix

// Package control is a stand-in for the control plane of Amazon Redshift in tests: clusters by the query protocol with answers in
// XML, and Redshift Serverless by JSON 1.1, on one address. A resize goes through the states that Amazon documents, one with each
// look at the cluster or when the test says so, never by the clock, and faults can be asked for at any call.
//
// It checks that a client sends what botocore's models have, and stands what Amazon documents. It cannot tell how long anything
// takes, what an account may do, or what no document says: docs/reference/redshift-stand-in.md.
package control

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Account and Region are those of everything here.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// Refusal is an error that a service answers with.
type Refusal struct {
	Status  int
	Code    string
	Message string
}

func refuse(status int, code, format string, args ...any) *Refusal {
	return &Refusal{status, code, fmt.Sprintf(format, args...)}
}

// queryAction does an action of the query protocol; the mutex is held. Its result is what stands in the element ActionResult.
type queryAction func(s *Server, form url.Values) (result any, refused *Refusal)

// jsonAction does an action of JSON 1.1; the mutex is held.
type jsonAction func(s *Server, body []byte) (result any, refused *Refusal)

// Server is a running control plane.
type Server struct {
	URL string

	query map[string]queryAction
	calls map[string]map[string]jsonAction // by the service that stands in X-Amz-Target

	mutex      sync.Mutex // over what follows, and during each action
	clusters   map[string]*Cluster
	workgroups map[string]*Workgroup
	held       bool
	rule       func(Call) Fault
	seen       map[string]int
	log        []Call
}

// Start starts a control plane without clusters or workgroups. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{clusters: map[string]*Cluster{}, workgroups: map[string]*Workgroup{}, seen: map[string]int{},
		query: clusterActions(), calls: map[string]map[string]jsonAction{"RedshiftServerless": workgroupActions()}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Env is the environment in which the AWS tools find the server.
func (s *Server) Env() []string {
	return []string{"AWS_ENDPOINT_URL_REDSHIFT=" + s.URL, "AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS=" + s.URL, "AWS_REGION=" + Region}
}

// Call is a call that was received.
type Call struct {
	Service string // of its signature: redshift, redshift-serverless
	Action  string
	Text    string // its parameters, or its body
	Nth     int    // of this action, from 1
}

// Calls are the calls of an action so far, of all if it is "".
func (s *Server) Calls(action string) []Call {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var calls []Call
	for _, c := range s.log {
		if action == "" || c.Action == action {
			calls = append(calls, c)
		}
	}
	return calls
}

// scope is that of a signature: day, region, service.
var scope = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/]+/[0-9]{8}/([a-z0-9-]+)/([a-z-]+)/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$`)

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	signed := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	target, action, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")

	if isJSON {
		result, refused, lost := s.json(signed, target, action, body)
		answerJSON(w, result, refused, lost)
		return
	}
	form, err := url.ParseQuery(string(body))
	action = form.Get("Action")
	if err != nil || r.Header.Get("Content-Type") == "" {
		answerXML(w, action, nil, refuse(http.StatusBadRequest, "MalformedQueryString", "the form cannot be read"), false)
		return
	}
	result, refused, lost := s.form(signed, action, form)
	answerXML(w, action, result, refused, lost)
}

func (s *Server) form(signed []string, action string, form url.Values) (result any, refused *Refusal, lost bool) {
	do := s.query[action]
	switch {
	case signed == nil:
		return nil, refuse(http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token"), false
	case signed[1] != Region || signed[2] != "redshift":
		return nil, refuse(http.StatusForbidden, "SignatureDoesNotMatch", "Credential should be scoped to %s/redshift", Region), false
	case form.Get("Version") != "2012-12-01" || do == nil:
		return nil, refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s", action, form.Get("Version")), false
	}
	return s.act(Call{Service: signed[2], Action: action, Text: form.Encode()}, func() (any, *Refusal) { return do(s, form) })
}

func (s *Server) json(signed []string, target, action string, body []byte) (result any, refused *Refusal, lost bool) {
	do, service := s.calls[target][action], map[string]string{"RedshiftServerless": "redshift-serverless"}[target]
	switch {
	case signed == nil:
		return nil, refuse(http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token"), false
	case do == nil:
		return nil, refuse(http.StatusBadRequest, "UnknownOperationException", "%s.%s", target, action), false
	case signed[1] != Region || service != "" && signed[2] != service:
		return nil, refuse(http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to %s/%s", Region, service), false
	}
	return s.act(Call{Service: signed[2], Action: action, Text: string(body)}, func() (any, *Refusal) { return do(s, body) })
}

// act does a call as the test's rule says. The rule runs without the mutex: it may ask the server.
func (s *Server) act(c Call, do func() (any, *Refusal)) (result any, refused *Refusal, lost bool) {
	s.mutex.Lock()
	s.seen[c.Action]++
	c.Nth = s.seen[c.Action]
	s.log = append(s.log, c)
	rule := s.rule
	s.mutex.Unlock()

	fault := None
	if rule != nil {
		fault = rule(c)
	}
	if refused := fault.refusal(c.Service); refused != nil {
		return nil, refused, false
	}
	if fault == Refuse {
		return nil, nil, true
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	result, refused = do()
	if refused == nil {
		s.spoil(fault)
	}
	return result, refused, fault == Lose
}

// answerXML writes what the query protocol answers, or drops the connection.
func answerXML(w http.ResponseWriter, action string, result any, refused *Refusal, lost bool) {
	const space = "http://redshift.amazonaws.com/doc/2012-12-01/"
	type metadata struct {
		RequestID string `xml:"RequestId"`
	}
	if lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml")
	if refused != nil {
		type fault struct{ Type, Code, Message string }
		w.WriteHeader(refused.Status)
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName xml.Name `xml:"ErrorResponse"`
			Space   string   `xml:"xmlns,attr"`
			Error   fault
			metadata
		}{Space: space, Error: fault{"Sender", refused.Code, refused.Message}, metadata: metadata{request}})
		return
	}

	e := xml.NewEncoder(w)
	response := xml.StartElement{Name: xml.Name{Local: action + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: space}}}
	_ = e.EncodeToken(response)
	if result != nil {
		_ = e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: action + "Result"}})
	}
	_ = e.EncodeElement(metadata{request}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	_ = e.EncodeToken(response.End())
	_ = e.Flush()
}

// request is the id of every request.
const request = "00000000-0000-4000-8000-000000000000"

func answerJSON(w http.ResponseWriter, result any, refused *Refusal, lost bool) {
	if lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", request)
	if refused != nil {
		w.WriteHeader(refused.Status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": refused.Code, "message": refused.Message})
		return
	}
	_ = json.NewEncoder(w).Encode(result)
}
