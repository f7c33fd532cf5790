package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
)

const (
	threadsEach = 4 // beyond this a slice of a few million rows gains little
	maxUnloads  = 8 // a warehouse that others use is not flooded
	mib         = 1 << 20
	gib         = 1 << 30

	defaultMemory  = 2 * gib   // where nobody knows what the machine has
	leastTransform = 256 * mib // fewer transforms rather than less for each
	leastWarehouse = 256 * mib
	mostWarehouse  = 4 * gib
)

// Divide divides the machine between the steps. Slices side by side cost time and memory in one machine (two
// cores: 48 s one after another, 54 to 63 s in parallel), so `auto` runs one for each four cores; what is
// overlapped is unload and load beside the transform. Unloads is the warehouse's own limit, 0 for none; running is how
// many slices there are to share it, 0 if that is not known yet.
func Divide(m Machine, cfg hindcast.RunConfig, unloads, running int) Shares {
	cores := max(m.Cores, 1)
	s := Shares{Transforms: max(1, cores/threadsEach), Unloads: min(max(2, cores), maxUnloads), Cap: Counted(cores, "core")}
	if cfg.Parallel > 0 {
		s.Transforms, s.Cap = cfg.Parallel, "run.parallel"
	}
	if cfg.UnloadParallel > 0 {
		s.Unloads = cfg.UnloadParallel
	}
	if unloads > 0 {
		s.Unloads = min(s.Unloads, unloads)
	}
	s.Memory = cfg.Memory
	if s.Memory <= 0 && m.Memory > 0 {
		s.Memory = m.Memory / 10 * 8 // the rest is the system's, and the supervisor's
	}
	if s.Memory <= 0 {
		s.Memory = defaultMemory
	}
	s.Warehouse = min(max(s.Memory/4, leastWarehouse), mostWarehouse, s.Memory/2)
	rest := s.Memory - s.Warehouse
	if most := int(max(1, rest/leastTransform)); cfg.Parallel == 0 && s.Transforms > most {
		s.Transforms, s.Cap = most, "memory: "+size(s.Memory)
	}
	if running > 0 && running < s.Transforms {
		s.Transforms, s.Cap = running, Counted(running, "slice")
	}
	s.Threads = min(max(1, cores/s.Transforms), cores)
	s.Transform = rest / int64(s.Transforms)
	return s
}

// Counted gives "1 slice", "32 slices".
func Counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// size gives bytes as a pipeline file spells memory.
func size(bytes int64) string {
	switch {
	case bytes >= gib && bytes%gib == 0:
		return fmt.Sprintf("%d GiB", bytes/gib)
	case bytes >= gib:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/gib)
	}
	return fmt.Sprintf("%d MiB", bytes/mib)
}

// Order lists the plan's items (indices into Items) as they are to begin: the largest first where several run at
// the same time, so that none is left alone at the end; in the order of time otherwise. Items that do not run come
// where time has them.
func Order(p *Plan) []int {
	order := make([]int, len(p.Items))
	for i := range order {
		order[i] = i
	}
	if p.Shares.Transforms > 1 {
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p.Items[b].Rows, p.Items[a].Rows) })
	}
	return order
}
