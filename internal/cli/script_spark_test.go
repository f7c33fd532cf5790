package cli

import (
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// spark VAR NAME: sets VAR to the folder of the Python environment with the Spark that tests/python/NAME.txt lists, and
// JAVA_TOOL_OPTIONS to what makes short lives of JVMs cheap.
func sparkIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: spark VAR NAME")
	}
	python := pythontest.Python(worldOf(ts).test, args[1])
	ts.Setenv(args[0], filepath.Dir(filepath.Dir(python)))
	ts.Setenv("JAVA_TOOL_OPTIONS", pythontest.JVMOptions(python))
}

// cluster NAME: starts a standalone cluster of that Spark, of two workers with a core each, and sets MASTER, and IVY to a folder
// that has what Spark needs for a bucket.
func cluster(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cluster NAME")
	}
	w := worldOf(ts)
	c := sparktest.Start(w.test, args[0])
	for range 2 {
		c.Worker(1, 1024)
	}
	for name, value := range map[string]string{"MASTER": c.Master, "SPARK_MASTER_WEBUI_PORT": c.UI, "IVY": sparktest.S3A(w.test, args[0])} {
		ts.Setenv(name, value)
		w.vars = append(w.vars, name+"="+value)
	}
}
