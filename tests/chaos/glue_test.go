package chaos_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsglue "github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/hindcast/hindcast/internal/glueserver/glueservertest"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// onGlue is Redshift and S3 with slices as runs of Glue's jobs, which are real Sparks. The Glue API is hindcast's own, served by a process
// that is killed as well.
type onGlue struct {
	*onRedshift
	service *service
	calls   *glueWoe
}

// onGlueSlices is few: each slice is a JVM.
const onGlueSlices = 2

func newOnGlue(t *testing.T, base string) *onGlue {
	t.Helper()
	s := &onGlue{onRedshift: newOnRedshift(t, base, onGlueSlices)}
	s.hosts = [2]string{"127.0.0.1", "127.0.0.2"} // which Java resolves
	s.serve(t)
	python := pythontest.Python(t, "spark35")
	change(t, s, "dialect: duckdb, engine: duckdb}", "engine: glue, dialect: spark}\nglue: {role: hindcast, region: "+redshifttest.Region+", worker_type: G.1X, number_of_workers: 2, jobs: 2, runs_per_job: 1}\n"+
		"spark: {submit: "+filepath.Dir(filepath.Dir(python))+", python: "+python+"}")
	return s
}

// serve starts the Glue API.
func (s *onGlue) serve(t *testing.T) {
	t.Helper()
	s.service, s.calls = newService(t, filepath.Join(s.base, "glue"), s.s3), &glueWoe{}
	target, err := url.Parse("http://" + s.service.address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }} // it is dead
	front := httptest.NewServer(glueservertest.Faults(server, s.calls.rule))
	t.Cleanup(front.Close)

	python := pythontest.Python(t, "spark35")
	s.env = append(s.env, "AWS_ENDPOINT_URL="+front.URL, "SPARK_HOME=", "SPARK_LOCAL_IP=127.0.0.1", "JAVA_TOOL_OPTIONS="+pythontest.JVMOptions(python),
		"PATH="+filepath.Dir(python)+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

func (s *onGlue) fork(t *testing.T, base string, slot int) site {
	t.Helper()
	copied, ok := s.onRedshift.fork(t, base, slot).(*onRedshift)
	if !ok {
		t.Fatal("not the site on Redshift")
	}
	g := &onGlue{onRedshift: copied}
	g.serve(t)
	return g
}

func (s *onGlue) vary(c *trial) {
	s.onRedshift.vary(c)
	c.patience = 15 * time.Minute
	c.strikes = 1 + c.strikes%4
}

func (s *onGlue) density() float64 { return 0.6 }

// places have Glue's script, and what a run that was killed leaves in the folder of its attempt.
func (s *onGlue) places() map[string]*regexp.Regexp {
	places := s.onRedshift.places()
	bucket := filepath.Join(s.s3.Root, s.bucket)
	places[bucket] = regexp.MustCompile(places[bucket].String() + `|^lake/_hindcast/glue/hindcast-\w+\.py$`)
	return places
}

// service is the process that serves the Glue API, and starts Sparks.
type service struct {
	dir     string
	address string
	mark    string // of its processes
	args    []string
	env     []string

	mutex sync.Mutex
	cmd   *exec.Cmd
}

func newService(t *testing.T, dir string, s3 *s3test.Server) *service {
	t.Helper()
	python := pythontest.Python(t, "spark35")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service{dir: dir, address: listener.Addr().String(), mark: mark + "=the Glue of " + dir}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}

	s.args = []string{"serve", "--json", "--glue", s.address, "--state", filepath.Join(dir, "state"), "--parallel", "2", "--spark", filepath.Dir(filepath.Dir(python))}
	for _, setting := range []string{"spark.driver.memory=600m", "spark.driver.extraJavaOptions=" + pythontest.JVMOptions(python),
		"spark.driver.extraClassPath=" + filepath.Join(sparktest.S3A(t, "spark35"), "jars", "*"), "spark.sql.codegen.wholeStage=false", "spark.sql.codegen.factoryMode=NO_CODEGEN",
		"spark.hadoop.fs.s3a.endpoint=" + s3.Endpoint, "spark.hadoop.fs.s3a.endpoint.region=" + s3test.Region, "spark.hadoop.fs.s3a.path.style.access=true",
		"spark.hadoop.fs.s3a.directory.marker.retention=keep", "spark.hadoop.fs.s3a.access.key=" + s3.ID, "spark.hadoop.fs.s3a.secret.key=" + s3.Secret} {
		s.args = append(s.args, "--spark-conf", setting)
	}
	s.env = append(append(os.Environ(), s3.Env()...), s.mark, "AWS_ENDPOINT_URL_S3="+s3.Endpoint, "AWS_REGION="+s3test.Region, "TMPDIR="+filepath.Join(dir, "tmp"), "HOME="+dir,
		"XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "SPARK_HOME=", "PATH="+filepath.Dir(python)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	s.start(t)
	t.Cleanup(func() {
		s.kill()
		kill(processes(s.mark)...)
	})
	return s
}

// start starts it at its address, and waits until it answers.
func (s *service) start(t testing.TB) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(path, s.args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.mutex.Lock()
	s.cmd = cmd
	s.mutex.Unlock()

	for end := time.Now().Add(burial * 6); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatalf("the Glue API does not answer at %s:\n%s", s.address, said.String())
}

// kill kills the server alone: what it started goes on.
func (s *service) kill() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // of a signal
}

// drivers are the processes of runs.
func (s *service) drivers() []process {
	return slices.DeleteFunc(processes(s.mark), func(p process) bool { return p.pid == s.cmd.Process.Pid })
}

// client calls it past all faults.
func (s *service) client() *awsglue.Client {
	return awsglue.New(awsglue.Options{BaseEndpoint: aws.String("http://" + s.address), Region: redshifttest.Region,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")})
}

// runs are all runs of all jobs.
func (s *service) runs(c *trial) (all []types.JobRun) {
	client := s.client()
	jobs, err := client.GetJobs(c.Context(), &awsglue.GetJobsInput{})
	if err != nil {
		c.Fatal(err)
	}
	for _, job := range jobs.Jobs {
		pages := awsglue.NewGetJobRunsPaginator(client, &awsglue.GetJobRunsInput{JobName: job.Name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(c.Context())
			if err != nil {
				c.Fatal(err)
			}
			all = append(all, page.JobRuns...)
		}
	}
	return all
}

// glueWoe is what currently goes wrong on the way to the Glue API.
type glueWoe struct {
	ambush ambush[glueservertest.Fault] // at a call of the operation that it waits for
	mutex  sync.Mutex
	storm  gale[glueservertest.Fault]
}

func (w *glueWoe) rule(r glueservertest.Request) glueservertest.Fault {
	if do := w.ambush.sprung(func(operation string) bool { return r.Operation == operation }); do != nil {
		return do()
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.storm.blow()
}

func (w *glueWoe) end() {
	w.ambush.disarm()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.storm.left = 0
}

func (s *onGlue) strikes() []strike {
	return append(s.onRedshift.strikes(), strike{16, s.killServer}, strike{16, s.killDriver}, strike{16, s.loseStart}, strike{16, s.loseStop}, strike{16, s.deadlyCall}, strike{10, s.glueStorm})
}

// killServer kills the server of the Glue API, and starts another at its address. Sparks go on meanwhile.
func (s *onGlue) killServer(c *trial, _ *running) *running {
	c.tally.kill("Glue's server", c.phase())
	s.service.kill()
	time.Sleep(time.Duration(c.random.IntN(1000)) * time.Millisecond)
	s.service.start(c)
	return nil
}

// killDriver kills a process of a run, if there is one within a while.
func (s *onGlue) killDriver(c *trial, p *running) *running {
	for end := time.Now().Add(c.world.span / 2); time.Now().Before(end) && !p.ended(); time.Sleep(10 * time.Millisecond) {
		if all := s.service.drivers(); len(all) > 0 {
			c.tally.kill("driver", c.phase())
			kill(all[c.random.IntN(len(all))])
			break
		}
	}
	return nil
}

var lost = []glueservertest.Fault{glueservertest.LostAnswer, glueservertest.LostAnswer, glueservertest.Broken}

// loseStart has a run be started of which nobody hears.
func (s *onGlue) loseStart(c *trial, p *running) *running {
	fault := lost[c.random.IntN(len(lost))]
	s.calls.ambush.meet(c, p, "StartJobRun", func() glueservertest.Fault {
		c.tally.other("lost answers to StartJobRun")
		return fault
	})
	return nil
}

// loseStop stops the run, and has the answer be lost of the call that stops Glue's.
func (s *onGlue) loseStop(c *trial, p *running) *running {
	fault := lost[c.random.IntN(len(lost))]
	s.calls.ambush.arm("BatchStopJobRun", func() glueservertest.Fault {
		c.tally.other("lost answers to BatchStopJobRun")
		return fault
	})
	return c.stop(p)
}

// deadlyCall kills the supervisor at a call, which is done all the same.
func (s *onGlue) deadlyCall(c *trial, p *running) *running {
	op := []string{"StartJobRun", "StartJobRun", "GetJobRuns", "CreateJob"}[c.random.IntN(4)]
	fault := []glueservertest.Fault{glueservertest.None, glueservertest.LostAnswer}[c.random.IntN(2)]
	killed := false
	s.calls.ambush.meet(c, p, op, func() glueservertest.Fault {
		kill(process{pid: p.cmd.Process.Pid})
		killed = true
		c.tally.kill(supervisor, c.phase())
		c.tally.other("kills at " + op)
		return fault
	})
	if killed {
		<-p.done
	}
	return nil
}

// glueStorm has the next calls fail.
func (s *onGlue) glueStorm(c *trial, _ *running) *running {
	c.tally.other("storms of Glue")
	s.calls.mutex.Lock()
	defer s.calls.mutex.Unlock()
	s.calls.storm = gale[glueservertest.Fault]{random: rand.New(rand.NewPCG(c.random.Uint64(), 4)), left: 5 + c.random.IntN(20), part: 0.2 + 0.3*c.random.Float64(),
		faults: []glueservertest.Fault{glueservertest.Throttled, glueservertest.Throttled, glueservertest.Broken, glueservertest.LostAnswer}}
	return nil
}

func (s *onGlue) settle(c *trial) {
	s.calls.end()
	s.onRedshift.settle(c)
}

// check checks beside the rest that no run of Glue's lives, that none was started twice, and that no process of one is left.
func (s *onGlue) check(c *trial) {
	first := map[string]string{}
	for _, run := range s.service.runs(c) {
		if slices.Contains([]types.JobRunState{types.JobRunStateStarting, types.JobRunStateRunning, types.JobRunStateStopping, types.JobRunStateWaiting}, run.JobRunState) {
			c.Errorf("the run %s is %s", *run.Id, run.JobRunState)
		}
		id, _, _ := strings.Cut(*run.Id, "_attempt_")
		tag := run.Arguments["--hindcast_tag"]
		if was, there := first[tag]; there && was != id {
			c.Errorf("%s was started twice: %s and %s", tag, was, id)
		}
		first[tag] = id
	}
	for range first {
		c.tally.other("runs of Glue's")
	}

	var left []process
	for end := time.Now().Add(burial); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = s.service.drivers(); len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		c.Errorf("processes of runs are left: %+v", left)
	}
	s.onRedshift.check(c)
}

// keep saves what the server wrote, too.
func (s *onGlue) keep(c *trial) {
	s.onRedshift.keep(c)
	var log strings.Builder
	for _, run := range s.service.runs(c) {
		fmt.Fprintf(&log, "%s %s %s %s %v\n", *run.JobName, *run.Id, run.JobRunState, aws.ToString(run.ErrorMessage), run.Arguments)
	}
	if err := os.WriteFile(filepath.Join(c.base, "runs.log"), []byte(log.String()), 0o644); err != nil {
		c.Error(err)
	}
}

// TestGlue is TestRedshift for slices that are runs of Glue's jobs. A trial takes minutes, and is asked for by the number of seeds, or by one:
//
//	go test ./tests/chaos -run TestGlue -chaos.seeds 30 -timeout 180m -v
func TestGlue(t *testing.T) {
	if *seedsFlag == 0 && *seedFlag == 0 {
		return
	}
	source := newOnGlue(t, t.TempDir())
	worlds := prepare(t, source, "--engine", "duckdb")
	tally := newTally()
	tally.seeds, tally.first = cmp.Or(*seedsFlag, 1), 1
	trials(t, worlds, tally, *seedFlag != 0 && *seedsFlag == 0, (*trial).run)
	t.Log(tally)
}
