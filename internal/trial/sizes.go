package trial

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
	"github.com/hindcast/hindcast/internal/view"
)

// leastMemory is what a size may have at least.
const leastMemory = 64 << 20

// leastExecutor is the least memory that Spark takes for an executor.
const leastExecutor = 450 << 20

// Place is where sizes are tried.
type Place int

// Where sizes are tried, which decides what a size is.
const (
	OnMachine Place = iota // this one
	OnCluster              // of Spark
	OnGlue
)

func placeOf(s *session.Session) Place {
	switch name := s.Engine.Properties().Name; {
	case name == "glue":
		return OnGlue
	case name == "spark" && !hindcast.LocalMaster(s.Pipeline.Transform.Spark.Master):
		return OnCluster
	}
	return OnMachine
}

// forms say what a size is, where.
var forms = map[Place]string{
	OnMachine: "THREADSxGIB, such as 2x4 or 1x0.5",
	OnCluster: "EXECUTORSxCORES, such as 4x2, or EXECUTORSxCORESxGIB, such as 4x2x8, on a cluster",
	OnGlue:    "TYPE:WORKERS, such as G.1X:10, on Glue",
}

// Sizes reads a list of sizes: THREADSxGIB, for a cluster EXECUTORSxCORES or EXECUTORSxCORESxGIB, for Glue TYPE:WORKERS.
func Sizes(text string, where Place) ([]view.Size, error) {
	var sizes []view.Size
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		size, ok := sizeOf(name, where)
		if !ok {
			return nil, misused(fmt.Sprintf("--sizes %s: %q is not a size", text, name), "write each as "+forms[where])
		}
		if slices.ContainsFunc(sizes, func(s view.Size) bool { return s.Name == name }) {
			return nil, misused(fmt.Sprintf("--sizes %s: %s is there twice", text, name), "name each size once")
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// leastWorkers is how many workers a run of Glue has at least: the driver, and one that works.
const leastWorkers = 2

func sizeOf(name string, where Place) (size view.Size, ok bool) {
	size.Name = name
	if where == OnGlue {
		kind, workers, _ := strings.Cut(name, ":")
		n, err := strconv.Atoi(workers)
		size.WorkerType, size.Workers = kind, n
		return size, err == nil && n >= leastWorkers && hindcast.Glue{WorkerType: kind}.Worker().Type != ""
	}
	first, second, found := strings.Cut(name, "x")
	n, err := strconv.Atoi(first)
	if !found || err != nil || n < 1 {
		return size, false
	}
	if where == OnMachine {
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
