package glueserver_test

import (
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/glueservertest"
)

// Clients see each fault as AWS's own would be, and send again what they send again there: a run whose answer was lost is started twice.
func TestFaults(t *testing.T) {
	w := serve(t, glueserver.Options{})
	rule := map[string][]glueservertest.Fault{
		"GetJobRun":   {glueservertest.NotThere, glueservertest.Throttled, glueservertest.None},
		"StartJobRun": {glueservertest.Broken, glueservertest.LostAnswer, glueservertest.None, glueservertest.Refused},
	}
	front := httptest.NewServer(glueservertest.Faults(w.server, func(r glueservertest.Request) glueservertest.Fault {
		if list := rule[r.Operation]; r.Number <= len(list) {
			return list[r.Number-1]
		}
		return glueservertest.None
	}))
	defer front.Close()
	w.job("etl", func(in *glue.CreateJobInput) { in.ExecutionProperty = &types.ExecutionProperty{MaxConcurrentRuns: 5} })
	w.client = glue.New(w.client.Options(), func(o *glue.Options) { o.BaseEndpoint = &front.URL })

	id := w.started("etl")
	list, err := w.client.GetJobRuns(t.Context(), &glue.GetJobRunsInput{JobName: aws.String("etl")})
	if err != nil || len(list.JobRuns) != 3 || *list.JobRuns[0].Id != id {
		t.Errorf("%d runs, %v", len(list.JobRuns), err)
	}
	_, err = w.start("etl", nil)
	faults[*types.ConcurrentRunsExceededException](t, err)

	in := &glue.GetJobRunInput{JobName: aws.String("etl"), RunId: &id}
	_, err = w.client.GetJobRun(t.Context(), in)
	faults[*types.EntityNotFoundException](t, err)
	if _, err = w.client.GetJobRun(t.Context(), in); err != nil {
		t.Error(err)
	}
}
