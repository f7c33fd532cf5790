package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/numbers"
)

// engineFindings are the checks of the engine, and what its limits are made of.
type engineFindings struct {
	findings
	role        string // the ARN that runs run as; "" if there is none
	quotas      []quota
	subnets     []*subnet
	groups      []members
	application *hindcast.EMRApplication // of EMR Serverless; nil if it is not known
}

// glue looks at what runs of Glue need.
func (l *look) glue(ctx context.Context, f *engineFindings) {
	l.version(ctx, &f.findings)
	f.role = l.trusted(ctx, "role "+l.Pipeline.Transform.Glue.Role, l.Pipeline.Transform.Glue.Role, "glue.amazonaws.com", "glue.role", &f.findings)
	f.quotas = l.quotas(ctx, &f.findings)
	l.network(ctx, f)
}

// ended are the versions of Glue that AWS starts no more, with the day since when.
var ended = map[string]string{"0.9": "2026-04-01", "1.0": "2026-04-01", "2.0": "2026-04-01"}

// endedAsOf is the day of that list.
const endedAsOf = "2026-11-22"

// jobName is the name of the pipeline's first job, which exists once the pipeline has run.
func (l *look) jobName() string { return l.Jobs + "-01" }

// version says whether a version of Glue can be started. No call of Glue says that: the newest run of the pipeline's first job does, if it has one.
func (l *look) version(ctx context.Context, f *findings) {
	version := l.Pipeline.Transform.Glue.Version
	if day, over := ended[version]; over {
		f.wrong("Glue "+version, "is not started any more, since "+day, &hindcast.Error{Place: l.Pipeline.Places["glue.glue_version"],
			Message: "AWS starts no job of Glue " + version + " any more, since " + day, Next: "set glue.glue_version to 5.1"})
		return
	}

	var is struct {
		JobRuns []struct {
			GlueVersion, JobRunState string
			StartedOn                float64
		}
	}
	err := l.Client.JSON(ctx, awsquery.Glue, "GetJobRuns", map[string]any{"JobName": l.jobName(), "MaxResults": 1}, &is)
	what := "Glue " + version
	switch {
	case err == nil && len(is.JobRuns) > 0 && is.JobRuns[0].GlueVersion == version && is.JobRuns[0].JobRunState != "ERROR":
		day := time.Unix(int64(is.JobRuns[0].StartedOn), 0).UTC().Format(time.DateOnly)
		f.add(Fine, what, "was last started on "+day)
		f.note(fmt.Sprintf("glue %s: started on %s, %s", version, day, is.JobRuns[0].JobRunState))
	case err == nil, awsquery.Code(err) == "EntityNotFoundException":
		f.add(Noted, what, "AWS had not ended it by "+endedAsOf+"; only a first run can tell")
		f.note("glue " + version + ": not started yet")
	default:
		f.unknown(what, err)
	}
}

// quota is one of a service's, for an account in a region.
type quota struct {
	service string // as Service Quotas calls it; "" is Glue
	code    string
	name    string
	least   float64 // the lowest default that AWS has documented
	value   float64
	applied bool // it is the account's own value
}

// Codes of quotas.
const (
	quotaRuns  = "L-5E4153CA"
	quotaPer   = "L-F574AED9"
	quotaDPU   = "L-08F3B322"
	quotaSpare = "L-096DBB95"
	quotaJobs  = "L-611FDDE4"
)

// quotas asks for the account's, and has the lowest documented default where they cannot be asked.
func (l *look) quotas(ctx context.Context, f *findings) []quota {
	list := []quota{
		{code: quotaRuns, name: "concurrent runs of the account", least: 50},
		{code: quotaPer, name: "concurrent runs of a job", least: 1000},
		{code: quotaDPU, name: "DPU of the account", least: 1000},
		{code: quotaJobs, name: "jobs of the account", least: 1000},
	}
	if l.Pipeline.Transform.Glue.Class == "FLEX" {
		list[2] = quota{code: quotaSpare, name: "spare DPU of the account", least: 50}
	}
	l.ask(ctx, list, f)
	return list
}

// ask asks for the values of quotas.
func (l *look) ask(ctx context.Context, list []quota, f *findings) {
	var refused error
	var said []string
	for i := range list {
		q := &list[i]
		err := l.quota(ctx, q)
		source := "applied"
		if !q.applied {
			source = "a default"
		}
		if err != nil {
			refused, q.value, source = err, q.least, "not asked"
		}
		said = append(said, fmt.Sprintf("%s %s (%s)", q.code, numbers.Thousands(int64(q.value)), source))
	}
	if refused != nil {
		f.unknown("quotas", refused)
	} else {
		f.add(Fine, "quotas", fmt.Sprintf("%s asked of Service Quotas", numbers.Counted(len(list), "value")))
	}
	f.note("quotas: " + strings.Join(said, ", "))
}

// quota asks for the value that holds for the account; where it has none of its own, that is AWS's default.
func (l *look) quota(ctx context.Context, q *quota) error {
	var is struct{ Quota struct{ Value *float64 } }
	in := map[string]string{"ServiceCode": cmp.Or(q.service, "glue"), "QuotaCode": q.code}
	err := l.Client.JSON(ctx, awsquery.ServiceQuotas, "GetServiceQuota", in, &is)
	q.applied = err == nil
	if awsquery.Code(err) == "NoSuchResourceException" {
		err = l.Client.JSON(ctx, awsquery.ServiceQuotas, "GetAWSDefaultServiceQuota", in, &is)
	}
	if err == nil && is.Quota.Value == nil {
		err = errors.New("the answer of Service Quotas has no value")
	}
	if err == nil {
		q.value = math.Min(*is.Quota.Value, math.MaxInt32)
	}
	return err
}

// of is a quota by its code.
func of(list []quota, code string) quota {
	for _, q := range list {
		if q.code == code {
			return q
		}
	}
	return quota{}
}
