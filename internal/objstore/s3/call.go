package s3

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// request is one call, for its limits and for errors.
type request struct {
	action string // the IAM action that it needs
	key    string // as the bucket has it; a prefix for a list
	bytes  int64  // that it moves
}

// The patience with a server: that has answered before, and that never has.
const (
	triesProven = 10
	triesNew    = 4
)

// time bounds one try: a server that is silent costs a try, not the run.
func (r request) time() time.Duration {
	const slowest = 256 << 10 // bytes a second
	return 15*time.Second + time.Duration(r.bytes/slowest)*time.Second
}

// shortest is the most that is waited after the first try.
var shortest = 100 * time.Millisecond

// delay is the wait after a try, at random up to a bound that doubles: 27 s together at most for triesProven.
func delay(try int) time.Duration {
	most := min(shortest<<min(try-1, 10), 50*shortest)
	return most/4 + rand.N(most*3/4)
}

// call does one call until it succeeds, cannot heal, or patience ends. The error is the server's or the network's own;
// the end of ctx, or credentials that cannot be had, are returned as they are told to the user.
func (s *Store) call(ctx context.Context, r request, do func(context.Context, *awss3.Client) error) error {
	moved, renewed := false, false
	for try := 1; ; try++ {
		err := s.once(ctx, r, do)
		if err == nil {
			s.proven.Store(true)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a := answerOf(err)
		if a.status != 0 || cut(err) {
			s.proven.Store(true)
		}
		switch {
		case a.elsewhere() && !moved:
			moved = s.move(ctx, a)
			if moved {
				continue
			}
			return err
		case a.expired() && !renewed && s.renew():
			renewed = true
			continue
		case !heals(err):
			return err
		case try >= triesNew && !s.proven.Load(), try >= triesProven:
			return err
		}
		if err := pause(ctx, delay(try)); err != nil {
			return err
		}
	}
}

// once is one try, with credentials that are known to be there.
func (s *Store) once(ctx context.Context, r request, do func(context.Context, *awss3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.time())
	defer cancel()
	if _, err := s.config.Credentials.Retrieve(ctx); err != nil {
		return noCredentials(err)
	}
	return do(ctx, s.client.Load())
}

// renew forgets credentials that have expired; false if they cannot be got anew.
func (s *Store) renew() bool {
	cache, ok := s.config.Credentials.(*aws.CredentialsCache)
	if ok {
		cache.Invalidate()
	}
	return ok
}

// heals reports whether the same call may succeed later. What is no answer of the server's is the network's.
func heals(err error) bool {
	if errors.Is(err, errRange) || isOurs(err) {
		return false
	}
	a := answerOf(err)
	switch {
	case a.status == 0, a.status >= 500 && a.status != http.StatusNotImplemented, a.status == http.StatusTooManyRequests,
		a.status == http.StatusRequestTimeout:
		return true
	case a.status == http.StatusConflict: // others write, or delete, at the same moment: nothing was decided
		return true
	}
	// The SDK learns the server's clock from its first answer. The others are about bytes that came damaged.
	return slices.Contains([]string{codeSkewed, "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "BadDigest",
		"IncompleteBody", "XAmzContentSHA256Mismatch", "InternalError", "ServiceUnavailable"}, a.code)
}

// cut reports whether there was a connection, which ended without an answer: somebody is there.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// answer is what a server said that is no success. The zero answer means that it said nothing.
type answer struct {
	status  int
	code    string
	message string
	request string // the server's number for it, which its operators ask for
	region  string // of the bucket
}

// answerError is an answer that no SDK error was made of.
type answerError struct{ answer }

func (e *answerError) Error() string { return e.code + ": " + e.message }

// The codes that are looked at in more than one place.
const (
	codeNoBucket = "NoSuchBucket"
	codeNoKey    = "NoSuchKey"
	codeSkewed   = "RequestTimeTooSkewed"
)

func answerOf(err error) (a answer) {
	if e, ok := errors.AsType[*answerError](err); ok {
		return e.answer
	}
	if e, ok := errors.AsType[*awshttp.ResponseError](err); ok && e.Response != nil {
		a.status, a.request = e.HTTPStatusCode(), e.RequestID
		a.region = e.Response.Header.Get("X-Amz-Bucket-Region")
		if e.HTTPStatusCode() < 300 { // the answer itself came cut off
			return answer{}
		}
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok && a.status != 0 {
		a.code, a.message = e.ErrorCode(), e.ErrorMessage()
	}
	return a
}

// missing reports whether the server says that there is no such object. A bucket that is not there is another matter.
func missing(err error) bool {
	a := answerOf(err)
	return a.status == http.StatusNotFound && a.code != codeNoBucket
}

// elsewhere reports whether the bucket is in another region than the one asked.
func (a answer) elsewhere() bool {
	return a.status == http.StatusMovedPermanently || a.status == http.StatusTemporaryRedirect || a.code == "PermanentRedirect" ||
		a.code == "AuthorizationHeaderMalformed" || a.code == "IllegalLocationConstraintException"
}

func (a answer) expired() bool {
	return a.code == "ExpiredToken" || a.code == "ExpiredTokenException" || a.code == "TokenRefreshRequired"
}

var expecting = regexp.MustCompile(`expecting ['"]([a-z0-9-]+)['"]`)

// move goes on in the region that the answer names, or that the bucket says when asked; false if that is no other one.
func (s *Store) move(ctx context.Context, a answer) bool {
	region := a.region
	if m := expecting.FindStringSubmatch(a.message); region == "" && m != nil {
		region = m[1]
	}
	if region == "" {
		ctx, cancel := context.WithTimeout(ctx, request{}.time())
		defer cancel()
		out, err := s.client.Load().HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &s.options.bucket})
		if err == nil {
			region = aws.ToString(out.BucketRegion)
		} else {
			region = answerOf(err).region
		}
	}
	if region == "" || region == s.client.Load().Options().Region {
		return false
	}
	s.connect(region)
	return true
}
