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

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pause"
)

// request describes one call, for its limits and for errors.
type request struct {
	action string // the IAM action that it needs
	key    string // the key in the bucket; a prefix for a list
	bytes  int64  // that it moves
}

// How many tries a server gets: one that has answered before, and one that never has.
const (
	triesProven = 10
	triesNew    = 4
)

// time bounds one try: a silent server costs a try, not the run.
func (r request) time() time.Duration {
	const slowest = 256 << 10 // bytes a second
	return 15*time.Second + time.Duration(r.bytes/slowest)*time.Second
}

// shortest is the longest wait after the first try.
var shortest = 100 * time.Millisecond

// delay is the wait after a try: random up to a bound that doubles, for triesProven 27 s at most in total.
func delay(try int) time.Duration {
	most := min(shortest<<min(try-1, 10), 50*shortest)
	return most/4 + rand.N(most*3/4)
}

// call does one call until it succeeds, cannot heal, or the tries are used up. The error is the server's or the
// network's own; the end of ctx, and a lack of credentials, are returned as the user sees them.
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

		if err := pause.For(ctx, delay(try)); err != nil {
			return err
		}
	}
}

// once is one try, with credentials known to be available.
func (s *Store) once(ctx context.Context, r request, do func(context.Context, *awss3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.time())
	defer cancel()
	if _, err := s.config.Credentials.Retrieve(ctx); err != nil {
		return noCredentials(err)
	}
	return do(ctx, s.client.Load())
}

// renew forgets expired credentials; false if new ones cannot be obtained.
func (s *Store) renew() bool {
	cache, ok := s.config.Credentials.(*aws.CredentialsCache)
	if ok {
		cache.Invalidate()
	}
	return ok
}

// heals reports whether the same call may succeed later. What is not the server's answer is the network's.
func heals(err error) bool {
	if errors.Is(err, errRange) || errors.Is(err, objstore.ErrDamaged) || isOurs(err) {
		return false
	}

	a := answerOf(err)
	switch {
	case a.status == 0, a.status >= 500 && a.status != http.StatusNotImplemented, a.status == http.StatusTooManyRequests,
		a.status == http.StatusRequestTimeout:
		return true
	case a.status == http.StatusConflict: // others write or delete at the same moment: nothing was decided
		return true
	}

	// The SDK learns the server's clock from its first answer. The other codes report damaged bytes.
	return slices.Contains([]string{codeSkewed, "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "BadDigest",
		"IncompleteBody", "XAmzContentSHA256Mismatch", "InternalError", "ServiceUnavailable"}, a.code)
}

// cut reports whether there was a connection that ended without an answer: a server exists.
func cut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// answer is a server's answer other than success. The zero answer means that there was none.
type answer struct {
	status  int
	code    string
	message string
	request string // the server's id for the request, which its operators ask for
	region  string // of the bucket
}

// answerError is an answer that the SDK made no error of.
type answerError struct{ answer }

func (e *answerError) Error() string { return e.code + ": " + e.message }

// The codes that are used more than once.
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
		if e.HTTPStatusCode() < 300 { // the answer itself was cut off
			return answer{}
		}
	}

	if e, ok := errors.AsType[smithy.APIError](err); ok && a.status != 0 {
		a.code, a.message = e.ErrorCode(), e.ErrorMessage()
	}

	return a
}

// missing reports whether the server says that the object does not exist. A missing bucket is a different matter.
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

// move switches to the region that the answer names, or that the bucket reports when asked; false if that is the same
// one.
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
