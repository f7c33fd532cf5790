package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/hindcast/hindcast"
)

// tries is how often a call is made. Throttling, which the Data Catalog does early, heals within these.
const tries = 8

// Connect returns clients of the Data Catalog and of Athena, with credentials, region and endpoints from where the AWS tools look for them.
// The region is the one given, unless it is "".
func Connect(ctx context.Context, region string) (*glue.Client, *athena.Client, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{}), config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = tries, 5*time.Second
			o.RateLimiter = unlimited{}
		})
	})}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}

	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, &hindcast.Error{Code: hindcast.ECredentials, Class: hindcast.ClassPermanent, Cause: err,
			Message: "the AWS configuration cannot be read: " + err.Error(), Next: "correct ~/.aws/config, or the AWS_… variables"}
	}
	if c.Region == "" {
		return nil, nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: "no region says which Data Catalog is meant", Next: "set AWS_REGION, or write ?region=… behind the lake's URL"}
	}
	return glue.NewFromConfig(c), athena.NewFromConfig(c), nil
}

// unlimited lets every call have all of its tries: the SDK's own quota, which the calls of a client share, would run dry.
type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }

// failed says what was being done when a call failed; nil if it did not.
func failed(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}

	e := &hindcast.Error{Code: hindcast.ECatalog, Class: hindcast.ClassPermanent, Cause: err, Message: doing + ": " + err.Error(),
		Next: "mend what it says, then run the command again: what was done until then stays"}
	answer, answered := errors.AsType[smithy.APIError](err)
	switch {
	case !answered && strings.Contains(err.Error(), "credentials"):
		e.Code, e.Message = hindcast.ECredentials, doing+": there are no AWS credentials: "+lastOf(err)
		e.Next = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	case !answered:
		e.Code, e.Class, e.Message = hindcast.EUnreachable, hindcast.ClassTransient, doing+": "+lastOf(err)
		e.Next = "check the network, the region, and AWS_ENDPOINT_URL if it is set"
	default:
		e.Message = fmt.Sprintf("%s: %s: %s", doing, answer.ErrorCode(), cmp.Or(answer.ErrorMessage(), "refused"))
		classify(e, answer)
	}
	return e
}

// classify says what helps against an answer.
func classify(e *hindcast.Error, answer smithy.APIError) {
	switch code := answer.ErrorCode(); {
	case strings.HasPrefix(code, "AccessDenied"), code == "UnauthorizedException":
		e.Code, e.Next = hindcast.EPermission, "give the role the right that it names; docs/guide/athena.md lists all"
	case slices.Contains([]string{"UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId", "MissingAuthenticationTokenException"}, code):
		e.Code, e.Next = hindcast.ECredentials, "renew the credentials, or choose others with AWS_PROFILE"
	case strings.Contains(code, "Throttl"), answer.ErrorFault() == smithy.FaultServer:
		e.Class = hindcast.ClassTransient
	}
}

// lastOf is the innermost error: those around it repeat what is being done.
func lastOf(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
