package session

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// What a run took from another pipeline says nothing of how long an unload takes.
func TestMeasureOfUnloads(t *testing.T) {
	slice := func(lent []*hindcast.Shared) *hindcast.SliceState {
		return &hindcast.SliceState{State: hindcast.Succeeded, Lent: lent, Seconds: map[hindcast.Step]float64{hindcast.StepUnload: 2, hindcast.StepTransform: 3}}
	}
	st := &hindcast.RunState{Order: []string{"a", "b"}, Slices: map[string]*hindcast.SliceState{"a": slice(nil), "b": slice([]*hindcast.Shared{{Pipeline: "other"}})}}
	if e := measure("r1", st); e.Unloads != 1 || e.Seconds[hindcast.StepUnload] != 2 || e.Slices != 2 || e.Seconds[hindcast.StepTransform] != 6 {
		t.Errorf("%+v", e)
	}
}
