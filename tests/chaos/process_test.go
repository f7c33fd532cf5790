package chaos_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The roles of a trial's processes.
const (
	supervisor = "supervisor"
	worker     = "worker"
	owner      = "owner"
	engine     = "engine" // an application of Spark: its JVM and its driver's Python
	all        = "all"
)

// process is one process of a trial.
type process struct {
	pid     int
	parent  int
	role    string
	command string
}

// processes finds the living processes that carry the mark. A dead one that has not been reaped no longer has an
// environment.
func processes(mark string) []process {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var found []process
	for _, dir := range dirs {
		environ, err := os.ReadFile(dir + "/environ")
		if err != nil || !bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+mark+"\x00")) {
			continue
		}

		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}

		cmdline, _ := os.ReadFile(dir + "/cmdline")
		command := strings.TrimSpace(string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		found = append(found, process{pid: pid, parent: parent(dir), role: role(command), command: command})
	}

	return found
}

// parent reads who started a process; 0 if it is gone.
func parent(dir string) int {
	stat, _ := os.ReadFile(dir + "/stat")
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}

	n, _ := strconv.Atoi(string(fields[1]))
	return n
}

func role(command string) string {
	switch {
	case strings.HasSuffix(command, " worker engine"):
		return worker
	case strings.Contains(command, "driver.py /"):
		return engine
	case strings.Contains(command, " worker warehouse-"):
		return owner
	}
	return supervisor
}

// buried waits until no process of the trial is left, but those of a role that may outlive it, and names those that stay.
func buried(mark string, patience time.Duration, outlives string) error {
	deadline := time.Now().Add(patience)
	for {
		left := slices.DeleteFunc(processes(mark), func(p process) bool { return p.role == outlives })
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("still running: %+v", left)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func kill(victims ...process) {
	for _, v := range victims {
		_ = syscall.Kill(v.pid, syscall.SIGKILL) // one that ended by itself is already gone
	}
}
