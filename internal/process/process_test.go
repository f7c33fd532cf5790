package process

import (
	"os"
	"os/exec"
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

	command := exec.Command("cat")
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	child, err := Of(command.Process.Pid)
	if err != nil || !child.Alive() {
		t.Errorf("%+v, %v", child, err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Error(err)
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
