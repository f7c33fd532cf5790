package trial

import (
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

func TestSizes(t *testing.T) {
	for _, c := range []struct {
		text  string
		where Place
		want  []view.Size
	}{
		{"1x2, 2x0.5", OnMachine, []view.Size{{Name: "1x2", Threads: 1, Memory: 2 << 30}, {Name: "2x0.5", Threads: 2, Memory: 512 << 20}}},
		{"4x2", OnCluster, []view.Size{{Name: "4x2", Executors: 4, Cores: 2}}},
		{"4x2x8,4x2x0.5", OnCluster, []view.Size{{Name: "4x2x8", Executors: 4, Cores: 2, Memory: 8 << 30}, {Name: "4x2x0.5", Executors: 4, Cores: 2, Memory: 512 << 20}}},
		{"4x2x0.1", OnCluster, nil}, {"4x2x", OnCluster, nil}, {"4x2x1x1", OnCluster, nil}, {"4x2xNaN", OnCluster, nil}, {"4x0.5", OnCluster, nil}, {"", OnMachine, nil}, {"1x2,", OnMachine, nil}, {"2", OnMachine, nil}, {"0x1", OnMachine, nil}, {"-1x1", OnMachine, nil}, {"1x0", OnMachine, nil},
		{"1x0.01", OnMachine, nil}, {"1xNaN", OnMachine, nil}, {"1xInf", OnMachine, nil}, {"1x1e30", OnMachine, nil}, {"1x1x1", OnMachine, nil}, {"1x1,1x1", OnMachine, nil},
		{"G.1X:5, R.2X:10", OnGlue, []view.Size{{Name: "G.1X:5", WorkerType: "G.1X", Workers: 5}, {Name: "R.2X:10", WorkerType: "R.2X", Workers: 10}}},
		{"G.1X", OnGlue, nil}, {"G.1X:1", OnGlue, nil}, {"G.3X:5", OnGlue, nil}, {"2x4", OnGlue, nil}, {"G.1X:5", OnMachine, nil}, {"G.1X:5", OnCluster, nil},
	} {
		got, err := Sizes(c.text, c.where)
		if (err != nil) != (c.want == nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q: %v, %v", c.text, got, err)
		}
		if err != nil && hindcast.AsError(err).Code != hindcast.EUsage {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// What is recommended as run.memory has room for as many slices of that size as it says.
func TestMemoryForIsEnough(t *testing.T) {
	m := plan.Machine{Cores: 16, Memory: 256 << 30}
	for _, engine := range []int64{200 << 20, 1 << 30, 7 << 30, 100 << 30} {
		memory := memoryFor(engine, m)
		if got := m.Room(hindcast.RunConfig{Memory: memory}).Engine(); got < engine {
			t.Errorf("%d for the engine: %d leave %d", engine, memory, got)
		}
		if got := m.Room(hindcast.RunConfig{Memory: memory - memoryStep}).Engine(); got >= engine {
			t.Errorf("%d for the engine: %d are enough", engine, memory-memoryStep)
		}
	}
}
