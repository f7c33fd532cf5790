package duckdb_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/duckdb"
	"github.com/hindcast/hindcast/internal/plan"
)

// What the engine can run and how a plan divides it, on machines of several sizes.
func TestTheMachineIsDivided(t *testing.T) {
	const mib, gib = int64(1 << 20), int64(1 << 30)
	for _, c := range []struct {
		machine          plan.Machine
		run              hindcast.RunConfig
		unloads, running int
		transforms, each int
		unloadsWanted    int
		memory           int64
		cap              string
	}{
		{plan.Machine{Cores: 2, Memory: 10 * gib}, hindcast.RunConfig{}, 0, 0, 1, 2, 2, 8 * gib, "2 cores"},
		{plan.Machine{Cores: 1, Memory: 10 * gib}, hindcast.RunConfig{}, 0, 0, 1, 1, 2, 8 * gib, "1 core"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{}, 0, 0, 4, 4, 8, 80 * gib, "16 cores"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{}, 1, 0, 4, 4, 1, 80 * gib, "16 cores"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{Parallel: 2, UnloadParallel: 3}, 0, 0, 2, 8, 3, 80 * gib, "run.parallel"},
		{plan.Machine{Cores: 2, Memory: 10 * gib}, hindcast.RunConfig{Parallel: 5}, 0, 0, 5, 1, 2, 8 * gib, "run.parallel"},
		{plan.Machine{Cores: 64, Memory: 10 * gib}, hindcast.RunConfig{Memory: gib}, 0, 0, 3, 21, 8, gib, "memory: 1.1 GB"},
		{plan.Machine{Cores: 2, Memory: 10 * gib}, hindcast.RunConfig{Memory: 300 * mib}, 0, 0, 1, 2, 2, 300 * mib, "2 cores"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{}, 0, 1, 1, 16, 8, 80 * gib, "1 slice"},
		{plan.Machine{Cores: 16, Memory: 100 * gib}, hindcast.RunConfig{Parallel: 8}, 0, 3, 3, 5, 8, 80 * gib, "3 slices"},
		{plan.Machine{}, hindcast.RunConfig{}, 0, 0, 1, 1, 2, 2 * gib, "1 core"},
	} {
		t.Run(fmt.Sprintf("%+v %+v", c.machine, c.run), func(t *testing.T) {
			r := c.machine.Room(c.run)
			can := duckdb.Capacity(engine.Room{Cores: r.Cores, CoresAs: r.CoresAs, Memory: r.Engine(), MemoryAs: r.MemoryAs}, c.run)
			s := plan.Divide(r, plan.Capacity(can), c.run, c.unloads, c.running)
			if s.Transforms != c.transforms || s.Threads != c.each || s.Unloads != c.unloadsWanted || s.Cap != c.cap {
				t.Errorf("%d transforms of %d threads, %d unloads, %q", s.Transforms, s.Threads, s.Unloads, s.Cap)
			}
			if math.Abs(float64(s.Memory-c.memory)) > 16 {
				t.Errorf("memory is %d, want %d", s.Memory, c.memory)
			}
			if sum := s.Warehouse + s.Transform*int64(s.Transforms); sum > s.Memory || s.Warehouse > s.Memory/2 || s.Transform <= 0 || s.Warehouse <= 0 {
				t.Errorf("%d for the warehouse and %d for each transform are more than %d", s.Warehouse, s.Transform, s.Memory)
			}
		})
	}
}
