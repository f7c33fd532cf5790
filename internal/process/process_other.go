//go:build !linux

package process

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bootID names the system's boot.
func bootID() (string, error) {
	out, err := exec.Command("sysctl", "-n", "kern.boottime").Output()
	return strings.TrimSpace(string(out)), err
}

// startOf returns when the process was started; alive is false if there is no such process, or it has exited and only
// waits to be reaped.
func startOf(pid int) (started string, alive bool, err error) {
	command := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid))
	command.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := command.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return "", false, nil // ps fails for a number that is not in use
	}
	if err != nil {
		return "", false, err
	}

	state, started, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return strings.TrimSpace(started), !strings.HasPrefix(state, "Z"), nil
}
