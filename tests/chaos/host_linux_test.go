package chaos_test

import (
	"os"
	"os/exec"
	"syscall"
)

// elsewhere runs a command in a kernel namespace where the host may have another name. Its children share it.
func elsewhere(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS}
	if os.Geteuid() != 0 { // the child is root inside only, and may name the host there
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}

	return nil
}

// rename names the host that this process is on.
func rename(name string) error { return syscall.Sethostname([]byte(name)) }
