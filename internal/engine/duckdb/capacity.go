package duckdb

import (
	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

const (
	threadsEach = 4         // beyond this a slice of a few million rows gains little
	leastMemory = 256 << 20 // fewer slices side by side rather than less for each
)

// Capacity is what DuckDB can run at once in the room. Slices side by side cost time and memory in one machine (two
// cores: 48 s one after another, 54 to 63 s in parallel), so unless run.parallel says otherwise there is one for each four
// cores; what overlaps is unload and load beside the transform.
func Capacity(room engine.Room, run hindcast.RunConfig) engine.Capacity {
	cores := max(room.Cores, 1)
	c := engine.Capacity{Slots: max(1, cores/threadsEach), Cap: room.CoresAs, Memory: room.Memory, Threads: cores}
	if run.Parallel > 0 {
		c.Slots, c.Cap = run.Parallel, "run.parallel"
		return c
	}

	if most := int(max(1, room.Memory/leastMemory)); c.Slots > most {
		c.Slots, c.Cap = most, room.MemoryAs
	}
	return c
}
