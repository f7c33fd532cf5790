package cli

import (
	"bytes"
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
			"whole":     wholeTarget,
			"damaged":   damaged,
			"tmpfs":     tmpfs,
			"examples":  examples,
			"nowhere":   nowhere,
			"killchild": killChild,
			"trace":     traceChild,
			"bury":      letGo,
			"truncate":  harm(func(body []byte) []byte { return body[:min(100, len(body))] }),
			"flip":      harm(func(body []byte) []byte { body[20] ^= 1; return body }),
			"scribble": harm(func(body []byte) []byte { // the second line, so that it is the same one each time
				copy(body[bytes.IndexByte(body, '\n')+20:], "scribble")
				return body
			}),
			"tear": harm(func(body []byte) []byte { return body[:len(body)-10] }),
		},
	})
}

func setUp(env *testscript.Env) error {
	source, err := filepath.Abs("testdata/shop")
	if err != nil {
		return err
	}
	w := &world{dir: env.WorkDir, source: source, running: map[string]*running{}, snapshots: map[string]string{}}
	env.Values[worldKey{}] = w
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("TZ", "UTC")
	env.Setenv("TERM", "xterm")
	w.vars = append(w.vars, env.Vars...)
	test := env.T().(testing.TB)
	env.Defer(func() {
		for _, fault := range w.faults() {
			test.Error(fault)
		}
	})
	return nil
}
