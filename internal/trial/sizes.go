package trial

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/view"
)

// leastMemory is what a size may have at least.
const leastMemory = 64 << 20

// leastExecutor is the least memory that Spark takes for an executor.
const leastExecutor = 450 << 20

// Sizes reads a list of sizes: THREADSxGIB, or for a cluster EXECUTORSxCORES, or EXECUTORSxCORESxGIB.
func Sizes(text string, cluster bool) ([]view.Size, error) {
	var sizes []view.Size
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		size, ok := sizeOf(name, cluster)
		if !ok {
			what := "THREADSxGIB, such as 2x4 or 1x0.5"
			if cluster {
				what = "EXECUTORSxCORES, such as 4x2, or EXECUTORSxCORESxGIB, such as 4x2x8, on a cluster"
			}
			return nil, misused(fmt.Sprintf("--sizes %s: %q is not a size", text, name), "write each as "+what)
		}
		if slices.ContainsFunc(sizes, func(s view.Size) bool { return s.Name == name }) {
			return nil, misused(fmt.Sprintf("--sizes %s: %s is there twice", text, name), "name each size once")
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

func sizeOf(name string, cluster bool) (size view.Size, ok bool) {
	size.Name = name
	first, second, found := strings.Cut(name, "x")
	n, err := strconv.Atoi(first)
	if !found || err != nil || n < 1 {
		return size, false
	}
	if !cluster {
		size.Threads = n
		size.Memory, ok = bytesOf(second)
		return size, ok && size.Memory >= leastMemory
	}

	cores, memory, withMemory := strings.Cut(second, "x")
	size.Executors = n
	size.Cores, err = strconv.Atoi(cores)
	if ok = err == nil && size.Cores >= 1; ok && withMemory { // of each executor
		size.Memory, ok = bytesOf(memory)
		ok = ok && size.Memory >= leastExecutor
	}
	return size, ok
}

// bytesOf reads a number of GiB.
func bytesOf(text string) (int64, bool) {
	gib, err := strconv.ParseFloat(text, 64)
	return int64(gib * (1 << 30)), err == nil && gib >= 0 && gib < 1<<20
}

func misused(message, next string) error {
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

// onMachine refuses a size that is larger than this machine.
func onMachine(size view.Size, m plan.Machine) error {
	switch {
	case size.Threads > max(m.Cores, 1):
		return misused(fmt.Sprintf("size %s has more threads than this machine has cores: %s", size.Name, numbers.Counted(m.Cores, "core")),
			"leave it out, or try on a larger machine")
	case m.Memory > 0 && size.Memory > m.Memory:
		return misused(fmt.Sprintf("size %s has %s, more memory than there is: %s", size.Name, numbers.Size(size.Memory), m.MemoryBy), "leave it out, or try on a larger machine")
	}
	return nil
}

// beside is how many slices of a size a run has room for.
func beside(size view.Size, room plan.Room) int {
	return max(1, min(room.Cores/size.Threads, int(room.Engine()/size.Memory)))
}

// memoryStep is how finely run.memory is proposed.
const memoryStep = 128 << 20

// memoryFor is the least run.memory that leaves so many bytes to the engine.
func memoryFor(engine int64, m plan.Machine) int64 {
	for memory := (engine/memoryStep + 1) * memoryStep; ; memory += memoryStep {
		if m.Room(hindcast.RunConfig{Memory: memory}).Engine() >= engine {
			return memory
		}
	}
}
