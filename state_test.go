package hindcast

import (
	"slices"
	"testing"
)

// A full disk is reported once, whichever files met it; damaged files are reported individually.
func TestTheSameErrorIsToldOnce(t *testing.T) {
	var st RunState
	meet := func(slice string, attempt int, code Code, message string) {
		st.Apply(Event{Type: EventAttemptFailed, Slice: slice, Attempt: attempt, Error: &Error{Code: code, Class: ClassResource, Message: message}})
	}
	meet("a", 1, EDiskFull, `Could not write file "/lake/a/a1/part-0.parquet": No space left on device`)
	meet("a", 2, EDiskFull, `Could not write file "/lake/a/a2/part-0.parquet": No space left on device`)
	meet("b", 1, EDiskFull, `Could not write file "/lake/b/a 1/part-0.parquet": No space left on device`)
	meet("b", 2, EDiskFull, `write /lake/b/a2/part-0.parquet: no space left on device`)
	meet("c", 1, EDiskFull, `write s3-scratch/c/a1/part-0.parquet: no space left on device`)
	meet("b", 3, EParquet, `No magic bytes found at end of file '/lake/b/a'`)
	meet("c", 2, EParquet, `No magic bytes found at end of file '/lake/b/b'`)
	want := [][]string{{"a", "b"}, {"b", "c"}, {"b"}, {"c"}}
	if len(st.Failures) != len(want) {
		t.Fatalf("%d different errors, want %d", len(st.Failures), len(want))
	}

	for i, f := range st.Failures {
		if !slices.Equal(f.Slices, want[i]) {
			t.Errorf("%s was met by %v, want %v", f.Error.Message, f.Slices, want[i])
		}
	}

	if !slices.Equal(st.Failures[0].Attempts["a"], []int{1, 2}) {
		t.Errorf("the attempts are %v", st.Failures[0].Attempts)
	}
}

// What an engine was given stays open until its end is journaled, or a later attempt begins: a resume has to look for it.
func TestOpenWork(t *testing.T) {
	const key = "2019-03-01"
	given := Event{Type: EventWorkPrepared, Slice: key, Attempt: 1, Fence: 3, Fingerprint: "f", Handle: &Handle{Tag: "t"}}
	named := Event{Type: EventWorkStarted, Slice: key, Attempt: 1, Handle: &Handle{Tag: "t", IDs: map[string]string{"process": "7"}}}
	for name, c := range map[string]struct {
		after []Event
		open  bool
	}{
		"given":            {nil, true},
		"started":          {[]Event{named}, true},
		"resumed":          {[]Event{named, {Type: EventRunResumed}}, true},
		"stopped":          {[]Event{{Type: EventStopped, Slice: key, Attempt: 1}}, true},
		"attempt failed":   {[]Event{{Type: EventAttemptFailed, Slice: key, Attempt: 1}}, true},
		"next attempt":     {[]Event{{Type: EventStepStarted, Slice: key, Attempt: 2}}, false},
		"finished":         {[]Event{named, {Type: EventStepFinished, Step: StepTransform, Slice: key, Attempt: 1}}, false},
		"committed before": {[]Event{{Type: EventCommitted, Slice: key, Attempt: 1}}, false},
	} {
		st := &RunState{}
		for _, e := range append([]Event{given}, c.after...) {
			st.Apply(e)
		}
		work := st.Slice(key).Work
		if (work != nil) != c.open || work != nil && (work.Attempt != 1 || work.Fence != 3 || work.Fingerprint != "f" || work.Handle.Tag != "t") {
			t.Errorf("%s: %+v", name, work)
		}
		if name == "started" && work.Handle.IDs["process"] != "7" {
			t.Errorf("%s: %+v", name, work)
		}
	}
}

// The results of several outputs are staged one by one. One that is made again is not staged until it is; another fingerprint
// leaves none.
func TestStagedOutputs(t *testing.T) {
	var run RunState
	fold := func(events ...Event) *SliceState {
		for _, e := range events {
			e.Slice, e.Attempt = "2020-01-01", 1
			run.Apply(e)
		}
		return run.Slice("2020-01-01")
	}
	done := func(output string, rows int64) Event {
		return Event{Type: EventStepFinished, Step: StepTransform, Output: output, Rows: rows, Bytes: 10 * rows, RowsIn: 100,
			Manifest: &Manifest{Output: output, Attempt: 1, Bytes: 10 * rows, Sums: Sums{Rows: rows}}}
	}
	staged := func(s *SliceState) (names string) {
		for _, m := range s.Staged {
			names += m.Output + " "
		}
		return names
	}

	s := fold(Event{Type: EventFingerprint, Fingerprint: "f"}, done("a", 3), done("b", 4), done("a", 5))
	if staged(s) != "b a " || s.Rows != 9 || s.BytesOut != 90 || s.RowsIn != 100 {
		t.Errorf("%s: %+v", staged(s), s)
	}
	before := s.Staged
	handle := Handle{Tag: "t"}
	s = fold(Event{Type: EventWorkPrepared, Output: "b", Handle: &handle})
	if staged(s) != "a " || s.Work.Output != "b" || len(before) != 2 || before[0].Output != "b" {
		t.Errorf("%s: %+v; before %v", staged(s), s.Work, before)
	}
	if s = fold(Event{Type: EventFingerprint, Fingerprint: "other"}); s.Staged != nil {
		t.Errorf("staged of something else: %s", staged(s))
	}

	run = RunState{}
	failed := func(step Step) Event { return Event{Type: EventAttemptFailed, Step: step, Error: &Error{}} }
	if s = fold(Event{Type: EventFingerprint, Fingerprint: "f"}, done("a", 3), failed(StepLoad)); staged(s) != "a " {
		t.Errorf("after a load that failed: %s", staged(s))
	}
	if s = fold(failed(StepTransform)); s.Staged != nil {
		t.Errorf("after a transform that failed, and was discarded: %s", staged(s))
	}
	s = fold(done("a", 3), Event{Type: EventWorkPrepared, Output: "b", Handle: &handle}, failed(StepTransform))
	if staged(s) != "a " {
		t.Errorf("while work of the attempt may run: %s", staged(s))
	}

	run = RunState{}
	fold(Event{Type: EventFingerprint, Fingerprint: "f"}, done("a", 3))
	second := done("b", 4)
	second.Slice, second.Attempt, second.Manifest.Attempt = "2020-01-01", 2, 2
	run.Apply(second)
	run.Apply(Event{Type: EventAttemptFailed, Slice: "2020-01-01", Attempt: 2, Step: StepTransform, Error: &Error{}})
	if s = run.Slice("2020-01-01"); staged(s) != "a " {
		t.Errorf("after the second attempt's transform failed: %s", staged(s))
	}
}

// Why a warehouse could not be resized for the loads is still known once it is back, and only a resized event confirms a size.
func TestAFailedGrowthIsNotForgotten(t *testing.T) {
	up := &Sizing{Cluster: "dw", From: 4, To: 8}
	down := up.Reversed()
	full := &Error{Code: EResize, Message: "no capacity"}
	st := &RunState{}
	for _, e := range []Event{
		{Type: EventResizePrepared, Resize: up}, {Type: EventResizeFailed, Resize: up, Error: full},
		{Type: EventResizePrepared, Resize: &down}, {Type: EventResized, Resize: &down},
	} {
		st.Apply(e)
	}
	if is := st.Resized; is.Refused != full || is.Error != nil || is.Open || !is.Begun().Unsure {
		t.Errorf("got %+v", is)
	}

	st.Apply(Event{Type: EventResizePrepared, Resize: up})
	if is := st.Resized; is.Refused != nil || !is.Begun().Unsure {
		t.Errorf("under way again: %+v", is)
	}
	st.Apply(Event{Type: EventResized, Resize: up})
	if st.Resized.Begun().Unsure {
		t.Errorf("confirmed: %+v", st.Resized)
	}
}
