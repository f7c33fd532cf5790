package glue_test

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark/awssparktest"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/engine/glue"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// The test binary is also a supervisor that starts work and is killed, and the workers of the binder.
func TestMain(m *testing.M) {
	if os.Getenv("GLUE_TEST") == "supervisor" {
		enginetest.Supervise(order.begin, func(*glue.Engine) string { return "begun" })
	}
	driverstest.Main(m)
}

// order is what a supervisor that is to be killed is told.
type order struct {
	Glue string // its endpoint
	S3   string
	Lake string // the bucket
	Work engine.Work
}

// open opens an engine over a bucket, whose keys are in the environment.
func (o order) open() (*glue.Engine, error) {
	store, err := s3.Open(context.Background(), s3test.URL(o.S3, o.Lake, ""))
	if err != nil {
		return nil, err
	}
	g := hindcast.Glue{Role: "role", Version: "5.1", WorkerType: "G.1X", Workers: 2, Jobs: 2, RunsPerJob: 1, Timeout: time.Hour, Class: "STANDARD"}
	return glue.Open(glue.Options{Glue: g, Name: "hindcast-test", Store: store, Scripts: store, Folder: "_hindcast/glue/", Clients: clients(o.Glue),
		Capacity: glue.Capacity(hindcast.RunConfig{}, g, nil), Log: os.Stderr, Pace: 100 * time.Millisecond}), nil
}

// begin is what a supervisor begins with.
func (o order) begin() (*glue.Engine, engine.Work, error) {
	e, err := o.open()
	return e, o.Work, err
}

// world is a served Glue whose scripts run in a real Spark over a real S3 server.
type world struct {
	order
	objects  *enginetest.Objects
	sessions *awssparktest.Sessions
	engine   *glue.Engine
	binder   engine.Binder
}

func newWorld(t *testing.T, name string, binds bool) *world {
	t.Helper()
	w := &world{objects: enginetest.NewObjects(t)}
	w.objects.Server.Setenv(t)
	w.sessions = awssparktest.NewSessions(t, name, w.objects.Server)
	server, err := glueserver.Open(glueserver.Options{State: t.TempDir(), Runner: w.sessions, Parallel: 10})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.order = order{Glue: web.URL, S3: w.objects.Server.Endpoint, Lake: w.objects.Bucket}
	if binds {
		w.bind(t, name)
	}
	return w
}

// bind opens the binder that a pipeline's engine glue has.
func (w *world) bind(t *testing.T, name string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	store, err := s3.Open(t.Context(), s3test.URL(w.S3, w.Lake, ""))
	if err != nil {
		t.Fatal(err)
	}
	python := pythontest.Python(t, name)
	p := &hindcast.Pipeline{Dir: t.TempDir(), Transform: hindcast.Transform{Engine: "glue", Dialect: "spark", Spark: hindcast.Spark{Python: python, Submit: strings.TrimSuffix(python, "/bin/python")},
		Glue: hindcast.Glue{Role: "role", Region: "us-east-1", Version: "5.1", WorkerType: "G.1X", Workers: 2, Jobs: 1, RunsPerJob: 1}}}
	e, binder, err := drivers.Engine(p, drivers.EngineOptions{Room: engine.Room{Cores: 2, Memory: 2 << 30}, Store: store, Tags: "test/", Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if is := e.Properties(); is != (engine.Properties{Name: "glue", Version: "3.5.6", Outlives: true, Elsewhere: true}) {
		t.Errorf("%+v", is)
	}
	w.binder = binder
	t.Cleanup(func() {
		if err := binder.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (w *world) fresh(t *testing.T) *enginetest.World {
	t.Helper()
	if w.engine == nil {
		var err error
		if w.engine, err = w.open(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if strings.HasSuffix(t.Name(), "close_ends_all_work") {
			w.engine = nil
		}
	})
	return &enginetest.World{Engine: w.objects.Serve(w.engine), Binder: w.binder, Dir: w.objects.Folder(t), Counts: true,
		Kill: func(*testing.T) { w.sessions.Kill() },
		Orphan: func(t *testing.T, work engine.Work) engine.Engine {
			t.Helper()
			var err error
			if work, err = w.objects.Work(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			o := w.order
			o.Work = work
			enginetest.Orphan(t, "GLUE_TEST=supervisor", o)
			later, err := w.open()
			if err != nil {
				t.Fatal(err)
			}
			return w.objects.Serve(later)
		},
		Slow:   "SELECT DATE '2020-01-01' AS day FROM range(1000000) a, range(1000000) b WHERE hash(a.id, b.id) = 1",
		Hungry: "SELECT DATE '2020-01-01' AS day, size(collect_list(concat(CAST(id AS STRING), repeat('x', 50)))) AS n FROM range(20000000)",
		Micros: "unix_micros(now())",
		Zoned:  func(text string) string { return "TIMESTAMP_LTZ '" + text + ":00'" }}
}

// What the script does on Spark is what the engine spark's suite holds its driver to: the two share it. Here is what only this engine has,
// its front: a request, reports of progress and an end in a bucket, and what becomes of a run whose Spark is stopped or dies.
func TestRunsOnSpark(t *testing.T) {
	w := newWorld(t, "spark35", false)
	enginetest.Only(t, w.fresh, "the SQL sees its slice only", "failed checks show rows", "an end is given once", "progress is reported", "what a dead supervisor left")
}

// TestConformance takes minutes and is asked for by the name of a Spark: see CONTRIBUTING.md.
func TestConformance(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv("HINDCAST_TEST_GLUE")) {
		t.Run(name, func(t *testing.T) { enginetest.Run(t, newWorld(t, name, true).fresh) })
	}
}
