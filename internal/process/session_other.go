//go:build !linux

package process

import (
	"os/exec"
	"strconv"
	"strings"
)

// Session returns the living processes of the session that a process began, as far as they are in its group: the system does not
// say more.
func Session(leader int) ([]int, error) {
	out, err := exec.Command("ps", "-ax", "-o", "pid=,stat=,pgid=").Output()
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || strings.HasPrefix(fields[1], "Z") || fields[2] != strconv.Itoa(leader) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
