package glueserver_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/ledger"
)

// BenchmarkGetJobRun answers GetJobRun with ten thousand runs kept, while others are started and end. It reports the slowest of a
// hundred as p99-ns, how long the folder takes to open, and the memory that a run takes.
func BenchmarkGetJobRun(b *testing.B) {
	const kept = 10_000
	dir := b.TempDir()
	fill(b, dir, kept)
	before, began := heap(), time.Now()
	stage := newStage()
	stage.opened = make(chan *act, 1_000_000)
	s, err := glueserver.Open(glueserver.Options{State: dir, Runner: stage, Parallel: 100})
	if err != nil {
		b.Fatal(err)
	}
	opened, each := time.Since(began), (heap()-before)/kept
	quit, quiet := make(chan struct{}), make(chan struct{})
	go func() { // a run is started and ends, again and again
		defer close(quiet)
		for {
			select {
			case <-quit:
				return
			default:
			}
			ask(s, "StartJobRun", `{"JobName":"live"}`)
			(<-stage.opened).end <- jobs.End{}
		}
	}()

	took := make([]time.Duration, 0, b.N)
	for n := 0; b.Loop(); n++ {
		at := time.Now()
		if answer := ask(s, "GetJobRun", fmt.Sprintf(`{"JobName":"etl","RunId":"jr_%064d"}`, n%kept)); answer.Code != 200 {
			b.Fatal(answer.Body)
		}
		took = append(took, time.Since(at))
	}
	close(quit)
	<-quiet
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
	b.ReportMetric(opened.Seconds(), "open-s")
	b.ReportMetric(float64(each), "B/run")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func ask(s *glueserver.Server, operation, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "http://127.0.0.1/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSGlue."+operation)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// fill makes a folder with so many runs that have ended, as a server would have left it.
func fill(b *testing.B, dir string, count int) {
	b.Helper()
	s, err := glueserver.Open(glueserver.Options{State: dir, Runner: newStage()})
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"etl", "live"} {
		ask(s, "CreateJob", fmt.Sprintf(`{"Name":%q,"Role":"r","ExecutionProperty":{"MaxConcurrentRuns":1000},"Command":{"Name":"glueetl","ScriptLocation":"a.py"}}`, name))
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "ledger.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	for n := range count {
		run := map[string]any{"Id": fmt.Sprintf("jr_%064d", n), "JobName": "etl", "JobRunState": "SUCCEEDED", "StartedOn": 1.7e9, "LastModifiedOn": 1.7e9,
			"CompletedOn": 1.7e9, "Arguments": map[string]string{"--start_dt": "20160101", "--run_dt": "20260101"}, "Timeout": 30, "MaxCapacity": 150,
			"WorkerType": "G.2X", "NumberOfWorkers": 75, "LogGroupName": "/aws-glue/jobs", "GlueVersion": "4.0", "order": n + 1,
			"Command": map[string]string{"Name": "glueetl", "ScriptLocation": "a.py"}, "effective": map[string]string{"--start_dt": "20160101", "--run_dt": "20260101"}}
		if err := json.NewEncoder(f).Encode([]ledger.Change{ledger.Put("run/"+run["Id"].(string), run)}); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
