package emr_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless"
	"github.com/aws/aws-sdk-go-v2/service/emrserverless/types"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsspark/awssparktest"
	"github.com/hindcast/hindcast/internal/drivers"
	"github.com/hindcast/hindcast/internal/drivers/driverstest"
	"github.com/hindcast/hindcast/internal/emrtest"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/emr"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// The test binary is also a supervisor that starts work and is killed, and the workers of the binder.
func TestMain(m *testing.M) {
	if os.Getenv("EMR_TEST") == "supervisor" {
		enginetest.Supervise(order.begin, func(*emr.Engine) string { return "begun" })
	}
	driverstest.Main(m)
}

// block is a pipeline's emr_serverless, with an application that the stand-in has.
func block(application string) hindcast.EMRServerless {
	return hindcast.EMRServerless{Application: application, Role: "arn:aws:iam::123456789012:role/hindcast", Region: "us-east-1", Release: "emr-7.12.0", Runs: 15,
		Driver: hindcast.EMRWorker{Cores: 4, Memory: 16}, Executor: hindcast.EMRWorker{Cores: 4, Memory: 16}, Executors: 3, Timeout: time.Hour, Tags: map[string]string{"team": "finance"}}
}

// client is that of an endpoint.
func client(endpoint string) emr.Client {
	return emr.ClientOf(aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }})
}

// create makes an application, which is CREATING.
func create(t *testing.T, endpoint string, change func(*emrserverless.CreateApplicationInput)) string {
	t.Helper()
	in := &emrserverless.CreateApplicationInput{Name: aws.String("hindcast"), ReleaseLabel: aws.String("emr-7.12.0"), Type: aws.String("SPARK")}
	if change != nil {
		change(in)
	}
	out, err := client(endpoint).API.(*emrserverless.Client).CreateApplication(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.ApplicationId)
}

// created makes an application that is CREATED: the stand-in's are when they were asked for once.
func created(t *testing.T, endpoint string, change func(*emrserverless.CreateApplicationInput)) string {
	t.Helper()
	id := create(t, endpoint, change)
	if _, err := client(endpoint).GetApplication(t.Context(), &emrserverless.GetApplicationInput{ApplicationId: &id}); err != nil {
		t.Fatal(err)
	}
	return id
}

// order is what a supervisor that is to be killed is told.
type order struct {
	EMR         string // its endpoint
	Application string
	S3          string
	Lake        string // the bucket
	Work        engine.Work
}

// open opens an engine over a bucket, whose keys are in the environment.
func (o order) open() (*emr.Engine, error) {
	store, err := s3.Open(context.Background(), s3test.URL(o.S3, o.Lake, ""))
	if err != nil {
		return nil, err
	}
	c := block(o.Application)
	return emr.Open(emr.Options{EMR: c, Store: store, Scripts: store, Folder: "_hindcast/emr/", Client: client(o.EMR),
		Capacity: emr.Capacity(hindcast.RunConfig{Parallel: 2}, c, nil, nil), Log: os.Stderr, Pace: 100 * time.Millisecond}), nil
}

// begin is what a supervisor begins with.
func (o order) begin() (*emr.Engine, engine.Work, error) {
	e, err := o.open()
	return e, o.Work, err
}

// world is a served EMR Serverless whose scripts run in a real Spark over a real S3 server.
type world struct {
	order
	objects  *enginetest.Objects
	sessions *awssparktest.Sessions
	engine   *emr.Engine
	binder   engine.Binder
}

func newWorld(t *testing.T, name string, binds bool) *world {
	t.Helper()
	w := &world{objects: enginetest.NewObjects(t)}
	w.objects.Server.Setenv(t)
	w.sessions = awssparktest.NewSessions(t, name, w.objects.Server)
	server := emrtest.New(emrtest.Options{Runner: w.sessions, Put: func(ctx context.Context, location string, body []byte) error {
		u, err := url.Parse(location)
		if err != nil {
			return err
		}
		return w.objects.Server.Put(ctx, u.Host, strings.TrimPrefix(u.Path, "/"), body)
	}})
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.Close()
		server.Close()
	})
	two := int32(2)
	w.order = order{EMR: web.URL, S3: w.objects.Server.Endpoint, Lake: w.objects.Bucket, Application: created(t, web.URL, func(in *emrserverless.CreateApplicationInput) {
		in.SchedulerConfiguration = &types.SchedulerConfiguration{MaxConcurrentRuns: &two}
	})}
	if binds {
		w.bind(t, name)
	}
	return w
}

// bind opens the binder that a pipeline's engine emr-serverless has.
func (w *world) bind(t *testing.T, name string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", w.EMR)
	store, err := s3.Open(t.Context(), s3test.URL(w.S3, w.Lake, ""))
	if err != nil {
		t.Fatal(err)
	}
	python := pythontest.Python(t, name)
	p := &hindcast.Pipeline{Dir: t.TempDir(), Transform: hindcast.Transform{Engine: "emr-serverless", Dialect: "spark", EMR: block(w.Application),
		Spark: hindcast.Spark{Python: python, Submit: strings.TrimSuffix(python, "/bin/python")}}}
	e, binder, err := drivers.Engine(p, drivers.EngineOptions{Room: engine.Room{Cores: 2, Memory: 2 << 30}, Store: store, Tags: "test/", Log: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	if is := e.Properties(); is != (engine.Properties{Name: "emr-serverless", Version: "3.5.x", Outlives: true, Elsewhere: true}) {
		t.Errorf("%+v", is)
	}
	if c := e.Capacity(); c.Slots != 2 || c.Cap != "the application's maxConcurrentRuns: 2" {
		t.Errorf("%+v", c)
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
			o := w.order
			var err error
			if o.Work, err = w.objects.Work(t.Context(), work); err != nil {
				t.Fatal(err)
			}
			enginetest.Orphan(t, "EMR_TEST=supervisor", o)
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

// What the script does on Spark is what the engine spark's suite holds its driver to, and its front is tried with Glue: here is that the two
// get from EMR Serverless what they need, that a run is found again, and what becomes of one whose Spark dies.
func TestRunsOnSpark(t *testing.T) {
	w := newWorld(t, "spark35", false)
	enginetest.Only(t, w.fresh, "the SQL sees its slice only", "an end is given once", "what a dead supervisor left")
}

// TestConformance takes minutes and is asked for by the name of a Spark: see CONTRIBUTING.md.
func TestConformance(t *testing.T) {
	for _, name := range strings.Fields(os.Getenv("HINDCAST_TEST_EMR")) {
		t.Run(name, func(t *testing.T) { enginetest.Run(t, newWorld(t, name, true).fresh) })
	}
}
