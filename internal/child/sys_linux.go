package child

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// processAttributes puts the child in its own process group, so that a terminal's Ctrl-C does not reach it and it can
// be killed with all its children, and has the kernel kill it when its parent dies.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

var (
	starterOnce sync.Once
	starter     chan func()
)

// onStarter runs start on a thread that lives as long as the process: the kernel sends the death signal when the thread
// that started the child ends, and Go ends threads as it likes.
func onStarter(start func() error) error {
	starterOnce.Do(func() {
		starter = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range starter {
				f()
			}
		}()
	})

	result := make(chan error, 1)
	starter <- func() { result <- start() }
	return <-result
}

// PeakMemory returns the highest resident memory of the process so far, in bytes; 0 if it cannot be read.
func PeakMemory(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}

	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}

	return 0
}
