package run

import (
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// All that cannot be undone is named, in a line for each target and reason: the slices of a run that do not follow each other stand alone.
func TestRefusalNamesSlices(t *testing.T) {
	u := &undoing{frozen: &plan.Plan{Run: "r2"}}
	for _, key := range []string{"2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01", "2024-06-01", "2024-07-01"} {
		u.frozen.Items = append(u.frozen.Items, plan.Item{Slice: hindcast.Slice{Key: key}})
		if key != "2024-05-01" {
			u.refused = append(u.refused, refused{key, "daily", "was replaced by run r3 since"})
		}
	}
	u.refused = append(u.refused, refused{"2024-05-01", "daily", "was edited since"}, refused{"2024-07-01", "monthly", "was replaced by run r3 since"})

	e := hindcast.AsError(u.refusal(nil))
	if want := "run r2 cannot be undone: 2024-01-01 of daily was replaced by run r3 since, and 6 more"; e.Message != want {
		t.Errorf("got %q, want %q", e.Message, want)
	}
	want := []string{"daily was replaced by run r3 since: 2024-02-01, 2024-03-01, 2024-06-01, 2024-07-01", "daily was edited since: 2024-05-01",
		"monthly was replaced by run r3 since: 2024-07-01"}
	if !slices.Equal(e.Detail, want) {
		t.Errorf("got %q, want %q", e.Detail, want)
	}

	// three in a row
	u.refused[4].slice, u.refused[3].slice = "2024-06-01", "2024-05-01"
	if got, want := u.refusals(u.refused[1:5])[0], "daily was replaced by run r3 since: 2024-02-01 to 2024-06-01"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
