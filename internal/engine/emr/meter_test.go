package emr_test

import (
	"math"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/emrtest"
	"github.com/hindcast/hindcast/internal/engine/emr"
)

// What work has cost is what EMR Serverless bills; where it does not say that, it is reckoned by how long the run had its workers. It is known to
// another process too, by the handle.
func TestBilled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		billed func(int) (float64, float64)
		price  bool
		want   *hindcast.Bill
	}{
		"as billed":       {func(int) (float64, float64) { return 0.5, 2 }, true, &hindcast.Bill{Runs: 1, Unit: "vCPU", Hours: 0.5, USD: 0.5*10 + 2}},
		"by its time":     {nil, true, &hindcast.Bill{Runs: 1, Unit: "vCPU", Hours: 16. / 60, USD: 160./60 + 64./60, Reckoned: true}},
		"without a price": {func(int) (float64, float64) { return 0.5, 2 }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, emrtest.Options{Billed: c.billed}, nil)
			s.script = writes(ok, "")
			open := func() *emr.Engine {
				return s.open(t, func(o *emr.Options) {
					if c.price {
						o.Price = func(vcpu, gb float64) float64 { return 10*vcpu + gb }
					}
				})
			}
			e, w := open(), s.work("a")
			h := start(t, e, w)
			if _, err := e.Wait(t.Context(), h, w.Dir, nil); err != nil {
				t.Fatal(err)
			}
			for _, e := range []*emr.Engine{e, open()} {
				bill, err := e.Bill(t.Context(), h)
				if err != nil || (bill == nil) != (c.want == nil) {
					t.Fatalf("%+v, %v", bill, err)
				}
				if bill != nil && (bill.Runs != c.want.Runs || bill.Unit != c.want.Unit || bill.Reckoned != c.want.Reckoned ||
					math.Abs(bill.Hours-c.want.Hours) > 1e-9 || math.Abs(bill.USD-c.want.USD) > 1e-9) {
					t.Errorf("%+v, want %+v", bill, c.want)
				}
			}
			if bill, err := e.Bill(t.Context(), hindcast.Handle{Tag: "p/r1/nosuch/a1"}); bill != nil || err != nil {
				t.Errorf("work that there never was: %+v, %v", bill, err)
			}
		})
	}
}

// What is looked at of an application before a run is what EMR Serverless says of it.
func TestLook(t *testing.T) {
	t.Parallel()
	s := serve(t, emrtest.Options{}, func(in *emrserverless.CreateApplicationInput) {
		in.MaximumCapacity = &types.MaximumAllowedResources{Cpu: aws.String("400 vCPU"), Memory: aws.String("3000GB")}
		in.AutoStartConfiguration = &types.AutoStartConfig{Enabled: aws.Bool(false)}
		in.NetworkConfiguration = &types.NetworkConfiguration{SubnetIds: []string{"subnet-1", "subnet-2"}, SecurityGroupIds: []string{"sg-1"}}
		in.SchedulerConfiguration = &types.SchedulerConfiguration{MaxConcurrentRuns: aws.Int32(4)}
	})
	a, err := emr.Look(t.Context(), client(s.endpoint), s.application)
	if err != nil {
		t.Fatal(err)
	}
	if a.Release != "emr-7.12.0" || a.State != "CREATED" || a.StartsItself || a.CPU != 400 || a.Memory != 3000 || a.Disk != 0 || a.Runs != 4 ||
		!slices.Equal(a.Subnets, []string{"subnet-1", "subnet-2"}) || !slices.Equal(a.Groups, []string{"sg-1"}) {
		t.Errorf("%+v", a)
	}
	if runs, limited := a.Room(block(s.application)); runs != 25 || !limited {
		t.Errorf("room for %d runs, %t", runs, limited)
	}
	if most := a.Most(); most != "400 vCPU, 3000 GB" {
		t.Error(most)
	}
}
