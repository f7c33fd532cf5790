package drivers

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
)

// The region of a Redshift is in the name of its host, or in its URL, and otherwise the bucket's.
func TestWhatTheWarehouseCosts(t *testing.T) {
	for location, want := range map[string]float64{
		"redshift://u:p@c.abc.us-east-1.redshift.amazonaws.com:5439/db":                3.26,
		"redshift://u:p@w.123456789012.us-east-1.redshift-serverless.amazonaws.com/db": 3.26,
		"redshift+iam://c/db?region=us-east-1":                                         3.26,
		"redshift://u:p@c.abc.eu-central-1.redshift.amazonaws.com:5439/db":             0,
		"redshift://u:p@127.0.0.1:5439/db":                                             3.26,
	} {
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		p := &hindcast.Pipeline{Warehouse: hindcast.Location{Scheme: u.Scheme, URL: u}, Redshift: hindcast.Redshift{NodeType: "ra3.4xlarge", Nodes: 2, Region: "us-east-1"}}
		rate, err := Warehousing(p)
		if err != nil || rate == nil || rate.USD != want || rate.Each != 2 || (rate.Unknown == "") != (want > 0) {
			t.Errorf("%s: %+v, %v", location, rate, err)
		}
	}
	if rate, err := Warehousing(&hindcast.Pipeline{Warehouse: hindcast.Location{Scheme: "duckdb"}}); rate != nil || err != nil {
		t.Errorf("DuckDB costs %+v, %v", rate, err)
	}
}

// A resize costs what it adds, of the type that the cluster has, wherever that is.
func TestWhatAResizeAdds(t *testing.T) {
	p := &hindcast.Pipeline{Warehouse: hindcast.Location{Scheme: "redshift"}, Redshift: hindcast.Redshift{Region: "us-east-1"}}
	for _, c := range []struct {
		change    hindcast.Sizing
		kind      string
		each, usd float64
	}{
		{hindcast.Sizing{Cluster: "dw", From: 4, To: 8}, "ra3.4xlarge", 4, 3.26},
		{hindcast.Sizing{Cluster: "dw", From: 4, To: 2}, "dc2.large", -2, 0.25},
		{hindcast.Sizing{Cluster: "dw", From: 4, To: 8}, "rg.xlarge", 4, 0},
		{hindcast.Sizing{Cluster: "dw", From: 4, To: 8, Region: "eu-central-1"}, "ra3.4xlarge", 4, 0},
		{hindcast.Sizing{Workgroup: "etl", From: 32, To: 256}, "", 224, 0.375},
	} {
		rate, err := Resizing(p, c.change, c.kind)
		if err != nil || rate == nil || rate.Each != c.each || rate.USD != c.usd || (rate.Unknown == "") != (c.usd > 0) {
			t.Errorf("%+v of %s: %+v, %v", c.change, c.kind, rate, err)
		}
	}
	if rate, err := Resizing(p, hindcast.Sizing{Cluster: "dw", From: 4, To: 4}, "ra3.4xlarge"); rate != nil || err != nil {
		t.Errorf("no change adds %+v, %v", rate, err)
	}
}

// A table of prices that is not there, or is not a table of prices, is the user's to mend, at its place.
func TestATableOfPricesThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	p := &hindcast.Pipeline{Run: hindcast.RunConfig{Prices: path}, Places: map[string]hindcast.Place{"run.prices": {File: "p.yml", Line: 7}}}
	wants := func(code hindcast.Code) {
		t.Helper()
		_, err := Prices(p)
		if e := hindcast.AsError(err); e == nil || e.Code != code || e.Place.Line != 7 || e.Next == "" {
			t.Errorf("%+v", e)
		}
	}
	wants(hindcast.EFileMissing)
	if err := os.WriteFile(path, []byte("0.44"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(hindcast.EValue)
}
