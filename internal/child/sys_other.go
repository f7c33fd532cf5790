//go:build unix && !linux

package child

import "syscall"

// processAttributes puts the child in a process group of its own. Without a death signal the end of its
// standard input is what ends it.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func onStarter(start func() error) error { return start() }

// PeakMemory is not known on this system.
func PeakMemory(int) int64 { return 0 }
