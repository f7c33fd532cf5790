// Package pythontest runs real Python programs in tests: a DuckDB newer than the one linked in, Airflow, Spark, and Jupyter.
// tests/python lists them and their versions; a missing one is a failure, never a reason to skip.
package pythontest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/checkout"
)

// Root is the folder of this repository.
func Root(t testing.TB) string {
	t.Helper()
	root, err := checkout.Root()
	if err != nil {
		t.Fatal(err)
	}

	return root
}

// Python is the path of a Python that has what tests/python/NAME.txt lists, installing it first if ./test has not.
func Python(t testing.TB, name string) string {
	t.Helper()
	setUp := exec.CommandContext(t.Context(), filepath.Join(Root(t), "tests", "python", "venv"), name)
	return strings.TrimSpace(string(output(t, "there is no Python for "+name, setUp)))
}

// output is what a command prints. If it fails, so does the test, with what the command says of it.
func output(t testing.TB, failed string, command *exec.Cmd) []byte {
	t.Helper()
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", failed, err, said.String())
	}
	return out
}

// JVMOptions are options of Java for the short lives of JVMs in tests, in which a compiler that optimizes, and collectors with
// threads, cost more than they save. Those of the Spark beside this Python also map its archive of classes; another JVM
// takes no notice of it.
func JVMOptions(python string) string {
	archive := filepath.Join(filepath.Dir(filepath.Dir(python)), "classes.jsa")
	return "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xlog:cds=off -Xlog:cds+dynamic=off -XX:SharedArchiveFile=" + archive
}

// DuckDB2 runs a script in a DuckDB 2.0 without an open file, in the folder; `sql` is the connection to it. It returns
// what the script prints.
func DuckDB2(t testing.TB, dir, script string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), Python(t, "duckdb2"), append([]string{"-c", "import sys, json, duckdb\nsql = duckdb.connect()\n" + script}, args...)...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("DuckDB 2.0: %v\n%s", err, out)
	}

	return string(out)
}
