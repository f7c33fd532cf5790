package preflight

import (
	"context"
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// What Service Quotas calls EMR Serverless, and its quota of vCPU, of which a new account has few.
const (
	emrService = "emr-serverless"
	quotaVCPU  = "L-D05C8A75"
	leastVCPU  = 16
)

func (l *look) onEMR() bool { return l.Pipeline.Transform.Engine == "emr-serverless" }

// emr looks at what runs of EMR Serverless need.
func (l *look) emr(ctx context.Context, f *engineFindings) {
	e := l.Pipeline.Transform.EMR
	f.role = l.trusted(ctx, "role "+short(e.Role), e.Role, "emr-serverless.amazonaws.com", "emr_serverless.role", &f.findings)
	f.quotas = []quota{{service: emrService, code: quotaVCPU, name: "vCPU of the account", least: leastVCPU}}
	l.ask(ctx, f.quotas, &f.findings)
	a := l.described(ctx, "application "+e.Application, &f.findings)
	if a == nil {
		return
	}
	f.application = a

	most := a.Most()
	if most == "" {
		most = "what the account may have"
	}
	f.note(fmt.Sprintf("emr-serverless: %s, %s, at most %s", a.Release, a.State, most))
	if len(a.Subnets) == 0 {
		f.add(Noted, "network", "EMR Serverless's own: it takes no addresses of yours, and reaches nothing in your network")
		return
	}
	for _, id := range a.Subnets {
		f.subnets = append(f.subnets, &subnet{id: id, runs: e.Runs})
	}
	l.inSubnets(ctx, f)
}

// described asks for the application, and says whether it can run the pipeline's slices; nil if nothing is known of it.
func (l *look) described(ctx context.Context, what string, f *findings) *hindcast.EMRApplication {
	a, err := l.Application(ctx)
	e := hindcast.AsError(err)
	switch {
	case err == nil:
		l.started(what, *a, f)
	case e.Code == hindcast.EEMR && e.Class == hindcast.ClassPermanent: // there is none, or it is not of the pipeline's kind
		is := *e
		is.Place = l.Pipeline.Places["emr_serverless.application"]
		f.wrong(what, is.Message, &is)
	default:
		f.unknown(what, err)
	}
	return a
}

// started says whether the application takes runs, or begins to when it gets one.
func (l *look) started(what string, a hindcast.EMRApplication, f *findings) {
	is := "has the release " + a.Release + " and is " + a.State
	switch {
	case a.State == "STARTED":
		f.add(Fine, what, is)
	case a.State != "CREATED" && a.State != "STOPPED":
		f.add(Noted, what, is+": runs wait until it is STARTED")
	case a.StartsItself:
		f.add(Fine, what, is+"; the first run starts it")
	default:
		f.add(Noted, what, is+"; it does not start by itself: hindcast starts it, with the right emr-serverless:StartApplication")
	}
}

// emrLimits are limits of EMR Serverless.
func (l *look) emrLimits(f engineFindings) []Limit {
	e := l.Pipeline.Transform.EMR
	list, asked := l.own(Limit{Name: "emr_serverless.runs", Value: numbers.Thousands(e.Runs), Runs: e.Runs, Raise: "raise emr_serverless.runs"})
	if a := f.application; a != nil {
		if a.Runs > 0 {
			list = append(list, Limit{Name: "maxConcurrentRuns of the application", Value: numbers.Thousands(a.Runs), Runs: a.Runs, Raise: "raise it in the application's schedulerConfiguration"})
		}
		if runs, limited := a.Room(e); limited && runs > 0 { // if there is room for none that is said already
			list = append(list, Limit{Name: "maximumCapacity of the application", Value: a.Most(), Runs: runs, Raise: "raise it in the application"})
		}
	}
	for _, q := range f.quotas {
		list = append(list, quotaLimit(q, int(q.value)/max(e.Cores(), 1)))
	}
	return marked(append(list, l.addressLimits(f.subnets, asked)...), asked)
}

// emrNeeds are the rights of who runs hindcast on EMR Serverless.
func (l *look) emrNeeds(role string) []need {
	application := l.arn(emrService, l.Client.Region(), "/applications/"+l.Pipeline.Transform.EMR.Application)
	list := []need{
		{actions: []string{"emr-serverless:GetApplication", "emr-serverless:StartJobRun", "emr-serverless:ListJobRuns"}, resource: application},
		{actions: []string{"emr-serverless:GetJobRun", "emr-serverless:CancelJobRun"}, resource: application + "/jobruns/run"},
	}
	if role != "" {
		list = append(list, need{actions: []string{"iam:PassRole"}, resource: role, passedTo: "emr-serverless.amazonaws.com"})
	}
	return list
}
