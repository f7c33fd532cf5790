package sparktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// S3A returns a folder for spark.jars.ivy that has the hadoop-aws which the Spark of tests/python/NAME.txt needs, and what that
// needs. Spark fetches it from Maven Central, once: some hundred MB, kept below .tools.
func S3A(t testing.TB, name string) (ivy string) {
	t.Helper()
	python := pythontest.Python(t, name)
	clients, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(python)), "lib", "python3*", "site-packages", "pyspark", "jars", "hadoop-client-api-*.jar"))
	if err != nil || len(clients) != 1 {
		t.Fatalf("there is no Hadoop client beside %s: %v, %v", python, clients, err)
	}
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(clients[0]), "hadoop-client-api-"), ".jar")

	ivy = filepath.Join(pythontest.Root(t), ".tools", "ivy-"+version)
	if err := os.MkdirAll(ivy, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(ivy+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil { // several tests may find none at once
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(ivy, "fetched")); err == nil {
		return ivy
	}

	nothing := filepath.Join(t.TempDir(), "nothing.py")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Dir(filepath.Dir(clients[0]))
	fetch := exec.CommandContext(t.Context(), filepath.Join(home, "bin", "spark-submit"), "--master", "local[1]", "--conf", "spark.jars.ivy="+ivy,
		"--packages", "org.apache.hadoop:hadoop-aws:"+version, nothing)
	fetch.Env = append(os.Environ(), "SPARK_HOME="+home, "PYSPARK_PYTHON="+python)
	if said, err := fetch.CombinedOutput(); err != nil {
		t.Fatalf("fetching hadoop-aws %s: %v\n%s", version, err, said)
	}
	if err := os.WriteFile(filepath.Join(ivy, "fetched"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return ivy
}
