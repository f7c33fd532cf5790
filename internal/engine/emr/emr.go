// Package emr is the engine that runs slices as job runs of an application of Amazon EMR Serverless, each of one slice. How work lives is
// awsspark's; here is what EMR Serverless is asked. A run is started with a client token made of its work, so that a start whose answer was
// lost is made again and gives the same run.
package emr

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/objstore"
)

// API is what is called of EMR Serverless.
type API interface {
	GetApplication(context.Context, *emrserverless.GetApplicationInput, ...func(*emrserverless.Options)) (*emrserverless.GetApplicationOutput, error)
	StartApplication(context.Context, *emrserverless.StartApplicationInput, ...func(*emrserverless.Options)) (*emrserverless.StartApplicationOutput, error)
	StartJobRun(context.Context, *emrserverless.StartJobRunInput, ...func(*emrserverless.Options)) (*emrserverless.StartJobRunOutput, error)
	GetJobRun(context.Context, *emrserverless.GetJobRunInput, ...func(*emrserverless.Options)) (*emrserverless.GetJobRunOutput, error)
	ListJobRuns(context.Context, *emrserverless.ListJobRunsInput, ...func(*emrserverless.Options)) (*emrserverless.ListJobRunsOutput, error)
	CancelJobRun(context.Context, *emrserverless.CancelJobRunInput, ...func(*emrserverless.Options)) (*emrserverless.CancelJobRunOutput, error)
}

// Client is that of a region.
type Client struct {
	API
	Region string
}

// Options open an engine.
type Options struct {
	EMR      hindcast.EMRServerless
	Spark    hindcast.Spark // of which only what is broadcast counts
	Store    objstore.Store // the lake's, a bucket
	Scripts  objstore.Store // where the script is put
	Folder   string         // the prefix for it: "" or ends in "/"
	Client   Client
	Capacity engine.Capacity
	// Price is what so many hours of vCPU and of GB of memory cost, 0 if that is not known; nil if nobody asks what a run has cost.
	Price func(vcpu, gb float64) float64
	Log   io.Writer         // gets the end of the log of a run that died
	Says  func(what string) // hears what somebody has to wait for; may be nil
	Pace  time.Duration     // how often the application is asked for its runs; a second and a half if it is 0
}

// Engine is EMR Serverless.
type Engine struct {
	*awsspark.Engine[string]
	options Options
	service awsspark.Service
	objects *awsspark.Objects
	living  *awsspark.Look[[]listed]

	opening sync.Mutex // held while the application is asked whether it takes runs
	open    bool       // it does
	said    string     // what was last said of it
}

var (
	_ engine.Engine         = (*Engine)(nil)
	_ awsspark.Runs[string] = runs{}
)

// pace is how often the application is asked for its runs. An account may do that once a second.
const pace = 1500 * time.Millisecond

// service is EMR Serverless in the user's words.
var service = awsspark.Service{Name: "EMR Serverless", Code: hindcast.EEMR, Block: "emr_serverless", Endpoint: "AWS_ENDPOINT_URL_EMR_SERVERLESS", Pace: pace}

// Connect makes a client of a region, or of the AWS configuration's if it is "". It calls nobody yet.
func Connect(ctx context.Context, region string) (Client, error) {
	c, err := service.Load(ctx, region)
	if err != nil {
		return Client{}, err
	}
	return ClientOf(c), nil
}

// ClientOf is the client of a configuration.
func ClientOf(c aws.Config) Client {
	return Client{API: emrserverless.NewFromConfig(c), Region: c.Region}
}

// Open makes the engine. It calls nobody before the first work.
func Open(o Options) *Engine {
	if o.Pace == 0 {
		o.Pace = pace
	}
	if o.Says == nil {
		o.Says = func(string) {}
	}
	e := &Engine{options: o, service: service, objects: &awsspark.Objects{Store: o.Store, Scripts: o.Scripts, Folder: o.Folder},
		living: awsspark.NewLook[[]listed](o.Pace)}
	e.service.Pace, e.service.Region = o.Pace, o.Client.Region
	e.Engine = awsspark.New(runs{e}, e.objects, o.Spark, o.Pace)
	return e
}

// Properties say what EMR Serverless is.
func (e *Engine) Properties() engine.Properties { return Properties(e.options.EMR) }

// Properties say what EMR Serverless is, without an engine. The version is that of its Spark.
func Properties(c hindcast.EMRServerless) engine.Properties {
	return engine.Properties{Name: "emr-serverless", Version: c.Spark(), Outlives: true, Elsewhere: true}
}

// Capacity is what the engine was opened for.
func (e *Engine) Capacity() engine.Capacity { return e.options.Capacity }

// Look asks what EMR Serverless says of an application.
func Look(ctx context.Context, c Client, id string) (*hindcast.EMRApplication, error) {
	s := service
	s.Region = c.Region
	a, err := describe(ctx, c, s, id)
	if err != nil {
		return nil, err
	}

	is := &hindcast.EMRApplication{Type: aws.ToString(a.Type), Release: aws.ToString(a.ReleaseLabel), State: string(a.State), StartsItself: startsItself(a)}
	if most := a.MaximumCapacity; most != nil {
		is.CPU, is.Memory, is.Disk = amount(most.Cpu), amount(most.Memory), amount(most.Disk)
	}
	if a.SchedulerConfiguration != nil {
		is.Runs = int(aws.ToInt32(a.SchedulerConfiguration.MaxConcurrentRuns))
	}
	if a.NetworkConfiguration != nil {
		is.Subnets, is.Groups = a.NetworkConfiguration.SubnetIds, a.NetworkConfiguration.SecurityGroupIds
	}
	return is, nil
}

// Describe asks for the application that the pipeline names, and refuses one that could never run its slices.
func Describe(ctx context.Context, c Client, p hindcast.EMRServerless) (*hindcast.EMRApplication, error) {
	a, err := Look(ctx, c, p.Application)
	if err == nil {
		err = Unfit(*a, p)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Unfit is why an application could never run the pipeline's slices; nil if it can.
func Unfit(a hindcast.EMRApplication, p hindcast.EMRServerless) error {
	refuse := func(next, message string, args ...any) error {
		return &hindcast.Error{Code: hindcast.EEMR, Class: hindcast.ClassPermanent, Message: "the application " + p.Application + " of EMR Serverless " + fmt.Sprintf(message, args...), Next: next}
	}
	switch {
	case !strings.EqualFold(a.Type, "Spark"):
		return refuse("name one of the type SPARK in emr_serverless.application", "runs %s, and not Spark", a.Type)
	case a.Release != p.Release:
		return refuse("write emr_serverless.release: "+a.Release+", or name an application of the other release", "has the release %s, and the pipeline says %s", a.Release, p.Release)
	case a.State == string(types.ApplicationStateTerminated):
		return refuse(terminatedNext, "is TERMINATED")
	}
	if most, limited := a.Room(p); limited && most < 1 {
		return refuse("give a run fewer or smaller executors, or raise the application's maximumCapacity", "may have %s at most, and a run has %d vCPU and %s",
			a.Most(), p.Cores(), strconv.Itoa(p.Memory())+" GB")
	}
	return nil
}

const terminatedNext = "make another application, and name it in emr_serverless.application: one that is terminated cannot be started again"

// describe asks for an application.
func describe(ctx context.Context, c Client, s awsspark.Service, id string) (*types.Application, error) {
	out, err := awsspark.Call(ctx, s, "emr-serverless:GetApplication", func(ctx context.Context) (*emrserverless.GetApplicationOutput, error) {
		return c.GetApplication(ctx, &emrserverless.GetApplicationInput{ApplicationId: &id})
	})
	if err != nil && awsspark.MeaningOf(err) == awsspark.Absent {
		return nil, &hindcast.Error{Code: hindcast.EEMR, Class: hindcast.ClassPermanent, Cause: err, Message: "EMR Serverless in " + c.Region + " has no application " + id,
			Next: "correct emr_serverless.application, or emr_serverless.region; its id is shown by: aws emr-serverless list-applications"}
	}
	if err != nil {
		return nil, s.Fault("emr-serverless:GetApplication", err)
	}
	return out.Application, nil
}

// startsItself reports whether an application that is stopped starts when it gets a run, as it does unless it was told not to.
func startsItself(a *types.Application) bool {
	return a.AutoStartConfiguration == nil || a.AutoStartConfiguration.Enabled == nil || *a.AutoStartConfiguration.Enabled
}

// amount reads "400 vCPU", or "3000GB"; 0 if there is none.
func amount(text *string) int {
	n, err := strconv.Atoi(strings.TrimRight(aws.ToString(text), " \tvcpuVCPUgbGB"))
	if err != nil {
		return 0
	}
	return n
}

// Capacity is what an application runs at once. A run has its executors for itself, and costs the rate. Without an application, of which
// a run that was frozen needs nothing, it is as many as the pipeline says.
func Capacity(run hindcast.RunConfig, p hindcast.EMRServerless, a *hindcast.EMRApplication, rate *hindcast.Rate) engine.Capacity {
	c := engine.Capacity{Slots: p.Runs, Cap: fmt.Sprintf("emr_serverless.runs: %d", p.Runs), Rate: rate}
	if a != nil && a.Runs > 0 && a.Runs < c.Slots {
		c.Slots, c.Cap = a.Runs, fmt.Sprintf("the application's maxConcurrentRuns: %d", a.Runs)
	}
	if a != nil {
		if n, limited := a.Room(p); limited && n < c.Slots {
			c.Slots, c.Cap = max(n, 1), "the application's maximumCapacity: "+a.Most()
		}
	}
	if run.Parallel > 0 && run.Parallel < c.Slots {
		c.Slots, c.Cap = run.Parallel, "run.parallel"
	}
	c.EachMemory, c.EachThreads = int64(p.Executors*p.Executor.Memory)<<30, p.Executors*p.Executor.Cores
	c.Memory, c.Threads = c.EachMemory*int64(c.Slots), c.EachThreads*c.Slots
	return c
}
