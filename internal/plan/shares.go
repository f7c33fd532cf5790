package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

const (
	maxUnloads = 8 // a warehouse that others use is not flooded
	mib        = 1 << 20
	gib        = 1 << 30

	defaultMemory  = 2 * gib // where nobody knows what the machine has
	leastWarehouse = 256 * mib
	mostWarehouse  = 4 * gib
)

// Room is what a run has of the machine: the warehouse's process takes its share, and the rest is there for an engine
// whose workers are on this machine.
type Room struct {
	Cores     int
	CoresAs   string // in words: "2 cores"
	Memory    int64  // bytes for all of the run
	MemoryAs  string // in words: "memory: 8.6 GB"
	Warehouse int64  // bytes of it for the warehouse's process, or for both where history is read from another one
}

// EachWarehouse is how much memory each of a pipeline's warehouses has.
func (r Room) EachWarehouse(p *hindcast.Pipeline) int64 {
	if p.Apart() {
		return r.Warehouse / 2
	}
	return r.Warehouse
}

// Engine is how much memory is left to an engine.
func (r Room) Engine() int64 { return r.Memory - r.Warehouse }

// Room divides the machine's memory between warehouse and engine.
func (m Machine) Room(cfg hindcast.RunConfig) Room {
	r := Room{Cores: max(m.Cores, 1), Memory: cfg.Memory}
	if r.Memory <= 0 && m.Memory > 0 {
		r.Memory = m.Memory / 10 * 8 // the rest is the system's, and the supervisor's
	}
	if r.Memory <= 0 {
		r.Memory = defaultMemory
	}
	r.Warehouse = min(max(r.Memory/4, leastWarehouse), mostWarehouse, r.Memory/2)
	r.CoresAs, r.MemoryAs = numbers.Counted(r.Cores, "core"), "memory: "+numbers.Size(r.Memory)
	return r
}

// Capacity is what the engine can run at once, as the engine says it.
type Capacity struct {
	Slots   int    // transforms side by side
	Cap     string // what keeps them from being more, in words
	Memory  int64  // bytes for all of them together; one that runs alone has all of it
	Threads int    // the same
	// EachMemory and EachThreads are the most that one transform can use; 0 if it can use everything.
	EachMemory  int64
	EachThreads int
	StartUp     time.Duration  // until it could work, when it was last started; 0 if unknown, or next to nothing
	Rate        *hindcast.Rate // what a transform costs; nil where it costs nothing more than the machine
}

// Divide divides the machine and the engine's capacity between the steps. Unloads is the warehouse's own limit, 0 for none;
// running is how many slices there are to share it all, 0 if that is not known yet: fewer of them get more each.
func Divide(r Room, c Capacity, cfg hindcast.RunConfig, unloads, running int) Shares {
	s := Shares{Transforms: max(1, c.Slots), Cap: c.Cap, Unloads: min(max(2, r.Cores), maxUnloads), Memory: r.Memory, Warehouse: r.Warehouse}
	if cfg.UnloadParallel > 0 {
		s.Unloads = cfg.UnloadParallel
	}
	if unloads > 0 {
		s.Unloads = min(s.Unloads, unloads)
	}
	if running > 0 && running < s.Transforms {
		s.Transforms, s.Cap = running, numbers.Counted(running, "slice")
	}

	s.Threads, s.Transform = max(1, c.Threads/s.Transforms), c.Memory/int64(s.Transforms)
	if c.EachThreads > 0 {
		s.Threads = min(s.Threads, c.EachThreads)
	}
	if c.EachMemory > 0 {
		s.Transform = min(s.Transform, c.EachMemory)
	}
	return s
}

// Order lists the plan's items (indices into Items) as they are to begin: the largest first where several run at
// the same time, so that none is left alone at the end; in the order of time otherwise. Items that do not run come
// where time has them. The newest first, if the plan asks for that.
func Order(p *Plan) []int {
	order := make([]int, len(p.Items))
	for i := range order {
		order[i] = i
	}
	if p.Reverse {
		slices.Reverse(order)
		return order
	}
	if p.Shares.Transforms > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Items[b].Rows, p.Items[a].Rows) })
	}
	return order
}
