// Package machine measures what this machine leaves to a run: cores, memory and disk, within the limits of the control
// groups around this process.
package machine

import (
	"cmp"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
)

// Measure says what a run may use: the machine's cores and memory, or what its control groups leave of them, and what is
// free on the disk that holds the folder.
func Measure(disk string) plan.Machine {
	m := measured(os.DirFS("/"), runtime.GOMAXPROCS(0))
	if free, err := lake.DiskFree(disk); err == nil {
		m.DiskFree = free
	}
	return m
}

// measured is Measure without the disk, on the given file system and cores.
func measured(root fs.FS, cores int) plan.Machine {
	m := plan.Machine{Cores: cores, Memory: 4 << 30, MemoryBy: numbers.Size(4<<30) + " assumed", DiskFree: -1}
	if total := memTotal(root); total > 0 {
		m.Memory, m.MemoryBy = total, numbers.Size(total)+" of memory"
	}
	limits := readCgroups(root)
	if limits.memory > 0 && limits.memory < m.Memory {
		m.Memory, m.MemoryBy = limits.memory, "cgroup limit "+numbers.Size(limits.memory)
	}
	m.Cores = min(m.Cores, cmp.Or(limits.cores, m.Cores))
	return m
}

func memTotal(root fs.FS) int64 {
	for line := range strings.Lines(text(root, "proc/meminfo")) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}
