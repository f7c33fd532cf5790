package cli

import (
	"bytes"
	"context"
	"errors"
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
		"usurp":    usurp,
		"session":  openSession,
		"faulty":   func() { abortOnFaults(); go panic("a fault"); select {} },
	})
}

// TestScripts specifies the command line: a script a case, in testdata/script. Each script gets a folder of its
// own; when it has ended no process may be left in it, and every manifest in it must have its files.
func TestScripts(t *testing.T) { runScripts(t, "testdata/script") }

// TestPrograms are the scripts in which hindcast runs beside programs of Java and Python: Spark, Jupyter, Airflow, clients of the Glue
// API. They take long, and `./test` runs them apart.
func TestPrograms(t *testing.T) { runScripts(t, "testdata/programs") }

func runScripts(t *testing.T, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: dir, UpdateScripts: *update, RequireUniqueNames: true, RequireExplicitExec: true, Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"shop":      shop,
			"earlier":   earlier,
			"postgres":  postgresShop,
			"redshift":  redshiftShop,
			"resizes":   resizes,
			"size":      size,
			"byhand":    byHand,
			"plane":     plane,
			"deadly":    deadly,
			"dies":      dies,
			"psql":      inPostgres,
			"replica":   replica,
			"smalldisk": smallDisk,
			"guide":     guide,
			"hook":      hook,
			"page":      page,
			"part":      part,
			"blocks":    blocks,
			"standin":   startStandIns,
			"screen":    printedScreen,
			"scheduler": scheduler,
			"glue":      glue,
			"airflow":   airflow,
			"certify":   certify,
			"sessions":  sessions,
			"crash":     crash,
			"spark":     sparkIn,
			"jupyter":   jupyter,
			"cluster":   cluster,
			"printed":   printed,
			"sql":       runSQL,
			"billing":   billing,
			"everyrow":  everyRow,
			"edit":      edit,
			"exits":     exits,
			"start":     start,
			"waitfor":   waitFor,
			"hangup":    hangUp,
			"signal":    signalTo,
			"ended":     ended,
			"tidy":      tidy,
			"same":      same,
			"events":    events,
			"snapshot":  snapshot,
			"unchanged": unchanged,
			"whole":     wholeTarget,
			"damaged":   damaged,
			"tmpfs":     tmpfs,
			"bucket":    bucket,
			"allow":     allow,
			"catalog":   dataCatalog,
			"account":   account,
			"fault":     fault,
			"requests":  requests,
			"objects":   objects,
			"examples":  examples,
			"nowhere":   nowhere,
			"killchild": killChild,
			"trace":     traceChild,
			"bury":      letGo,
			"truncate":  harm(func(body []byte) []byte { return body[:min(100, len(body))] }),
			"flip":      harm(func(body []byte) []byte { body[20] ^= 1; return body }),
			"turn":      harm(func(body []byte) []byte { body[100] ^= 1; return body }), // within a long text
			"scribble": harm(func(body []byte) []byte { // the second line, so that it is the same one each time
				copy(body[bytes.IndexByte(body, '\n')+20:], "scribble")
				return body
			}),
			"tear": harm(func(body []byte) []byte { return body[:len(body)-10] }),
			"blur": harm(func(body []byte) []byte { body[len(body)-30] = 0xff; return body }), // within the writer's name
		},
	})
}

func setUp(env *testscript.Env) error {
	source, err := filepath.Abs("testdata/shop")
	if err != nil {
		return err
	}
	test, ok := env.T().(testing.TB)
	if !ok {
		return errors.New("the script runs outside of a test")
	}
	w := &world{test: test, dir: env.WorkDir, source: source, running: map[string]*running{}, snapshots: map[string]string{}}
	env.Values[worldKey{}] = w
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("TZ", "UTC")
	env.Setenv("TERM", "xterm")
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
	w.vars = append(w.vars, env.Vars...)
	env.Defer(func() {
		for _, fault := range w.faults() {
			test.Error(fault)
		}
	})
	return nil
}
