package process

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// A process is alive until it has exited, also before it is reaped; one that took over its number is another.
func TestWhoIsAlive(t *testing.T) {
	us, err := This()
	if err != nil || us.Pid != os.Getpid() || !us.Alive() || !us.Sees(us) {
		t.Fatalf("%+v, %v", us, err)
	}
	earlier := us
	earlier.Started = "0"
	if earlier.Alive() {
		t.Error("an earlier process of our number is alive")
	}

	command := exec.Command("cat", "-", "a word that no other process has")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if pids, err := Find("a word that no other process has"); err != nil || len(pids) != 1 || pids[0] != command.Process.Pid {
		t.Errorf("found %v, %v", pids, err)
	}
	child, err := Of(command.Process.Pid)
	if err != nil || !child.Alive() {
		t.Errorf("%+v, %v", child, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	_ = command.Wait() // cat finds no such file
	if pids, err := Find("a word that no other process has"); err != nil || len(pids) != 0 {
		t.Errorf("found %v, %v", pids, err)
	}
	if child.Alive() {
		t.Error("a process that has exited is alive")
	}
	if _, err := Of(child.Pid); err == nil {
		t.Error("a process that has exited is identified")
	}

	if elsewhere := (Identity{Host: "elsewhere", Pid: us.Pid, Boot: us.Boot}); elsewhere.Sees(us) || (Identity{Host: us.Host}).Sees(us) {
		t.Error("processes of another host are seen")
	}
}

// A process is found while it becomes another program, too: the kernel shows no command line in the middle of an exec.
func TestFindAProcessInTheMiddleOfAnExec(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "again")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nexec \"$0\" \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(script, dir)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}()

	for range 100 {
		if pids, err := Find(dir); err != nil || !slices.Equal(pids, []int{command.Process.Pid}) {
			t.Fatalf("%v, %v; it is %d", pids, err, command.Process.Pid)
		}
	}
}

// The processes of a session are found when its leader has died.
func TestSession(t *testing.T) {
	command := exec.Command("sh", "-c", "exec 3<&0; cat <&3 & echo started")
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	leader := command.Process.Pid
	for !exited(leader) {
		_, _ = Session(leader) // it exits in a moment
	}
	found, err := Session(leader)
	if err != nil || len(found) != 1 || found[0] == leader {
		t.Errorf("found %v, %v", found, err)
	}

	_ = in.Close()
	_ = command.Wait()
	for len(found) > 0 {
		if found, err = Session(leader); err != nil {
			t.Fatal(err)
		}
	}
}

// exited reports whether a process has exited, and only waits to be reaped.
func exited(pid int) bool {
	_, alive, err := startOf(pid)
	return err == nil && !alive
}
