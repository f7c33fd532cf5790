package cli

import (
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// spark VAR NAME: sets VAR to the folder of the Python environment with the Spark that tests/python/NAME.txt lists.
func sparkIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: spark VAR NAME")
	}
	ts.Setenv(args[0], filepath.Dir(filepath.Dir(pythontest.Python(worldOf(ts).test, args[1]))))
}
