// Package sparktest starts a real standalone cluster of Spark for tests: one master and its workers, each a JVM.
package sparktest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// Cluster is a master with workers on this machine, until the test ends.
type Cluster struct {
	Master    string // spark://127.0.0.1:PORT
	UI        string // the port of the master's web page, which has /json/
	SparkHome string
	options   string // of each JVM
	t         testing.TB
	master    *daemon
	workers   []*daemon
}

// Start starts a master of the Spark that tests/python/NAME.txt lists.
func Start(t testing.TB, name string) *Cluster {
	t.Helper()
	python := pythontest.Python(t, name)
	found, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(python)), "lib", "python3*", "site-packages", "pyspark"))
	if err != nil || len(found) != 1 {
		t.Fatalf("there is no pyspark beside %s: %v, %v", python, found, err)
	}

	c := &Cluster{SparkHome: found[0], options: pythontest.JVMOptions(python), t: t}
	c.master = c.start(nil, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
	c.Master = c.master.says(`Starting Spark master at (spark://\S+)`)
	c.UI = c.master.says(`MasterWebUI.* started at http://\S+:(\d+)`)
	c.master.says(`(I have been elected leader)`)
	return c
}

// Worker adds a worker of so many cores and MiB of memory, and returns its process group.
func (c *Cluster) Worker(cores, memory int) int {
	c.t.Helper()
	return c.worker(cores, memory)
}

// Blind is Worker for one that has another folder in the place of that one, as a machine of its own would: an empty one.
func (c *Cluster) Blind(cores, memory int, folder string) int {
	c.t.Helper()
	return c.worker(cores, memory, "unshare", "--mount", "sh", "-c", `mount -t tmpfs none "$0" && exec "$@"`, folder)
}

func (c *Cluster) worker(cores, memory int, in ...string) int {
	c.t.Helper()
	w := c.start(in, "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0", "--cores", fmt.Sprint(cores),
		"--memory", fmt.Sprintf("%dm", memory), "--work-dir", c.t.TempDir(), c.Master)
	w.says(`(Successfully registered with master)`)
	c.workers = append(c.workers, w)
	return w.command.Process.Pid
}

// Stop kills the master.
func (c *Cluster) Stop() { c.master.kill() }

// daemon is one JVM, in a process group of its own that ends with the test's process, too.
type daemon struct {
	t       testing.TB
	command *exec.Cmd
	keeper  io.Closer
	once    sync.Once

	mutex sync.Mutex
	said  strings.Builder
	more  *sync.Cond
	ended bool
}

// keep ends the group when its standard input ends.
const keep = `"$@" </dev/null & read -r _; kill -KILL 0`

// start starts a JVM, by a command that gives it a world of its own if in is not empty.
func (c *Cluster) start(in []string, class string, args ...string) *daemon {
	c.t.Helper()
	command := slices.Concat([]string{"-c", keep, "sh"}, in, []string{filepath.Join(c.SparkHome, "bin", "spark-class"), class}, args)
	d := &daemon{t: c.t, command: exec.Command("sh", command...)}
	d.more = sync.NewCond(&d.mutex)
	d.command.Env = append(os.Environ(), "SPARK_HOME="+c.SparkHome, "SPARK_LOCAL_IP=127.0.0.1", "SPARK_DAEMON_MEMORY=256m", "SPARK_LOG_DIR="+c.t.TempDir(),
		"SPARK_DAEMON_JAVA_OPTS="+c.options, "SPARK_CONF_DIR="+filepath.Join(c.SparkHome, "conf"))
	d.command.Dir = c.t.TempDir()
	d.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	keeper, err := d.command.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	d.keeper, d.command.Stdout, d.command.Stderr = keeper, writer, writer
	if err := d.command.Start(); err != nil {
		c.t.Fatal(err)
	}
	_ = writer.Close() // the children's is left
	go d.listen(reader)
	c.t.Cleanup(d.kill)
	return d
}

// listen keeps what the daemon says.
func (d *daemon) listen(reader *os.File) {
	defer func() { _ = reader.Close() }()
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		d.hear(lines.Text()+"\n", false)
	}
	d.hear("", true)
}

func (d *daemon) hear(line string, end bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.said.WriteString(line)
	d.ended = d.ended || end
	d.more.Broadcast()
}

// says waits for a line, and returns what its group matched.
func (d *daemon) says(form string) string {
	d.t.Helper()
	pattern := regexp.MustCompile(form)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for {
		if m := pattern.FindStringSubmatch(d.said.String()); m != nil {
			return m[1]
		}
		if d.ended {
			d.t.Fatalf("Spark ended before it said %q:\n%s", form, d.said.String())
		}
		d.more.Wait()
	}
}

// kill ends the daemon's whole group, and waits until the JVM has let go of its ports.
func (d *daemon) kill() {
	d.once.Do(func() {
		_ = d.keeper.Close()                                      // so it would end without us, too
		_ = syscall.Kill(-d.command.Process.Pid, syscall.SIGKILL) // it may have ended already
		_ = d.command.Wait()                                      // which only says that it was killed

		d.mutex.Lock()
		defer d.mutex.Unlock()
		for !d.ended {
			d.more.Wait()
		}
	})
}
