package process

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience is how long a process may be without a command line, in the middle of an exec.
const patience = 500 * time.Millisecond

// Find returns the numbers of the living processes of this user that have a word in their command lines that ends with text.
func Find(text string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}

	var pids []int
	word, began := append([]byte(text), 0), time.Now()
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		for err == nil && len(line) == 0 && becomes(entry) && time.Since(began) < patience {
			time.Sleep(time.Millisecond)
			line, err = os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		}
		if err != nil || !bytes.Contains(line, word) {
			continue // it has exited, or belongs to somebody who hides it
		}
		if _, alive, err := startOf(pid); err == nil && alive {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// becomes reports whether a process without a command line may have one in a moment: the kernel shows none in the middle of an exec.
// Its own threads never have one, nor have processes that are dead and not yet waited for.
func becomes(entry os.DirEntry) bool {
	info, err := entry.Info()
	if err != nil {
		return false
	}
	if is, known := info.Sys().(*syscall.Stat_t); !known || int(is.Uid) != os.Getuid() {
		return false
	}
	stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
	if err != nil {
		return false
	}

	const state, flags, kernelThread = 0, 6, 0x00200000
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= flags || fields[state] == "Z" || fields[state] == "X" {
		return false
	}
	is, err := strconv.ParseUint(fields[flags], 10, 64)
	return err == nil && is&kernelThread == 0
}
