package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/process"
)

// running is a run's processes, as its folder describes them.
type running struct {
	dir   string
	grace time.Duration
	ended chan struct{} // closed when the first process has exited, where it is a child of this one
}

func (r *running) join(name string) string { return filepath.Join(r.dir, name) }

// wrapper runs a command, and writes how it exited last of all. Its own last argument is the run's folder, by which it is found.
const wrapper = `dir=$1; shift
"$@" >"$dir/output" 2>"$dir/error" </dev/null
echo $? >"$dir/exit.part" && mv "$dir/exit.part" "$dir/exit"`

// start starts the processes, in a session of their own: no signal of a terminal reaches them, and our death does not.
func (r *running) start(ctx context.Context, env []string, w work) error {
	us, err := process.This()
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(r.join("tmp"), 0o700), place(r.join(begunFile), us)); err != nil {
		return err
	}
	if err := os.Remove(r.join(leaderFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	argv, more, err := w.command(ctx, r.dir)
	if err != nil {
		return err
	}
	command := exec.Command("/bin/sh", append([]string{"-c", wrapper, "sh", r.dir}, argv...)...)
	command.Env, command.Dir = append(append([]string{}, env...), more...), w.folder
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the script: %w", err)
	}
	r.ended = make(chan struct{})
	go func() {
		_ = command.Wait() // its exit code is in a file
		close(r.ended)
	}()
	if leader, err := process.Of(command.Process.Pid); err == nil { // it has not exited already
		return place(r.join(leaderFile), leader)
	}
	return nil
}

// alive are the processes that live.
func (r *running) alive() ([]int, error) {
	us, err := process.This()
	if err != nil {
		return nil, err
	}
	var begun, leader process.Identity
	if readJSON(r.join(begunFile), &begun) != nil || !begun.Sees(us) {
		return nil, nil // it never began, or its machine was started again since
	}
	if readJSON(r.join(leaderFile), &leader) != nil {
		return process.Find(r.dir) // of a server that died at the very moment
	}
	if is, err := process.Of(leader.Pid); err == nil && is.Started != leader.Started {
		return nil, nil // the number is another process's by now
	}
	return process.Session(leader.Pid)
}

// lifePoll is how often a run that is not a child of this process is looked at.
const lifePoll = 100 * time.Millisecond

// wait waits until no process is alive. What the script left behind when it exited is ended.
func (r *running) wait(ctx context.Context) error {
	for {
		alive, err := r.alive()
		if err == nil && len(alive) == 0 {
			return nil
		}
		if err == nil && there(r.join(exitFile)) {
			if err = r.kill(ctx); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			r.ended = nil
		case <-time.After(lifePoll):
		}
	}
}

const (
	dying    = 30 * time.Second // what processes are given to be gone after SIGKILL
	deadPoll = 20 * time.Millisecond
)

// kill ends all processes; nil means that none is alive. It asks twice before it kills: hindcast run stops gracefully at first and
// then at once, with what its engine works on elsewhere.
func (r *running) kill(ctx context.Context) error {
	began, asked := time.Now(), map[int]int{}
	for {
		alive, err := r.alive()
		if err != nil || len(alive) == 0 {
			return err
		}
		late := time.Since(began)
		for _, pid := range alive {
			switch {
			case late > r.grace:
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have exited by itself
			case asked[pid] == 0, asked[pid] == 1 && late > r.grace/2:
				asked[pid]++
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		if time.Since(began) > r.grace+dying {
			return fmt.Errorf("processes %v of the run in %s still live", alive, r.dir)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(deadPoll):
		}
	}
}

// end is how the script ended; known is false if nothing says so.
func (r *running) end(w work) (end jobs.End, known bool) {
	text, err := os.ReadFile(r.join(exitFile))
	if err != nil {
		return failed("the processes of the run have died, and nothing says how it ended"), false
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return failed("the run's exit code cannot be read: %v", err), true
	}
	if code == 0 {
		return jobs.End{}, true
	}
	if cause := w.cause(tail(r.join("error")), tail(r.join("output"))); cause != "" {
		return failed("%s", cause), true
	}
	return failed("Command failed with exit code %d", code), true
}

// tail is the end of a file.
func tail(path string) string {
	const most = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, 2)
	}
	text := make([]byte, most)
	n, _ := f.Read(text)
	return string(text[:n])
}
