package emr

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/pause"
)

var _ engine.Meter = (*Engine)(nil)

// looksForABill is how often EMR Serverless is asked for what it bills for a run that has ended. How soon it knows that is not documented.
const looksForABill = 3

// Bill is what EMR Serverless bills for the run of work that has ended, in vCPU-hours. Where it does not say that in time they are those of a run
// that had all of its workers for as long as it ran. The dollars are those of the table of prices, memory included.
func (e *Engine) Bill(ctx context.Context, h hindcast.Handle) (*hindcast.Bill, error) {
	application, run := h.IDs["application"], h.IDs["run"]
	if e.options.Price == nil || application == "" || run == "" || h.IDs["region"] != e.options.Client.Region {
		return nil, nil // nobody knows which
	}
	var r *types.JobRun
	for n := range looksForABill {
		if n > 0 {
			if err := pause.For(ctx, time.Duration(n)*e.options.Pace); err != nil {
				return nil, err
			}
		}
		var err error
		if r, err = (runs{e}).one(ctx, application, run); err != nil || r == nil {
			return nil, err
		}
		if used(r) != nil || r.TotalExecutionDurationSeconds == nil && r.StartedAt == nil { // or it never began
			break
		}
	}
	return e.billed(r), nil
}

// billed is the bill of a run; nil if it never had a worker.
func (e *Engine) billed(r *types.JobRun) *hindcast.Bill {
	bill := &hindcast.Bill{Runs: 1, Unit: hindcast.VCPU}
	var gb float64
	if u := used(r); u != nil {
		bill.Hours, gb = aws.ToFloat64(u.VCPUHour), aws.ToFloat64(u.MemoryGBHour)
	} else if r.TotalExecutionDurationSeconds != nil {
		hours := max(float64(*r.TotalExecutionDurationSeconds), leastSeconds) / time.Hour.Seconds()
		bill.Hours, gb, bill.Reckoned = hours*float64(e.options.EMR.Cores()), hours*float64(e.options.EMR.Memory()), true
	}
	if bill.Hours == 0 {
		return nil
	}
	bill.USD = e.options.Price(bill.Hours, gb)
	return bill
}

// used is what EMR Serverless says that it bills; nil while it says nothing, or zeros of a run that took time.
func used(r *types.JobRun) *types.ResourceUtilization {
	u := r.BilledResourceUtilization
	if u == nil || aws.ToFloat64(u.VCPUHour) == 0 && aws.ToInt32(r.TotalExecutionDurationSeconds) > 0 {
		return nil
	}
	return u
}

// leastSeconds is what a worker is billed for at least.
const leastSeconds = 60
