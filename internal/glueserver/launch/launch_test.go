package launch_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/launch"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// folder is a server's: scripts, and the folder of its runs.
type folder struct {
	t    *testing.T
	root string
	dir  string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	return folder{t, t.TempDir(), t.TempDir()}
}

func (f folder) launcher() *launch.Launcher {
	f.t.Helper()
	l, err := launch.New(launch.Options{Dir: f.dir, Root: f.root, Grace: 100 * time.Millisecond,
		Spark: func(context.Context) (sparkhome.Home, error) { return sparkhome.Home{Python: "python3"}, nil }})
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func (f folder) script(name, text string) jobs.Task {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.root, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return task(name)
}

func task(location string) jobs.Task {
	return jobs.Task{ID: "jr_1", First: "jr_1", JobName: "etl", Command: jobs.Command{Name: "pythonshell", ScriptLocation: location}}
}

// gate is a pipe that scripts wait at: opening it returns when a script has.
func (f folder) gate(name string) string {
	f.t.Helper()
	path := filepath.Join(f.root, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// pass lets a script go on that waits at a gate, or that comes to it.
func (f folder) pass(gate string) {
	f.t.Helper()
	if err := os.WriteFile(gate, []byte("go\n"), 0); err != nil {
		f.t.Fatal(err)
	}
}

func (f folder) text(t jobs.Task, l *launch.Launcher, s jobs.Stream) string {
	f.t.Helper()
	log, err := l.Log(t.ID, s)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	text, err := io.ReadAll(log)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// A script is given its arguments, reads them as on Glue, and its last exception is why it failed.
func TestScript(t *testing.T) {
	f := newFolder(t)
	is := f.script("script.py", `
import sys
from awsglue.utils import getResolvedOptions, GlueArgumentError
from awsglue.transforms import *
print(getResolvedOptions(sys.argv, ["JOB_NAME", "start_dt", "JOB_RUN_ID"]))
try:
    getResolvedOptions(sys.argv, ["missing"])
except GlueArgumentError as e:
    print(e)
try:
    ApplyMapping.apply(frame=None)
except NotImplementedError as e:
    print(e)
raise ValueError("no " + getResolvedOptions(sys.argv, ["text"])["text"])
`)
	is.Arguments = map[string]string{"--start_dt": "20160101", "--text": "--a b 'c'"}
	is.Arguments["--text"] = "b 'c' ä"
	l, began := f.launcher(), false
	end, err := l.Run(t.Context(), is, func() { began = true })
	if err != nil || !began || !end.Failed || end.Message != "ValueError: no b 'c' ä" {
		t.Errorf("%+v, %v", end, err)
	}
	want := `{'JOB_NAME': 'etl', 'start_dt': '20160101', 'JOB_RUN_ID': 'jr_1', 'JOB_ID': 'j_etl'}
the following arguments are required: --missing
ApplyMapping.apply is not in hindcast's awsglue: use Spark's DataFrames in its place, or run this job on AWS Glue
`
	if got := f.text(is, l, jobs.Output); got != want {
		t.Errorf("it printed %s%s", got, f.text(is, l, jobs.Errors))
	}
	if end, err := f.launcher().Run(t.Context(), is, func() {}); err != nil || end.Message != "ValueError: no b 'c' ä" {
		t.Errorf("asked again: %+v, %v", end, err)
	}
}

// A later server takes up what an earlier one began, and begins nothing twice.
func TestTakenUp(t *testing.T) {
	f := newFolder(t)
	here, gate := f.gate("here"), f.gate("gate")
	is := f.script("script.py", `
open("count", "a").write("once\n")
open("here", "w").close()
open("gate").read()
`)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := f.launcher().Run(ctx, is, func() {})
		left <- err
	}()
	if _, err := os.ReadFile(here); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := <-left; err == nil {
		t.Error("the end of the wait is no error")
	}

	began, ended := make(chan struct{}), make(chan jobs.End)
	go func() {
		end, err := f.launcher().Run(t.Context(), is, func() { close(began) })
		if err != nil {
			t.Error(err)
		}
		ended <- end
	}()
	<-began
	f.pass(gate)
	if end := <-ended; end.Failed {
		t.Errorf("%+v", end)
	}
	if text, err := os.ReadFile(filepath.Join(f.root, "count")); err != nil || string(text) != "once\n" {
		t.Errorf("it ran %q, %v", text, err)
	}
}

// A stop ends every process, also what does not heed SIGTERM and what has left the script's group, and what a dead server began.
func TestStop(t *testing.T) {
	f := newFolder(t)
	here := f.gate("here")
	f.gate("never")
	is := f.script("script.py", `
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
open("here", "w").write(str(os.getpid()) + "\n")
open("never").read()
`)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		_, _ = f.launcher().Run(ctx, is, func() {})
		close(left)
	}()
	pids := ""
	for len(strings.Fields(pids)) < 2 {
		text, err := os.ReadFile(here)
		if err != nil {
			t.Fatal(err)
		}
		pids += string(text)
	}
	leave()
	<-left

	l := f.launcher()
	if err := l.Stop(t.Context(), is); err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(pids) {
		if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && !strings.Contains(string(stat), ") Z") {
			t.Errorf("process %s lives: %s", pid, stat)
		}
	}
	if end, err := l.Run(t.Context(), is, func() {}); err != nil || !end.Failed {
		t.Errorf("it can be begun after a stop: %+v, %v", end, err)
	}
}

// A script whose processes were killed from outside has failed, and is not begun again by itself.
func TestKilled(t *testing.T) {
	f := newFolder(t)
	here := f.gate("here")
	f.gate("never")
	is := f.script("script.py", `
import os
open("here", "w").close()
open("never").read()
`)
	go func() {
		if _, err := os.ReadFile(here); err != nil {
			t.Error(err)
		}
		var leader struct{ Pid int }
		for leader.Pid == 0 {
			leader.Pid = leaderOf(f.dir, is.ID)
		}
		if err := syscall.Kill(-leader.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}()
	end, err := f.launcher().Run(t.Context(), is, func() {})
	if err != nil || !end.Failed || !strings.Contains(end.Message, "have died") {
		t.Errorf("%+v, %v", end, err)
	}
}

// Nothing outside of the folder is run, nor what is neither a pipeline nor a script; nor with arguments that would be passed over.
func TestRefused(t *testing.T) {
	f := newFolder(t)
	outside := filepath.Join(f.dir, "outside.py")
	if err := os.WriteFile(outside, []byte("print()"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(f.root, "link.py")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(f.dir, filepath.Join(f.root, "folder")); err != nil {
		t.Fatal(err)
	}
	f.script("here.py", "")
	f.script("here.sh", "")
	f.script("hindcast.yml", "")
	l := f.launcher()
	for location, says := range map[string]string{
		outside:                         "no such file below the folder",
		"link.py":                       "no such file below the folder",
		"folder/outside.py":             "no such file below the folder",
		"../" + filepath.Base(f.dir):    "no such file below the folder",
		"/etc/passwd":                   "no such file below the folder",
		".":                             "no such file below the folder",
		"nowhere.py":                    "no such file below the folder",
		"here.sh":                       "must be a pipeline",
		"https://example.org/script.py": "must be s3://",
	} {
		if end, err := l.Run(t.Context(), task(location), func() { t.Error(location + " began") }); err != nil || !strings.Contains(end.Message, says) {
			t.Errorf("%s: %+v, %v", location, end, err)
		}
	}

	for key, location := range map[string]string{"--slcies": "hindcast.yml", "--extra-jars": "here.py", "--additional-python-modules": "here.py"} {
		is := task(location)
		is.Arguments = map[string]string{key: "x"}
		if end, err := l.Run(t.Context(), is, func() { t.Error(key + " began") }); err != nil || !strings.Contains(end.Message, key) {
			t.Errorf("%s: %+v, %v", key, end, err)
		}
	}
	streaming := task("here.py")
	streaming.Command.Name = "gluestreaming"
	if end, err := l.Run(t.Context(), streaming, func() {}); err != nil || !strings.Contains(end.Message, "gluestreaming") {
		t.Errorf("%+v, %v", end, err)
	}
}

// leaderOf is the number of a run's first process; 0 if it is not written yet.
func leaderOf(dir, id string) int {
	var leader struct {
		Pid int `json:"pid"`
	}
	text, err := os.ReadFile(filepath.Join(dir, id, "leader.json"))
	if err != nil || json.Unmarshal(text, &leader) != nil {
		return 0
	}
	return leader.Pid
}
