package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// running is a command in the background. What it prints goes to NAME.out and NAME.err in the script's folder as
// it comes; on a terminal both go to NAME.out.
type running struct {
	cmd    *exec.Cmd
	screen *os.File      // the other side of its terminal
	shown  chan struct{} // closed when the terminal has nothing more to show
	done   chan struct{} // closed when the command has ended
}

// patience bounds every wait of a script, for a machine that is busy with other things.
const patience = 60 * time.Second

// exits CODE COMMAND…: runs the command, whose exit code must be CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// start NAME [-tty] [VAR=VALUE…] COMMAND…: starts the command in the background, with -tty on a terminal of 100
// columns and 30 lines.
func start(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: start NAME [-tty] [VAR=VALUE] COMMAND [ARGS]")
	}
	w, name, args := worldOf(ts), args[0], args[1:]
	tty := args[0] == "-tty"
	if tty {
		args = args[1:]
	}
	vars := append([]string{}, w.vars...)
	for strings.Contains(args[0], "=") {
		vars, args = append(vars, args[0]), args[1:]
	}
	program, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := &exec.Cmd{Path: program, Args: args, Dir: ts.MkAbs("."), Env: vars, WaitDelay: time.Second}
	out, err := os.Create(filepath.Join(w.dir, name+".out"))
	ts.Check(err)
	r := &running{cmd: cmd, done: make(chan struct{})}
	if tty {
		r.screen, r.shown, err = onTerminal(cmd, out)
		ts.Check(err)
	} else {
		cmd.Stdout = out
		cmd.Stderr, err = os.Create(filepath.Join(w.dir, name+".err"))
		ts.Check(err)
		ts.Check(cmd.Start())
	}
	w.running[name] = r
	go func() {
		_ = cmd.Wait()
		if tty {
			<-r.shown
		}
		_ = out.Close()
		close(r.done)
	}()
}

// hangup NAME: closes the terminal of a command in the background, as a lost connection does.
func hangUp(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: hangup NAME")
	}
	ts.Check(worldOf(ts).find(ts, args[0]).screen.Close())
}

// onTerminal starts the command with a new terminal for all its streams, and gives the terminal's other side.
func onTerminal(cmd *exec.Cmd, out io.Writer) (master *os.File, shown chan struct{}, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a terminal: %w", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx") // not blocking: it can be closed while it is read
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, fmt.Errorf("unlocking the terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, nil, fmt.Errorf("naming the terminal: %w", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the terminal: %w", err)
	}
	defer func() { _ = slave.Close() }()
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100}); err != nil {
		return nil, nil, fmt.Errorf("sizing the terminal: %w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	shown = make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(out, master) // ends with an error when the last process has closed the terminal
		_ = master.Close()
	}()
	return master, shown, nil
}

// waitfor FILE [REGEXP]: waits until the file, or one that the pattern FILE names, is there and holds the expression.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: waitfor FILE [REGEXP]")
	}
	want := regexp.MustCompile("(?m)" + strings.Join(args[1:], ""))
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		paths, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		for _, path := range paths {
			if body, err := os.ReadFile(path); err == nil && want.Match(body) {
				return
			}
		}
	}
	ts.Fatalf("%s did not come to hold %q", args[0], want)
}

// signal NAME INT|TERM|HUP|QUIT|KILL|STOP|CONT: signals a command in the background.
func signalTo(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 || unix.SignalNum("SIG"+args[1]) == 0 {
		ts.Fatalf("usage: signal NAME INT|TERM|KILL|STOP|CONT")
	}
	ts.Check(worldOf(ts).find(ts, args[0]).cmd.Process.Signal(unix.SignalNum("SIG" + args[1])))
}

func (w *world) find(ts *testscript.TestScript, name string) *running {
	r := w.running[name]
	if r == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return r
}

// ended NAME CODE: waits for a command in the background, whose exit code must be CODE (-1: killed), and makes what
// it printed the script's stdout and stderr.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE")
	}
	w := worldOf(ts)
	r := w.find(ts, args[0])
	select {
	case <-r.done:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
	out, err := os.ReadFile(filepath.Join(w.dir, args[0]+".out"))
	ts.Check(err)
	_, _ = ts.Stdout().Write(out)
	if errors, err := os.ReadFile(filepath.Join(w.dir, args[0]+".err")); err == nil {
		_, _ = ts.Stderr().Write(errors)
	}
	if got := strconv.Itoa(r.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit code %s, want %s", got, args[1])
	}
}

// killchild NAME ROLE: kills the child process with that role of a command in the background.
func killChild(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(unix.Kill(childOf(ts, args[0], args[1]), unix.SIGKILL))
}

// trace NAME ROLE: attaches to that child process as a debugger does: when it dies its parent does not hear of it
// before `bury`, or the script's end. Needs the right to trace.
func traceChild(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.bury != nil {
		ts.Fatalf("one process at a time can be debugged")
	}
	pid := childOf(ts, args[0], args[1])
	attached, enough, buried := make(chan error), make(chan bool), make(chan bool)
	go func() {
		runtime.LockOSThread() // the tracer is a thread; it ends with this goroutine
		defer close(buried)
		err := unix.PtraceSeize(pid)
		attached <- err
		if err == nil {
			<-enough
			_ = unix.Kill(pid, unix.SIGKILL)
			_, _ = unix.Wait4(pid, nil, unix.WALL, nil)
		}
	}()
	if err := <-attached; err != nil {
		ts.Fatalf("a process can only be debugged by a user who may trace it (root, or with kernel.yama.ptrace_scope 0): %v", err)
	}
	w.bury = sync.OnceFunc(func() { close(enough); <-buried })
	ts.Defer(w.bury)
}

// bury: lets what `trace` holds go.
func letGo(ts *testscript.TestScript, _ bool, _ []string) { worldOf(ts).bury() }

// childOf is the process of a role that a command in the background has started.
func childOf(ts *testscript.TestScript, name, role string) int {
	parent := worldOf(ts).find(ts, name).cmd.Process.Pid
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		command, err := os.ReadFile(line)
		stat, err2 := os.ReadFile(filepath.Join(filepath.Dir(line), "stat"))
		if err != nil || err2 != nil || !strings.HasSuffix(string(command), "\x00worker\x00"+role+"\x00") {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ") // state, parent
		if fields := strings.Fields(rest); len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		ts.Check(err)
		return pid
	}
	ts.Fatalf("%s has no child %s", name, role)
	return 0
}

// holds is a program: `holds FILE.duckdb` has the database open until it is ended, and says so.
func holds() {
	db, err := sql.Open("duckdb", os.Args[1])
	if err == nil {
		err = db.PingContext(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	fmt.Println("open")
	<-caught
	_ = db.Close()
	os.Exit(0)
}

// mortal is a program: `mortal COMMAND…` becomes the command, without root's right to every file.
func mortal() {
	runtime.LockOSThread()
	if os.Geteuid() == 0 {
		for _, capability := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
				fmt.Fprintln(os.Stderr, "dropping root's rights:", err)
				os.Exit(70)
			}
		}
	}
	path, err := exec.LookPath(os.Args[1])
	if err == nil {
		err = syscall.Exec(path, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(70)
}

// tmpfs DIR SIZE: puts a file system of that size there until the script ends. Needs root.
func tmpfs(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: tmpfs DIR SIZE")
	}
	mountSmall(ts, ts.MkAbs(args[0]), args[1])
}

func mountSmall(ts *testscript.TestScript, dir, size string) {
	ts.Check(os.MkdirAll(dir, 0o755))
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		ts.Fatalf("a full disk can only be tested by a user who may mount a small file system (root, or in a user namespace): %v", err)
	}
	ts.Defer(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}
