package awsspark

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
)

// Service is what is called, in the user's words.
type Service struct {
	Name     string        // Glue
	Code     hindcast.Code // of what it refuses
	Block    string        // of the pipeline file: glue
	Endpoint string        // the variable that names another endpoint
	Region   string
	Pace     time.Duration // how often it is asked the same
}

// Load is the AWS configuration of a region, or of its own if that is "". Credentials, profile and endpoints are where the AWS tools have them.
func (s Service) Load(ctx context.Context, region string) (aws.Config, error) {
	load := []func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), // its messages come as errors
		// The SDK's own retries would start a run twice whose first answer was lost, and give up what only has to wait.
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
	}
	if region != "" {
		load = append(load, config.WithRegion(region))
	}
	c, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the AWS configuration cannot be read: " + err.Error(), Next: "correct ~/.aws/config, or the AWS_… variables"}
	}
	if c.Region == "" {
		return aws.Config{}, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: "there is no region for " + s.Name,
			Next: "write " + s.Block + ".region in the pipeline file, or set AWS_REGION"}
	}
	return c, nil
}

// Meaning is what the error of a call says of what was called for.
type Meaning int

// The meanings.
const (
	Refused   Meaning = iota // it was not done, and will not be
	Throttled                // it was not done: there are too many calls
	Full                     // the same: there are too many runs
	Absent                   // what it is about does not exist
	Unsure                   // it may have been done
	Unmade                   // it was not done, and may be the next time
)

var (
	throttling = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
	noRoom     = []string{"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException", "ServiceQuotaExceededException"}
	notThere   = []string{"EntityNotFoundException", "ResourceNotFoundException"}
	changing   = []string{"ConcurrentModificationException", "ConflictException"}
	perhaps    = []string{"InternalServiceException", "InternalServerException", "OperationTimeoutException", "InternalFailure", "InternalServerError",
		"ServiceUnavailable", "ServiceUnavailableException"}
)

// MeaningOf is what an error of a call says.
func MeaningOf(err error) Meaning {
	e, answered := errors.AsType[smithy.APIError](err)
	if !answered {
		return Unsure
	}
	switch code := e.ErrorCode(); {
	case slices.Contains(throttling, code):
		return Throttled
	case slices.Contains(noRoom, code):
		return Full
	case slices.Contains(notThere, code):
		return Absent
	case slices.Contains(changing, code):
		return Unmade
	case slices.Contains(perhaps, code):
		return Unsure
	}
	if r, is := errors.AsType[*awshttp.ResponseError](err); is && r.HTTPStatusCode() >= http.StatusInternalServerError {
		return Unsure
	}
	return Refused
}

// Bounds of one call.
const (
	callTime = 20 * time.Second // of a try
	tries    = 8                // that fail; throttling is waited out
)

// Call makes a call that may be made twice until it is answered. It waits while the service throttles. The error is the user's, except for
// what does not exist.
func Call[T any](ctx context.Context, s Service, action string, do func(context.Context) (T, error)) (T, error) {
	wait := s.Pace / 2
	for try := 1; ; {
		out, err := Once(ctx, do)
		what := MeaningOf(err)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return out, ctx.Err()
		case what == Absent:
			return out, err
		case what != Throttled:
			if try++; what == Refused || what == Full || try > tries {
				return out, s.Fault(action, err)
			}
		}
		if err := pause.For(ctx, Jittered(wait)); err != nil {
			return out, err
		}
		wait = min(2*wait, 20*s.Pace)
	}
}

// Once is one try, which a silent server does not hold up.
func Once[T any](ctx context.Context, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return do(ctx)
}

// Jittered is a time about as long, so that those who wait together do not come together.
func Jittered(d time.Duration) time.Duration { return d + rand.N(d/4+1) }

// credentialCodes are answers to those who cannot show who they are.
var credentialCodes = []string{"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken", "IncompleteSignature",
	"MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"}

// Fault is the error of a call in the user's terms.
func (s Service) Fault(action string, err error) error {
	if _, ours := errors.AsType[*hindcast.Error](err); ours {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	}
	e := &hindcast.Error{Code: s.Code, Class: hindcast.ClassPermanent, Cause: err}
	answer, answered := errors.AsType[smithy.APIError](err)
	switch {
	case !answered && strings.Contains(err.Error(), "get credentials"), !answered && strings.Contains(err.Error(), "get identity"):
		e.Code, e.Message = hindcast.ECredentials, "there are no AWS credentials for "+s.Name+": "+Innermost(err)
		e.Next = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them"
	case !answered:
		e.Class, e.Message = hindcast.ClassTransient, s.Name+" in "+s.Region+" cannot be reached: "+Innermost(err)
		e.Next = "check the network, " + s.Block + ".region, and " + s.Endpoint + " if it is set"
	case slices.Contains(credentialCodes, answer.ErrorCode()):
		e.Code, e.Message = hindcast.ECredentials, s.Name+" refuses the credentials: "+answer.ErrorCode()+", "+answer.ErrorMessage()
		e.Next = "check the AWS_… variables, or the profile that AWS_PROFILE names; get new ones if they have expired"
	case answer.ErrorCode() == "AccessDeniedException", answer.ErrorCode() == "AccessDenied":
		e.Code, e.Message = hindcast.EPermission, "access denied: "+action+": "+answer.ErrorMessage()
		e.Next = "allow " + action + " to the identity that runs hindcast; for a run it also needs iam:PassRole of " + s.Block + ".role"
	default:
		if MeaningOf(err) != Refused {
			e.Class = hindcast.ClassTransient
		}
		e.Message = action + " failed: " + answer.ErrorCode() + ", " + answer.ErrorMessage()
		e.Next = "correct the block " + s.Block + ": in the pipeline file, if it says so; ask for a higher quota where one is exceeded"
	}
	return e
}

// Innermost is what an error says at its root.
func Innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
