//go:build !linux

package process

import (
	"os/exec"
	"strconv"
	"strings"
)

// Find returns the numbers of the living processes that have a word in their command lines that ends with text.
func Find(text string) ([]int, error) {
	out, err := exec.Command("ps", "-axww", "-o", "pid=,stat=,args=").Output()
	if err != nil {
		return nil, err
	}

	var pids []int
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || strings.HasPrefix(fields[1], "Z") || !strings.Contains(line+" ", text+" ") && !strings.HasSuffix(strings.TrimSpace(line), text) {
			continue
		}
		if pid, err := strconv.Atoi(fields[0]); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
