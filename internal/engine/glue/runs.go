package glue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/pause"
)

// Begin has a job take the work, unless one has it or there is no room.
func (e runs) Begin(ctx context.Context, w *work) error {
	if w.Unsure {
		if err := e.settle(ctx, w); err != nil {
			return err
		}
	}
	for range maxJobsAsked {
		if w.Run != "" || w.Dropped || w.Unsure {
			return nil
		}
		j := e.withRoom()
		if j == nil {
			return nil
		}
		if err := e.startOn(ctx, w, j); err != nil {
			return err
		}
	}
	return nil
}

// maxJobsAsked bounds how many jobs are asked in turn, where the account is full rather than a job.
const maxJobsAsked = 3

// afterFull is how many times the pace a job is left alone after it had no room: the place of a run is free seconds after its end.
const afterFull = 5

// withRoom takes a place in the job that has fewest runs of this process; nil if all said that they have no room. Whether there is room
// only Glue knows: runs end that nobody waits for, and their places are free some seconds later.
func (e *Engine) withRoom() (found *job) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	now := time.Now()
	for _, j := range e.jobs {
		if !now.Before(j.fullUntil) && (found == nil || j.open < found.open) {
			found = j
		}
	}
	if found != nil {
		found.open++
	}
	return found
}

// startOn starts the work as a run of the job, in which a place is taken.
func (e *Engine) startOn(ctx context.Context, w *work, j *job) error {
	err := j.ensure(ctx, e)
	if err == nil {
		w.Place = j
		err = e.startRun(ctx, w)
	}
	if w.Run != "" || w.Unsure {
		return nil // it is in its place
	}

	e.mutex.Lock()
	j.open--
	if err != nil && awsspark.MeaningOf(err) == awsspark.Full {
		j.fullUntil, err = time.Now().Add(awsspark.Jittered(afterFull*e.options.Pace)), nil
	}
	e.mutex.Unlock()
	w.Place = nil
	if err != nil {
		return e.service.Fault("glue:StartJobRun", err)
	}
	return nil
}

// startRun starts a run, of which an answer says that it began. Where there is no answer the work is left unsure.
func (e *Engine) startRun(ctx context.Context, w *work) error {
	in := &awsglue.StartJobRunInput{JobName: &w.Place.name, Arguments: map[string]string{awsspark.RequestArgument: awsspark.RequestURL(w.Dir), awsspark.TagArgument: w.Tag}}

	for wait := e.options.Pace; ; wait = min(2*wait, 20*e.options.Pace) {
		// Who stops waits for the answer: without it nobody would know whether there is something to stop.
		out, err := awsspark.Once(context.WithoutCancel(ctx), func(ctx context.Context) (*awsglue.StartJobRunOutput, error) {
			return e.options.Clients.Jobs.StartJobRun(ctx, in)
		})
		if err == nil {
			w.Run = aws.ToString(out.JobRunId)
			return nil
		}
		switch awsspark.MeaningOf(err) {
		case awsspark.Unsure:
			w.Unsure = true
			return e.settle(ctx, w)
		case awsspark.Absent: // somebody deleted it since
			w.Place.making.Lock()
			w.Place.made = false
			w.Place.making.Unlock()
			return &hindcast.Error{Code: hindcast.EGlue, Class: hindcast.ClassTransient, Cause: err, Message: "the job " + w.Place.name + " is gone", Next: "it is made again with the next attempt"}
		case awsspark.Throttled, awsspark.Unmade:
			if e.Closed() {
				return err
			}
			if err := pause.For(ctx, awsspark.Jittered(wait)); err != nil {
				return err
			}
		case awsspark.Refused, awsspark.Full:
			return err
		}
	}
}

// looks are how many times the pace is waited before each look for a run that may have been started. How soon a list has a run that was
// started is not documented.
var looks = []int{1, 2, 4, 8}

// settle finds out whether the work was started, by its tag. The caller holds the work's mutex. An error leaves it unsure.
func (e *Engine) settle(ctx context.Context, w *work) error {
	for _, n := range looks {
		if err := pause.For(ctx, time.Duration(n)*e.options.Pace); err != nil {
			return err
		}
		runs, _, err := w.Place.look(ctx, e, time.Now())
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.tag == w.Tag {
				w.Run, w.Unsure = r.first(), false
				return nil
			}
		}
	}
	w.Unsure = false
	e.mutex.Lock()
	w.Place.open--
	e.mutex.Unlock()
	w.Place = nil
	return nil
}

// attemptRun is a run, or one of Glue's own attempts at it.
type attemptRun struct {
	id      string
	attempt int
	tag     string
	state   types.JobRunState
	detail  string // why it waits
	message string // why it failed
	logs    string // the beginning of the names of its log groups
	started time.Time

	size       hindcast.Glue // its workers, as far as they decide what it costs
	seconds    float64       // that it ran, as far as Glue says
	dpuSeconds float64       // that it is billed for; 0 where Glue does not say
}

func attemptOf(r types.JobRun) attemptRun {
	class := string(r.ExecutionClass)
	if class == "" {
		class = string(types.ExecutionClassStandard)
	}
	return attemptRun{id: aws.ToString(r.Id), attempt: int(r.Attempt), tag: r.Arguments[awsspark.TagArgument], state: r.JobRunState, detail: aws.ToString(r.StateDetail),
		message: aws.ToString(r.ErrorMessage), logs: aws.ToString(r.LogGroupName), started: aws.ToTime(r.StartedOn),
		seconds: float64(r.ExecutionTime), dpuSeconds: aws.ToFloat64(r.DPUSeconds),
		size: hindcast.Glue{WorkerType: string(r.WorkerType), Workers: int(aws.ToInt32(r.NumberOfWorkers)), Version: aws.ToString(r.GlueVersion), Class: class}}
}

const attemptSuffix = "_attempt_"

// first is the id of the run that this is an attempt of.
func (r attemptRun) first() string {
	id, _, _ := strings.Cut(r.id, attemptSuffix)
	return id
}

// over are the states after which nothing runs any more. All others are of runs that live: Glue may have more of them some day.
var over = []types.JobRunState{types.JobRunStateSucceeded, types.JobRunStateFailed, types.JobRunStateStopped, types.JobRunStateTimeout,
	types.JobRunStateError, types.JobRunStateExpired}

func (r attemptRun) live() bool { return !slices.Contains(over, r.state) }

// retried reports whether Glue may start the run again by itself.
func (r attemptRun) retried(most int) bool {
	return r.attempt < most && (r.state == types.JobRunStateFailed || r.state == types.JobRunStateTimeout)
}

// latest is the last of Glue's attempts at a run; false if the list has none.
func latest(runs []attemptRun, first string) (last attemptRun, found bool) {
	for _, r := range runs {
		if r.first() == first && (!found || r.attempt > last.attempt) {
			last, found = r, true
		}
	}
	return last, found
}

const mostRuns = 200 // of one answer

// newest are a job's newest runs; there is false if there is no such job.
type newest struct {
	runs  []attemptRun
	there bool
}

// look is the newest runs of the job, as they were after since; there is false if there is no such job. A job is asked once in a pace at
// most, whoever wants to know.
func (j *job) look(ctx context.Context, e *Engine, since time.Time) (runs []attemptRun, there bool, err error) {
	is, err := j.newest.Get(ctx, since, func(ctx context.Context) (newest, error) {
		runs, _, there, err := j.page(ctx, e, nil)
		return newest{runs, there}, err
	})
	return is.runs, is.there, err
}

// page is one answer of the job's runs, the newest first.
func (j *job) page(ctx context.Context, e *Engine, token *string) (runs []attemptRun, next *string, there bool, err error) {
	out, err := awsspark.Call(ctx, e.service, "glue:GetJobRuns", func(ctx context.Context) (*awsglue.GetJobRunsOutput, error) {
		return e.options.Clients.Jobs.GetJobRuns(ctx, &awsglue.GetJobRunsInput{JobName: &j.name, MaxResults: aws.Int32(mostRuns), NextToken: token})
	})
	if err != nil {
		if awsspark.MeaningOf(err) == awsspark.Absent {
			return nil, nil, false, nil
		}
		return nil, nil, false, err
	}
	for _, r := range out.JobRuns {
		runs = append(runs, attemptOf(r))
	}
	return runs, out.NextToken, true, nil
}

// longest is how long a run can live: Glue's longest timeout, and a day to wait and to end.
const longest = 8 * 24 * time.Hour

// all is every run of the job that may live; there is false if there is no such job.
func (j *job) all(ctx context.Context, e *Engine) (list []attemptRun, there bool, err error) {
	var token *string
	err = j.newest.Each(ctx, func(ctx context.Context) (more bool, err error) {
		var runs []attemptRun
		if runs, token, there, err = j.page(ctx, e, token); err != nil || !there {
			return false, err
		}
		list = append(list, runs...)
		return aws.ToString(token) != "" && len(runs) > 0 && time.Since(runs[len(runs)-1].started) <= longest, nil
	})
	return list, there, err
}

// Bounds of what Glue is given, in times of the pace.
const (
	unlisted = 30  // until a run that was started is in the list
	unmended = 120 // until an attempt of its own follows one that failed
	unending = 240 // until a run that is to be stopped has ended
)

// Follow waits until no attempt of the run lives and none will follow.
func (e runs) Follow(ctx context.Context, w *work, progress func(hindcast.Progress)) (died func(context.Context) error, err error) {
	var reports awsspark.Reports
	missing, waited := 0, 0
	for {
		runs, _, err := w.Place.look(ctx, e.Engine, time.Time{})
		if err != nil {
			return nil, err
		}
		last, found := latest(runs, w.Run)
		if !found {
			if last, found, err = w.Place.one(ctx, e.Engine, w.Run); err != nil {
				return nil, err
			}
			runs = []attemptRun{last}
		}
		of := e.note(w, runs)

		switch {
		case !found:
			if missing++; missing > unlisted {
				return nil, nil
			}
		case last.retried(e.options.Glue.MaxRetries) && waited < unmended:
			waited++
		case !last.live():
			return func(ctx context.Context) error { return e.died(ctx, w.Place, &last) }, nil
		}
		var far hindcast.Progress
		if last.state == types.JobRunStateRunning {
			far = reports.Read(ctx, e.objects, w.Dir, e.options.Pace)
		}
		progress(e.spent(far, of))
		if err := pause.For(ctx, w.Place.newest.Until()); err != nil {
			return nil, err
		}
	}
}

// one asks for a run that is not among the newest.
func (j *job) one(ctx context.Context, e *Engine, id string) (attemptRun, bool, error) {
	out, err := awsspark.Call(ctx, e.service, "glue:GetJobRun", func(ctx context.Context) (*awsglue.GetJobRunOutput, error) {
		return e.options.Clients.Jobs.GetJobRun(ctx, &awsglue.GetJobRunInput{JobName: &j.name, RunId: &id})
	})
	if err != nil || out.JobRun == nil {
		if err != nil && awsspark.MeaningOf(err) == awsspark.Absent {
			err = nil
		}
		return attemptRun{}, false, err
	}
	return attemptOf(*out.JobRun), true, nil
}

// end stops what lives of a run, and waits until nothing does. It returns what Glue says of the run then.
func (j *job) end(ctx context.Context, e *Engine, first string) ([]attemptRun, error) {
	asked := map[string]bool{}
	for range unending {
		runs, _, err := j.look(ctx, e, time.Now())
		if err != nil {
			return nil, err
		}
		last, found := latest(runs, first)
		if !found {
			if last, found, err = j.one(ctx, e, first); err != nil {
				return nil, err
			}
			runs = []attemptRun{last}
		}
		if !found || !last.live() && !(last.retried(e.options.Glue.MaxRetries) && !asked[last.id]) {
			return runs, nil
		}
		if !asked[last.id] && last.state != types.JobRunStateStopping {
			ids := []string{last.id}
			for n := last.attempt + 1; n <= e.options.Glue.MaxRetries; n++ { // which Glue may start before it hears of this
				ids = append(ids, fmt.Sprintf("%s%s%d", first, attemptSuffix, n))
			}
			if err := j.stop(ctx, e, ids); err != nil {
				return nil, err
			}
			asked[last.id] = true
		}
	}
	return nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Message: "Glue does not say that the run " + first + " has ended", Next: "look at it in Glue's console: " + j.name}
}

const mostStops = 25 // of one call

// stop has Glue stop runs, with those that others stop at the same time. Which of them had ended before, or do not exist, does not matter.
func (j *job) stop(ctx context.Context, e *Engine, ids []string) error {
	j.doom(ids)
	select {
	case j.stopping <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-j.stopping }()

	for batch := j.batch(); len(batch) > 0; batch = j.batch() {
		_, err := awsspark.Call(ctx, e.service, "glue:BatchStopJobRun", func(ctx context.Context) (*awsglue.BatchStopJobRunOutput, error) {
			return e.options.Clients.Jobs.BatchStopJobRun(ctx, &awsglue.BatchStopJobRunInput{JobName: &j.name, JobRunIds: batch})
		})
		if err != nil && awsspark.MeaningOf(err) != awsspark.Absent {
			j.doom(batch)
			return err
		}
	}
	return nil
}

func (j *job) doom(ids []string) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for _, id := range ids {
		if !slices.Contains(j.doomed, id) {
			j.doomed = append(j.doomed, id)
		}
	}
}

// batch takes as many of the doomed as one call may name.
func (j *job) batch() []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	n := min(len(j.doomed), mostStops)
	batch := slices.Clone(j.doomed[:n])
	j.doomed = slices.Delete(j.doomed, 0, n)
	return batch
}
