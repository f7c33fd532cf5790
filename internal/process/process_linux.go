package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// bootID names the kernel's boot and the process namespace.
func bootID() (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}

	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", err
	}

	return strings.TrimSpace(string(boot)) + " " + space, nil
}

// startOf returns when the process was started, in the kernel's ticks since boot; alive is false if there is no such
// process, or it has exited and only waits to be reaped.
func startOf(pid int) (started string, alive bool, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}

	// The name, in parentheses, may contain anything; the fields after it are plain. The state is field 3, the start
	// field 22.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", false, fmt.Errorf("process %d has an odd stat %q", pid, stat)
	}

	state := fields[0][0]
	return string(fields[19]), state != 'Z' && state != 'X', nil
}
