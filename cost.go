package hindcast

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Rate is what one run of an engine that is paid for by time costs.
type Rate struct {
	Each    float64 `json:"units"`             // that a run has
	Unit    string  `json:"unit"`              // DPU
	Class   string  `json:"class,omitempty"`   // of execution
	Minimum float64 `json:"minimum_seconds"`   // that a run is billed at least; an attempt is a run
	USD     float64 `json:"usd,omitempty"`     // for a unit and an hour; 0 if it is not known
	Unknown string  `json:"unknown,omitempty"` // why it is not
	Region  string  `json:"region"`            // of the price
	Date    string  `json:"date"`              // of the price
}

// Hours are the hours of units that runs of so many seconds each are billed for.
func (r Rate) Hours(runs int, seconds float64) float64 {
	return float64(runs) * r.Each * max(seconds, r.Minimum) / 3600
}

// Bill is what work has cost on an engine that is paid for by time, as far as the engine says how long that was.
type Bill struct {
	Runs  int     `json:"runs"`          // billed apart, each with its own minimum
	Unit  string  `json:"unit"`          // DPU
	Hours float64 `json:"hours"`         // of units
	USD   float64 `json:"usd,omitempty"` // by the table of prices; 0 if the price is not known
	// Reckoned says that not all of the hours are the engine's own figure: they are the time that runs took with all of their workers.
	Reckoned bool `json:"reckoned,omitempty"`
}

// plus is both together; they have the same unit.
func (b Bill) plus(other Bill) Bill {
	return Bill{Runs: b.Runs + other.Runs, Unit: other.Unit, Hours: b.Hours + other.Hours, USD: b.USD + other.USD, Reckoned: b.Reckoned || other.Reckoned}
}

// WorkBill is the bill of one attempt's work on one output.
type WorkBill struct {
	Attempt int
	Output  string // its name, where there are several
	Bill
}

// Billed is what all work of the run has cost that has ended, over all attempts and resumes; one bill for each unit, and for those
// hours of it whose price is not known. It is empty on an engine that costs nothing by itself.
func (r *RunState) Billed() []Bill {
	var all []WorkBill
	for _, key := range r.Order {
		all = append(all, r.Slices[key].Bills...)
	}
	return billed(all)
}

// Billed is what the slice's work has cost, over all attempts and resumes.
func (s *SliceState) Billed() []Bill { return billed(s.Bills) }

func billed(all []WorkBill) []Bill {
	type kind struct {
		unit   string
		priced bool
	}
	sums := map[kind]Bill{}
	for _, b := range all {
		k := kind{b.Unit, b.USD > 0}
		sums[k] = sums[k].plus(b.Bill)
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Bill) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(b.USD, a.USD))
	})
}

// Spent is what the run has cost in dollars, as far as prices are known: what has ended, and what is under way as of its last report.
func (r *RunState) Spent() float64 {
	usd := 0.0
	for _, key := range r.Order {
		s := r.Slices[key]
		usd += s.Progress.USD
		for _, b := range s.Bills {
			usd += b.USD
		}
	}
	return usd
}

// Use is what a run's unloads and loads had of the warehouse, together: what is under way side by side counts once. Planning and the proof
// at the end are not in it.
type Use struct {
	Seconds float64 // in which at least one was under way
	Bursts  int     // how often one began when none was
	Billed  float64 // the seconds, with each burst as long as a serverless warehouse bills at least
}

// leastUse is what Redshift Serverless bills at least.
const leastUse = time.Minute

// use counts time that has passed.
func (r *RunState) use(passed time.Duration) {
	if r.reaching > 0 {
		r.Warehouse.Seconds += passed.Seconds()
		r.burst += passed
	}
}

// reach notes how many steps of a slice are at the warehouse after an event.
func (r *RunState) reach(s *SliceState, e Event) {
	now := s.reaching
	switch there := e.Step == StepUnload || e.Step == StepLoad; e.Type {
	case EventStepStarted:
		if now = 0; there {
			now = s.reaching + 1
		}
	case EventStepFinished:
		if there {
			now = max(0, now-1)
		}
	case EventCommitted, EventSkipped, EventAttemptFailed, EventFailed, EventStopped:
		now = 0
	case EventRunStarted, EventRunResumed, EventUnloadWaits, EventProgress, EventFingerprint, EventWorkPrepared, EventWorkStarted, EventWorkBilled, EventStaged, EventHeld, EventDiscarded, EventLoadPrepared,
		EventStopRequested, EventWorkerDied, EventDimension, EventResizePrepared, EventResized, EventResizeFailed, EventRunWaiting, EventRunGoesOn, EventSQLAccepted, EventRunFinished:
	}

	was := s.reaching
	switch s.reaching = now; {
	case was == 0 && now > 0:
		if r.reaching++; r.reaching == 1 {
			r.Warehouse.Bursts++
		}
	case was > 0 && now == 0:
		if r.reaching--; r.reaching == 0 {
			r.endBurst()
		}
	}
}

func (r *RunState) endBurst() {
	r.Warehouse.Billed += max(r.burst, leastUse).Seconds()
	r.burst = 0
}

// leaveWarehouse ends what a crash left under way.
func (r *RunState) leaveWarehouse() {
	if r.reaching > 0 {
		r.endBurst()
	}
	r.reaching = 0
	for _, s := range r.Slices {
		s.reaching = 0
	}
}
