package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Session returns the living processes of the session that a process began, whether or not that one still lives. A process stays in
// its session whatever group it joins.
func Session(leader int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // it has exited
		}
		const state, session = 0, 3 // after the name, which may contain anything
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) <= session || fields[state][0] == 'Z' || fields[state][0] == 'X' {
			continue
		}
		if is, err := strconv.Atoi(string(fields[session])); err == nil && is == leader {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
