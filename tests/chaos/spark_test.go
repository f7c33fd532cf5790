package chaos_test

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// onSpark is the embedded default with Spark as its engine: applications outlive the supervisor that started them.
type onSpark struct {
	embedded
	python string // of the environment with Spark
}

func newOnSpark(t *testing.T, base string) site {
	t.Helper()
	s, ok := newEmbedded(t, base).(embedded)
	if !ok {
		t.Fatal("not the embedded site")
	}
	edit(t, s.dir(), "engine: duckdb", "engine: spark")
	return onSpark{s, pythontest.Python(t, "spark35")}
}

func (s onSpark) fork(t *testing.T, base string, slot int) site {
	t.Helper()
	copied, ok := s.embedded.fork(t, base, slot).(embedded)
	if !ok {
		t.Fatal("not the embedded site")
	}
	return onSpark{copied, s.python}
}

func (s onSpark) machines() []machine {
	return []machine{{dir: s.dir(), env: []string{"TMPDIR=" + s.temporary(), "XDG_CACHE_HOME=" + filepath.Join(s.base, "cache"), "SPARK_HOME=",
		"PATH=" + filepath.Dir(s.python) + string(filepath.ListSeparator) + os.Getenv("PATH"), "JAVA_TOOL_OPTIONS=" + pythontest.JVMOptions(s.python)}}}
}

// places are the embedded site's, and Spark's files beside a result, which nobody needs once it is loaded.
func (s onSpark) places() map[string]*regexp.Regexp { return s.embedded.places() }

// check leaves the folder for temporary files to Spark: a JVM that is killed removes none of its own.
func (s onSpark) check(*trial) {}

// TestSpark is TestChaos for slices on Spark, whose applications are killed too, and are found again when their supervisor
// was. The long form:
//
//	go test ./tests/chaos -run TestSpark -chaos.seeds 200 -timeout 180m -v
func TestSpark(t *testing.T) {
	worlds := prepare(t, newOnSpark(t, t.TempDir()))
	tally := newTally()
	tally.seeds = cmp.Or(*seedsFlag, 2)
	trials(t, worlds, tally, *seedFlag != 0 && *seedsFlag == 0, (*trial).run)
	t.Log(tally)
}
