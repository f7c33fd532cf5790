package preflight

import (
	"net/url"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// post is the pipeline of the post: 36 runs of 75 workers of G.2X over three subnets.
func post() *look {
	g := hindcast.Glue{Role: "r", Version: "5.1", WorkerType: "G.2X", Workers: 75, Jobs: 12, RunsPerJob: 3, Class: "STANDARD", Connections: []string{"a", "b", "c"}}
	return &look{Options: Options{Pipeline: &hindcast.Pipeline{Transform: hindcast.Transform{Engine: "glue", Glue: g}}, Slices: 36}}
}

func account(runs, per, dpu float64) []quota {
	return []quota{{code: quotaRuns, name: "concurrent runs of the account", value: runs, applied: true}, {code: quotaPer, name: "concurrent runs of a job", value: per, applied: true},
		{code: quotaDPU, name: "DPU of the account", value: dpu, applied: true}, {code: quotaSpare, name: "spare DPU of the account", value: 50}}
}

func subnetsOf(free ...int) (list []*subnet) {
	for i, n := range free {
		list = append(list, &subnet{id: "subnet-" + string(rune('a'+i)), connections: []string{string(rune('a' + i))}, runs: 36 / len(free), free: n, known: true})
	}
	return list
}

// The smallest limit is the cap; a subnet counts for its own jobs only.
func TestWhatCaps(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*look)
		quotas  []quota
		subnets []*subnet
		cap     string
		runs    int
	}{
		"an account as new":          {nil, account(50, 1000, 1000), subnetsOf(4091, 4091, 4091), "DPU of the account", 6},
		"the post's":                 {nil, account(2000, 4000, 6000), subnetsOf(4091, 4091, 4091), "glue.jobs x glue.runs_per_job", 36},
		"few runs":                   {nil, account(20, 1000, 9000), subnetsOf(4091, 4091, 4091), "concurrent runs of the account", 20},
		"small subnets":              {nil, account(200, 1000, 9000), subnetsOf(251, 251, 251), "addresses of all subnets", 9},
		"one small subnet of three":  {nil, account(200, 1000, 9000), subnetsOf(4091, 59, 4091), "addresses of all subnets", 24},
		"one subnet carries 54":      {nil, account(200, 1000, 9000), subnetsOf(4091), "glue.jobs x glue.runs_per_job", 36},
		"a subnet that is not known": {nil, account(200, 1000, 9000), []*subnet{{id: "x"}}, "glue.jobs x glue.runs_per_job", 36},
		"run.parallel":               {func(l *look) { l.Pipeline.Run.Parallel = 4 }, account(50, 1000, 1000), nil, "run.parallel", 4},
		"few slices":                 {func(l *look) { l.Slices = 2 }, account(50, 1000, 1000), nil, "slices of the history", 2},
		"FLEX":                       {func(l *look) { l.Pipeline.Transform.Glue.Class = "FLEX" }, account(50, 1000, 9000), nil, "spare DPU of the account", 0},
		"one job":                    {func(l *look) { l.Pipeline.Transform.Glue.Jobs, l.Pipeline.Transform.Glue.RunsPerJob = 1, 36 }, account(50, 10, 9000), nil, "concurrent runs of a job", 10},
	} {
		t.Run(name, func(t *testing.T) {
			l := post()
			if c.change != nil {
				c.change(l)
			}
			var marked []Limit
			for _, is := range l.limits(engineFindings{quotas: c.quotas, subnets: c.subnets}) {
				if is.Smallest {
					marked = append(marked, is)
				}
			}
			if len(marked) != 1 || marked[0].Name != c.cap || marked[0].Runs != c.runs || marked[0].Raise == "" {
				t.Errorf("%+v", marked)
			}
		})
	}
}

// Room for no run at all is a problem, unless it is only assumed.
func TestNoRoom(t *testing.T) {
	l := post()
	var f findings
	l.capped(l.limits(engineFindings{quotas: account(50, 1000, 100)}), &f)
	if len(f.missing) != 1 || f.missing[0].Code != hindcast.EAWS || !strings.Contains(f.missing[0].Message, "it takes 75 workers of G.2X: 150 DPU, 75 addresses, and DPU of the account is 100") {
		t.Errorf("%+v", f.missing)
	}

	l.Pipeline.Transform.Glue.Class, f = "FLEX", findings{}
	l.capped(l.limits(engineFindings{quotas: account(50, 1000, 1000)}), &f)
	if len(f.missing) != 0 || len(f.checks) != 1 || f.checks[0].State != Unknown {
		t.Errorf("%+v", f)
	}
}

func TestTrust(t *testing.T) {
	allow := func(rest string) string { return `{"Statement":[{"Effect":"Allow",` + rest + `}]}` }
	for _, c := range []struct {
		service, policy string
		want            trusting
	}{
		{"glue", allow(`"Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"`), trusts},
		{"glue", `{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","glue.amazonaws.com"]}}}`, trusts},
		{"glue", allow(`"Principal":"*"`), trusts},
		{"glue", allow(`"Principal":{"AWS":"*"}`), trusts},
		{"redshift", allow(`"Principal":{"Service":"redshift.eu-central-1.amazonaws.com"}`), trusts},
		{"redshift", allow(`"Principal":{"AWS":"arn:aws:iam::123456789012:root","Service":["ec2.amazonaws.com","redshift-serverless.amazonaws.com"]}`), trusts},
		{"redshift", allow(`"Principal":{"Service":"redshift.amazonaws.com.cn"}`), trusts},
		{"redshift", allow(`"Principal":{"Service":"redshift-data.amazonaws.com"}`), trustsNot},
		{"redshift", allow(`"Principal":{"Service":"redshift.example.com"}`), trustsNot},
		{"glue", allow(`"Principal":{"Service":"redshift.amazonaws.com"}`), trustsNot},
		{"glue", `{"Statement":[{"Effect":"Deny","Principal":{"Service":"glue.amazonaws.com"}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`, trustsNot},
		{"glue", allow(`"Principal":{"Service":"ec2.amazonaws.com"},"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}`), mayTrust},
		{"glue", allow(`"NotPrincipal":{"AWS":"arn:aws:iam::123456789012:root"}`), mayTrust},
		{"glue", allow(`"Principal":{"Service":7}`), mayTrust},
		{"glue", `not JSON`, mayTrust},
	} {
		if got := trust(url.PathEscape(c.policy), c.service+".amazonaws.com"); got != c.want {
			t.Errorf("%s, %s: %d", c.service, c.policy, got)
		}
	}
	if trust("%zz", "glue.amazonaws.com") != mayTrust {
		t.Error("a policy that is not encoded is read")
	}
}

// Glue asks for a group that opens every TCP port, to itself or to everybody.
func TestOpenness(t *testing.T) {
	none, last, middle := 0, 65535, 1024
	for name, c := range map[string]struct {
		rule permission
		want among
	}{
		"itself":        {permission{Protocol: "tcp", From: &none, To: &last, Groups: []string{"sg-1"}}, openToAll},
		"all protocols": {permission{Protocol: "-1", Groups: []string{"sg-1"}}, openToAll},
		"everybody":     {permission{Protocol: "tcp", From: &none, To: &last, Ranges: []string{"10.0.0.0/8", "0.0.0.0/0"}}, openToAll},
		"a network":     {permission{Protocol: "tcp", From: &none, To: &last, Ranges: []string{"10.0.0.0/16"}}, openToSome},
		"another group": {permission{Protocol: "-1", Groups: []string{"sg-2"}}, openToSome},
		"some ports":    {permission{Protocol: "tcp", From: &middle, To: &last, Groups: []string{"sg-1"}}, closedToAll},
		"UDP":           {permission{Protocol: "udp", From: &none, To: &last, Ranges: []string{"0.0.0.0/0"}}, closedToAll},
	} {
		if got := openness("sg-1", []permission{{Protocol: "icmp", Groups: []string{"sg-1"}}, c.rule}); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}
