package cost

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

func own(t *testing.T, text string) (Prices, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Own(path)
}

// A user's own prices go before the program's, which has the rest.
func TestOwnPrices(t *testing.T) {
	mine, err := own(t, `{"date": "2026-11-28", "currency": "USD", "regions": {
	"eu-central-1": {"glue": {"hour": {"DPU": {"STANDARD": 0.5}}}, "redshift": {"rpu_hour": 0.4, "node_hour": {"rg.xlarge": 2}}},
	"us-east-1": {"glue": {"hour": {"M-DPU": {"STANDARD": 0.52}}, "versions": {"6.0": {"DPU": {"STANDARD": 0.3}}}}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	glue := func(kind, version, class string) hindcast.Glue {
		return hindcast.Glue{WorkerType: kind, Workers: 10, Version: version, Class: class}
	}
	for _, c := range []struct {
		rate    hindcast.Rate
		usd     float64
		date    string
		unknown string
	}{
		{mine.Glue("eu-central-1", glue("G.2X", "5.1", "STANDARD")), 0.5, "2026-11-28", ""},
		{mine.Glue("us-east-1", glue("G.2X", "5.1", "STANDARD")), 0.44, "2026-11-22", ""},
		{mine.Glue("us-east-1", glue("R.1X", "5.1", "STANDARD")), 0.52, "2026-11-28", ""},
		{mine.Glue("us-east-1", glue("G.1X", "6.0", "STANDARD")), 0.3, "2026-11-28", ""},
		{mine.Glue("eu-central-1", glue("G.1X", "6.0", "STANDARD")), 0, "", "ETL-DPU-Hour-Gen2"},
		{mine.Glue("eu-central-1", glue("G.1X", "5.1", "FLEX")), 0, "", "has us-east-1 and not eu-central-1"},
		{mine.Glue("mars-1", glue("G.1X", "5.1", "FLEX")), 0, "", "not mars-1"},
		{Table().Glue("us-east-1", glue("R.1X", "5.1", "STANDARD")), 0, "", "R workers"},
		{*mine.Redshift("eu-central-1", hindcast.Redshift{NodeType: "rg.xlarge", Nodes: 2}), 2, "2026-11-28", ""},
		{*mine.Redshift("eu-central-1", hindcast.Redshift{RPU: 8}), 0.4, "2026-11-28", ""},
		{*mine.Redshift("us-east-1", hindcast.Redshift{RPU: 8}), 0.375, "2026-10-07", ""},
		{*mine.Redshift("us-east-1", hindcast.Redshift{NodeType: "ra3.4xlarge", Nodes: 4}), 3.26, "2026-10-07", ""},
		{*mine.Redshift("us-east-1", hindcast.Redshift{NodeType: "rg.xlarge", Nodes: 4}), 0, "", "does not have it"},
		{*mine.Redshift("", hindcast.Redshift{RPU: 8}), 0, "", "does not say its region"},
	} {
		if c.rate.USD != c.usd || c.usd > 0 && (c.rate.Date != c.date || c.rate.Unknown != "") || !strings.Contains(c.rate.Unknown, c.unknown) || (c.unknown == "") != (c.rate.Unknown == "") {
			t.Errorf("%+v, want %+v", c.rate, c)
		}
	}
	if is := mine.Redshift("us-east-1", hindcast.Redshift{}); is != nil {
		t.Errorf("nobody said what it is: %+v", is)
	}
}

// A table that cannot be meant is refused as a whole.
func TestTablesThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":       "eu: 1",
		"more":           `{"date": "2026-11-28", "currency": "USD", "regions": {}} {}`,
		"unknown key":    `{"date": "2026-11-28", "currency": "USD", "region": {}}`,
		"no date":        `{"currency": "USD", "regions": {}}`,
		"euros":          `{"date": "2026-11-28", "currency": "EUR", "regions": {}}`,
		"a negative DPU": `{"date": "2026-11-28", "currency": "USD", "regions": {"x": {"glue": {"hour": {"DPU": {"FLEX": -1}}}}}}`,
		"free memory":    `{"date": "2026-11-28", "currency": "USD", "regions": {"x": {"emr_serverless": {"vcpu_hour": 0.05}}}}`,
		"a free node":    `{"date": "2026-11-28", "currency": "USD", "regions": {"x": {"redshift": {"node_hour": {"ra3.large": 0}}}}}`,
	} {
		if _, err := own(t, text); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := Own(filepath.Join(t.TempDir(), "nosuch.json")); err == nil {
		t.Error("a file that is not there was taken")
	}
}

// A run of EMR Serverless is counted in vCPU, which have its memory with them; where the price is not known it is said why.
func TestEMRServerless(t *testing.T) {
	run := hindcast.EMRServerless{Driver: hindcast.EMRWorker{Cores: 4, Memory: 16}, Executor: hindcast.EMRWorker{Cores: 8, Memory: 60}, Executors: 18}
	is := Table().EMR("us-east-1", run)
	whole := 148*0.052624 + 1096*0.0057785 // of an hour of one run
	if is.Each != 148 || is.Unit != "vCPU" || is.Hours(36, 1800) != 2664 || is.Hours(1, 1) != 148./60 || math.Abs(is.USD*is.Each-whole) > 1e-9 || is.Unknown != "" || is.Date != "2026-08-13" {
		t.Errorf("%+v", is)
	}
	if usd := Table().EMRUse("us-east-1", 148, 1096); math.Abs(usd-whole) > 1e-9 {
		t.Errorf("what was used costs %v, want %v", usd, whole)
	}

	is = Table().EMR("eu-central-1", run)
	if is.USD != 0 || !strings.Contains(is.Unknown, "us-east-1 and not eu-central-1") || Table().EMRUse("eu-central-1", 1, 1) != 0 {
		t.Errorf("%+v", is)
	}
	p, err := own(t, `{"date": "2026-11-28", "currency": "USD", "regions": {"eu-central-1": {"emr_serverless": {"vcpu_hour": 0.06, "gb_hour": 0.007}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if is = p.EMR("eu-central-1", hindcast.EMRServerless{Driver: hindcast.EMRWorker{Cores: 1, Memory: 4}}); math.Abs(is.USD-0.088) > 1e-9 || is.Date != "2026-11-28" {
		t.Errorf("%+v", is)
	}
}
