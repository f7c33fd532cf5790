package glueserver

import (
	"context"
	"strconv"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

func (s *Server) jobOperations() map[string]operation {
	return map[string]operation{
		"CreateJob":       call(s.createJob),
		"UpdateJob":       call(s.updateJob),
		"DeleteJob":       call(s.deleteJob),
		"GetJob":          call(s.getJob),
		"GetJobs":         call(s.getJobs),
		"ListJobs":        call(s.listJobs),
		"BatchGetJobs":    call(s.batchGetJobs),
		"StartJobRun":     call(s.startJobRun),
		"GetJobRun":       call(s.getJobRun),
		"GetJobRuns":      call(s.getJobRuns),
		"BatchStopJobRun": call(s.batchStopJobRun),
		"GetTags":         call(s.getTags),
		"TagResource":     call(s.tagResource),
		"UntagResource":   call(s.untagResource),
	}
}

type jobName struct{ JobName string }

func (s *Server) createJob(_ context.Context, r struct {
	Name string
	Tags map[string]string
	jobs.Definition
}) (any, error) {
	if err := s.book.Create(r.Name, r.Definition, r.Tags); err != nil {
		return nil, err
	}
	return struct{ Name string }{r.Name}, nil
}

func (s *Server) updateJob(_ context.Context, r struct {
	JobName   string
	JobUpdate *jobs.Definition
}) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	if r.JobUpdate == nil {
		return nil, jobs.Faultf(jobs.InvalidInput, "JobUpdate must not be null")
	}
	if err := s.book.Update(r.JobName, *r.JobUpdate); err != nil {
		return nil, err
	}
	return jobName{r.JobName}, nil
}

func (s *Server) deleteJob(_ context.Context, r jobName) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	return r, s.book.Delete(r.JobName)
}

func (s *Server) getJob(_ context.Context, r jobName) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	j, err := s.book.Job(r.JobName)
	return struct{ Job *jobs.Job }{j}, err
}

// mostJobs is how many jobs an answer has at most.
const mostJobs = 1000

type listRequest struct {
	NextToken  string
	MaxResults *int
	Tags       map[string]string
}

// list is a page of jobs, and the token of the next one.
func (s *Server) list(r listRequest) ([]*jobs.Job, string, error) {
	most, err := page(r.MaxResults, mostJobs, 100)
	if err != nil {
		return nil, "", err
	}
	after, err := position(r.NextToken)
	if err != nil {
		return nil, "", err
	}
	if err := jobs.CheckTags(r.Tags); err != nil {
		return nil, "", err
	}
	list, more := s.book.Jobs(after, most, r.Tags)
	if list == nil {
		list = []*jobs.Job{}
	}
	if !more {
		return list, "", nil
	}
	return list, token(list[len(list)-1].Name), nil
}

func (s *Server) getJobs(_ context.Context, r listRequest) (any, error) {
	r.Tags = nil // which this operation does not have
	list, next, err := s.list(r)
	return struct {
		Jobs      []*jobs.Job
		NextToken string `json:",omitempty"`
	}{list, next}, err
}

func (s *Server) listJobs(_ context.Context, r listRequest) (any, error) {
	list, next, err := s.list(r)
	names := make([]string, len(list))
	for i, j := range list {
		names[i] = j.Name
	}
	return struct {
		JobNames  []string
		NextToken string `json:",omitempty"`
	}{names, next}, err
}

func (s *Server) batchGetJobs(_ context.Context, r struct{ JobNames []string }) (any, error) {
	if r.JobNames == nil {
		return nil, jobs.Faultf(jobs.InvalidInput, "JobNames must not be null")
	}
	found, missing := []*jobs.Job{}, []string{}
	for _, name := range r.JobNames {
		if err := jobs.CheckName("JobNames", name); err != nil {
			return nil, err
		}
		if j, err := s.book.Job(name); err == nil {
			found = append(found, j)
		} else {
			missing = append(missing, name)
		}
	}
	return struct {
		Jobs         []*jobs.Job
		JobsNotFound []string
	}{found, missing}, nil
}

func (s *Server) startJobRun(_ context.Context, r jobs.Start) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	id, err := s.book.Start(r)
	return struct {
		JobRunID string `json:"JobRunId"`
	}{id}, err
}

func (s *Server) getJobRun(_ context.Context, r struct {
	JobName              string
	RunID                string `json:"RunId"`
	PredecessorsIncluded bool
}) (any, error) {
	if err := checkRun(r.JobName, "RunId", r.RunID); err != nil {
		return nil, err
	}
	run, err := s.book.Run(r.JobName, r.RunID)
	return struct{ JobRun jobs.Run }{run}, err
}

func checkRun(job, what, id string) error {
	if err := jobs.CheckName("JobName", job); err != nil {
		return err
	}
	return jobs.CheckName(what, id)
}

// mostRuns is how many runs an answer has at most.
const mostRuns = 200

func (s *Server) getJobRuns(_ context.Context, r struct {
	JobName    string
	NextToken  string
	MaxResults *int
}) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	most, err := page(r.MaxResults, mostRuns, mostRuns)
	if err != nil {
		return nil, err
	}
	at, err := position(r.NextToken)
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if at != "" {
		if before, err = strconv.ParseInt(at, 10, 64); err != nil || before < 1 {
			return nil, jobs.Faultf(jobs.InvalidInput, "NextToken is not one of this operation's")
		}
	}

	list, next, err := s.book.Runs(r.JobName, before, most)
	answer := struct {
		JobRuns   []jobs.Run
		NextToken string `json:",omitempty"`
	}{JobRuns: list}
	if next > 0 {
		answer.NextToken = token(strconv.FormatInt(next, 10))
	}
	return answer, err
}

// mostStops is how many runs one request stops at most.
const mostStops = 25

type stopped struct {
	JobName  string
	JobRunID string `json:"JobRunId"`
}

type notStopped struct {
	stopped
	ErrorDetail errorDetail
}

type errorDetail struct {
	ErrorCode    string
	ErrorMessage string
}

func (s *Server) batchStopJobRun(_ context.Context, r struct {
	JobName   string
	JobRunIDs []string `json:"JobRunIds"`
}) (any, error) {
	if err := jobs.CheckName("JobName", r.JobName); err != nil {
		return nil, err
	}
	if n := len(r.JobRunIDs); n < 1 || n > mostStops {
		return nil, jobs.Faultf(jobs.InvalidInput, "JobRunIds must have from 1 to %d members; it has %d", mostStops, n)
	}
	for _, id := range r.JobRunIDs {
		if err := jobs.CheckName("JobRunIds", id); err != nil {
			return nil, err
		}
	}

	answer := struct {
		SuccessfulSubmissions []stopped
		Errors                []notStopped
	}{[]stopped{}, []notStopped{}}
	for _, id := range r.JobRunIDs {
		is := stopped{r.JobName, id}
		err := s.book.Stop(r.JobName, id)
		fault, known := err.(*jobs.Fault) //nolint:errorlint // a bare one, never wrapped
		switch {
		case err == nil:
			answer.SuccessfulSubmissions = append(answer.SuccessfulSubmissions, is)
		case known:
			answer.Errors = append(answer.Errors, notStopped{is, errorDetail{fault.Name, fault.Message}})
		default:
			return nil, err
		}
	}
	return answer, nil
}
