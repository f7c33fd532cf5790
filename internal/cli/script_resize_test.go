//go:build unix

package cli

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/redshifttest/control"
)

// resizes [workgroup]: after `redshift`, starts a stand-in for Redshift's control plane with a cluster dw of 4 nodes, or a workgroup
// etl of 32 RPU, whose resizes drop all sessions, and has the pipeline file resize it to 8 nodes, or 256 RPU.
func resizes(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.redshift == nil || len(args) > 1 {
		ts.Fatalf("usage: redshift, then resizes [workgroup]")
	}
	w.control = control.Start(w.test)
	for _, pair := range w.control.Env() {
		key, value, _ := strings.Cut(pair, "=")
		ts.Setenv(key, value)
		w.vars = append(w.vars, pair)
	}

	block := "{cluster: dw, nodes: 8}"
	if len(args) == 1 {
		block = "{workgroup: etl, rpu: 256}"
		w.control.AddWorkgroups(&control.Workgroup{Name: "etl", RPU: 32, Resizing: w.redshift.Disconnect})
	}
	w.control.Add(&control.Cluster{Name: "dw", NodeType: "ra3.4xlarge", Nodes: 4, Allowed: []int{2, 3, 4, 5, 6, 8, 16}, Resizing: w.redshift.Disconnect})
	path := ts.MkAbs("hindcast.yml")
	body, err := os.ReadFile(path)
	ts.Check(err)
	text := strings.Replace(string(body), "redshift: {", "redshift: {resize: "+block+", ", 1)
	ts.Check(os.WriteFile(path, []byte(text), 0o644))
}

// size N: the cluster, or the workgroup if there is one, has that size, nothing changes it, and at the size from before no tag is left.
func size(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if w.control == nil || len(args) != 1 {
		ts.Fatalf("usage: resizes, then size N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)

	c := w.control.Cluster("dw")
	is, settled, tags, before := c.Nodes, c.Settled(), c.Tags, 4
	if len(w.control.Calls("UpdateWorkgroup")) > 0 {
		g := w.control.Workgroup("etl")
		is, settled, tags, before = g.RPU, g.Settled(), g.Tags, 32
	}
	if is != want || !settled || is == before && len(tags) > 0 {
		ts.Fatalf("the size is %d (settled: %v), its tags %v; want %d", is, settled, tags, want)
	}
}

// byhand N: somebody else has resized the cluster.
func byHand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: byhand N")
	}
	nodes, err := strconv.Atoi(args[0])
	ts.Check(err)
	worldOf(ts).control.Add(&control.Cluster{Name: "dw", NodeType: "ra3.4xlarge", Nodes: nodes, Allowed: []int{2, 3, 4, 5, 6, 8, 16}})
}

// plane FAULT ACTION: the next call of the action meets the fault: lose, busy, full, fail, short, forbid; `plane none` ends all faults.
func plane(ts *testscript.TestScript, _ bool, args []string) {
	faults := map[string]control.Fault{"lose": control.Lose, "busy": control.Busy, "full": control.Full, "fail": control.Fail, "short": control.Short, "forbid": control.Forbid}
	w := worldOf(ts)
	if len(args) == 1 && args[0] == "none" {
		w.control.Rule(nil)
		return
	}
	if len(args) != 2 || faults[args[0]] == control.None {
		ts.Fatalf("usage: plane FAULT ACTION")
	}
	w.control.Rule(func(c control.Call) control.Fault {
		if c.Action == args[1] {
			return faults[args[0]]
		}
		return control.None
	})
}

// deadly NAME ACTION N [done]: a command that will be started as NAME dies by SIGKILL at its Nth call of an action from now on, counted
// from 1, before it is done or, with done, after that and before its answer.
func deadly(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if len(args) < 3 || w.control == nil {
		ts.Fatalf("usage: deadly NAME ACTION N [done]")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	n += len(w.control.Calls(args[1]))
	fault := control.Refuse
	if slices.Contains(args, "done") {
		fault = control.Lose
	}
	calls, killed := make(chan string), make(chan struct{})
	w.deadly, w.killed = calls, killed
	w.control.Rule(func(c control.Call) control.Fault {
		if c.Action != args[1] || c.Nth != n {
			return control.None
		}
		select {
		case calls <- args[0]:
			<-killed
		case <-w.test.Context().Done():
		}
		return fault
	})
}

// dies: waits until a `deadly` call is made, and kills.
func dies(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	if len(args) > 0 || w.deadly == nil {
		ts.Fatalf("usage: deadly NAME ACTION N, then start NAME, then dies")
	}
	select {
	case name := <-w.deadly:
		r := w.find(ts, name)
		ts.Check(r.cmd.Process.Kill())
		<-r.done
		close(w.killed)
	case <-time.After(patience):
		ts.Fatalf("the call did not come: %v", w.control.Calls(""))
	}
	w.control.Rule(nil)
}
