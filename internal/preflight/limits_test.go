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
			for _, is := range l.limits(glueFindings{quotas: c.quotas, subnets: c.subnets}) {
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
	l.capped(l.limits(glueFindings{quotas: account(50, 1000, 100)}), &f)
	if len(f.missing) != 1 || f.missing[0].Code != hindcast.EAWS || !strings.Contains(f.missing[0].Message, "it takes 75 workers of G.2X: 150 DPU, 75 addresses, and DPU of the account is 100") {
		t.Errorf("%+v", f.missing)
	}

	l.Pipeline.Transform.Glue.Class, f = "FLEX", findings{}
	l.capped(l.limits(glueFindings{quotas: account(50, 1000, 1000)}), &f)
	if len(f.missing) != 0 || len(f.checks) != 1 || f.checks[0].State != Unknown {
		t.Errorf("%+v", f)
	}
}

func TestTrust(t *testing.T) {
	for text, want := range map[string][2]bool{
		`{"Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`:                                              {true, true},
		`{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","glue.amazonaws.com"]}}}`:                                                    {true, true},
		`{"Statement":[{"Effect":"Deny","Principal":{"Service":"glue.amazonaws.com"}},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"}}]}`: {false, true},
		`{"Statement":[{"Effect":"Allow","Principal":"*"}]}`:                                                                                                     {false, true},
		`not JSON`: {false, false},
	} {
		if trusts, known := trust(url.PathEscape(text), "glue.amazonaws.com"); trusts != want[0] || known != want[1] {
			t.Errorf("%s: %t, %t", text, trusts, known)
		}
	}
	if _, known := trust("%zz", "glue.amazonaws.com"); known {
		t.Error("a policy that is not encoded is read")
	}
}

func TestClusters(t *testing.T) {
	for at, want := range map[string]cluster{
		"redshift://u@shop.abc123.eu-central-1.redshift.amazonaws.com:5439/db":                {name: "shop", region: "eu-central-1"},
		"redshift://u@shop.abc123.cn-north-1.redshift.amazonaws.com.cn:5439/db":               {name: "shop", region: "cn-north-1"},
		"redshift://u@quick.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/db": {name: "quick", region: "us-east-1", serverless: true},
		"redshift+iam://shop/db?region=eu-west-1":                                             {name: "shop", region: "eu-west-1"},
		"redshift-data://shop/db":                                    {name: "shop"},
		"redshift://u@localhost:5439/db":                             {},
		"redshift://u@127.0.0.1:5439/db?region=eu-west-1":            {},
		"postgres://u@shop.abc123.eu-central-1.rds.amazonaws.com/db": {},
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := clusterOf(&hindcast.Pipeline{Warehouse: hindcast.Location{Scheme: u.Scheme, URL: u}}); got != want {
			t.Errorf("%s: %+v", at, got)
		}
	}
	if got := clusterOf(&hindcast.Pipeline{Warehouse: hindcast.Location{Scheme: "redshift"}}); got != (cluster{}) {
		t.Errorf("without a URL: %+v", got)
	}
}
