// Package child runs parts of hindcast in separate processes and calls them: one JSON value a line, requests on the
// child's standard input, answers on its standard output. It knows processes and calls; what is called is the caller's
// responsibility.
//
// A child dies with its parent: it exits when its standard input ends, and on Linux the kernel kills it as well, so
// that a child that is suspended or deep in a query cannot outlive the supervisor (promise 5).
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
)

// Spec says how to start a child.
type Spec struct {
	Name string   // for people: "worker 1", "warehouse"
	Path string   // the program
	Args []string // without the program's name
	Env  []string // in addition to what any process needs of this one's environment
	// Private names further variables that the child needs; * matches any rest of a name. They may hold secrets: the
	// child gets them on its standard input, so that nobody sees them in its environment.
	Private []string
	Secrets []string  // a variable that contains one of them is not passed on
	Stderr  io.Writer // gets what the child prints on standard error; nil drops it
	// Died, if set, is called when a child ended that nobody had ended, before any of its calls fails for that reason.
	// It must not block.
	Died func(Death)
}

// Death is the end of a child that nobody had ended.
type Death struct {
	Name string // the child's
	Pid  int
	How  string // "signal killed", "exit status 2"
}

// Process is a running child. Its methods may be called in parallel.
type Process struct {
	spec  Spec
	cmd   *exec.Cmd
	in    io.WriteCloser
	done  chan struct{} // closed when the process has been reaped
	died  error         // why, set before done is closed
	write sync.Mutex    // held while a line is written to in; never together with mutex, or a full pipe would block answers too
	mutex sync.Mutex    // guards what follows
	next  int64
	calls map[int64]chan message
	ended bool // we have ended it, or it has announced its end
}

// message is a request (Method set), a cancellation (Cancel set), the environment (Env set) or an answer.
type message struct {
	ID     int64           `json:"id"`
	Env    [][]byte        `json:"environment,omitempty"` // in the first line only
	Method string          `json:"method,omitempty"`
	Cancel bool            `json:"cancel,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *hindcast.Error `json:"error,omitempty"`
	Last   bool            `json:"last,omitempty"` // in the answer after which the child ends
}

// Start starts the child and returns at once; a child that cannot work fails its first call.
func Start(spec Spec) (*Process, error) {
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = spec.started()
	if spec.Stderr != nil {
		cmd.Stderr = patient{spec.Stderr}
	}

	cmd.SysProcAttr = processAttributes()
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}

	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", spec.Name, err)
	}

	if err := onStarter(cmd.Start); err != nil {
		return nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err,
			Message: fmt.Sprintf("%s cannot be started: %v", spec.Name, err), Next: "see what the system lacks: memory, processes, or the program itself"}
	}

	p := &Process{spec: spec, cmd: cmd, in: in, done: make(chan struct{}), calls: map[int64]chan message{}}
	go p.read(out)
	if sent := spec.sent(); len(sent) > 0 {
		_ = p.line(message{Env: sent}) // a dead child fails its first call anyway
	}

	return p, nil
}

// patient accepts everything a child prints: a log that cannot be written is no reason to end the child.
type patient struct{ to io.Writer }

func (p patient) Write(text []byte) (int, error) {
	_, _ = p.to.Write(text)
	return len(text), nil
}

// Name returns the child's name and pid, for people.
func (p *Process) Name() string { return fmt.Sprintf("%s (pid %d)", p.spec.Name, p.cmd.Process.Pid) }

// Pid returns the child's process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child is dead and reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// read hands answers to their callers until the child is gone, then fails the remaining calls.
func (p *Process) read(out io.Reader) {
	lines := bufio.NewReaderSize(out, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}

		var m message
		if json.Unmarshal(line, &m) != nil {
			continue // a library printed on standard output
		}

		p.mutex.Lock()
		p.ended = p.ended || m.Last
		answer := p.calls[m.ID]
		delete(p.calls, m.ID)
		p.mutex.Unlock()

		if answer != nil {
			answer <- m
		}
	}

	_, _ = io.Copy(io.Discard, lines)
	p.reap()
}

func (p *Process) reap() {
	err := p.cmd.Wait()
	p.died = &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient,
		Message: fmt.Sprintf("%s died: %s", p.Name(), ending(p.cmd.ProcessState)), Cause: err,
		Next: "see the run's log; if it was killed for memory, set run.memory lower"}
	p.mutex.Lock()
	p.calls = nil
	ended := p.ended
	p.mutex.Unlock()

	if !ended && p.spec.Died != nil {
		p.spec.Died(Death{Name: p.spec.Name, Pid: p.Pid(), How: ending(p.cmd.ProcessState)})
	}

	close(p.done)
}

func ending(s *os.ProcessState) string {
	if s == nil {
		return "not reaped"
	}
	if status, ok := s.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return "signal " + status.Signal().String()
	}

	return s.String()
}

// cancelGrace is how long a cancelled call may take to return before its process is killed.
const cancelGrace = 5 * time.Second

// Call calls method with params and decodes the answer into result (nil to drop it). When ctx ends, the call is
// cancelled in the child and Call waits for it to return there; a child that does not return within five seconds is
// killed. So once Call has returned, nothing of it is still running.
//
// The error is what the child's handler returned, or a transient E-WORKER if the child died.
func (p *Process) Call(ctx context.Context, method string, params, result any) error {
	if err := ctx.Err(); err != nil {
		return stopped(ctx)
	}

	body, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", method, err)
	}

	id, answer, err := p.send(method, body)
	if err != nil {
		return err
	}

	m, err := p.await(ctx, id, answer)
	if err != nil {
		return err
	}

	if m.Error != nil {
		if ctx.Err() != nil && m.Error.Class == hindcast.ClassCanceled {
			return stopped(ctx)
		}
		return m.Error
	}

	if result == nil {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("decoding the answer to %s: %w", method, err)
	}

	return nil
}

func (p *Process) send(method string, params json.RawMessage) (int64, chan message, error) {
	answer := make(chan message, 1)
	p.mutex.Lock()
	if p.calls == nil {
		p.mutex.Unlock()
		<-p.done
		return 0, nil, p.died
	}

	p.next++
	id := p.next
	p.calls[id] = answer
	p.mutex.Unlock()

	if err := p.line(message{ID: id, Method: method, Params: params}); err != nil {
		p.mutex.Lock()
		delete(p.calls, id)
		p.mutex.Unlock()
		return 0, nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient,
			Message: p.Name() + " does not answer", Cause: err}
	}

	return id, answer, nil
}

// line sends one message.
func (p *Process) line(m message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}

	p.write.Lock()
	defer p.write.Unlock()
	_, err = p.in.Write(append(text, '\n'))
	return err
}

func (p *Process) await(ctx context.Context, id int64, answer chan message) (message, error) {
	select {
	case m := <-answer:
		return m, nil
	case <-p.done:
		return lastWord(answer, p.died)
	case <-ctx.Done():
	}

	go func() { _ = p.line(message{ID: id, Cancel: true}) }() // a child that does not even read is killed below
	timer := time.NewTimer(cancelGrace)
	defer timer.Stop()

	select {
	case m := <-answer:
		return m, nil
	case <-p.done:
	case <-timer.C:
		_ = p.Kill()
	}

	return message{}, stopped(ctx)
}

// lastWord prefers an answer that was sent just before the child died.
func lastWord(answer chan message, died error) (message, error) {
	select {
	case m := <-answer:
		return m, nil
	default:
		return message{}, died
	}
}

func stopped(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		if e, ok := errors.AsType[*hindcast.Error](cause); ok {
			return e
		}
	}
	return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: ctx.Err()}
}

// killGrace is how long a killed process may take to be reaped: one in an uninterruptible disk wait takes longer.
const killGrace = 10 * time.Second

// Kill kills the child and every process that it started. A nil error confirms that it is dead.
func (p *Process) Kill() error {
	select {
	case <-p.done: // its pid may be another process's by now
		return nil
	default:
	}

	p.end()
	_ = p.cmd.Process.Kill()
	killGroup(p.cmd.Process.Pid)
	return p.wait(killGrace)
}

// end notes that we have ended the child.
func (p *Process) end() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.ended = true
}

// Close lets the child exit by itself within grace, then kills it. A nil error confirms that it is dead.
func (p *Process) Close(grace time.Duration) error {
	p.end()
	_ = p.in.Close()
	if p.wait(grace) == nil {
		return nil
	}
	return p.Kill()
}

func (p *Process) wait(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("%s is not confirmed dead", p.Name())
	}
}
