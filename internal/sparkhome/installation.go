package sparkhome

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// installation finds Spark's folder. SPARK_HOME goes before PATH, as it does for the spark-submit that is found there.
func (s *search) installation() bool {
	if s.Submit != "" {
		if s.named() {
			return true
		}
		s.unlike()
		return false
	}

	if at := s.env("SPARK_HOME"); at != "" {
		if s.is(at, "SPARK_HOME") {
			return true
		}
		s.fault("", "unset SPARK_HOME, or set it to the folder that has Spark's jars", "SPARK_HOME is %s, where there is no Spark", at)
		return false
	}
	if at := s.inPath("spark-submit"); at != "" && s.script(at, "spark-submit in PATH") {
		return true
	}
	if python := s.inPath("python3"); python != "" && s.packaged(python, "the pyspark of python3 in PATH") {
		return true
	}

	s.fault("spark", install(s.wanted()), "there is no Spark: no SPARK_HOME, no spark-submit in PATH, and no pyspark in python3")
	return false
}

// named looks where the pipeline file says.
func (s *search) named() bool {
	info, err := os.Stat(s.Submit)
	switch {
	case err != nil:
		return false
	case !info.IsDir():
		return s.script(s.Submit, "spark.submit")
	}
	return s.is(s.Submit, "spark.submit") || s.environment(s.Submit, "the pyspark of the environment that spark.submit names")
}

// unlike says what is wrong with the path that the pipeline file names.
func (s *search) unlike() {
	next := "name spark-submit, or the folder of Spark or of a Python environment with pyspark; to get one: " + install(s.wanted())
	switch python := filepath.Join(s.Submit, "bin", "python"); {
	case !present(s.Submit):
		s.fault("spark.submit", next, "spark.submit is %s, which does not exist", s.Submit)
	case runs(python) && s.client(python):
		s.fault("spark.submit", python+" -m pip install 'pyspark"+spec(s.wanted())+"'", "spark.submit is %s, whose pyspark is the client alone: it has no jars", s.Submit)
	case runs(python):
		s.fault("spark.submit", python+" -m pip install 'pyspark"+spec(s.wanted())+"'", "spark.submit is %s, a Python environment without pyspark", s.Submit)
	default:
		s.fault("spark.submit", next, "spark.submit is %s, which has no Spark", s.Submit)
	}
}

// is takes a folder if it is Spark's own.
func (s *search) is(dir, as string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	submit := filepath.Join(dir, "bin", "spark-submit")
	if info, err := os.Stat(filepath.Join(dir, "jars")); err != nil || !info.IsDir() || !runs(submit) {
		return false
	}

	s.home.SparkHome, s.home.Submit, s.home.FoundAs = dir, submit, as
	if environment := prefix(dir); s.owner == "" && environment != "" {
		s.owner = interpreter(environment)
	}
	return true
}

var sitePackages = regexp.MustCompile(`^(.*)/lib(?:64)?/python3(?:\.\d+)?/(?:site|dist)-packages/pyspark$`)

// prefix is the Python environment whose package the folder is; "" if it is none.
func prefix(dir string) string {
	if m := sitePackages.FindStringSubmatch(dir); m != nil {
		return m[1]
	}
	return ""
}

// interpreter is the Python of an environment; "" if there is none.
func interpreter(environment string) string {
	for _, name := range []string{"python3", "python"} {
		if path := filepath.Join(environment, "bin", name); runs(path) {
			return path
		}
	}
	return ""
}

// environment takes the pyspark of a Python environment.
func (s *search) environment(dir, as string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, "lib*", "python3*", "site-packages", "pyspark")) // the pattern is right
	for _, at := range found {
		if s.is(at, as) {
			return true
		}
	}
	if python := interpreter(dir); python != "" {
		return s.packaged(python, as)
	}
	return false
}

// packaged takes the pyspark that a Python finds.
func (s *search) packaged(python, as string) bool {
	probed, err := s.probe(python)
	if err != nil || probed.spark == "" {
		return false
	}

	s.owner = python
	if s.is(probed.spark, as) {
		return true
	}
	s.owner = ""
	return false
}

// client reports whether a Python has pyspark without Spark.
func (s *search) client(python string) bool {
	probed, err := s.probe(python)
	return err == nil && probed.spark != ""
}

var runsSubmit = regexp.MustCompile(`(/[^\s"'$]+)/bin/spark-submit\b`)

// script takes the installation that a spark-submit runs: its own, the one of the Python beside it, or the one that it names
// where a distribution has put a script of its own before it.
func (s *search) script(path, as string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || !runs(real) {
		return false
	}
	if home := filepath.Dir(filepath.Dir(real)); s.is(home, as) || s.environment(home, as) {
		return true
	}

	text, err := os.ReadFile(real)
	if err != nil || len(text) > 1<<16 || !strings.HasPrefix(string(text), "#!") {
		return false
	}
	for _, m := range runsSubmit.FindAllStringSubmatch(string(text), -1) {
		if s.is(m[1], as) {
			return true
		}
	}
	return false
}
