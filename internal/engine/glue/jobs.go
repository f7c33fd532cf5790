package glue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast/internal/awsspark"
)

// job is one of the pipeline's jobs. What it says of room is guarded by the engine's mutex.
type job struct {
	name       string
	connection string
	open       int       // runs that this process started or waits for
	fullUntil  time.Time // Glue has said that it has no room for one more

	making sync.Mutex // held while the definition is compared
	made   bool

	newest *awsspark.Look[newest]

	stopping chan struct{} // held by the one who stops runs
	mutex    sync.Mutex    // guards what follows
	doomed   []string      // runs that are to be stopped with the next call
}

func (e *Engine) newJob(name string) *job {
	return &job{name: name, newest: awsspark.NewLook[newest](e.options.Pace), stopping: make(chan struct{}, 1)}
}

// job is the pipeline's n-th, from 0.
func (e *Engine) job(n int) *job {
	j := e.newJob(fmt.Sprintf("%s-%02d", e.options.Name, n+1))
	if list := e.options.Glue.Connections; len(list) > 0 {
		j.connection = list[n%len(list)]
	}
	return j
}

// ensure has the job be there as the pipeline defines it, once in this process.
func (j *job) ensure(ctx context.Context, e *Engine) error {
	j.making.Lock()
	defer j.making.Unlock()
	if j.made {
		return nil
	}
	script, err := e.objects.PutScript(ctx)
	if err != nil {
		return err
	}
	want := e.definition(j, script)

	is, err := awsspark.Call(ctx, e.service, "glue:GetJob", func(ctx context.Context) (*awsglue.GetJobOutput, error) {
		return e.options.Clients.Jobs.GetJob(ctx, &awsglue.GetJobInput{JobName: &j.name})
	})
	switch {
	case awsspark.MeaningOf(err) == awsspark.Absent && err != nil:
		err = j.create(ctx, e, want)
	case err == nil && differs(is.Job, want):
		_, err = awsspark.Call(ctx, e.service, "glue:UpdateJob", func(ctx context.Context) (*awsglue.UpdateJobOutput, error) {
			return e.options.Clients.Jobs.UpdateJob(ctx, &awsglue.UpdateJobInput{JobName: &j.name, JobUpdate: want})
		})
	}
	j.made = err == nil
	return err
}

// create makes the job; that it is there already is as good, and is what a lost answer leads to.
func (j *job) create(ctx context.Context, e *Engine, d *types.JobUpdate) error {
	_, err := awsspark.Call(ctx, e.service, "glue:CreateJob", func(ctx context.Context) (*awsglue.CreateJobOutput, error) {
		return e.options.Clients.Jobs.CreateJob(ctx, &awsglue.CreateJobInput{Name: &j.name, Description: d.Description, Role: d.Role, Command: d.Command,
			ExecutionProperty: d.ExecutionProperty, DefaultArguments: d.DefaultArguments, Connections: d.Connections, MaxRetries: d.MaxRetries,
			Timeout: d.Timeout, GlueVersion: d.GlueVersion, WorkerType: d.WorkerType, NumberOfWorkers: d.NumberOfWorkers, ExecutionClass: d.ExecutionClass})
	})
	if _, there := errors.AsType[*types.AlreadyExistsException](err); there {
		return nil
	}
	return err
}

// definition is the job's, whole: what an update leaves out goes back to Glue's defaults.
func (e *Engine) definition(j *job, script string) *types.JobUpdate {
	g := e.options.Glue
	d := &types.JobUpdate{
		Description:       aws.String("Made by hindcast, which changes it back to what the pipeline file says."),
		Role:              &g.Role,
		Command:           &types.JobCommand{Name: aws.String("glueetl"), ScriptLocation: &script, PythonVersion: aws.String("3")},
		ExecutionProperty: &types.ExecutionProperty{MaxConcurrentRuns: int32(g.RunsPerJob)}, //nolint:gosec // the decoder bounds these numbers
		DefaultArguments:  map[string]string{"--job-language": "python", "--job-bookmark-option": "job-bookmark-disable"},
		MaxRetries:        int32(g.MaxRetries),                   //nolint:gosec // as above
		Timeout:           aws.Int32(int32(g.Timeout.Minutes())), //nolint:gosec // as above
		GlueVersion:       &g.Version,
		WorkerType:        types.WorkerType(g.WorkerType),
		NumberOfWorkers:   aws.Int32(int32(g.Workers)), //nolint:gosec // as above
		ExecutionClass:    types.ExecutionClass(g.Class),
	}
	if j.connection != "" {
		d.Connections = &types.ConnectionsList{Connections: []string{j.connection}}
	}
	return d
}

// differs reports whether a job is another one than the pipeline's.
func differs(is *types.Job, want *types.JobUpdate) bool {
	if is == nil || is.Command == nil {
		return true
	}
	role := aws.ToString(is.Role)
	if !strings.Contains(aws.ToString(want.Role), ":") { // by its name
		role = role[strings.LastIndexByte(role, '/')+1:]
	}
	var runs int32
	if is.ExecutionProperty != nil {
		runs = is.ExecutionProperty.MaxConcurrentRuns
	}
	class := is.ExecutionClass
	if class == "" {
		class = types.ExecutionClassStandard
	}
	return role != aws.ToString(want.Role) ||
		aws.ToString(is.Command.Name) != aws.ToString(want.Command.Name) ||
		aws.ToString(is.Command.ScriptLocation) != aws.ToString(want.Command.ScriptLocation) ||
		aws.ToString(is.Command.PythonVersion) != aws.ToString(want.Command.PythonVersion) ||
		runs != want.ExecutionProperty.MaxConcurrentRuns || is.MaxRetries != want.MaxRetries ||
		aws.ToInt32(is.Timeout) != aws.ToInt32(want.Timeout) || aws.ToString(is.GlueVersion) != aws.ToString(want.GlueVersion) ||
		is.WorkerType != want.WorkerType || aws.ToInt32(is.NumberOfWorkers) != aws.ToInt32(want.NumberOfWorkers) || class != want.ExecutionClass ||
		!maps.Equal(is.DefaultArguments, want.DefaultArguments) || !slices.Equal(connections(is.Connections), connections(want.Connections))
}

func connections(list *types.ConnectionsList) []string {
	if list == nil {
		return nil
	}
	return list.Connections
}
