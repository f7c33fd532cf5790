package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// isOurs reports whether the error is already in the user's terms.
func isOurs(err error) bool {
	_, ok := errors.AsType[*hindcast.Error](err)
	return ok
}

// fail turns a failed call's error into one that a user can act on. A cancelled context and errors that have a code
// stay as they are.
func (s *Store) fail(r request, err error) error {
	if err == nil || isOurs(err) || errors.Is(err, objstore.ErrPrecondition) || errors.Is(err, context.Canceled) {
		return err
	}

	a := answerOf(err)
	e := &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Cause: err}
	switch {
	case a.status == 0:
		s.network(e, r, err)
	case a.code == codeNoBucket, a.code == "InvalidBucketName":
		e.Code = hindcast.EBucket
		e.Message = fmt.Sprintf("there is no bucket %s at %s", s.options.bucket, s.endpoint())
		e.Next = "create it, or correct `lake` in the pipeline file"
	case a.elsewhere():
		e.Code = hindcast.EBucket
		e.Message = fmt.Sprintf("bucket %s is not in the region that was asked: %s", s.options.bucket, a.text())
		e.Next = "add its region to `lake` in the pipeline file: ?region=…"
	case a.code == codeSkewed:
		e.Code = hindcast.EClock
		e.Message = "this machine's clock is too far from the server's, which refuses its signatures"
		e.Next = "set the clock (timedatectl, chronyc makestep)"
	case a.badCredentials():
		s.credentials(e, a)
	case a.status == http.StatusForbidden, a.status == http.StatusUnauthorized:
		s.denied(e, r, a)
	default:
		if heals(err) {
			e.Class = hindcast.ClassTransient
		}
		e.Message = fmt.Sprintf("%s of %s failed: %s", r.action, s.object(r), a.text())
		e.Next = "check the server"
	}

	return e
}

// text is the answer for people.
func (a answer) text() string {
	var parts []string
	for _, part := range []string{a.code, a.message} {
		if part != "" {
			parts = append(parts, part)
		}
	}

	text := fmt.Sprintf("%s (HTTP %d", strings.Join(parts, ", "), a.status)
	if a.request != "" {
		text += ", request " + a.request
	}
	return strings.TrimSpace(text + ")")
}

func (s *Store) object(r request) string { return "s3://" + s.options.bucket + "/" + r.key }

// network is for errors without an answer.
func (s *Store) network(e *hindcast.Error, r request, err error) {
	if errors.Is(err, objstore.ErrDamaged) || errors.Is(err, errGarbled) || errors.Is(err, errRange) {
		e.Message = fmt.Sprintf("%s: %v", s.object(r), err)
		e.Next = "check the server, and the network between it and this machine"
		return
	}

	e.Code, e.Class = hindcast.EUnreachable, hindcast.ClassTransient
	e.Message = fmt.Sprintf("%s cannot be reached: %s", s.endpoint(), reason(err))
	e.Next = "check the network and the endpoint in `lake` (or AWS_ENDPOINT_URL_S3)"

	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound && !s.proven.Load() {
		e.Class = hindcast.ClassPermanent
	}
}

// reason is the innermost cause: what wraps it names the call, which the message already does.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Error()
	}

	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

func (a answer) badCredentials() bool {
	switch a.code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId", "UnrecognizedClientException":
		return true
	}
	return a.expired()
}

func (s *Store) credentials(e *hindcast.Error, a answer) {
	e.Code = hindcast.ECredentials
	e.Message = fmt.Sprintf("%s refuses the credentials: %s", s.endpoint(), a.code)
	e.Next = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile that AWS_PROFILE names"

	if a.expired() {
		e.Message = "the credentials have expired"
		e.Next = "get new ones (`aws sso login`, or new AWS_… variables)"
	}
}

func noCredentials(cause error) error {
	return &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: cause,
		Message: "no AWS credentials were found, or they could not be obtained: " + reason(cause),
		Next:    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them"}
}

// denied names the missing permission. A reader without s3:ListBucket gets 403 for missing objects, too.
func (s *Store) denied(e *hindcast.Error, r request, a answer) {
	e.Code = hindcast.EPermission
	e.Message = fmt.Sprintf("access denied: %s of %s", r.action, s.object(r))
	if a.message != "" && a.message != "Access Denied" && a.message != "Forbidden" {
		e.Detail = append(e.Detail, a.message)
	}

	objects := "arn:aws:s3:::" + s.options.bucket + "/" + s.options.prefix + "*"
	switch r.action {
	case "s3:ListBucket":
		e.Next = "allow s3:ListBucket on arn:aws:s3:::" + s.options.bucket
	case "s3:GetObject":
		e.Next = "allow s3:GetObject on " + objects + ", and s3:ListBucket on arn:aws:s3:::" + s.options.bucket +
			", without which a missing object looks forbidden"
	default:
		e.Next = "allow " + r.action + " on " + objects
	}

	if s.options.encryption != "" {
		e.Next += "; for an encryption key: kms:GenerateDataKey and kms:Decrypt"
	}
}

// unusable is for keys and prefixes that no object of ours can have.
func (s *Store) unusable(err error) error {
	return &hindcast.Error{Code: hindcast.ELake, Class: hindcast.ClassPermanent, Cause: err,
		Message: "using " + s.URL() + " failed: " + err.Error(), Next: "please report this with the run's log"}
}

// statusOf is the HTTP status for the code with which one item of a batch failed.
func statusOf(code string) int {
	switch code {
	case "AccessDenied":
		return http.StatusForbidden
	case "SlowDown", "ServiceUnavailable":
		return http.StatusServiceUnavailable
	case "InternalError":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
