// Package process identifies processes of this machine beyond their numbers, which are used again: whoever recorded one can
// say later whether it still runs. What to do about it is the caller's responsibility.
package process

import (
	"fmt"
	"os"
)

// Identity identifies a process uniquely: a process number is reused after a while, and every host and container counts
// on its own.
type Identity struct {
	Host    string `json:"host"`
	Pid     int    `json:"pid"`
	Started string `json:"pid_started"` // when the process was started, in the system's own form
	Boot    string `json:"boot_id"`     // of the host, and of the container that assigns the number
}

// This returns the process that we are.
func This() (Identity, error) { return Of(os.Getpid()) }

// Of identifies a process of this host that runs.
func Of(pid int) (Identity, error) {
	host, err := os.Hostname()
	if err != nil {
		return Identity{}, fmt.Errorf("asking for the host's name: %w", err)
	}

	boot, err := bootID()
	if err != nil {
		return Identity{}, fmt.Errorf("asking for the host's boot: %w", err)
	}

	started, alive, err := startOf(pid)
	if err != nil {
		return Identity{}, fmt.Errorf("asking for the start of process %d: %w", pid, err)
	}
	if !alive {
		return Identity{}, fmt.Errorf("process %d does not run", pid)
	}

	return Identity{Host: host, Pid: pid, Started: started, Boot: boot}, nil
}

// Sees reports whether the process us can know if p is alive.
func (p Identity) Sees(us Identity) bool {
	return p.Boot != "" && p.Host == us.Host && p.Boot == us.Boot
}

// Alive reports whether the process runs. It is only meaningful on its own host since its last boot; if the system does
// not say, the process counts as alive.
func (p Identity) Alive() bool {
	started, alive, err := startOf(p.Pid)
	return err != nil || alive && started == p.Started
}
