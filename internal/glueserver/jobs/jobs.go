// Package jobs keeps the jobs and runs of the Glue API that hindcast serves, durably, and takes each run through its states.
// What a run's processes are is a Runner's to know, and how requests and answers look on the wire is the server's; but the
// nouns are Glue's own, with their JSON.
package jobs

import (
	"encoding/json"
	"maps"
	"math"
	"time"
)

// Time is a moment as Glue's JSON has it: seconds since 1970, as a number.
type Time time.Time

// MarshalJSON writes milliseconds as a fraction.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(t).UnixMilli()) / 1000)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	*t = Time(time.UnixMilli(int64(math.Round(seconds * 1000))))
	return nil
}

// Of is a moment to be written into an answer.
func Of(t time.Time) *Time { return (*Time)(&t) }

// Definition is what CreateJob and UpdateJob say of a job. What is not given is absent, so that an answer repeats what was given.
type Definition struct {
	JobMode                   string             `json:",omitempty"`
	JobRunQueuingEnabled      *bool              `json:",omitempty"`
	Description               *string            `json:",omitempty"`
	LogURI                    *string            `json:"LogUri,omitempty"`
	Role                      string             `json:",omitempty"`
	ExecutionProperty         *ExecutionProperty `json:",omitempty"`
	Command                   *Command           `json:",omitempty"`
	DefaultArguments          map[string]string  `json:",omitzero"`
	NonOverridableArguments   map[string]string  `json:",omitzero"`
	Connections               *Connections       `json:",omitempty"`
	MaxRetries                int
	AllocatedCapacity         int             `json:",omitempty"`
	Timeout                   *int            `json:",omitempty"`
	MaxCapacity               *float64        `json:",omitempty"`
	WorkerType                string          `json:",omitempty"`
	NumberOfWorkers           *int            `json:",omitempty"`
	SecurityConfiguration     string          `json:",omitempty"`
	NotificationProperty      json.RawMessage `json:",omitempty"`
	GlueVersion               string          `json:",omitempty"`
	CodeGenConfigurationNodes json.RawMessage `json:",omitempty"`
	ExecutionClass            string          `json:",omitempty"`
	SourceControlDetails      json.RawMessage `json:",omitempty"`
	MaintenanceWindow         string          `json:",omitempty"`
}

// ExecutionProperty bounds a job's runs.
type ExecutionProperty struct {
	MaxConcurrentRuns int
}

// Command is what a job runs.
type Command struct {
	Name           string `json:",omitempty"`
	ScriptLocation string `json:",omitempty"`
	PythonVersion  string `json:",omitempty"`
	Runtime        string `json:",omitempty"`
}

// Connections are echoed: on one machine there is no network to choose.
type Connections struct {
	Connections []string `json:",omitempty"`
}

// Job is a job as GetJob answers it, and as it is kept.
type Job struct {
	Name           string
	CreatedOn      *Time
	LastModifiedOn *Time
	Definition
}

// State is where a run is.
//
//	WAITING ──▶ STARTING ──▶ RUNNING ──▶ SUCCEEDED, FAILED, TIMEOUT
//	   │            └──────────┴──▶ STOPPING ──▶ STOPPED
//	   └──▶ STOPPED
type State string

// The states that a run of this server can be in. Glue's ERROR and EXPIRED are not among them: some clients wait for ever in those.
const (
	Waiting   State = "WAITING"   // for room, because the job or the run asked to be queued
	Starting  State = "STARTING"  // accepted; its processes do not work yet
	Running   State = "RUNNING"   // its script runs
	Stopping  State = "STOPPING"  // BatchStopJobRun asked for its end, and a process of it may be alive
	Stopped   State = "STOPPED"   // and none is any more
	Succeeded State = "SUCCEEDED" // the script ended well
	Failed    State = "FAILED"    // it did not
	TimedOut  State = "TIMEOUT"   // it took longer than its timeout, and none of its processes is alive
)

// Final reports whether a run in this state has ended.
func (s State) Final() bool {
	return s == Stopped || s == Succeeded || s == Failed || s == TimedOut
}

// holds reports whether a run in this state takes room among the concurrent ones.
func (s State) holds() bool { return !s.Final() && s != Waiting }

// Run is a run as GetJobRun answers it.
type Run struct {
	ID                         string `json:"Id"`
	Attempt                    int
	PreviousRunID              string `json:"PreviousRunId,omitempty"`
	JobName                    string
	JobMode                    string `json:",omitempty"`
	JobRunQueuingEnabled       *bool  `json:",omitempty"`
	StartedOn                  *Time
	LastModifiedOn             *Time
	CompletedOn                *Time `json:",omitempty"`
	JobRunState                State
	Arguments                  map[string]string `json:",omitzero"`
	ErrorMessage               string            `json:",omitempty"`
	PredecessorRuns            []struct{}
	AllocatedCapacity          int
	ExecutionTime              int
	Timeout                    int
	MaxCapacity                float64
	WorkerType                 string `json:",omitempty"`
	NumberOfWorkers            int    `json:",omitempty"`
	SecurityConfiguration      string `json:",omitempty"`
	LogGroupName               string
	NotificationProperty       json.RawMessage `json:",omitempty"`
	GlueVersion                string          `json:",omitempty"`
	DPUSeconds                 *float64        `json:",omitempty"`
	ExecutionClass             string          `json:",omitempty"`
	MaintenanceWindow          string          `json:",omitempty"`
	StateDetail                string          `json:",omitempty"`
	ExecutionRoleSessionPolicy string          `json:",omitempty"`
}

// kept is a run with what it was started with, which later changes of its job leave alone.
type kept struct {
	Run
	Began      *Time `json:"began,omitempty"` // when its script began to work
	Late       bool  `json:"late,omitempty"`  // it is being ended because of its timeout
	Command    Command
	Effective  map[string]string `json:"effective"` // arguments: the job's defaults, the run's, those that cannot be overridden
	MaxRetries int               `json:"max_retries"`
	DPU        float64           `json:"dpu"`
	Order      int64             `json:"order"` // of starts; it only grows
}

// at is the run as it is answered at that moment.
func (k *kept) at(now time.Time) Run {
	r := k.Run
	r.PredecessorRuns = []struct{}{}
	if k.Began != nil && !r.JobRunState.Final() {
		r.ExecutionTime = int(now.Sub(time.Time(*k.Began)) / time.Second)
	}
	return r
}

// first is the id of the run's first attempt.
func (k *kept) first() string { return firstID(k.ID, k.Attempt) }

// task is the run for a Runner.
func (k *kept) task() Task {
	return Task{ID: k.ID, First: k.first(), JobName: k.JobName, Command: k.Command, Arguments: maps.Clone(k.Effective), Attempt: k.Attempt}
}
