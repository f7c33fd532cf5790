package glueserver

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// operation answers the body of a request.
type operation func(ctx context.Context, body []byte) (any, error)

// call makes an operation of a function over its request.
func call[Request any](do func(context.Context, Request) (any, error)) operation {
	return func(ctx context.Context, body []byte) (any, error) {
		var r Request
		if err := json.Unmarshal(body, &r); err != nil {
			return nil, jobs.Faultf("SerializationException", "the request cannot be read: %v", err)
		}
		return do(ctx, r)
	}
}

// nothing is an answer without members.
type nothing struct{}

// table is every operation, by its X-Amz-Target.
func (s *Server) table() map[string]operation {
	all := map[string]operation{}
	for service, list := range map[string]map[string]operation{
		"AWSGlue.":       s.jobOperations(),
		"Logs_20140328.": s.logOperations(),
	} {
		for name, do := range list {
			all[service+name] = do
		}
	}
	for name, do := range s.catalogOperations() {
		all["AWSGlue."+name] = do
	}
	return all
}

// mostBody bounds a request: arguments, and tables of many columns, are the largest.
const mostBody = 16 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("x-amzn-RequestId", id)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		refuse(w, jobs.Faultf("SerializationException", "the request cannot be read: %v", err))
		return
	}
	action := formAction(r, body)
	switch err := s.admit(r, body); {
	case err != nil && action != "":
		refuseIdentity(w, err, id)
		return
	case err != nil:
		refuse(w, err)
		return
	case action != "":
		s.identity(w, action, body, id)
		return
	}

	target := r.Header.Get("X-Amz-Target")
	do, known := s.operations[target]
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		refuse(w, jobs.Faultf("UnknownOperationException", "this server answers POST /"))
	case !known:
		refuse(w, jobs.Faultf("UnknownOperationException", "this server has no operation %q", target))
	default:
		answer, err := do(r.Context(), body)
		if err != nil {
			refuse(w, err)
			return
		}
		send(w, http.StatusOK, answer)
	}
}

// refuse answers an error: of the request, or of this server.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	fault, known := errors.AsType[*jobs.Fault](err)
	if !known {
		status, fault = http.StatusInternalServerError, jobs.Faultf("InternalServiceException", "%v", err)
	}
	send(w, status, struct {
		Type    string `json:"__type"`
		Message string
	}{fault.Name, fault.Message})
}

func send(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // of our own types
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone asks again
}

func requestID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

// token is where a list goes on, as clients hand it back.
func token(position string) string { return base64.RawURLEncoding.EncodeToString([]byte(position)) }

// position is what a token says; "" of none.
func position(token string) (string, error) {
	at, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", jobs.Faultf(jobs.InvalidInput, "NextToken is not one of this server's")
	}
	return string(at), nil
}

// page is how many results are asked for, up to most; 0 is for none said.
func page(asked *int, most, otherwise int) (int, error) {
	switch {
	case asked == nil:
		return otherwise, nil
	case *asked < 1 || *asked > most:
		return 0, jobs.Faultf(jobs.InvalidInput, "MaxResults must be from 1 to %d; it is %d", most, *asked)
	}
	return *asked, nil
}

// formAction is the action of a request in the older protocol of forms, which IAM has; "" of others.
func formAction(r *http.Request, body []byte) string {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ""
	}
	return formOf(body).Get("Action")
}
