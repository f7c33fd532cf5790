package s3test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Fault is what happens to one request.
type Fault int

// The faults.
const (
	None     Fault = iota
	Refuse         // the connection is closed, and the server never asked
	Lose           // the server does it, and the connection is closed instead of its answer
	Cut            // half of the answer's body arrives, then the connection is closed
	Damage         // one bit in the middle of the answer's body is flipped
	Flip           // one bit anywhere in it is flipped
	SlowDown       // 503 SlowDown, and the server is never asked
	Internal       // 500 InternalError, the same
	Conflict       // 409 ConditionalRequestConflict, the same
	Skewed         // 403 RequestTimeTooSkewed, the same
	Expired        // 400 ExpiredToken, the same
	Moved          // 301 to the server's own region, the same
	Missing        // 404 NoSuchKey, the same
)

var refusals = map[Fault]struct {
	status int
	code   string
}{
	SlowDown: {http.StatusServiceUnavailable, "SlowDown"},
	Internal: {http.StatusInternalServerError, "InternalError"},
	Conflict: {http.StatusConflict, "ConditionalRequestConflict"},
	Skewed:   {http.StatusForbidden, "RequestTimeTooSkewed"},
	Expired:  {http.StatusBadRequest, "ExpiredToken"},
	Moved:    {http.StatusMovedPermanently, "PermanentRedirect"},
	Missing:  {http.StatusNotFound, "NoSuchKey"},
}

// Request is what a rule decides on.
type Request struct {
	Op     string // "GET", "PUT", "HEAD", "DELETE", "LIST", "DELETE-MANY", "PART", "BEGIN", "COMPLETE", "ABORT"
	Key    string // with the bucket: "bucket/a/b"; of a LIST its prefix
	Nth    int    // of this Op and Key, from 1
	Signed string // the Authorization header
	Sealed string // how it must be encrypted, and with which key
}

// Proxy stands between clients and a server.
type Proxy struct {
	Endpoint string

	to    *url.URL
	rule  func(Request) Fault
	mutex sync.Mutex
	seen  map[string]int
	log   []Request
}

// Proxy starts a proxy in front of the server, which applies rule's fault to each request. It ends with the test.
func (s *Server) Proxy(t testing.TB, rule func(Request) Fault) *Proxy {
	t.Helper()
	to, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}

	p := &Proxy{to: to, rule: rule, seen: map[string]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Endpoint = server.URL

	return p
}

// Requests are all requests so far, in order.
func (p *Proxy) Requests() []Request {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]Request{}, p.log...)
}

// Count is how many requests of an operation arrived.
func (p *Proxy) Count(op string) int {
	n := 0
	for _, r := range p.Requests() {
		if r.Op == op {
			n++
		}
	}

	return n
}

func (p *Proxy) note(r *http.Request) Request {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	out := Request{Op: operation(r), Key: strings.TrimPrefix(r.URL.Path, "/"), Signed: r.Header.Get("Authorization"),
		Sealed: strings.TrimSpace(r.Header.Get("X-Amz-Server-Side-Encryption") + " " + r.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))}
	if out.Op == "LIST" {
		out.Key += "/" + r.URL.Query().Get("prefix")
	}

	p.seen[out.Op+" "+out.Key]++
	out.Nth = p.seen[out.Op+" "+out.Key]
	p.log = append(p.log, out)
	return out
}

func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("list-type"):
		return "LIST"
	case q.Has("delete"):
		return "DELETE-MANY"
	case q.Has("uploads"):
		return "BEGIN"
	case q.Has("uploadId") && r.Method == http.MethodPut:
		return "PART"
	case q.Has("uploadId") && r.Method == http.MethodPost:
		return "COMPLETE"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		return "ABORT"
	}

	return r.Method
}

// ServeHTTP serves one request, or injects its fault.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := p.rule(p.note(r))
	if _, refused := refusals[fault]; refused || fault == Refuse {
		_, _ = io.Copy(io.Discard, r.Body)
	}

	if refusal, ok := refusals[fault]; ok {
		refuse(w, refusal.status, refusal.code)
		return
	}

	if fault == Refuse {
		panic(http.ErrAbortHandler)
	}

	forward := httputil.ReverseProxy{
		Rewrite:        func(out *httputil.ProxyRequest) { out.SetURL(p.to); out.Out.Host = r.Host }, // the host is signed
		ModifyResponse: func(answer *http.Response) error { return harm(answer, fault) },
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	forward.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	if code == refusals[Moved].code {
		w.Header().Set("X-Amz-Bucket-Region", Region)
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test says</Message><RequestId>1</RequestId></Error>", code)
}

// harm damages an answer on its way back.
func harm(answer *http.Response, fault Fault) error {
	if fault == Lose {
		return http.ErrAbortHandler
	}
	if fault != Cut && fault != Damage && fault != Flip || answer.Request.Method == http.MethodHead { // HEAD has no body, but its length
		return nil
	}

	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}

	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
	switch {
	case fault == Cut:
		body = body[:len(body)/2]
	case len(body) == 0:
	case fault == Damage:
		body[len(body)/2] ^= 1
	case fault == Flip:
		body[rand.IntN(len(body))] ^= 1 << rand.IntN(8)
	}

	answer.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
