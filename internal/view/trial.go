package view

import (
	"cmp"
	"slices"
)

// Size is what an engine is given for a slice: threads and memory on one machine, executors and their cores on a cluster.
type Size struct {
	Name      string `json:"name"` // as it was asked for: 2x4
	Threads   int    `json:"threads,omitempty"`
	Memory    int64  `json:"memory,omitempty"` // bytes
	Executors int    `json:"executors,omitempty"`
	Cores     int    `json:"cores,omitempty"` // of each executor

	// Of Glue.
	WorkerType string `json:"worker_type,omitempty"`
	Workers    int    `json:"number_of_workers,omitempty"`
}

// Trial is what computing slices at several sizes showed.
type Trial struct {
	Engine  string     `json:"engine"`         // with its version
	Slices  []string   `json:"slices"`         // keys
	Labels  []string   `json:"-"`              // the same, for people
	History int        `json:"history_slices"` // how many the whole history has
	Price   float64    `json:"price_per_hour,omitempty"`
	Cluster bool       `json:"cluster"`        // sizes are executors; the price is of one
	Glue    bool       `json:"glue,omitempty"` // sizes are workers of Glue, each slice is a run with a start-up of its own, costs are by the table of prices
	Sizes   []Measured `json:"sizes"`
	Advice  *Advice    `json:"recommended,omitempty"` // nil if no size was enough
}

// Measured is what one size showed. All seconds are of the transform.
type Measured struct {
	Size    Size         `json:"size"`
	StartUp float64      `json:"start_up_seconds"`
	Slices  []SliceTrial `json:"slices"`
	Seconds float64      `json:"slice_seconds"` // of one slice, the mean
	Memory  int64        `json:"peak_memory"`   // bytes of the engine's processes; 0 if unknown
	Spilled int64        `json:"spilled"`       // bytes, the most for a slice; -1 if unknown
	Failed  string       `json:"failed,omitempty"`

	// For the whole history, if its other slices are like these.
	Parallel       int     `json:"side_by_side"` // slices that fit
	HistorySeconds float64 `json:"history_seconds"`
	SliceCost      float64 `json:"slice_cost,omitempty"`
	HistoryCost    float64 `json:"history_cost,omitempty"`
	SliceHours     float64 `json:"slice_unit_hours,omitempty"` // of Glue: DPU-hours, or M-DPU-hours
	HistoryHours   float64 `json:"history_unit_hours,omitempty"`
	Cheapest       bool    `json:"cheapest,omitempty"` // of the sizes on Glue
	Fastest        bool    `json:"fastest,omitempty"`
}

// SliceTrial is a slice at one size.
type SliceTrial struct {
	Key     string  `json:"slice"`
	Seconds float64 `json:"seconds"`
	RowsIn  int64   `json:"rows_in"`
	Rows    int64   `json:"rows"`
	Spilled int64   `json:"spilled"`
	Hours   float64 `json:"unit_hours,omitempty"` // that Glue bills its run for
	USD     float64 `json:"usd,omitempty"`
}

// Advice is the size that a run should have, and how the pipeline file says so.
type Advice struct {
	Size      string `json:"size"`
	Parallel  int    `json:"run.parallel"`
	Memory    int64  `json:"run.memory,omitempty"` // bytes of the whole run; 0 on a cluster
	Executors int    `json:"spark.executors,omitempty"`
	Cores     int    `json:"spark.cores,omitempty"`
	// ExecutorMemory is what the size said, in bytes; 0 if it left that to the pipeline file.
	ExecutorMemory int64 `json:"spark.executor_memory,omitempty"`

	WorkerType string `json:"glue.worker_type,omitempty"`
	Workers    int    `json:"glue.number_of_workers,omitempty"`
}

// Reckon fills in what follows for the whole history from the slices that were computed.
func (t *Trial) Reckon(m *Measured) {
	if m.Failed != "" || len(m.Slices) == 0 {
		return
	}
	m.Seconds, m.Spilled = 0, m.Slices[0].Spilled
	for _, s := range m.Slices {
		m.Seconds += s.Seconds / float64(len(m.Slices))
		m.Spilled = max(m.Spilled, s.Spilled)
	}
	m.Parallel = max(m.Parallel, 1)
	rounds := (t.History + m.Parallel - 1) / m.Parallel
	if t.Glue {
		t.reckonGlue(m, rounds)
		return
	}
	m.HistorySeconds = m.StartUp + float64(rounds)*m.Seconds

	hours := m.Seconds / 3600
	if t.Cluster {
		m.SliceCost = t.Price * float64(m.Size.Executors) * hours
	} else {
		m.SliceCost = t.Price * hours / float64(m.Parallel) // they share the machine
	}
	m.HistoryCost = m.SliceCost * float64(t.History)
}

// reckonGlue is Reckon where each slice is a run, which starts up and is billed by itself.
func (t *Trial) reckonGlue(m *Measured, rounds int) {
	m.HistorySeconds = float64(rounds) * m.Seconds
	m.SliceHours, m.SliceCost = 0, 0
	for _, s := range m.Slices {
		m.SliceHours += s.Hours / float64(len(m.Slices))
		m.SliceCost += s.USD / float64(len(m.Slices))
	}
	m.HistoryHours, m.HistoryCost = m.SliceHours*float64(t.History), m.SliceCost*float64(t.History)
}

// Mark marks the cheapest and the fastest of several sizes on Glue. Where a price is not known the cheapest is not, either.
func (t *Trial) Mark() {
	good := t.good()
	if !t.Glue || len(good) < 2 {
		return
	}
	slices.MinFunc(good, func(a, b *Measured) int { return cmp.Compare(a.HistorySeconds, b.HistorySeconds) }).Fastest = true
	if !slices.ContainsFunc(good, func(m *Measured) bool { return m.HistoryCost == 0 }) {
		slices.MinFunc(good, func(a, b *Measured) int { return cmp.Compare(a.HistoryCost, b.HistoryCost) }).Cheapest = true
	}
}

// good are the sizes that were enough.
func (t *Trial) good() (good []*Measured) {
	for i := range t.Sizes {
		if t.Sizes[i].Failed == "" && len(t.Sizes[i].Slices) > 0 {
			good = append(good, &t.Sizes[i])
		}
	}
	return good
}

// alike is how much worse a size may be than the best to be taken for as good: measurements vary by as much.
const alike = 1.05

// Best is the size that has the whole history done first, or at the lowest cost where each has a price; of several that are
// alike the one that takes least. Nil if none was enough.
func (t *Trial) Best() *Measured {
	good := t.good()
	priced := t.Price > 0 || t.Glue && !slices.ContainsFunc(good, func(m *Measured) bool { return m.HistoryCost == 0 })
	worth := func(m *Measured) float64 {
		if priced {
			return m.HistoryCost
		}
		return m.HistorySeconds
	}

	if len(good) == 0 {
		return nil
	}

	least := worth(slices.MinFunc(good, func(a, b *Measured) int { return cmp.Compare(worth(a), worth(b)) }))
	good = slices.DeleteFunc(good, func(m *Measured) bool { return worth(m) > least*alike })
	return slices.MinFunc(good, func(a, b *Measured) int {
		return cmp.Or(cmp.Compare(a.Size.Executors*a.Size.Cores, b.Size.Executors*b.Size.Cores), cmp.Compare(a.Size.Memory, b.Size.Memory),
			cmp.Compare(a.Size.Threads, b.Size.Threads), cmp.Compare(a.SliceHours, b.SliceHours), cmp.Compare(worth(a), worth(b)))
	})
}
