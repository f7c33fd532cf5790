package screen

import (
	"testing"

	"github.com/hindcast/hindcast"
)

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
