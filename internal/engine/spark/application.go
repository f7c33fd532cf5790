package spark

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/process"
	"github.com/hindcast/hindcast/internal/sparkhome"
	"github.com/hindcast/hindcast/internal/sparksql"
)

//go:embed driver.py
var driver []byte

// application is a Spark application as its folder on this machine describes it. Processes find it there, whoever started it.
type application struct {
	dir string
}

// applicationPrefix begins the names of the applications' folders.
const applicationPrefix = "application-"

// The files of an application's folder: see driver.py.
const (
	aboutFile    = "application.json"
	runningFile  = "running.json"
	progressFile = "progress.json"
	secretsPipe  = "secrets"
	inbox        = "inbox"
	done         = "done"
	closing      = "close"
	driverFile   = "driver.py"
	logFile      = "log"
)

// about is what an application is, for its driver and for whoever finds its folder.
type about struct {
	Host       string `json:"host"`
	Supervisor int    `json:"supervisor"` // the process that started it
	Started    string `json:"supervisor_started"`
	Master     string `json:"master"`
	Secrets    bool   `json:"secrets,omitempty"` // settings come through a pipe
	// Of a session that is kept for queries: the seconds that it stays after the last one, and what other processes find it by.
	Keep float64 `json:"keep,omitempty"`
	Key  string  `json:"key,omitempty"`
}

// submission is how an application is started.
type submission struct {
	submit   string
	env      []string
	master   string
	packages []string
	set      map[string]string
	secret   map[string]string // settings that are not to be seen in a command line: Spark's, and Hadoop's by their own names
	keep     time.Duration     // see about; 0 ends it with its supervisor
	key      string
}

// args are spark-submit's, before the application's name and the driver.
func (s submission) args() []string {
	args := []string{"--master", s.master}
	if len(s.packages) > 0 {
		args = append(args, "--packages", strings.Join(s.packages, ","))
	}
	for _, key := range sorted(s.set) {
		args = append(args, "--conf", key+"="+s.set[key])
	}
	return args
}

// begin starts an application in a new folder below base, in a session of its own: neither the terminal's signals nor our
// death reach it.
func begin(base string, s submission) (*application, <-chan struct{}, error) {
	dir, err := os.MkdirTemp(base, applicationPrefix+"*") // the user's alone
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for a Spark application: %w", err)
	}
	a := &application{dir: dir}
	us, err := process.This()
	if err != nil {
		return nil, nil, err
	}
	is := about{Host: us.Host, Supervisor: us.Pid, Started: us.Started, Master: s.master, Secrets: len(s.secret) > 0, Keep: s.keep.Seconds(), Key: s.key}
	if err := errors.Join(os.Mkdir(a.join(inbox), 0o700), os.Mkdir(a.join(done), 0o700), os.Mkdir(a.join("tmp"), 0o700), place(a.join(aboutFile), asJSON(is)),
		os.WriteFile(a.join(driverFile), driver, 0o600), a.modules()); err != nil {
		return nil, nil, err
	}

	pipe, err := a.whisper(s.secret)
	if err != nil {
		return nil, nil, err
	}
	log, err := os.OpenFile(a.join(logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own
	command := exec.Command(s.submit, append(s.args(), "--name", a.title(), a.join(driverFile), dir)...)
	command.Env, command.Dir = s.env, a.join("tmp")
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, &hindcast.Error{Code: hindcast.EWorker, Class: hindcast.ClassTransient, Cause: err,
			Message: fmt.Sprintf("%s cannot be started: %v", s.submit, err), Next: "see what is missing: hindcast doctor spark"}
	}

	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // the end is told by files
		if pipe != nil {
			_ = pipe.Close()
		}
		close(ended)
	}()
	return a, ended, nil
}

// modules writes what the driver imports beside it, where Python looks for that.
func (a *application) modules() error {
	for _, m := range sparksql.Modules() {
		if err := os.WriteFile(a.join(m.Name+".py"), m.Text, 0o600); err != nil {
			return fmt.Errorf("writing what Spark's driver imports: %w", err)
		}
	}
	return nil
}

// whisper gives settings to the driver through a pipe, so that they lie in no file and no process shows them; nil if there are
// none. The pipe holds them as long as it is open.
func (a *application) whisper(secrets map[string]string) (*os.File, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	path := a.join(secretsPipe)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return nil, fmt.Errorf("making a pipe for Spark's settings: %w", err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0) // it waits for no reader
	if err != nil {
		return nil, fmt.Errorf("opening the pipe for Spark's settings: %w", err)
	}
	if _, err := pipe.Write(append(asJSON(secrets), '\n')); err != nil {
		return nil, errors.Join(fmt.Errorf("writing Spark's settings: %w", err), pipe.Close())
	}
	return pipe, nil
}

func (a *application) join(name string) string { return filepath.Join(a.dir, name) }

// name is the application's, for people and handles.
func (a *application) name() string { return filepath.Base(a.dir) }

// title is the application's name in its cluster.
func (a *application) title() string { return "hindcast " + a.name() }

// place writes a file whole or not at all.
func place(path string, text []byte) error {
	if err := os.WriteFile(path+".part", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// ask puts a request in the application's inbox.
func (a *application) ask(number int, r sparksql.Request) error {
	return place(filepath.Join(a.join(inbox), fmt.Sprintf("%06d.json", number)), asJSON(r))
}

// requests are those that have not been put aside, in their order.
func (a *application) requests() (list []sparksql.Request) {
	for _, p := range a.posted(inbox) {
		list = append(list, p.Request)
	}
	return list
}

// has reports whether work of that tag has not ended.
func (a *application) has(tag string) bool {
	return slices.ContainsFunc(a.requests(), func(r sparksql.Request) bool { return r.Kind == sparksql.KindRun && r.Tag == tag && !there(r.End) })
}

// busy reports whether anything but the work of a tag has not ended. The driver puts a request aside only after it has written its end.
func (a *application) busy(tag string) bool {
	return slices.ContainsFunc(a.requests(), func(r sparksql.Request) bool { return r.Tag != tag && !there(r.End) })
}

// forsaken reports whether the application's supervisor has died, and all that it asked for has ended.
func (a *application) forsaken() bool {
	var is about
	us, err := process.This()
	if err != nil || read(a.join(aboutFile), &is) != nil || is.Host != us.Host || is.Keep > 0 {
		return false
	}
	supervisor := process.Identity{Host: is.Host, Pid: is.Supervisor, Started: is.Started, Boot: us.Boot}
	return !supervisor.Alive() && len(a.requests()) == 0
}

// startUp is how long the application took until it could work; 0 if it never could.
func (a *application) startUp() time.Duration {
	begun, unknown := os.Stat(a.join(aboutFile))
	ready, never := os.Stat(a.join(runningFile))
	if unknown != nil || never != nil {
		return 0
	}
	return ready.ModTime().Sub(begun.ModTime())
}

// leave lets an application end by itself that has nothing left to do.
func (a *application) leave() {
	_ = place(filepath.Join(a.join(inbox), closing), nil) // otherwise it ends some time after its supervisor
}

func read(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// there reports whether a file exists.
func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// processes are the application's that live: spark-submit, its JVM and the driver's Python, which have the folder in their
// command lines. Numbers are used again, a folder's name is not.
func (a *application) processes() ([]int, error) { return process.Find(a.dir) }

// alive reports whether the application runs; where the system does not say, it does.
func (a *application) alive() bool {
	pids, err := a.processes()
	return err != nil || len(pids) > 0
}

// How long an application is given.
const (
	grace     = 3 * time.Second  // to end by itself when it is asked to
	dying     = 30 * time.Second // to be gone after SIGKILL
	deathPoll = 20 * time.Millisecond
)

// kill ends all processes of the application, and its executors; nil means that none is left.
func (a *application) kill(env []string) error {
	var is about
	unknown := read(a.join(aboutFile), &is) // of one that was just begun, and whose spark-submit was not
	if err := a.killHere(); err != nil {
		return err
	}
	if c, elsewhere := sparkhome.Standalone(is.Master, env); elsewhere && unknown == nil {
		return gone(context.Background(), c, a.title())
	}
	return nil
}

// killHere ends its processes on this machine.
func (a *application) killHere() error {
	for _, s := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, dying}} {
		deadline := time.Now().Add(s.wait)
		for {
			pids, err := a.processes()
			if err != nil {
				return fmt.Errorf("looking for the processes of %s: %w", a.name(), err)
			}
			if len(pids) == 0 {
				return nil
			}
			for _, pid := range pids {
				_ = syscall.Kill(pid, s.signal) // it may have exited by itself
			}
			if time.Now().After(deadline) {
				break
			}
			time.Sleep(deathPoll)
		}
	}
	pids, err := a.processes()
	if err != nil || len(pids) > 0 {
		return fmt.Errorf("processes %v of the Spark application in %s still run", pids, a.dir)
	}
	return nil
}

// remove removes the folder of an application that is dead.
func (a *application) remove() error { return os.RemoveAll(a.dir) }

// tail is the end of the application's log.
func (a *application) tail(bytes int64) string {
	f, err := os.Open(a.join(logFile))
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil && info.Size() > bytes {
		_, _ = f.Seek(-bytes, 2)
	}
	text := make([]byte, bytes)
	n, _ := f.Read(text)
	return string(text[:n])
}

// applications are those whose folders lie below base.
func applications(base string) ([]*application, error) {
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for Spark applications: %w", err)
	}
	var list []*application
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), applicationPrefix) {
			list = append(list, &application{filepath.Join(base, entry.Name())})
		}
	}
	return list, nil
}
