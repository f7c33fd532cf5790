package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/plan"
)

// machine says what a run may use: the machine's cores and memory, or what the cgroup leaves of them.
func machine(disk string) plan.Machine {
	m := plan.Machine{Cores: runtime.GOMAXPROCS(0), Memory: 4 << 30, MemoryBy: "4 GiB assumed", DiskFree: -1}
	if total := memTotal(); total > 0 {
		m.Memory, m.MemoryBy = total, fmt.Sprintf("%.0f GiB of memory", float64(total)/(1<<30))
	}
	for _, file := range cgroupLimits() {
		if limit := number(file); limit > 0 && limit < m.Memory {
			m.Memory, m.MemoryBy = limit, fmt.Sprintf("cgroup limit %.1f GiB", float64(limit)/(1<<30))
		}
	}
	if free, err := lake.DiskFree(disk); err == nil {
		m.DiskFree = free
	}
	return m
}

func number(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func memTotal() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// cgroupLimits are the files that may hold a limit: of this process's own group, of those around it, and of a
// container's, which sees its group as the root.
func cgroupLimits() []string {
	const root = "/sys/fs/cgroup"
	files := []string{root + "/memory.max", root + "/memory/memory.limit_in_bytes"}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return files
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		for ; ok && group != "/" && group != "." && group != ""; group = filepath.Dir(group) {
			files = append(files, filepath.Join(root, group, "memory.max"))
		}
	}
	return files
}
