package cli

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts, where it is compared")

// The test binary is hindcast itself when a script, or hindcast, starts it by that name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"hindcast": func() { os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"holds":    holds,
		"mortal":   mortal,
	})
}

// TestScripts specifies the command line: a script a case, in testdata/script. Each script gets a folder of its
// own; when it has ended no process may be left in it, and every manifest in it must have its files.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireUniqueNames: true, RequireExplicitExec: true, Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"shop":      shop,
			"sql":       query,
			"edit":      edit,
			"exits":     exits,
			"start":     start,
			"waitfor":   waitFor,
			"signal":    signalTo,
			"ended":     ended,
			"tidy":      tidy,
			"events":    events,
			"snapshot":  snapshot,
			"unchanged": unchanged,
			"whole":     whole_,
			"damaged":   damaged,
			"tmpfs":     tmpfs,
			"examples":  examples,
			"scratch":   scratch,
		},
	})
}

func setUp(env *testscript.Env) error {
	env.Values[worldKey{}] = &world{dir: env.WorkDir, running: map[string]*running{}, snapshots: map[string]string{}}
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("TZ", "UTC")
	env.Setenv("TERM", "xterm")
	env.Setenv("HOME", filepath.Join(env.WorkDir, ".home"))
	fail := env.T()
	env.Defer(func() {
		w := env.Values[worldKey{}].(*world)
		for _, fault := range w.faults() {
			fail.Log(fault)
			w.failed = true
		}
		if w.failed {
			fail.FailNow()
		}
	})
	return nil
}
