package hindcast

import (
	"math"
	"testing"
	"time"
)

func at(seconds int) time.Time { return time.Unix(int64(seconds), 0) }

// What an attempt's work has cost counts once, however often it is said.
func TestBills(t *testing.T) {
	st := &RunState{}
	bill := func(key string, attempt int, output string, b Bill) {
		st.Apply(Event{Type: EventWorkBilled, Slice: key, Attempt: attempt, Output: output, Bill: &b})
	}
	if len(st.Billed()) != 0 {
		t.Errorf("%+v", st.Billed())
	}
	st.Apply(Event{Type: EventProgress, Slice: "a", Attempt: 1, Progress: &Progress{Hours: 0.5, USD: 0.25}})
	if st.Spent() != 0.25 {
		t.Errorf("under way: %v", st.Spent())
	}
	bill("a", 1, "", Bill{Runs: 1, Unit: "DPU", Hours: 1, USD: 0.5, Reckoned: true})
	bill("a", 1, "", Bill{Runs: 1, Unit: "DPU", Hours: 2, USD: 1})
	bill("a", 2, "", Bill{Runs: 1, Unit: "DPU", Hours: 2, USD: 1})
	bill("b", 1, "x", Bill{Runs: 2, Unit: "DPU", Hours: 4, USD: 2})
	bill("b", 1, "y", Bill{Runs: 1, Unit: "M-DPU", Hours: 8})
	is := st.Billed()
	if len(is) != 2 || is[0] != (Bill{Runs: 4, Unit: "DPU", Hours: 8, USD: 4}) || is[1] != (Bill{Runs: 1, Unit: "M-DPU", Hours: 8}) || st.Spent() != 4 {
		t.Errorf("%+v, %v", is, st.Spent())
	}
	if of := st.Slices["a"].Billed(); len(of) != 1 || of[0].Hours != 4 {
		t.Errorf("%+v", of)
	}
}

// Time at the warehouse counts once, whoever is there, and each burst of it for a minute at least where that is what is billed.
func TestUseOfTheWarehouse(t *testing.T) {
	st := &RunState{}
	seq := int64(0)
	say := func(seconds int, kind EventType, key string, step Step) {
		seq++
		st.Apply(Event{Seq: seq, Time: at(seconds), Type: kind, Slice: key, Attempt: 1, Step: step, Manifest: &Manifest{}})
	}
	say(0, EventRunStarted, "", "")
	say(0, EventStepStarted, "a", StepUnload)
	say(10, EventStepStarted, "b", StepUnload)
	say(20, EventStepFinished, "a", StepUnload)
	say(90, EventStepFinished, "b", StepUnload)
	say(90, EventStepStarted, "a", StepTransform)
	say(500, EventStepFinished, "a", StepTransform)
	say(500, EventStepStarted, "a", StepLoad)
	say(501, EventLoadPrepared, "a", StepLoad)
	say(510, EventCommitted, "a", StepLoad)
	say(600, EventStepStarted, "b", StepLoad)
	say(620, EventWorkerDied, "", "") // and so does the supervisor
	say(9000, EventRunResumed, "", "")
	say(9000, EventStepStarted, "b", StepLoad)
	say(9005, EventAttemptFailed, "b", StepLoad)
	say(9010, EventRunFinished, "", "")
	use := st.Warehouse
	if math.Abs(use.Seconds-(90+10+20+5)) > 1e-6 || use.Bursts != 4 || math.Abs(use.Billed-(90+60+60+60)) > 1e-6 {
		t.Errorf("%+v", use)
	}
}
