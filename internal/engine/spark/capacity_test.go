package spark_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/spark"
)

// How many slices run side by side, with what, and what caps them, is what plan shows: it is the machine's on local masters, and
// the cluster's own word elsewhere.
func TestCapacity(t *testing.T) {
	const port = "7077"
	master := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"url":"spark://127.0.0.1:%s","status":"ALIVE","aliveworkers":2,"cores":16,"memory":32768}`, port)
	}))
	defer master.Close()
	_, web, err := net.SplitHostPort(strings.TrimPrefix(master.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	const gib = 1 << 30
	room := engine.Room{Cores: 8, CoresAs: "8 cores", Memory: 12 * gib, MemoryAs: "memory: 17.2 GB"}
	for name, c := range map[string]struct {
		is   hindcast.Spark
		run  hindcast.RunConfig
		want engine.Capacity
	}{
		"local":       {is: hindcast.Spark{Master: "local[*]"}, want: engine.Capacity{Slots: 1, Cap: "one application at a time on local[*]", Memory: 12 * gib, Threads: 8}},
		"local[2]":    {is: hindcast.Spark{Master: "local[2]"}, want: engine.Capacity{Slots: 1, Cap: "one application at a time on local[2]", Memory: 12 * gib, Threads: 2}},
		"parallel":    {is: hindcast.Spark{Master: "local[*]"}, run: hindcast.RunConfig{Parallel: 3}, want: engine.Capacity{Slots: 3, Cap: "run.parallel", Memory: 12 * gib, Threads: 8}},
		"memory":      {is: hindcast.Spark{Master: "local[*]", ExecutorMemory: gib}, run: hindcast.RunConfig{Parallel: 3}, want: engine.Capacity{Slots: 1, Cap: "memory: 17.2 GB", Memory: gib, Threads: 8}},
		"a cluster":   {is: hindcast.Spark{Master: "spark://127.0.0.1:" + port, Executors: 2, Cores: 3}, want: engine.Capacity{Slots: 2, Cap: "16 cores of the cluster, 6 for each application", Memory: 32 * gib, Threads: 16}},
		"all of it":   {is: hindcast.Spark{Master: "spark://127.0.0.1:" + port}, want: engine.Capacity{Slots: 1, Cap: "an application takes all 16 cores unless spark.executors and spark.cores say less", Memory: 32 * gib, Threads: 16}},
		"another one": {is: hindcast.Spark{Master: "spark://127.0.0.1:7078", ExecutorMemory: 2 * gib, Executors: 2, Cores: 3}, want: engine.Capacity{Slots: 1, Cap: "the master's web page is not known", Memory: 4 * gib, Threads: 6}},
		"YARN":        {is: hindcast.Spark{Master: "yarn", ExecutorMemory: 2 * gib, Executors: 2, Cores: 3}, want: engine.Capacity{Slots: 1, Cap: "run.parallel is not set", Memory: 4 * gib, Threads: 6}},
	} {
		if got := spark.Capacity(room, c.run, c.is, []string{"SPARK_MASTER_WEBUI_PORT=" + web}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
