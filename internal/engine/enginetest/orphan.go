package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
)

// Supervise is the whole life of a test binary that is a supervisor: it reads its order from standard input, opens the engine, starts the
// work, writes a line as soon as that has begun, and waits to be killed. The line is what begun says of the engine.
func Supervise[O any, E engine.Engine](open func(O) (E, engine.Work, error), begun func(E) string) {
	var order O
	if err := json.NewDecoder(os.Stdin).Decode(&order); err != nil {
		panic(err)
	}
	e, work, err := open(order)
	if err != nil {
		panic(err)
	}
	h, err := e.Start(context.Background(), work)
	if err != nil {
		panic(err)
	}
	once := sync.OnceFunc(func() { fmt.Println(begun(e)) })
	_, err = e.Wait(context.Background(), h, work.Dir, func(hindcast.Progress) { once() })
	panic(err)
}

// Supervisor starts this test binary as a supervisor, with the variable by which it knows that it is one, and gives it the order as JSON
// on standard input. It returns the line that the supervisor writes once the work has begun, and what kills it.
func Supervisor(t *testing.T, variable string, order any) (line string, kill func()) {
	t.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	supervisor := exec.CommandContext(t.Context(), os.Args[0])
	supervisor.Env = append(os.Environ(), variable)
	supervisor.Stdin, supervisor.Stderr = bytes.NewReader(text), os.Stderr
	out, err := supervisor.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := supervisor.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err = bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return line, func() {
		t.Helper()
		if err := supervisor.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = supervisor.Wait() // it was killed
	}
}

// Orphan leaves the work of a supervisor that is killed as soon as it has begun.
func Orphan(t *testing.T, variable string, order any) {
	t.Helper()
	_, kill := Supervisor(t, variable, order)
	kill()
}
