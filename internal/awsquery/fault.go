package awsquery

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// Answer is what a service says instead of doing what it was asked for.
type Answer struct {
	Status  int    // of HTTP
	Code    string // AccessDenied
	Message string
}

func (a *Answer) Error() string { return a.Code + ", " + a.Message }

// Code is the code of the service's answer in an error; "" if there was no answer.
func Code(err error) string {
	if a, is := errors.AsType[*Answer](err); is {
		return a.Code
	}
	return ""
}

// NotFound reports whether Redshift, or Redshift Serverless, answered that it has nothing of the name.
func NotFound(err error) bool {
	return slices.Contains([]string{"ClusterNotFound", "ClusterNotFoundFault", "ResourceNotFoundException"}, Code(err))
}

// answerOf reads the answer of a service of either protocol.
func answerOf(response *http.Response, body []byte) *Answer {
	type failure struct{ Code, Message string }
	var text struct {
		One     failure   `xml:"Error"`
		Several []failure `xml:"Errors>Error"` // EC2 has it so
	}
	var object struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	is := failure{Message: http.StatusText(response.StatusCode)}
	switch {
	case json.Unmarshal(body, &object) == nil:
		is = failure{object.Type, object.Message}
		if is.Code == "" {
			is.Code, _, _ = strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
		}
		is.Code = is.Code[strings.LastIndexByte(is.Code, '#')+1:]
	case xml.Unmarshal(body, &text) == nil && text.One.Code != "":
		is = text.One
	case len(text.Several) > 0:
		is = text.Several[0]
	}
	if is.Code == "" {
		is.Code = fmt.Sprintf("HTTP %d", response.StatusCode)
	}
	return &Answer{Status: response.StatusCode, Code: is.Code, Message: strings.TrimSpace(is.Message)}
}

// Codes that services share.
var (
	throttling = []string{"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "SlowDown"}
	denying    = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "UnauthorizedAccess"}
	strangers  = []string{"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken", "IncompleteSignature", "AuthFailure",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestExpired"}
)

var reading = regexp.MustCompile(`^(Describe|Get|List|Simulate)`)

// again reports whether a call that failed is made again.
func again(action string, err error) bool {
	if _, ours := errors.AsType[*hindcast.Error](err); ours {
		return false
	}
	a, answered := errors.AsType[*Answer](err)
	if answered && slices.Contains(throttling, a.Code) {
		return true
	}
	return reading.MatchString(action) && (!answered || a.Status >= http.StatusInternalServerError && a.Status != http.StatusNotImplemented)
}

// fault is the error of a call in the user's terms.
func (c *Client) fault(s Service, action string, err error) error {
	if _, ours := errors.AsType[*hindcast.Error](err); ours {
		return err
	}
	asked := s.Prefix + ":" + action // as policies have it
	e := &hindcast.Error{Code: hindcast.EAWS, Class: hindcast.ClassPermanent, Cause: err}
	a, answered := errors.AsType[*Answer](err)
	switch {
	case !answered:
		e.Code, e.Class = hindcast.EUnreachable, hindcast.ClassTransient
		e.Message = fmt.Sprintf("%s in %s cannot be reached: %s", s.ID, c.config.Region, innermost(err))
		e.Next = "check the network, the region's name, and " + variable(s) + " if it is set"
	case strings.Contains(a.Message, "Signature expired"), strings.Contains(a.Message, "Signature not yet current"):
		e.Code, e.Message = hindcast.EClock, "this machine's clock is too far from AWS's, which refuses its signatures"
		e.Next = "set the clock (timedatectl, chronyc makestep)"
	case slices.Contains(strangers, a.Code):
		e.Code, e.Message = hindcast.ECredentials, "AWS refuses the credentials: "+a.Error()
		e.Next = "check the AWS_… variables, or the profile that AWS_PROFILE names; get new ones if they have expired"
	case slices.Contains(denying, a.Code), a.Status == http.StatusForbidden:
		e.Code, e.Message = hindcast.EPermission, "access denied: "+asked+": "+a.Message
		e.Next = "allow " + asked + " to the identity that runs hindcast"
	default:
		if slices.Contains(throttling, a.Code) || a.Status >= http.StatusInternalServerError {
			e.Class = hindcast.ClassTransient
		}
		e.Message = asked + " failed: " + a.Error()
		e.Next = "do what the message says; if it passes by itself, run the command again"
	}
	return e
}

func noCredentials(err error) error {
	return &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err, Message: "there are no AWS credentials: " + innermost(err),
		Next: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them"}
}

// variable names a service's endpoint.
func variable(s Service) string {
	return "AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(s.ID, " ", "_"))
}

// innermost is the text of what happened last; that of a time limit is one of ours.
func innermost(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer in %s", callTime)
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
