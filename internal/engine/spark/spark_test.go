package spark_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/process"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// The test binary is also a supervisor that starts work and is killed.
func TestMain(m *testing.M) {
	if os.Getenv("SPARK_TEST") == "supervisor" {
		enginetest.Supervise(order.begin, func(*spark.Engine) string { return "begun" })
	}

	os.Exit(m.Run())
}

// installation is a Spark of the tests, and the cluster that it works on.
type installation struct {
	Home   sparkhome.Home
	Master string // local[2] if empty
	Web    string // the port of the master's web page
	Bucket *spark.Bucket
	Ivy    string
	Plain  bool // without a setting that nobody may see
	// Interpreted evaluates expressions without compiling them, which is another way to the same values, and a cheaper one.
	Interpreted bool
}

// whispered is a setting that nobody may see.
const whispered = "a whispered word"

// overheard names the files below a folder that have it.
func overheard(t *testing.T, base string) {
	t.Helper()
	_ = filepath.WalkDir(base, func(path string, entry fs.DirEntry, err error) error { // files may be gone meanwhile
		if err == nil && entry.Type().IsRegular() {
			if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte(whispered)) {
				t.Errorf("%s has the setting", path)
			}
		}
		return nil
	})
}

// installed is the Spark of one of the lists of tests/python.
func installed(t *testing.T, name string) installation {
	t.Helper()
	python := pythontest.Python(t, name)
	home, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: filepath.Dir(filepath.Dir(python)), Python: python})
	if err != nil {
		t.Fatal(err)
	}
	return installation{Home: home}
}

func (i installation) open(dir string) (*spark.Engine, error) {
	quick := pythontest.JVMOptions(i.Home.Python)
	is := hindcast.Spark{Master: "local[2]", Conf: map[string]string{"spark.driver.extraJavaOptions": quick, "spark.executor.extraJavaOptions": quick, "spark.hindcast.test": whispered},
		ConfWritten: map[string]string{"spark.hindcast.test": "${TEST}"}}
	if i.Plain {
		delete(is.Conf, "spark.hindcast.test")
		is.ConfWritten = nil
	}
	if i.Interpreted {
		is.Conf["spark.sql.codegen.wholeStage"], is.Conf["spark.sql.codegen.factoryMode"] = "false", "NO_CODEGEN"
	}
	env := append(os.Environ(), "SPARK_HOME="+i.Home.SparkHome, "PYSPARK_PYTHON="+i.Home.Python)
	if i.Master != "" {
		is.Master, is.Executors, is.Cores, is.ExecutorMemory = i.Master, 2, 1, 700<<20
		env = append(env, "SPARK_MASTER_WEBUI_PORT="+i.Web)
	}
	var reach func(context.Context) (spark.Bucket, error)
	if i.Bucket != nil {
		is.Conf["spark.jars.ivy"] = i.Ivy
		reach = func(context.Context) (spark.Bucket, error) { return *i.Bucket, nil }
	}
	capacity := spark.Capacity(engine.Room{Cores: 2, Memory: 1 << 30}, hindcast.RunConfig{}, is, env)
	if capacity.Slots != 1 || capacity.Threads != 2 {
		return nil, fmt.Errorf("capacity %+v", capacity)
	}
	return spark.Open(spark.Options{Submit: i.Home.Submit, Version: i.Home.Version, Env: env, Dir: dir, Spark: is, Bucket: reach, Capacity: capacity})
}

// shared are an engine and a binder that tests use one after the other: an application takes seconds to start.
type shared struct {
	installation
	base    string
	objects *enginetest.Objects // where the world is in a bucket
	engine  *spark.Engine
	binder  *spark.Binder
}

func (s *shared) world(t *testing.T) *enginetest.World {
	if s.engine == nil {
		var err error
		if s.engine, err = s.open(s.base); err != nil {
			t.Fatal(err)
		}
		s.binder = spark.NewBinder(s.engine)
	}
	overheard(t, s.base)
	closes := strings.HasSuffix(t.Name(), "close_ends_all_work")
	t.Cleanup(func() {
		if closes {
			s.close(t)
		}
	})
	dir, e := t.TempDir(), engine.Engine(s.engine)
	if s.objects != nil {
		dir, e = s.objects.Folder(t), s.objects.Serve(s.engine)
	}
	return &enginetest.World{Engine: e, Binder: s.binder, Dir: dir, Counts: true,
		Kill: func(t *testing.T) { killProgram(t, s.base, "java") },
		Orphan: func(t *testing.T, work engine.Work) engine.Engine {
			base := filepath.Join(work.Dir, "base")
			var err error
			if s.objects != nil {
				if work, err = s.objects.Work(t.Context(), work); err != nil {
					t.Fatal(err)
				}
			}
			enginetest.Orphan(t, "SPARK_TEST=supervisor", order{s.installation, base, work})
			later, err := s.open(base)
			if err != nil {
				t.Fatal(err)
			}
			if s.objects != nil {
				return s.objects.Serve(later)
			}
			return later
		},
		Slow:   "SELECT DATE '2020-01-01' AS day FROM range(1000000) a, range(1000000) b WHERE hash(a.id, b.id) = 1",
		Hungry: "SELECT DATE '2020-01-01' AS day, size(collect_list(concat(CAST(id AS STRING), repeat('x', 50)))) AS n FROM range(20000000)",
		Micros: "unix_micros(now())",
		Zoned:  func(text string) string { return "TIMESTAMP_LTZ '" + text + ":00'" }}
}

func (s *shared) close(t *testing.T) {
	if s.engine == nil {
		return
	}
	if err := s.engine.Close(); err != nil {
		t.Error(err)
	}
	if err := s.binder.Close(); err != nil {
		t.Error(err)
	}
	s.engine, s.binder = nil, nil
}

// killProgram kills a process of the applications below base.
func killProgram(t *testing.T, base, program string) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(base, "application-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if entries, _ := filepath.Glob(filepath.Join(folder, "end-*")); len(entries) > 0 {
			continue // the binder's
		}
		pids, err := process.Find(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			if strings.TrimSpace(string(name)) == program {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// order is what a supervisor that is to be killed is told.
type order struct {
	On   installation
	Base string // of its engine
	Work engine.Work
}

// begin is what a supervisor begins with.
func (o order) begin() (*spark.Engine, engine.Work, error) {
	e, err := o.On.open(o.Base)
	return e, o.Work, err
}

func TestConformance(t *testing.T) {
	kinds := []string{"spark35", "spark40", "cluster"}
	overBucket := os.Getenv("HINDCAST_TEST_S3A") // the Spark of that test: see CONTRIBUTING.md
	if overBucket != "" {
		kinds = append(kinds, "bucket")
	}
	for _, name := range kinds {
		t.Run(name, func(t *testing.T) {
			s := &shared{base: t.TempDir()}
			switch name {
			case "cluster":
				s.installation = newCluster(t, "spark40").installation
			case "bucket":
				s.installation = newCluster(t, overBucket).installation
				s.objects = newObjects(t, overBucket, &s.installation)
			default:
				s.installation = installed(t, name)
				s.Interpreted = name == "spark35"
			}
			t.Cleanup(func() { s.close(t) })
			if s.Master == "" {
				t.Run("values", func(t *testing.T) { values(t, s) })
			}
			enginetest.Run(t, s.world)
		})
	}
}
