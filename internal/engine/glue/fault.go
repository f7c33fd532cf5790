package glue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
)

// why says what a state means of a run without an end.
var why = map[types.JobRunState]string{
	types.JobRunStateSucceeded: "says that it succeeded, and left no end: its script is not hindcast's",
	types.JobRunStateFailed:    "died",
	types.JobRunStateStopped:   "was stopped",
	types.JobRunStateTimeout:   "ran longer than glue.timeout",
	types.JobRunStateError:     "could not be run",
	types.JobRunStateExpired:   "waited too long to be run",
}

// died is the error of a run that ended without an end.
func (e *Engine) died(ctx context.Context, j *job, r *attemptRun) error {
	tail, missing := e.tail(ctx, r)
	if e.options.Log != nil && tail != "" {
		_, _ = fmt.Fprintf(e.options.Log, "the end of the log of Glue's run %s:\n%s\n", r.id, tail) // a log is no reason to fail
	}
	said := awsspark.Died(fmt.Sprintf("the run %s of Glue's job %s %s", r.id, j.name, why[r.state]), r.message, tail, missing)
	switch {
	case r.state == types.JobRunStateTimeout:
		said.Code, said.Class, said.Next = hindcast.ETimeout, hindcast.ClassTransient, "raise glue.timeout, or give a run more workers"
	case said.Code == hindcast.EMemory:
		said.Next = "give a run more memory: a larger glue.worker_type, or more of them"
	default:
		said.Next = "read its log in CloudWatch: " + r.logs + "/error, " + r.id
	}
	return said
}

// tailed is how many lines of a log are fetched.
const tailed = 100

// tail is the end of a run's log, by CloudWatch; missing says why there is none.
func (e *Engine) tail(ctx context.Context, r *attemptRun) (tail, missing string) {
	if r.logs == "" {
		return "", ""
	}
	for _, group := range []string{r.logs + "/error", r.logs + "/output"} {
		out, err := awsspark.Once(ctx, func(ctx context.Context) (*cloudwatchlogs.GetLogEventsOutput, error) {
			return e.options.Clients.Logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &r.id,
				StartFromHead: aws.Bool(false), Limit: aws.Int32(tailed)})
		})
		if err != nil {
			if said, is := errors.AsType[smithy.APIError](err); is && said.ErrorCode() == "ResourceNotFoundException" {
				continue // it had nothing to say
			}
			return "", "its log cannot be read: " + awsspark.Innermost(err)
		}
		var lines strings.Builder
		for _, event := range out.Events {
			lines.WriteString(strings.TrimRight(aws.ToString(event.Message), "\n") + "\n")
		}
		if text := strings.TrimSpace(lines.String()); text != "" {
			return text, ""
		}
	}
	return "", "it has no log"
}
