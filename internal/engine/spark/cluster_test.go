package spark_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/enginetest"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// cluster is a master and two workers of one core each, on this machine.
type cluster struct {
	installation
	*sparktest.Cluster
	workers []int // their process groups
}

func newCluster(t *testing.T, name string) *cluster {
	t.Helper()
	c := &cluster{installation: installed(t, name), Cluster: sparktest.Start(t, name)}
	c.installation.Master, c.installation.Web = c.Cluster.Master, c.UI
	for range 2 {
		c.workers = append(c.workers, c.Worker(1, 1024))
	}
	return c
}

// page is what the master's web page says.
type page struct {
	Status  string `json:"status"`
	Workers int    `json:"aliveworkers"`
	Active  []struct {
		Name string `json:"name"`
	} `json:"activeapps"`
}

// until waits for what the master is to say.
func (c *cluster) until(t *testing.T, what string, holds func(page) bool) {
	t.Helper()
	var last any
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		response, err := http.Get("http://127.0.0.1:" + c.UI + "/json/")
		if err != nil {
			last = err
			continue
		}
		var p page
		err = json.NewDecoder(response.Body).Decode(&p)
		_ = response.Body.Close()
		if last = p; err == nil && holds(p) {
			return
		}
	}
	t.Fatalf("the cluster did not come to have %s: %+v", what, last)
}

// A standalone cluster gives the same results. A stop is confirmed by the cluster, a worker that is lost costs nothing but
// time, and a master that is lost costs the attempt.
func TestStandaloneCluster(t *testing.T) {
	c := newCluster(t, "spark40")
	base, dir := t.TempDir(), t.TempDir()
	e, err := c.open(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	january := hindcast.Interval{Start: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2020, 2, 1, 0, 0, 0, 0, time.UTC)}
	work := func(name, sql string) engine.Work {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		return engine.Work{Tag: "pipeline/r1/" + name + "/a1", Slice: hindcast.Slice{Key: "2020-01-01", Interval: january}, Dir: folder,
			Columns: []hindcast.Column{{Name: "day", Type: "DATE"}, {Name: "n", Type: "BIGINT"}}, Target: hindcast.Target{Table: "out", Time: "day"},
			Query: engine.Query{SQL: sql, File: "x.sql", TimeZone: "UTC"}, Limits: engine.Limits{Memory: 1 << 30, Threads: 2}}
	}
	run := func(name, sql string) (engine.Result, error) {
		w := work(name, sql)
		h, err := e.Start(t.Context(), w)
		if err != nil {
			return engine.Result{}, err
		}
		return e.Wait(t.Context(), h, w.Dir, nil)
	}

	const few = "SELECT DATE '2020-01-01' AS day, count(*) AS n FROM range(0, 100000, 1, 4)"
	result, err := run("few", few)
	if err != nil || result.Rows != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	if got := enginetest.Query(t, result.Files, "SELECT n FROM result"); got != "100000" {
		t.Errorf("got %s", got)
	}

	slow := work("slow", "SELECT DATE '2020-01-01' AS day, count(*) AS n FROM range(0, 1000000, 1, 4) a, range(1000000) b WHERE hash(a.id, b.id) = 1")
	h, err := e.Start(t.Context(), slow)
	if err != nil {
		t.Fatal(err)
	}
	c.until(t, "the application", func(p page) bool { return len(p.Active) == 1 })
	if err := e.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	c.until(t, "no application", func(p page) bool { return len(p.Active) == 0 })

	if err := syscall.Kill(-c.workers[0], syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if result, err := run("without a worker", few); err != nil || result.Rows != 1 {
		t.Errorf("without a worker: %+v, %v", result, err)
	}

	// A machine that does not see the folders: what it cannot read, and what it wrote, is named, and not tried again.
	facts := filepath.Join(dir, "facts.parquet")
	enginetest.Parquet(t, facts, "SELECT DATE '2020-01-02' AS day, 1::BIGINT AS n")
	c.Blind(1, 1024, dir)
	if err := syscall.Kill(-c.workers[1], syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	c.until(t, "one worker", func(p page) bool { return p.Workers == 1 })
	for name, sql := range map[string]string{"unseen facts": "SELECT day, n FROM facts", "unseen result": few} {
		w := work(name, sql)
		if name == "unseen facts" {
			w.Query.Tables = []engine.Table{{Name: "facts", Columns: w.Columns, Files: []string{facts}}}
		}
		h, err := e.Start(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Wait(t.Context(), h, w.Dir, nil)
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.ELake || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Next, "every machine") {
			t.Errorf("%s: %v", name, err)
		}
	}

	lost := work("without a master", slow.Query.SQL)
	h, err = e.Start(t.Context(), lost)
	if err != nil {
		t.Fatal(err)
	}
	c.until(t, "the application", func(p page) bool { return len(p.Active) == 1 })
	c.Stop()
	if err := e.Stop(t.Context(), h); err != nil {
		t.Error(err)
	}
	if e := hindcast.AsError(func() error { _, err := e.Wait(t.Context(), h, lost.Dir, nil); return err }()); e == nil || e.Class != hindcast.ClassTransient {
		t.Errorf("without a master: %v", e)
	}
	after, err := run("after the master", few)
	if e := hindcast.AsError(err); e == nil || e.Class != hindcast.ClassTransient {
		t.Errorf("a cluster without a master worked: %+v, %v", after, err)
	}
}
