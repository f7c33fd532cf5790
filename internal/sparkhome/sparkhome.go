// Package sparkhome finds an installation of Apache Spark on this machine, and says what it is and what it lacks. No JVM is
// started for that. Running Spark is the engine's business.
package sparkhome

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// Options say where to look. Zero looks in SPARK_HOME, in PATH, and in the Python that is python3.
type Options struct {
	Submit  string // spark-submit, or the folder of an installation or of a Python environment with pyspark; absolute
	Python  string // the interpreter for Spark's driver, absolute
	Version string // what it must be: a whole version, or its beginning

	Places  map[string]hindcast.Place // of the pipeline file's keys, for errors; may be nil
	Environ []string                  // the environment, as os.Environ returns it; nil is this process's
}

// Home is an installation of Spark with what it runs on.
type Home struct {
	SparkHome string `json:"spark_home"` // to be set as SPARK_HOME where Submit is run: its scripts would take another one otherwise
	Submit    string `json:"submit"`     // path of spark-submit
	FoundAs   string `json:"found_as"`   // in words
	Version   string `json:"version"`    // 3.5.9; 3.5.1-amzn-0
	Scala     string `json:"scala"`      // 2.12
	Hadoop    string `json:"hadoop"`     // the Hadoop client among its jars, 3.3.4; "" where it brings none

	JavaHome      string `json:"java_home,omitempty"` // as spark-class takes it; "" where Java is found in PATH
	Java          string `json:"java"`                // path of java
	JavaVersion   string `json:"java_version"`
	Python        string `json:"python"` // of the driver
	PythonVersion string `json:"python_version"`
	HadoopConf    string `json:"hadoop_conf,omitempty"` // the folder by which Spark finds YARN
}

// Find finds the installation. An E-SPARK says what is missing first and how that is mended; its detail has what else is.
func Find(ctx context.Context, o Options) (Home, error) {
	home, faults := Look(ctx, o)
	if ctx.Err() != nil {
		return home, ctx.Err()
	}
	if len(faults) == 0 {
		return home, nil
	}

	first := *faults[0]
	for _, other := range faults[1:] {
		first.Detail = append(first.Detail, "also: "+other.Message+"; "+other.Next)
	}
	return home, &first
}

// Look is Find with everything that is missing, and what was found all the same.
func Look(ctx context.Context, o Options) (Home, []*hindcast.Error) {
	if o.Environ == nil {
		o.Environ = os.Environ()
	}

	s := &search{Options: o, ctx: ctx}
	if s.installation() {
		s.versions()
	}
	s.load()
	s.home.HadoopConf = cmp.Or(s.env("YARN_CONF_DIR"), s.env("HADOOP_CONF_DIR"))
	s.java()
	s.python()
	return s.home, s.faults
}

// search is one look for Spark.
type search struct {
	Options
	ctx    context.Context
	home   Home
	owner  string // the Python that pyspark was found in; "" where it is not a package
	loaded map[string]string
	faults []*hindcast.Error
}

// fault notes what is missing, at a key of the pipeline file where that is to blame.
func (s *search) fault(key, next, format string, args ...any) {
	s.faults = append(s.faults, &hindcast.Error{Code: hindcast.ESpark, Class: hindcast.ClassPermanent, Place: s.Places[key],
		Message: fmt.Sprintf(format, args...), Next: next})
}

var (
	coreJar   = regexp.MustCompile(`^spark-core_(\d+\.\d+)-(\d+\.\d+.*)\.jar$`)
	clientJar = regexp.MustCompile(`^hadoop-client-api-(\d+\.\d+.*)\.jar$`)
)

// versions reads the versions off the jars.
func (s *search) versions() {
	jars, err := os.ReadDir(filepath.Join(s.home.SparkHome, "jars"))
	if err != nil {
		s.fault("spark.submit", "give yourself permission to read it", "the installation of Spark cannot be read: %v", err)
		return
	}

	for _, jar := range jars {
		if m := coreJar.FindStringSubmatch(jar.Name()); m != nil {
			s.home.Scala, s.home.Version = m[1], m[2]
		}
		if m := clientJar.FindStringSubmatch(jar.Name()); m != nil {
			s.home.Hadoop = m[1]
		}
	}

	switch {
	case s.home.Version == "":
		s.fault("spark.submit", "install Spark again: "+install(s.wanted()), "%s has no spark-core among its jars", s.home.SparkHome)
	case s.Version != "" && !begins(s.home.Version, s.Version):
		s.fault("spark.version", "correct spark.version, or install it and name it as spark.submit: "+install(s.Version),
			"Spark is %s (%s), and the pipeline is for %s", s.home.Version, s.home.FoundAs, s.Version)
	case !supported(s.home.Version):
		s.fault("spark.submit", install(s.wanted()), "Spark %s (%s) is too old: 3.5 is the first version that hindcast runs on", s.home.Version, s.home.FoundAs)
	}
}

// wanted is the version to install.
func (s *search) wanted() string {
	if s.Version != "" {
		return s.Version
	}
	return "4.0"
}

// install is the command that installs a version of Spark from PyPI.
func install(version string) string {
	return fmt.Sprintf("python3 -m venv ~/spark && ~/spark/bin/pip install 'pyspark%s', and in the pipeline file spark: {submit: %s}", spec(version), filepath.Join(homeFolder(), "spark"))
}

// spec is a version as pip takes it: the newest of a line such as 3.5.
func spec(version string) string {
	if strings.Count(version, ".") == 1 {
		return "~=" + version + ".0"
	}
	return "==" + version
}

func homeFolder() string {
	if dir, err := os.UserHomeDir(); err == nil {
		return dir
	}
	return "/root"
}

// begins reports whether a version is another one, or one of its line: 3.5.9 is of 3.5, and not of 3.50.
func begins(version, of string) bool {
	rest, found := strings.CutPrefix(version, of)
	return found && (rest == "" || rest[0] < '0' || rest[0] > '9')
}

// number is the beginning of a version as numbers: 3.5.1-amzn-0 is 3 and 5.
func number(version string) (major, minor int) {
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		minor = 0
	}
	return major, minor
}

func supported(version string) bool {
	major, minor := number(version)
	return major > 3 || major == 3 && minor >= 5
}

// runs reports whether a path is a file that may be run.
func runs(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// inPath looks for a program in the PATH of the search's environment; "" if it is not there.
func (s *search) inPath(program string) string {
	for _, dir := range filepath.SplitList(s.env("PATH")) {
		if path := filepath.Join(dir, program); filepath.IsAbs(dir) && runs(path) {
			return path
		}
	}
	return ""
}

// env is a variable as Spark's scripts see it.
func (s *search) env(name string) string {
	if value, set := s.loaded[name]; set {
		return value
	}
	for _, variable := range slices.Backward(s.Environ) { // the last of several is what a program sees
		if value, found := strings.CutPrefix(variable, name+"="); found {
			return value
		}
	}
	return ""
}

// present reports whether a path is there; only that it is not counts as no.
func present(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
