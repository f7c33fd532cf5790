package cli

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// jupyter: sets JUPYTER to the Python of the environment that has Jupyter, and puts the programs of testdata/notebook into the
// script's folder.
func jupyter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: jupyter")
	}
	w := worldOf(ts)
	ts.Setenv("JUPYTER", pythontest.Python(w.test, "notebook"))
	ts.Check(os.CopyFS(w.dir, os.DirFS("testdata/notebook")))
}
