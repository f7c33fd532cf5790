package glue

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark"
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

// service is Glue in the user's words.
var service = awsspark.Service{Name: "Glue", Code: hindcast.EGlue, Block: "glue", Endpoint: "AWS_ENDPOINT_URL_GLUE"}

// Connect makes clients of a region, or of the AWS configuration's if it is "". They call nobody yet.
func Connect(ctx context.Context, region string) (Clients, error) {
	c, err := service.Load(ctx, region)
	if err != nil {
		return Clients{}, err
	}
	return ClientsOf(c), nil
}

// ClientsOf are the clients of a configuration.
func ClientsOf(c aws.Config) Clients {
	return Clients{Region: c.Region, Jobs: awsglue.NewFromConfig(c), Logs: cloudwatchlogs.NewFromConfig(c)}
}
