package screen

import (
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// Where a run held everything, what died was its publication, and that is what goes on; a slice that failed in it has to be held again.
func TestNextOfAPublicationThatDied(t *testing.T) {
	p := &plan.Plan{Hold: true, Items: []plan.Item{{Slice: hindcast.Slice{Key: "2024-01"}, Reason: hindcast.ReasonNew}}}
	held := hindcast.SliceState{Before: []hindcast.Before{{}}, Staged: []*hindcast.Manifest{{}}}
	for state, want := range map[hindcast.State]string{hindcast.Pending: "hindcast publish r6", hindcast.Running: "hindcast publish r6", hindcast.Failed: "hindcast resume r6"} {
		slice := held
		slice.State = state
		st := &hindcast.RunState{Run: "r6", Slices: map[string]*hindcast.SliceState{"2024-01": &slice}}
		if is := NewRunStatus(st, p, StatusOptions{}); is.Next != want {
			t.Errorf("%s: got %q, want %q", state, is.Next, want)
		}
	}
}

// What is held and cannot be published has a way out, also where nothing can be done in its place.
func TestNextOfWhatIsHeld(t *testing.T) {
	st := &hindcast.RunState{Run: "r6", Finished: true, Slices: map[string]*hindcast.SliceState{"2024-01-01": {State: hindcast.Staged}}}
	discard := "what is staged is deleted by: hindcast publish r6 --discard"
	for instead, want := range map[string]string{"hindcast run --hold": "hindcast run --hold; " + discard, "": discard} {
		if is := NewRunStatus(st, nil, StatusOptions{Refused: "spark is not there", Instead: instead}); is.State != "held" || is.Next != want {
			t.Errorf("%s: got %q, want %q", is.State, is.Next, want)
		}
	}
}
