package spark

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast/internal/process"
)

// noSpark is a package that a driver takes for Spark's, and that does nothing.
const noSpark = `class SparkSession:
    class builder:
        @staticmethod
        def getOrCreate():
            return SparkSession()
    class sparkContext:
        applicationId = version = uiWebUrl = ""
        @staticmethod
        def setLogLevel(level):
            pass
    def stop(self):
        pass
`

// Whoever asks an application to end whose supervisor has died does not wait for it: it removes its folder. That of a living
// supervisor stays for that one.
func TestAnApplicationWithoutASupervisorRemovesItsFolder(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	us, err := process.This()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		is    about
		stays bool
	}{
		"dead":   {about{Host: us.Host, Supervisor: dead.Process.Pid, Started: "0"}, false},
		"living": {about{Host: us.Host, Supervisor: us.Pid, Started: us.Started}, true},
	} {
		t.Run(name, func(t *testing.T) {
			modules, a := t.TempDir(), &application{filepath.Join(t.TempDir(), applicationPrefix+"1")}
			for path, text := range map[string]string{a.join(driverFile): string(driver), a.join(aboutFile): string(asJSON(c.is)),
				filepath.Join(a.join(inbox), closing): "", filepath.Join(modules, "pyspark", "__init__.py"): "", filepath.Join(modules, "pyspark", "sql.py"): noSpark} {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}

			if err := a.modules(); err != nil {
				t.Fatal(err)
			}
			program := exec.Command("python3", a.join(driverFile), a.dir)
			program.Env = append(os.Environ(), "PYTHONPATH="+modules)
			if said, err := program.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if stays := there(a.dir); stays != c.stays {
				t.Errorf("the folder is left: %v", stays)
			}
		})
	}
}
