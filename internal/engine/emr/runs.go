package emr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/pause"
)

// work is what this process was given to do, or waits for. Its place is the application.
type work = awsspark.Work[string]

// runs are an application's job runs.
type runs struct{ *Engine }

// IDs are those by which a handle names a run.
func (e runs) IDs(application, run string) map[string]string {
	return map[string]string{"application": application, "run": run, "region": e.options.Client.Region}
}

// Label is a run's name for people.
func (e runs) Label(application, run string) string {
	return "the run " + run + " of EMR Serverless's application " + application
}

// Leave does nothing: an application queues what it has no room for.
func (e runs) Leave(string) {}

// Begin starts a run, once the application takes any. A start without an answer is made again while somebody waits: its token is the same.
func (e runs) Begin(ctx context.Context, w *work) error {
	if ready, err := e.ready(ctx); err != nil || !ready {
		return err
	}
	again := w.Unsure
	err := e.start(ctx, w)
	switch what := awsspark.MeaningOf(err); {
	case err == nil, w.Unsure && !again:
		return nil
	case w.Unsure, what != awsspark.Unmade && what != awsspark.Refused:
		return e.service.Fault("emr-serverless:StartJobRun", err)
	}

	// The application may have been stopped since, or the token may be one that it has had with other parameters.
	e.close()
	if ready, asking := e.ready(ctx); asking != nil || !ready {
		return asking
	}
	if run, looking := e.named(ctx, w.Tag); looking == nil && run != "" {
		w.Place, w.Run = e.options.EMR.Application, run
		return nil
	}
	return e.service.Fault("emr-serverless:StartJobRun", err)
}

// How often a start is made without an answer: at first, before whoever makes it waits elsewhere, and then.
const (
	firstTries  = 4
	unsureTries = 8
)

// start starts the work's run. The same token gives the same run, however often it is asked for. Where there is no answer the work is left
// unsure.
func (e runs) start(ctx context.Context, w *work) error {
	in, err := e.request(ctx, w)
	if err != nil {
		return err
	}
	tries := firstTries
	if w.Unsure {
		tries = unsureTries
	}
	for wait := e.options.Pace / 2; ; wait = min(2*wait, 20*e.options.Pace) {
		// Who stops waits for the answer: without it nobody would know whether there is something to stop.
		out, err := awsspark.Once(context.WithoutCancel(ctx), func(ctx context.Context) (*emrserverless.StartJobRunOutput, error) {
			return e.options.Client.StartJobRun(ctx, in)
		})
		if err == nil {
			w.Place, w.Run, w.Unsure = e.options.EMR.Application, aws.ToString(out.JobRunId), false
			return nil
		}
		switch awsspark.MeaningOf(err) {
		case awsspark.Unsure:
			w.Unsure = true
			if tries--; tries == 0 {
				return err
			}
		case awsspark.Throttled:
			if e.Closed() && !w.Unsure {
				return err
			}
		case awsspark.Refused, awsspark.Full, awsspark.Absent, awsspark.Unmade:
			w.Unsure = false // a run that there is would have been given
			return err
		}
		if err := pause.For(ctx, awsspark.Jittered(wait)); err != nil {
			return err
		}
	}
}

// logsFolder is where EMR Serverless puts a run's logs, in the folder of its work. Spark leaves it alone.
const logsFolder = "/_hindcast_logs/"

// request is the start of the work's run.
func (e runs) request(ctx context.Context, w *work) (*emrserverless.StartJobRunInput, error) {
	script, err := e.objects.PutScript(ctx)
	if err != nil {
		return nil, err
	}
	c, request := e.options.EMR, awsspark.RequestURL(w.Dir)
	sum := sha256.Sum256([]byte(w.Tag + "\n" + request))
	return &emrserverless.StartJobRunInput{
		ApplicationId: &c.Application, ClientToken: aws.String(hex.EncodeToString(sum[:])), ExecutionRoleArn: &c.Role, Name: aws.String(nameOf(w.Tag)),
		ExecutionTimeoutMinutes: aws.Int64(int64(c.Timeout.Minutes())), Tags: c.Tags,
		JobDriver: &types.JobDriverMemberSparkSubmit{Value: types.SparkSubmit{EntryPoint: &script,
			EntryPointArguments:   []string{awsspark.RequestArgument, request, awsspark.TagArgument, w.Tag},
			SparkSubmitParameters: aws.String(parameters(c))}},
		ConfigurationOverrides: &types.ConfigurationOverrides{MonitoringConfiguration: &types.MonitoringConfiguration{
			S3MonitoringConfiguration: &types.S3MonitoringConfiguration{LogUri: aws.String(strings.TrimSuffix(w.Dir, "/") + logsFolder)}}},
	}, nil
}

// parameters are spark-submit's: the workers, in a number that does not change. They are the same each time, as a token's must be.
func parameters(c hindcast.EMRServerless) string {
	var words []string
	set := func(name, format string, args ...any) {
		words = append(words, "--conf", "spark."+name+"="+fmt.Sprintf(format, args...))
	}
	for _, is := range []struct {
		name string
		hindcast.EMRWorker
	}{{"driver", c.Driver}, {"executor", c.Executor}} {
		heap, beside := memory(is.EMRWorker)
		set(is.name+".cores", "%d", is.Cores)
		set(is.name+".memory", "%dm", heap)
		set(is.name+".memoryOverhead", "%dm", beside)
	}
	set("executor.instances", "%d", c.Executors)
	set("dynamicAllocation.enabled", "false")
	return strings.Join(words, " ")
}

// memory divides a worker's, in MiB, into that of Spark and what is beside it, of which there are a tenth of Spark's, and 384 MiB at least.
func memory(w hindcast.EMRWorker) (heap, beside int) {
	all := w.Memory << 10
	beside = max(384, (all+10)/11)
	return all - beside, beside
}

// The most characters of a run's name, and how many of them a name has that does not have all of a tag.
const (
	longestName = 256
	cutName     = longestName - 1 - 2*sha256.Size
)

// nameOf is the name of the run of a tag: the tag, or its beginning and its hash.
func nameOf(tag string) string {
	if len(tag) <= longestName {
		return tag
	}
	sum := sha256.Sum256([]byte(tag))
	return strings.ToValidUTF8(tag[:cutName], "") + "~" + hex.EncodeToString(sum[:])
}

// listed is a run as lists have it.
type listed struct {
	id, name string
}

// alive are the states of runs that have not ended, as EMR Serverless's documents have them.
var alive = []types.JobRunState{types.JobRunStateSubmitted, types.JobRunStatePending, types.JobRunStateScheduled, types.JobRunStateQueued,
	types.JobRunStateRunning, types.JobRunStateCancelling}

// over are the states after which nothing runs any more. All others are of runs that live: there may be more of them some day.
var over = []types.JobRunState{types.JobRunStateSuccess, types.JobRunStateFailed, types.JobRunStateCancelled}

const mostRuns = 50 // of one answer

// look is the application's runs that have not ended, as they were after since.
func (e runs) look(ctx context.Context, since time.Time) ([]listed, error) {
	return e.living.Get(ctx, since, func(ctx context.Context) (list []listed, err error) {
		in := &emrserverless.ListJobRunsInput{ApplicationId: &e.options.EMR.Application, MaxResults: aws.Int32(mostRuns), States: alive}
		for {
			out, err := awsspark.Call(ctx, e.service, "emr-serverless:ListJobRuns", func(ctx context.Context) (*emrserverless.ListJobRunsOutput, error) {
				return e.options.Client.ListJobRuns(ctx, in)
			})
			if err != nil {
				return nil, e.service.Fault("emr-serverless:ListJobRuns", err)
			}
			for _, r := range out.JobRuns {
				list = append(list, listed{aws.ToString(r.Id), aws.ToString(r.Name)})
			}
			if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
				return list, nil
			}
		}
	})
}

// one asks for a run; nil if there is no such run.
func (e runs) one(ctx context.Context, application, id string) (*types.JobRun, error) {
	out, err := awsspark.Call(ctx, e.service, "emr-serverless:GetJobRun", func(ctx context.Context) (*emrserverless.GetJobRunOutput, error) {
		return e.options.Client.GetJobRun(ctx, &emrserverless.GetJobRunInput{ApplicationId: &application, JobRunId: &id})
	})
	if err != nil {
		if awsspark.MeaningOf(err) == awsspark.Absent {
			err = nil
		}
		return nil, err
	}
	return out.JobRun, nil
}

// state is what becomes of a run: it lives, or it is over, or there is none of that id. What the list has lives; a run that has ended, or
// that the list does not have yet, is asked for by itself.
func (e runs) state(ctx context.Context, application, id string, since time.Time) (r *types.JobRun, lives bool, err error) {
	if application == e.options.EMR.Application {
		list, err := e.look(ctx, since)
		if err != nil || slices.ContainsFunc(list, func(r listed) bool { return r.id == id }) {
			return nil, true, err
		}
	}
	r, err = e.one(ctx, application, id)
	return r, r != nil && !slices.Contains(over, r.State), err
}

// Bounds of what EMR Serverless is given, in times of the pace.
const (
	unlisted = 30  // until a run that was started can be asked for
	unending = 240 // until a run that is to be stopped has ended
)

// Follow waits until the run has ended.
func (e runs) Follow(ctx context.Context, w *work, progress func(hindcast.Progress)) (died func(context.Context) error, err error) {
	var reports awsspark.Reports
	for missing := 0; missing <= unlisted; {
		r, lives, err := e.state(ctx, w.Place, w.Run, time.Time{})
		switch {
		case err != nil:
			return nil, err
		case r != nil && !lives:
			return func(ctx context.Context) error { return e.died(ctx, w, r) }, nil
		case !lives:
			missing++
		}
		progress(reports.Read(ctx, e.objects, w.Dir, e.options.Pace))
		if err := e.rest(ctx, w.Place); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// rest waits until it may be asked again for the runs of an application.
func (e runs) rest(ctx context.Context, application string) error {
	if application == e.options.EMR.Application {
		return pause.For(ctx, e.living.Until())
	}
	return pause.For(ctx, awsspark.Jittered(e.options.Pace))
}

// looks are how many times the pace is waited before each look for a run by its name. How soon a list has a run that was started is not
// documented.
var looks = []int{0, 2, 4}

// Find is the run that a handle names, or that has its tag and has not ended.
func (e runs) Find(ctx context.Context, h hindcast.Handle) (application, run string, err error) {
	application, run = h.IDs["application"], h.IDs["run"]
	if application != "" && run != "" && h.IDs["region"] == e.options.Client.Region {
		return application, run, nil
	}
	for _, n := range looks {
		if err := pause.For(ctx, time.Duration(n)*e.options.Pace); err != nil {
			return "", "", err
		}
		if run, err = e.named(ctx, h.Tag); err != nil || run != "" {
			return e.options.EMR.Application, run, err
		}
	}
	return "", "", nil
}

// named is the run of a tag among those that have not ended; "" if there is none.
func (e runs) named(ctx context.Context, tag string) (string, error) {
	list, err := e.look(ctx, time.Now())
	for _, r := range list {
		if r.name == nameOf(tag) {
			return r.id, err
		}
	}
	return "", err
}

// Live calls each with all runs that have not ended.
func (e runs) Live(ctx context.Context, each func(application, tag, run string)) error {
	list, err := e.look(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, r := range list {
		tag := r.name
		if len(tag) >= cutName && strings.Contains(tag, "~") { // perhaps not all of it
			if tag, err = e.tagOf(ctx, r); err != nil {
				return err
			}
		}
		each(e.options.EMR.Application, tag, r.id)
	}
	return nil
}

// tagOf is the whole tag of a run, which is among its arguments.
func (e runs) tagOf(ctx context.Context, r listed) (string, error) {
	is, err := e.one(ctx, e.options.EMR.Application, r.id)
	if err != nil || is == nil {
		return r.name, err
	}
	if submit, ok := is.JobDriver.(*types.JobDriverMemberSparkSubmit); ok {
		if n := slices.Index(submit.Value.EntryPointArguments, awsspark.TagArgument); n >= 0 && n+1 < len(submit.Value.EntryPointArguments) {
			return submit.Value.EntryPointArguments[n+1], nil
		}
	}
	return r.name, nil
}

// End cancels the work's run, and waits until EMR Serverless says that it has ended.
func (e runs) End(ctx context.Context, w *work) error {
	if w.Run == "" { // its token gives the run that there may be
		if err := e.start(ctx, w); w.Run == "" {
			if !w.Unsure {
				return nil
			}
			return e.service.Fault("emr-serverless:StartJobRun", err)
		}
	}
	_, cancelled := awsspark.Call(ctx, e.service, "emr-serverless:CancelJobRun", func(ctx context.Context) (*emrserverless.CancelJobRunOutput, error) {
		return e.options.Client.CancelJobRun(ctx, &emrserverless.CancelJobRunInput{ApplicationId: &w.Place, JobRunId: &w.Run})
	})
	for range unending {
		_, lives, err := e.state(ctx, w.Place, w.Run, time.Now())
		switch {
		case err != nil:
			return err
		case !lives:
			return nil
		case cancelled != nil: // which does not matter where the run has ended
			return e.service.Fault("emr-serverless:CancelJobRun", cancelled)
		}
		if err := e.rest(ctx, w.Place); err != nil {
			return err
		}
	}
	return &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "EMR Serverless does not say that the run " + w.Run + " has ended",
		Next: "look at it: aws emr-serverless get-job-run --application-id " + w.Place + " --job-run-id " + w.Run}
}
