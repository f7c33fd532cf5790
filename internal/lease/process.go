package lease

import (
	"fmt"
	"os"
)

// Process identifies a process uniquely: a process number is reused after a while, and every host and container counts
// on its own.
type Process struct {
	Host    string `json:"host"`
	Pid     int    `json:"pid"`
	Started string `json:"pid_started"` // when the process was started, in the system's own form
	Boot    string `json:"boot_id"`     // of the host, and of the container that assigns the number
}

// This returns the process that we are.
func This() (Process, error) {
	host, err := os.Hostname()
	if err != nil {
		return Process{}, fmt.Errorf("asking for the host's name: %w", err)
	}

	boot, err := bootID()
	if err != nil {
		return Process{}, fmt.Errorf("asking for the host's boot: %w", err)
	}

	started, alive, err := startOf(os.Getpid())
	if err != nil || !alive {
		return Process{}, fmt.Errorf("asking for our own start: %w", err)
	}

	return Process{Host: host, Pid: os.Getpid(), Started: started, Boot: boot}, nil
}

// sees reports whether the process us can know if p is alive.
func (p Process) sees(us Process) bool { return p.Boot != "" && p.Host == us.Host && p.Boot == us.Boot }

// Alive reports whether the process runs. It is only meaningful on its own host since its last boot; if the system does
// not say, the process counts as alive.
func (p Process) Alive() bool {
	started, alive, err := startOf(p.Pid)
	return err != nil || alive && started == p.Started
}
