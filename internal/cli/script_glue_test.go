//go:build unix

package cli

import (
	"context"
	"net/http/httptest"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/awsspark/awssparktest"
	"github.com/hindcast/hindcast/internal/glueserver"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// sparkRuns are the runs of a served Glue API, in sessions of a real Spark.
type sparkRuns struct {
	*awssparktest.Sessions
	dies atomic.Bool // the driver of the next run
}

// Run runs a script, whose driver is killed as it begins if it is to die.
func (d *sparkRuns) Run(ctx context.Context, t jobs.Task, began func()) (jobs.End, error) {
	if d.dies.Swap(false) {
		return d.Sessions.Run(ctx, t, func() { began(); d.Kill() })
	}
	return d.Sessions.Run(ctx, t, began)
}

// sessions SPARK: serves the Glue API, after `bucket`, where all commands look for it from here on. Its runs share sessions of the Spark
// that tests/python/SPARK.txt lists: `glue` starts one for each. A run is made after the other.
func sessions(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	if neg || len(args) != 1 || w.server == nil {
		ts.Fatalf("usage: bucket, then sessions SPARK")
	}
	w.runs = &sparkRuns{Sessions: awssparktest.NewSessions(w.test, args[0], w.server)}
	server, err := glueserver.Open(glueserver.Options{State: ts.MkAbs(".glue"), Runner: w.runs, Parallel: 1})
	ts.Check(err)
	web := httptest.NewServer(server)
	ts.Defer(func() {
		web.Close()
		ts.Check(server.Close())
	})
	for _, name := range []string{"AWS_ENDPOINT_URL_GLUE", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"} {
		ts.Setenv(name, web.URL)
		w.vars = append(w.vars, name+"="+web.URL)
	}
}

// crash: the driver of the next run of `sessions` dies as it begins.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 || worldOf(ts).runs == nil {
		ts.Fatalf("usage: sessions SPARK, then crash")
	}
	worldOf(ts).runs.dies.Store(true)
}
