// Package awssparktest is what tests of engines share whose work a service of AWS runs: scripts that run in real Sparks.
package awssparktest

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// host runs scripts one after the other in one session of Spark, each as if it had its own process: a JVM takes long to start.
//
//go:embed host.py
var host string

// Sessions is a Runner that keeps sessions of a real Spark for the next script. A script that is stopped takes its session with it.
type Sessions struct {
	t      testing.TB
	python string
	home   string
	conf   map[string]string
	server *s3test.Server
	dir    string

	mutex sync.Mutex
	idle  []*session
	busy  map[string]*session // by run
}

type session struct {
	command *exec.Cmd
	log     string
	in      io.WriteCloser
	out     *bufio.Reader
}

// NewSessions is a Spark of tests/python that reaches buckets as AWS's services do, by s3:// and a role's credentials.
func NewSessions(t testing.TB, name string, server *s3test.Server) *Sessions {
	t.Helper()
	python := pythontest.Python(t, name)
	found, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(python)), "lib", "python3*", "site-packages", "pyspark"))
	if err != nil || len(found) != 1 {
		t.Fatalf("there is no pyspark beside %s: %v, %v", python, found, err)
	}
	jars, err := filepath.Glob(filepath.Join(sparktest.S3A(t, name), "jars", "*.jar"))
	if err != nil || len(jars) == 0 {
		t.Fatalf("no hadoop-aws: %v", err)
	}
	s := &Sessions{t: t, python: python, home: found[0], server: server, dir: t.TempDir(), busy: map[string]*session{}}
	s.conf = map[string]string{
		"spark.master": "local[2]", "spark.driver.memory": "700m", "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
		"spark.driver.extraJavaOptions": pythontest.JVMOptions(python), "spark.jars": strings.Join(jars, ","),
		"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
		"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem", "spark.hadoop.fs.s3a.endpoint": server.Endpoint, "spark.hadoop.fs.s3a.endpoint.region": s3test.Region,
		"spark.hadoop.fs.s3a.path.style.access": "true", "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
		"spark.hadoop.fs.s3a.access.key": server.ID, "spark.hadoop.fs.s3a.secret.key": server.Secret,
	}
	t.Cleanup(func() {
		for _, is := range s.all() {
			is.kill()
		}
	})
	return s
}

func (s *Sessions) all() (list []*session) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	list = append(list, s.idle...)
	for _, is := range s.busy {
		list = append(list, is)
	}
	return list
}

// kill kills a session's processes.
func (is *session) kill() {
	_ = syscall.Kill(-is.command.Process.Pid, syscall.SIGKILL) // it may have died
}

// take takes an idle session for a run, or starts one.
func (s *Sessions) take(run string) (*session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if n := len(s.idle); n > 0 {
		is := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.busy[run] = is
		return is, nil
	}
	path := filepath.Join(s.dir, "host.py")
	if err := os.WriteFile(path, []byte(host), 0o600); err != nil {
		return nil, err
	}
	var args strings.Builder
	for key, value := range s.conf {
		fmt.Fprintf(&args, "--conf %q ", key+"="+value)
	}
	is := &session{command: exec.Command(s.python, path)}
	is.command.Env = append(os.Environ(), "SPARK_HOME="+s.home, "PYSPARK_PYTHON="+s.python, "PYSPARK_DRIVER_PYTHON="+s.python, "PYSPARK_SUBMIT_ARGS="+args.String()+"pyspark-shell")
	is.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var err error
	if is.in, err = is.command.StdinPipe(); err != nil {
		return nil, err
	}
	answers, writer, err := os.Pipe() // standard output is Spark's, too
	if err != nil {
		return nil, err
	}
	is.command.ExtraFiles = []*os.File{writer}
	log, err := os.CreateTemp(s.dir, "session-*.log")
	if err != nil {
		return nil, err
	}
	is.log = log.Name()
	is.command.Stdout, is.command.Stderr = log, log
	if err := is.command.Start(); err != nil {
		return nil, err
	}
	_ = writer.Close() // the child's is left
	is.out = bufio.NewReader(answers)
	go func() { _ = is.command.Wait() }() // what it answers tells how it ended
	s.busy[run] = is
	return is, nil
}

func (s *Sessions) log(id string, of jobs.Stream) string {
	return filepath.Join(s.dir, id+"."+string(of))
}

// Run runs a script in a session.
func (s *Sessions) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(t.Command.ScriptLocation, "s3://"), "/")
	script := filepath.Join(s.server.Root, bucket, key)
	args := []string{script}
	for name, value := range t.Arguments {
		args = append(args, name, value)
	}
	is, err := s.take(t.ID)
	if err != nil {
		return jobs.End{Failed: true, Message: err.Error()}, nil
	}
	order, err := json.Marshal(map[string]any{"args": args, "output": s.log(t.ID, jobs.Output), "error": s.log(t.ID, jobs.Errors)})
	if err != nil {
		return jobs.End{}, err
	}
	began()
	_, _ = is.in.Write(append(order, '\n')) // it answers, or it has died
	line, err := is.out.ReadBytes('\n')

	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.busy, t.ID)
	if err != nil { // what the driver said last is in the run's log, as a service's is
		said, _ := os.ReadFile(is.log)
		return jobs.End{Failed: true, Message: "the driver died"}, os.WriteFile(s.log(t.ID, jobs.Errors), said, 0o600)
	}
	s.idle = append(s.idle, is)
	var end jobs.End
	err = json.Unmarshal(line, &end)
	return end, err
}

// Stop kills the session that runs a script.
func (s *Sessions) Stop(_ context.Context, t jobs.Task) error {
	s.mutex.Lock()
	is := s.busy[t.ID]
	s.mutex.Unlock()
	if is != nil {
		is.kill()
	}
	return nil
}

// Forget does nothing.
func (s *Sessions) Forget(string) error { return nil }

// Log opens what a script wrote.
func (s *Sessions) Log(id string, of jobs.Stream) (io.ReadSeekCloser, error) {
	file, err := os.Open(s.log(id, of))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	return file, err
}

// Kill kills the sessions that run a script.
func (s *Sessions) Kill() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, is := range s.busy {
		is.kill()
	}
}
