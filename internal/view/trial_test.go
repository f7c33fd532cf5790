package view

import (
	"math"
	"testing"
)

func tried(seconds float64, size Size, parallel int) Measured {
	return Measured{Size: size, StartUp: 1, Parallel: parallel, Slices: []SliceTrial{{Seconds: seconds - 1, Spilled: 5}, {Seconds: seconds + 1, Spilled: 7}}}
}

func near(got, want float64) bool { return math.Abs(got-want) < 1e-9 }

func TestReckonOfAMachine(t *testing.T) {
	trial := Trial{History: 36, Price: 3.6}
	m := tried(10, Size{Threads: 1, Memory: 1 << 30}, 4)
	trial.Reckon(&m)
	if !near(m.Seconds, 10) || m.Spilled != 7 || !near(m.HistorySeconds, 1+9*10) || !near(m.SliceCost, 0.0025) || !near(m.HistoryCost, 0.09) {
		t.Errorf("%+v", m)
	}
	trial.History = 37 // one more round
	if trial.Reckon(&m); !near(m.HistorySeconds, 1+10*10) {
		t.Errorf("%+v", m)
	}
}

func TestReckonOfACluster(t *testing.T) {
	trial := Trial{History: 36, Price: 3.6, Cluster: true}
	m := tried(10, Size{Executors: 4, Cores: 2}, 2)
	if trial.Reckon(&m); !near(m.SliceCost, 0.04) || !near(m.HistoryCost, 1.44) || !near(m.HistorySeconds, 1+18*10) {
		t.Errorf("%+v", m)
	}
}

func TestBest(t *testing.T) {
	small, large := Size{Name: "small", Threads: 1, Memory: 1 << 30}, Size{Name: "large", Threads: 4, Memory: 4 << 30}
	failed := Measured{Size: Size{Name: "failed"}, Failed: "out of memory"}
	machine := func(smalls, larges float64) *Trial {
		trial := &Trial{History: 8, Sizes: []Measured{failed, tried(larges, large, 1), tried(smalls, small, 1)}}
		for i := range trial.Sizes {
			trial.Reckon(&trial.Sizes[i])
		}
		return trial
	}
	for _, c := range []struct {
		smalls, larges float64
		want           string
	}{{100, 50, "large"}, {50, 100, "small"}, {102, 100, "small"}, {110, 100, "large"}} {
		if best := machine(c.smalls, c.larges).Best(); best == nil || best.Size.Name != c.want {
			t.Errorf("%v: %+v", c, best)
		}
	}
	if best := (&Trial{Sizes: []Measured{failed}}).Best(); best != nil {
		t.Errorf("%+v", best)
	}
}

// On a cluster twice the executors may be faster and cost more: the price decides where there is one.
func TestBestByPrice(t *testing.T) {
	few, many := Size{Name: "few", Executors: 2, Cores: 2}, Size{Name: "many", Executors: 4, Cores: 2}
	for price, want := range map[float64]string{0: "many", 0.5: "few"} {
		trial := &Trial{History: 8, Price: price, Cluster: true, Sizes: []Measured{tried(60, many, 1), tried(100, few, 1)}}
		for i := range trial.Sizes {
			trial.Reckon(&trial.Sizes[i])
		}
		if best := trial.Best(); best.Size.Name != want {
			t.Errorf("price %g: %s", price, best.Size.Name)
		}
	}
}

// On Glue each slice is a run that starts up and is billed by itself.
func TestReckonOnGlue(t *testing.T) {
	on := func(name string, seconds, hours, usd float64) Measured {
		return Measured{Size: Size{Name: name}, StartUp: 30, Parallel: 36, Slices: []SliceTrial{{Seconds: seconds - 1, Hours: hours, USD: usd}, {Seconds: seconds + 1, Hours: 3 * hours, USD: 3 * usd}}}
	}
	trial := Trial{History: 37, Glue: true, Sizes: []Measured{on("G.1X:5", 100, 1, 0.44), on("G.2X:5", 60, 1.5, 0.66), {Size: Size{Name: "G.1X:2"}, Failed: "out of memory"}}}
	for i := range trial.Sizes {
		trial.Reckon(&trial.Sizes[i])
	}
	trial.Mark()
	few, many := trial.Sizes[0], trial.Sizes[1]
	if !near(few.Seconds, 100) || !near(few.HistorySeconds, 200) || !near(few.SliceHours, 2) || !near(few.SliceCost, 0.88) || !near(few.HistoryHours, 74) || !near(few.HistoryCost, 37*0.88) {
		t.Errorf("%+v", few)
	}
	if !few.Cheapest || few.Fastest || many.Cheapest || !many.Fastest || trial.Best().Size.Name != "G.1X:5" {
		t.Errorf("%+v, %+v, %+v", few, many, trial.Best())
	}
}

// A price that is not known makes no size the cheapest: the fastest is recommended.
func TestReckonOnGlueWithoutAPrice(t *testing.T) {
	slow, fast := Measured{Size: Size{Name: "slow"}, Slices: []SliceTrial{{Seconds: 100, Hours: 1}}}, Measured{Size: Size{Name: "fast"}, Slices: []SliceTrial{{Seconds: 50, Hours: 2}}}
	trial := Trial{History: 2, Glue: true, Sizes: []Measured{slow, fast}}
	for i := range trial.Sizes {
		trial.Reckon(&trial.Sizes[i])
	}
	trial.Mark()
	if trial.Sizes[0].Cheapest || trial.Sizes[1].Cheapest || !trial.Sizes[1].Fastest || trial.Best().Size.Name != "fast" {
		t.Errorf("%+v", trial.Sizes)
	}

	trial.Sizes[0].HistoryCost = 1 // a price of one size cannot be compared with the time of another
	if best := trial.Best(); best.Size.Name != "fast" {
		t.Errorf("of sizes with and without a price, %s is recommended", best.Size.Name)
	}
}
