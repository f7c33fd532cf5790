package cli

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/preflight/preflighttest"
	"github.com/hindcast/hindcast/internal/screen"
)

// A run on Glue is refused for what is missing for certain, and says in lines what caps it and what could not be asked.
func TestTheAccountIsAskedBeforeARun(t *testing.T) {
	account := preflighttest.Start(t)
	for _, pair := range account.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	made := &plan.Plan{Items: make([]plan.Item, 40)}
	for i := range 4 { // of which nothing runs
		made.Items[i].Reason = []hindcast.Reason{hindcast.ReasonUpToDate, hindcast.ReasonMissing}[i%2]
	}
	made.Pipeline = hindcast.Pipeline{Name: "costs", Lake: hindcast.Location{Scheme: "s3",
		URL: &url.URL{Scheme: "s3", Host: "my-lake", Path: "/costs", RawQuery: "endpoint=" + url.QueryEscape(account.Endpoint)}}}
	glue := &made.Pipeline.Transform.Glue
	*glue = hindcast.Glue{Role: "hindcast-glue", Region: preflighttest.Region, Version: "5.1", WorkerType: "G.2X", Workers: 75, Jobs: 12, RunsPerJob: 3, Class: "STANDARD"}
	before := func() (string, error) {
		var said bytes.Buffer
		a := &app{err: &said, options: screen.Options{}}
		err := a.beforeRun(t.Context(), made)
		return said.String(), err
	}

	glue.Role = "nobody" // the engine is not Glue: nothing is asked
	if said, err := before(); err != nil || said != "" {
		t.Errorf("%v, %s", err, said)
	}
	made.Pipeline.Transform.Engine, glue.Role = "glue", "hindcast-glue"
	if said, err := before(); err != nil || said != "at most 6 of 36 runs at once, by the limit: DPU of the account\nsee: hindcast doctor aws\n" {
		t.Errorf("%v, %s", err, said)
	}

	account.Quota("L-08F3B322", 10_000)
	if said, err := before(); err != nil || said != "" {
		t.Errorf("%v, %s", err, said)
	}
	account.Decide("iam:PassRole", "implicitDeny")
	account.Deny("servicequotas:GetServiceQuota")
	want := "at most 6 of 36 runs at once, by the limit: DPU of the account, if the quota is the lowest documented one\n1 right may be missing, as IAM simulates it\n1 check of the account could not be made\nsee: hindcast doctor aws\n"
	if said, err := before(); err != nil || said != want {
		t.Errorf("%v, %s", err, said)
	}

	glue.Role, glue.Connections = "nobody", []string{"none"}
	some := made.Items
	made.Items = some[:4]
	if said, err := before(); err != nil || said != "" {
		t.Errorf("nothing runs: %v, %s", err, said)
	}
	made.Items = some
	said, err := before()
	if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EAWS || !strings.Contains(e.Message, "no role nobody") || len(e.Detail) != 1 || said != "" {
		t.Errorf("%+v, %s", err, said)
	}

	account.Deny("sts:GetCallerIdentity")
	if said, err := before(); err != nil || !strings.HasPrefix(said, "the account was not looked at: access denied: sts:GetCallerIdentity") {
		t.Errorf("%v, %s", err, said)
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	for _, name := range []string{"AWS_ENDPOINT_URL_GLUE", "AWS_ENDPOINT_URL_REDSHIFT"} { // a stand-in for one alone: whose account it has nobody knows
		t.Setenv(name, account.Endpoint)
		if said, err := before(); err != nil || said != "" {
			t.Errorf("%v, %s", err, said)
		}
		t.Setenv(name, "")
	}
}
