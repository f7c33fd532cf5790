package process

import (
	"bytes"
	"os"
	"strconv"
)

// Find returns the numbers of the living processes that have a word in their command lines that ends with text.
func Find(text string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}

	var pids []int
	word := append([]byte(text), 0)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		line, err := os.ReadFile("/proc/" + entry.Name() + "/cmdline")
		if err != nil || !bytes.Contains(line, word) {
			continue // it has exited, or belongs to somebody who hides it
		}
		if _, alive, err := startOf(pid); err == nil && alive {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
