//go:build unix && !linux

package child

import "syscall"

// processAttributes puts the child in its own process group. There is no death signal: the child ends when its standard
// input does.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func onStarter(start func() error) error { return start() }

// PeakMemory is unknown on this system.
func PeakMemory(int) int64 { return 0 }
