package jobs

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Start is what StartJobRun says of a run, in place of what its job says.
type Start struct {
	JobName                    string
	JobRunQueuingEnabled       *bool
	JobRunID                   string `json:"JobRunId"`
	Arguments                  map[string]string
	AllocatedCapacity          int
	Timeout                    *int
	MaxCapacity                *float64
	SecurityConfiguration      string
	NotificationProperty       json.RawMessage
	WorkerType                 string
	NumberOfWorkers            *int
	ExecutionClass             string
	ExecutionRoleSessionPolicy string
}

func (s Start) check() error {
	if err := checkWorkers(s.MaxCapacity, s.WorkerType, s.NumberOfWorkers); err != nil {
		return err
	}
	if err := checkTimeout(s.Timeout); err != nil {
		return err
	}
	if s.ExecutionClass != "" && s.ExecutionClass != "STANDARD" && s.ExecutionClass != "FLEX" {
		return Faultf(InvalidInput, "ExecutionClass must be STANDARD or FLEX; it is %q", s.ExecutionClass)
	}
	return checkArguments(s.Arguments)
}

// Start starts a run, and returns its id. With a JobRunID it is the next attempt at that run.
func (b *Book) Start(s Start) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	b.writing.Lock()
	defer b.writing.Unlock()
	j, there := b.jobs[s.JobName]
	if !there {
		return "", noJob(s.JobName)
	}
	k := b.accept(j, s)
	if s.JobRunID != "" {
		if err := b.again(k, s); err != nil {
			return "", err
		}
	}

	queued := k.JobRunQueuingEnabled != nil && *k.JobRunQueuingEnabled
	switch full := b.room(k); {
	case full != nil && !queued:
		return "", full
	case full != nil:
		k.JobRunState, k.StateDetail = Waiting, full.Message
	}
	if err := b.commit(change{runs: []*kept{k}}); err != nil {
		return "", err
	}
	if k.JobRunState == Starting {
		b.begin(k)
	}
	return k.ID, nil
}

// accept makes the run's record.
func (b *Book) accept(j *Job, s Start) *kept {
	now := b.now()
	k := &kept{Command: *j.Command, MaxRetries: j.MaxRetries, Order: b.order + 1, Run: Run{
		ID: newID(), JobName: j.Name, JobMode: j.JobMode, JobRunQueuingEnabled: j.JobRunQueuingEnabled, StartedOn: now, LastModifiedOn: now,
		JobRunState: Starting, Arguments: s.Arguments, Timeout: *j.Timeout, SecurityConfiguration: nameOr(s.SecurityConfiguration, j.SecurityConfiguration),
		LogGroupName: "/aws-glue/jobs", NotificationProperty: s.NotificationProperty, GlueVersion: j.GlueVersion,
		ExecutionClass: nameOr(s.ExecutionClass, j.ExecutionClass), MaintenanceWindow: j.MaintenanceWindow, ExecutionRoleSessionPolicy: s.ExecutionRoleSessionPolicy}}
	if s.JobRunQueuingEnabled != nil {
		k.JobRunQueuingEnabled = s.JobRunQueuingEnabled
	}
	if s.Timeout != nil {
		k.Timeout = *s.Timeout
	}
	if k.NotificationProperty == nil {
		k.NotificationProperty = j.NotificationProperty
	}
	if j.Command.Name == "pythonshell" {
		k.LogGroupName = "/aws-glue/python-jobs"
	}

	k.Effective = maps.Clone(j.DefaultArguments)
	if k.Effective == nil {
		k.Effective = map[string]string{}
	}
	maps.Copy(k.Effective, s.Arguments)
	maps.Copy(k.Effective, j.NonOverridableArguments)
	k.capacity(j, s)
	return k
}

// capacity is what the run is given: its own, or its job's.
func (k *kept) capacity(j *Job, s Start) {
	capacity, worker, number := s.MaxCapacity, s.WorkerType, s.NumberOfWorkers
	if capacity == nil && s.AllocatedCapacity > 0 {
		is := float64(s.AllocatedCapacity)
		capacity = &is
	}
	if capacity == nil && worker == "" && number == nil {
		capacity = j.MaxCapacity
	}
	if capacity != nil {
		k.MaxCapacity, k.AllocatedCapacity, k.DPU = *capacity, int(*capacity), *capacity
		return
	}

	k.WorkerType, k.NumberOfWorkers = nameOr(worker, nameOr(j.WorkerType, defaultType)), defaultWorkers
	for _, n := range []*int{j.NumberOfWorkers, number} {
		if n != nil {
			k.NumberOfWorkers = *n
		}
	}
	k.DPU = dpu[k.WorkerType] * float64(k.NumberOfWorkers)
	k.MaxCapacity, k.AllocatedCapacity = k.DPU, int(k.DPU)
}

// again makes the run the next attempt at one that has ended.
func (b *Book) again(k *kept, s Start) error {
	before, there := b.runs[s.JobRunID]
	if !there || before.JobName != s.JobName {
		return noRun(s.JobName, s.JobRunID)
	}
	first := before.first()
	for _, is := range b.byJob[s.JobName] {
		if is.first() != first {
			continue
		}
		if !is.JobRunState.Final() {
			return Faultf(InvalidInput, "Job run %s cannot be retried: its attempt %s has not ended", s.JobRunID, is.ID)
		}
		if is.Attempt >= before.Attempt {
			before = is
		}
	}
	k.follow(before)
	if s.Arguments == nil {
		k.Arguments, k.Effective = before.Arguments, before.Effective
	}
	return nil
}

// follow makes the run the attempt after another one.
func (k *kept) follow(before *kept) {
	k.Attempt, k.PreviousRunID = before.Attempt+1, before.ID
	k.ID = attemptID(before.first(), k.Attempt)
}

// next is the attempt after a run that failed.
func (b *Book) next(before *kept) *kept {
	k := *before
	k.follow(before)
	k.StartedOn, k.LastModifiedOn, k.CompletedOn, k.Began = before.CompletedOn, before.CompletedOn, nil, nil
	k.JobRunState, k.ErrorMessage, k.ExecutionTime, k.DPUSeconds, k.Order = Starting, "", 0, nil, b.order+1
	return &k
}

// room is why a run cannot start now; nil if it can.
func (b *Book) room(k *kept) *Fault {
	ofJob, all, used := 0, 0, 0.0
	for id := range b.alive {
		is := b.runs[id]
		all, used = all+1, used+is.DPU
		if is.JobName == k.JobName {
			ofJob++
		}
	}
	limits := b.options.Limits
	j := b.jobs[k.JobName]
	switch {
	case ofJob >= j.ExecutionProperty.MaxConcurrentRuns:
		return Faultf(ConcurrentRunsExceeded, "Concurrent runs exceeded for %s", k.JobName)
	case limits.Runs > 0 && all >= limits.Runs:
		return Faultf(ConcurrentRunsExceeded, "Concurrent runs exceeded for account: %d are running, which is its limit", all)
	case limits.DPU > 0 && used+k.DPU > limits.DPU:
		return Faultf(NumberLimitExceeded, "the run would take %v DPUs, and %v of the account's %v are in use", k.DPU, used, limits.DPU)
	}
	return nil
}

func noRun(job, id string) *Fault {
	return Faultf(EntityNotFound, "Job run %s of job %s not found.", id, job)
}

// Run is a run.
func (b *Book) Run(job, id string) (Run, error) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	k, there := b.runs[id]
	if _, known := b.jobs[job]; !known || !there || k.JobName != job {
		return Run{}, noRun(job, id)
	}
	return k.at(b.options.Now()), nil
}

// Logged is a run by its id alone, as logs are asked for.
func (b *Book) Logged(id string) (Run, bool) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	k, there := b.runs[id]
	if !there {
		return Run{}, false
	}
	return k.at(b.options.Now()), true
}

// Runs are a job's, newest first, from the one before a position on, at most so many. The position of the next is 0 if none follows.
func (b *Book) Runs(job string, before int64, most int) (list []Run, next int64, err error) {
	b.mutex.RLock()
	defer b.mutex.RUnlock()
	if _, there := b.jobs[job]; !there {
		return nil, 0, noJob(job)
	}
	all := b.byJob[job]
	end := len(all)
	if before > 0 {
		end = place(all, &kept{Order: before})
	}
	begin := max(end-most, 0)
	now := b.options.Now()
	list = make([]Run, 0, end-begin)
	for _, k := range slices.Backward(all[begin:end]) {
		list = append(list, k.at(now))
	}
	if begin > 0 {
		next = all[begin].Order
	}
	return list, next, nil
}

// Stop asks for the end of a run. It is STOPPING then, and STOPPED when all of its processes are dead.
func (b *Book) Stop(job, id string) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	is, there := b.runs[id]
	if _, known := b.jobs[job]; !known || !there || is.JobName != job {
		return noRun(job, id)
	}
	k := *is
	k.LastModifiedOn = b.now()
	switch {
	case k.JobRunState == Stopping:
		return nil
	case k.JobRunState == Waiting:
		k.JobRunState, k.CompletedOn, k.StateDetail = Stopped, k.LastModifiedOn, ""
		return b.commit(change{runs: []*kept{&k}})
	case k.JobRunState.Final() || k.Late:
		return Faultf(InvalidInput, "Job run %s cannot be stopped: it is %s", id, k.JobRunState)
	}
	k.JobRunState = Stopping
	if err := b.commit(change{runs: []*kept{&k}}); err != nil {
		return err
	}
	b.alive[id].end()
	return nil
}

// dpuSeconds is filled in where Glue does: for runs whose workers come and go.
func (k *kept) dpuSeconds(took time.Duration) *float64 {
	if k.ExecutionClass != "FLEX" && k.Effective["--enable-auto-scaling"] != "true" {
		return nil
	}
	is := took.Seconds() * k.DPU
	return &is
}
