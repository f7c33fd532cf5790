package glue

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
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/hindcast/hindcast"
)

// Jobs is what is called of Glue.
type Jobs interface {
	GetJob(context.Context, *awsglue.GetJobInput, ...func(*awsglue.Options)) (*awsglue.GetJobOutput, error)
	CreateJob(context.Context, *awsglue.CreateJobInput, ...func(*awsglue.Options)) (*awsglue.CreateJobOutput, error)
	UpdateJob(context.Context, *awsglue.UpdateJobInput, ...func(*awsglue.Options)) (*awsglue.UpdateJobOutput, error)
	StartJobRun(context.Context, *awsglue.StartJobRunInput, ...func(*awsglue.Options)) (*awsglue.StartJobRunOutput, error)
	GetJobRun(context.Context, *awsglue.GetJobRunInput, ...func(*awsglue.Options)) (*awsglue.GetJobRunOutput, error)
	GetJobRuns(context.Context, *awsglue.GetJobRunsInput, ...func(*awsglue.Options)) (*awsglue.GetJobRunsOutput, error)
	BatchStopJobRun(context.Context, *awsglue.BatchStopJobRunInput, ...func(*awsglue.Options)) (*awsglue.BatchStopJobRunOutput, error)
}

// Logs is what is called of CloudWatch.
type Logs interface {
	GetLogEvents(context.Context, *cloudwatchlogs.GetLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error)
}

// Clients are those of one region.
type Clients struct {
	Region string
	Jobs   Jobs
	Logs   Logs
}

// Connect makes clients of a region, or of the AWS configuration's if it is "". They call nobody yet. Endpoints and credentials are where
// the AWS tools have them.
func Connect(ctx context.Context, region string) (Clients, error) {
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
		return Clients{}, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the AWS configuration cannot be read: " + err.Error(), Next: "correct ~/.aws/config, or the AWS_… variables"}
	}
	if c.Region == "" {
		return Clients{}, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent, Message: "there is no region for Glue",
			Next: "write glue.region in the pipeline file, or set AWS_REGION"}
	}
	return ClientsOf(c), nil
}

// ClientsOf are the clients of a configuration.
func ClientsOf(c aws.Config) Clients {
	return Clients{Region: c.Region, Jobs: awsglue.NewFromConfig(c), Logs: cloudwatchlogs.NewFromConfig(c)}
}

// meaning is what the error of a call says of what was called for.
type meaning int

const (
	refused   meaning = iota // it was not done, and will not be
	throttled                // it was not done: there are too many calls
	full                     // the same: there are too many runs
	absent                   // what it is about does not exist
	unsure                   // it may have been done
	unmade                   // it was not done, and may be the next time
)

var (
	throttling = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
	noRoom     = []string{"ConcurrentRunsExceededException", "ResourceNumberLimitExceededException"}
	perhaps    = []string{"InternalServiceException", "OperationTimeoutException", "InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException"}
)

func meaningOf(err error) meaning {
	e, answered := errors.AsType[smithy.APIError](err)
	if !answered {
		return unsure
	}
	switch code := e.ErrorCode(); {
	case slices.Contains(throttling, code):
		return throttled
	case slices.Contains(noRoom, code):
		return full
	case code == "EntityNotFoundException":
		return absent
	case code == "ConcurrentModificationException":
		return unmade
	case slices.Contains(perhaps, code):
		return unsure
	}
	if r, is := errors.AsType[*awshttp.ResponseError](err); is && r.HTTPStatusCode() >= http.StatusInternalServerError {
		return unsure
	}
	return refused
}

// caller makes calls.
type caller struct {
	pace   time.Duration
	region string
}

// Bounds of one call.
const (
	callTime = 20 * time.Second // of a try
	tries    = 8                // that fail; throttling is waited out
)

// call makes a call that may be made twice until it is answered. It waits while the service throttles. The error is the user's, except for
// what does not exist.
func call[T any](ctx context.Context, c caller, action string, do func(context.Context) (T, error)) (T, error) {
	wait := c.pace / 2
	for try := 1; ; {
		out, err := once(ctx, do)
		what := meaningOf(err)
		switch {
		case err == nil:
			return out, nil
		case ctx.Err() != nil:
			return out, ctx.Err()
		case what == absent:
			return out, err
		case what != throttled:
			if try++; what == refused || what == full || try > tries {
				return out, c.fault(action, err)
			}
		}
		if err := pause(ctx, jittered(wait)); err != nil {
			return out, err
		}
		wait = min(2*wait, 20*c.pace)
	}
}

// once is one try, which a silent server does not hold up.
func once[T any](ctx context.Context, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return do(ctx)
}

// jittered is a time about as long, so that those who wait together do not come together.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/4+1) }

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// credentialCodes are answers to those who cannot show who they are.
var credentialCodes = []string{"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "ExpiredToken", "IncompleteSignature",
	"MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"}

// fault is the error of a call in the user's terms.
func (c caller) fault(action string, err error) error {
	if _, ours := errors.AsType[*hindcast.Error](err); ours {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	}
	e := &hindcast.Error{Code: hindcast.EGlue, Class: hindcast.ClassPermanent, Cause: err}
	answer, answered := errors.AsType[smithy.APIError](err)
	switch {
	case !answered && strings.Contains(err.Error(), "get credentials"), !answered && strings.Contains(err.Error(), "get identity"):
		e.Code, e.Message = hindcast.ECredentials, "there are no AWS credentials for Glue: "+innermost(err)
		e.Next = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run where a role gives them"
	case !answered:
		e.Class, e.Message = hindcast.ClassTransient, "Glue in "+c.region+" cannot be reached: "+innermost(err)
		e.Next = "check the network, glue.region, and AWS_ENDPOINT_URL_GLUE if it is set"
	case slices.Contains(credentialCodes, answer.ErrorCode()):
		e.Code, e.Message = hindcast.ECredentials, "Glue refuses the credentials: "+answer.ErrorCode()+", "+answer.ErrorMessage()
		e.Next = "check the AWS_… variables, or the profile that AWS_PROFILE names; get new ones if they have expired"
	case answer.ErrorCode() == "AccessDeniedException", answer.ErrorCode() == "AccessDenied":
		e.Code, e.Message = hindcast.EPermission, "access denied: "+action+": "+answer.ErrorMessage()
		e.Next = "allow " + action + " to who runs hindcast; for a job it also needs iam:PassRole of glue.role"
	default:
		if meaningOf(err) != refused {
			e.Class = hindcast.ClassTransient
		}
		e.Message = action + " failed: " + answer.ErrorCode() + ", " + answer.ErrorMessage()
		e.Next = "correct the block glue: in the pipeline file, if it says so; ask for a higher quota where one is exceeded"
	}
	return e
}

func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
