package child_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
)

// The test binary is its own child: as "serve" it answers calls, as "parent" it starts such a child and waits.
func TestMain(m *testing.M) {
	switch os.Getenv("CHILD_TEST") {
	case "serve":
		if err := child.Serve(os.Stdin, os.Stdout, handlers()); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "parent":
		p, err := child.Start(serveSpec())
		if err != nil {
			panic(err)
		}
		fmt.Println(p.Pid())
		_ = p.Call(context.Background(), "block", nil, nil)
	}
	os.Exit(m.Run())
}

func serveSpec() child.Spec {
	return child.Spec{Name: "test", Path: os.Args[0], Env: []string{"CHILD_TEST=serve"}, Stderr: os.Stderr}
}

func handlers() map[string]child.Handler {
	return map[string]child.Handler{
		"double": child.Handle(func(_ context.Context, n int) (int, error) { return 2 * n, nil }),
		"echo":   child.Handle(func(_ context.Context, text string) (string, error) { return text, nil }),
		"fail": child.Handle(func(context.Context, any) (any, error) {
			return nil, &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Message: "full"}
		}),
		"last": func(context.Context, json.RawMessage) (any, error) {
			return nil, child.Last(&hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Message: "full"})
		},
		"panic": func(context.Context, json.RawMessage) (any, error) { panic("oh") },
		"exit":  func(context.Context, json.RawMessage) (any, error) { os.Exit(7); return nil, nil },
		"wait": func(ctx context.Context, _ json.RawMessage) (any, error) {
			<-ctx.Done()
			return nil, &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "interrupted"}
		},
		"environment": child.Handle(func(_ context.Context, name string) ([]string, error) {
			begun, err := os.ReadFile("/proc/self/environ")
			return []string{os.Getenv(name), string(begun)}, err
		}),
		"block": func(context.Context, json.RawMessage) (any, error) { select {} },
	}
}

func start(t *testing.T) *child.Process {
	t.Helper()
	p, err := child.Start(serveSpec())
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func TestCallsInParallel(t *testing.T) {
	p := start(t)
	results := make(chan error)
	for i := range 50 {
		go func() {
			var got int
			err := p.Call(t.Context(), "double", i, &got)
			if err == nil && got != 2*i {
				err = fmt.Errorf("double %d = %d", i, got)
			}

			results <- err
		}()
	}

	for range 50 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// Calls and answers larger than the pipes must not block each other.
func TestLargeCallsInParallel(t *testing.T) {
	p := start(t)
	results := make(chan error)
	text := strings.Repeat("x", 100_000)
	const callers = 8
	for range callers {
		go func() {
			for range 4 {
				var got string
				if err := p.Call(t.Context(), "echo", text, &got); err != nil || got != text {
					results <- fmt.Errorf("%d bytes came back, %w", len(got), err)
					return
				}
			}
			results <- nil
		}()
	}

	for range callers {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

// A child gets what it needs from the environment. Possible secrets are not in what others can read about its process.
func TestTheEnvironmentOfAChild(t *testing.T) {
	t.Setenv("PGPASSWORD", "geheim\xff")
	t.Setenv("SHOP_PASSWORD", "geheim")
	t.Setenv("HINDCAST_SECRET", "a geheim b")
	t.Setenv("LC_TEST", "as it was")
	spec := serveSpec()
	spec.Private, spec.Secrets = []string{"PG*"}, []string{"geheim"}
	p, err := child.Start(spec)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = p.Kill() })
	for name, want := range map[string]string{"PGPASSWORD": "geheim\uFFFD", "SHOP_PASSWORD": "", "HINDCAST_SECRET": "a geheim b", "LC_TEST": "as it was"} {
		var got []string
		if err := p.Call(t.Context(), "environment", name, &got); err != nil {
			t.Fatal(err)
		}
		if got[0] != want {
			t.Errorf("%s is %q in the child, want %q", name, got[0], want)
		}
		if strings.Contains(got[1], "geheim") || !strings.Contains("\x00"+got[1], "\x00PATH=") {
			t.Errorf("the child was started with %q", got[1])
		}
	}
}

func TestErrorsKeepCodeAndClass(t *testing.T) {
	p := start(t)
	e := hindcast.AsError(p.Call(t.Context(), "fail", nil, nil))
	if e.Code != hindcast.EDiskFull || e.Class != hindcast.ClassResource {
		t.Errorf("got %+v", e)
	}
	if e := hindcast.AsError(p.Call(t.Context(), "panic", nil, nil)); e.Code != hindcast.EInternal {
		t.Errorf("panic gave %+v", e)
	}

	var got int
	if err := p.Call(t.Context(), "double", 4, &got); err != nil || got != 8 {
		t.Errorf("after a panic: %d, %v", got, err)
	}
}

func TestTheLastErrorIsHeardAndEndsTheProcess(t *testing.T) {
	p := start(t)
	if e := hindcast.AsError(p.Call(t.Context(), "last", nil, nil)); e.Code != hindcast.EDiskFull {
		t.Errorf("got %+v", e)
	}
	<-p.Done()
}

func TestCancelWaitsForTheCallToEnd(t *testing.T) {
	p := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel2 := time.AfterFunc(10*time.Millisecond, cancel)
	defer cancel2.Stop()
	e := hindcast.AsError(p.Call(ctx, "wait", nil, nil))
	if e.Class != hindcast.ClassCanceled {
		t.Errorf("got %+v", e)
	}

	var got int
	if err := p.Call(t.Context(), "double", 1, &got); err != nil {
		t.Errorf("the child should live on: %v", err)
	}
}

func TestDeathFailsCallsAsTransient(t *testing.T) {
	p := start(t)
	e := hindcast.AsError(p.Call(t.Context(), "exit", nil, nil))
	if e.Code != hindcast.EWorker || e.Class != hindcast.ClassTransient || !strings.Contains(e.Message, "exit status 7") {
		t.Errorf("got %+v", e)
	}

	<-p.Done()
	if e := hindcast.AsError(p.Call(t.Context(), "double", 1, nil)); e.Code != hindcast.EWorker {
		t.Errorf("after death: %+v", e)
	}
}

// Only the end of a child that nobody ended, and that did not announce it, is a death; Died is called before its
// callers learn of it.
func TestDeathsAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*child.Process)
		want string
	}{
		"exit": {func(p *child.Process) { _ = p.Call(t.Context(), "exit", nil, nil) }, "test: exit status 7"},
		"signal": {func(p *child.Process) {
			_ = syscall.Kill(p.Pid(), syscall.SIGKILL)
			_ = p.Call(t.Context(), "wait", nil, nil)
		}, "test: signal killed"},
		"last":  {func(p *child.Process) { _ = p.Call(t.Context(), "last", nil, nil) }, ""},
		"kill":  {func(p *child.Process) { _ = p.Kill() }, ""},
		"close": {func(p *child.Process) { _ = p.Close(time.Second) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			told := make(chan child.Death, 1)
			s := serveSpec()
			s.Died = func(d child.Death) { told <- d }
			p, err := child.Start(s)
			if err != nil {
				t.Fatal(err)
			}

			c.end(p)
			<-p.Done()
			got := ""
			select {
			case d := <-told:
				if got = d.Name + ": " + d.How; d.Pid != p.Pid() {
					t.Errorf("pid %d, want %d", d.Pid, p.Pid())
				}
			default:
			}

			if got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestKillAndCloseConfirm(t *testing.T) {
	p := start(t)
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(p.Pid(), 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("pid %d: %v", p.Pid(), err)
	}
	if err := start(t).Close(5 * time.Second); err != nil {
		t.Error(err)
	}
}

// Promise 5: a SIGKILL of the parent leaves no orphan, even one that is stuck in a call.
func TestChildDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "CHILD_TEST=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}

	line := make([]byte, 32)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}

	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // a suspended child cannot see its input end
		t.Fatal(err)
	}

	_ = parent.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = parent.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for syscall.Kill(pid, 0) == nil && !zombie(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("child %d outlived its parent", pid)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// zombie reports a dead orphan: where this process is not its reaper, it may stay listed for a while.
func zombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(text), ") Z ")
}
