package sparkhome

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// patience is how long a program may take to say its version.
const patience = 20 * time.Second

// say runs a program with the search's PATH and returns what it prints.
func (s *search) say(env []string, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(slices.Clone(s.Environ), env...)
	command.Dir, command.WaitDelay = "/", time.Second
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, lastLine(out.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// load reads what the installation's spark-env.sh sets, as Spark's scripts do.
func (s *search) load() {
	conf := s.env("SPARK_CONF_DIR")
	if conf == "" {
		conf = filepath.Join(s.home.SparkHome, "conf")
	}
	script := filepath.Join(conf, "spark-env.sh")
	bash := s.inPath("bash")
	switch {
	case s.home.SparkHome == "":
	case bash == "":
		s.fault("", "install bash", "there is no bash in PATH, which Spark's scripts are written for")
	case present(script):
		show := `set -a; . "$1" >&2; for n in JAVA_HOME PYSPARK_PYTHON HADOOP_CONF_DIR YARN_CONF_DIR PATH; do printf '\n@%s=%s' "$n" "${!n}"; done`
		env := []string{"SPARK_HOME=" + s.home.SparkHome, "SPARK_CONF_DIR=" + conf}
		said, err := s.say(env, bash, "-c", show, "bash", script)
		if err != nil {
			s.fault("", "correct it, or set SPARK_CONF_DIR to a folder without it", "Spark's %s fails: %v", script, err)
			return
		}
		s.loaded = map[string]string{}
		for line := range strings.Lines(said) {
			if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && strings.HasPrefix(name, "@") {
				s.loaded[name[1:]] = value
			}
		}
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// javas are the versions of Java that a version of Spark runs on.
func javas(spark string) []string {
	if major, _ := number(spark); major == 3 {
		return []string{"8", "11", "17"}
	}
	return []string{"17", "21"}
}

// java finds the Java that spark-class takes, and compares its version.
func (s *search) java() {
	s.home.JavaHome = s.env("JAVA_HOME")
	if s.home.Java = s.inPath("java"); s.home.JavaHome != "" {
		s.home.Java = filepath.Join(s.home.JavaHome, "bin", "java")
	}
	switch {
	case s.home.Java == "":
		s.fault("", installJava(), "there is no Java: no JAVA_HOME, and no java in PATH")
		return
	case !runs(s.home.Java):
		s.home.Java = ""
		s.fault("", "unset JAVA_HOME or correct it; to get a Java: "+installJava(), "JAVA_HOME is %s, where there is no Java", s.home.JavaHome)
		return
	}

	var err error
	if s.home.JavaVersion, err = s.javaVersion(); err != nil {
		s.fault("", installJava(), "%s does not say its version: %v", s.home.Java, err)
		return
	}
	if s.home.Version == "" {
		return
	}
	if right := javas(s.home.Version); !slices.Contains(right, release(s.home.JavaVersion)) {
		s.fault("", installJava()+", and set JAVA_HOME to it", "Java is %s (%s), and Spark %s needs %s", s.home.JavaVersion, s.home.Java, s.home.Version,
			strings.Join(right[:len(right)-1], ", ")+" or "+right[len(right)-1])
	}
}

func installJava() string {
	if runtime.GOOS == "darwin" {
		return "brew install openjdk@17"
	}
	return "install Java 17 (Debian: apt-get install openjdk-17-jre-headless)"
}

// release is the number by which a version of Java is called: 8 for 1.8.0_402, 17 for 17.0.15.
func release(version string) string {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "1."), ".")
	return strings.SplitN(major, "-", 2)[0]
}

var (
	releaseLine = regexp.MustCompile(`(?m)^JAVA_VERSION="([^"]+)"`)
	saidVersion = regexp.MustCompile(`version "([^"]+)"`)
)

// javaVersion reads the file beside Java that says it, or asks it.
func (s *search) javaVersion() (string, error) {
	if real, err := filepath.EvalSymlinks(s.home.Java); err == nil {
		home := filepath.Dir(filepath.Dir(real))
		for _, at := range []string{home, filepath.Dir(home)} { // Java 8 has it beside jre
			if text, err := os.ReadFile(filepath.Join(at, "release")); err == nil {
				if m := releaseLine.FindSubmatch(text); m != nil {
					return string(m[1]), nil
				}
			}
		}
	}

	said, err := s.say(nil, s.home.Java, "-version")
	if m := saidVersion.FindStringSubmatch(said); err == nil && m != nil {
		return m[1], nil
	}
	if err == nil {
		err = fmt.Errorf("it said %q", lastLine(said))
	}
	return "", err
}

// leastPython is the oldest Python that a version of Spark runs on.
func leastPython(spark string) (major, minor int) {
	switch major, minor := number(spark); {
	case major == 3:
		return 3, 8
	case minor == 0:
		return 3, 9
	case minor < 3:
		return 3, 10
	}
	return 3, 11
}

// python finds the driver's Python: the one that is named, the one that has pyspark, or python3.
func (s *search) python() {
	key := ""
	switch python := s.env("PYSPARK_PYTHON"); { // PYSPARK_DRIVER_PYTHON is mostly a notebook's
	case s.Options.Python != "":
		s.home.Python, key = s.Options.Python, "spark.python"
	case python != "":
		s.home.Python = s.program(python)
	case s.owner != "":
		s.home.Python = s.owner
	default:
		s.home.Python = s.inPath("python3")
	}
	if s.home.Python == "" {
		s.fault(key, "install Python 3 (Debian: apt-get install python3), or name one as spark.python", "there is no Python for Spark's driver: no python3 in PATH")
		return
	}

	probed, err := s.version()
	if err != nil {
		s.fault(key, "name a Python that runs as spark.python", "the Python for Spark's driver, %s, does not run: %v", s.home.Python, err)
		return
	}
	s.home.PythonVersion = probed
	if s.home.Version == "" {
		return
	}
	major, minor := number(probed)
	if least, second := leastPython(s.home.Version); major < least || major == least && minor < second {
		s.fault(key, "name a newer one as spark.python", "Python is %s (%s), and Spark %s needs %d.%d or newer", probed, s.home.Python, s.home.Version, least, second)
	}
}

// program is a program by its path, or by its name in PATH.
func (s *search) program(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return s.inPath(name)
}

var venvVersion = regexp.MustCompile(`(?m)^version(?:_info)?\s*=\s*(3\.\d+\.\d+)`)

// version is the Python's version: an environment has it in a file, others are asked.
func (s *search) version() (string, error) {
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(s.home.Python)), "pyvenv.cfg")); err == nil && runs(s.home.Python) {
		if m := venvVersion.FindSubmatch(text); m != nil {
			return string(m[1]), nil
		}
	}
	probed, err := s.probe(s.home.Python)
	return probed.version, err
}

// probed is what a Python says of itself.
type probed struct {
	version string
	spark   string // pyspark's folder; "" where it has none
}

const probe = `import sys
from importlib.util import find_spec
sys.path = [p for p in sys.path if p]
try:
    at = list(find_spec("pyspark").submodule_search_locations)[0]
except Exception:
    at = ""
print("@%d.%d.%d@%s" % (sys.version_info[:3] + (at,)))`

// probe asks a Python for its version and for pyspark, which is not imported for that.
func (s *search) probe(python string) (probed, error) {
	said, err := s.say(nil, python, "-c", probe)
	parts := strings.Split(lastLine(said), "@")
	if err == nil && len(parts) != 3 {
		err = fmt.Errorf("it said %q", lastLine(said))
	}
	if err != nil {
		return probed{}, err
	}
	return probed{version: parts[1], spark: parts[2]}, nil
}
