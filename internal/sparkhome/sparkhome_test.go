package sparkhome_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// environment is the folder of a Python environment with pyspark.
func environment(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(pythontest.Python(t, name))))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// bare is an environment of variables in which there is no Spark and no Python: Java and what scripts need.
func bare(more ...string) []string {
	return append([]string{"PATH=/usr/bin:/bin", "HOME=/nonexistent"}, more...)
}

// write makes files that may be run, by path below a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestWhatIsFound(t *testing.T) {
	for _, c := range []struct{ name, spark, scala, hadoop string }{
		{"spark35", "3.5.9", "2.12", "3.3.4"},
		{"spark40", "4.0.5", "2.13", "3.4.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := environment(t, c.name)
			home, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: dir, Version: c.spark[:3], Environ: bare()})
			if err != nil {
				t.Fatal(err)
			}
			if home.Version != c.spark || home.Scala != c.scala || home.Hadoop != c.hadoop {
				t.Errorf("got %+v", home)
			}
			if home.Python != filepath.Join(dir, "bin", "python3") || !regexp.MustCompile(`^3\.1[0-3]\.\d+$`).MatchString(home.PythonVersion) {
				t.Errorf("Python is %s %s", home.PythonVersion, home.Python)
			}
			if !strings.HasPrefix(home.JavaVersion, "17.") || !filepath.IsAbs(home.Java) {
				t.Errorf("Java is %s %s", home.JavaVersion, home.Java)
			}
			if home.Submit != filepath.Join(home.SparkHome, "bin", "spark-submit") || !strings.HasSuffix(home.SparkHome, "/site-packages/pyspark") {
				t.Errorf("spark-submit is %s in %s", home.Submit, home.SparkHome)
			}
		})
	}
}

// Whatever way leads to an installation, it is the same one.
func TestWaysToAnInstallation(t *testing.T) {
	dir := environment(t, "spark35")
	want, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: dir, Environ: bare()})
	if err != nil {
		t.Fatal(err)
	}
	script := write(t, map[string]string{"spark-submit": "#!/bin/bash\nexport PYTHONHASHSEED=0\nexec " + want.SparkHome + "/bin/spark-submit \"$@\"\n"})
	linked := t.TempDir()
	if err := os.Symlink(want.Submit, filepath.Join(linked, "spark-submit")); err != nil {
		t.Fatal(err)
	}
	other := filepath.Dir(pythontest.Python(t, "spark40"))

	for name, o := range map[string]sparkhome.Options{
		"spark-submit":                       {Submit: want.Submit, Environ: bare()},
		"the environment's spark-submit":     {Submit: filepath.Join(dir, "bin", "spark-submit"), Environ: bare()},
		"a folder of Spark":                  {Submit: want.SparkHome, Environ: bare("SPARK_HOME=/nowhere")},
		"a distribution's script":            {Submit: filepath.Join(script, "spark-submit"), Environ: bare()},
		"SPARK_HOME":                         {Environ: bare("SPARK_HOME=" + want.SparkHome)},
		"SPARK_HOME before PATH":             {Environ: append(bare("SPARK_HOME="+want.SparkHome), "PATH="+other+":/usr/bin:/bin")},
		"a link in PATH":                     {Environ: append(bare(), "PATH="+linked+":/usr/bin:/bin")},
		"an activated environment":           {Environ: append(bare(), "PATH="+filepath.Join(dir, "bin")+":/usr/bin:/bin")},
		"pyspark of python3 and no programs": {Environ: append(bare(), "PATH="+onlyPython(t, dir)+":/usr/bin:/bin")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sparkhome.Find(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got.SparkHome != want.SparkHome || got.Version != want.Version || got.PythonVersion != want.PythonVersion || got.FoundAs == "" {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
		})
	}
}

// onlyPython is a folder whose python3 is the environment's.
func onlyPython(t *testing.T, environment string) string {
	t.Helper()
	return write(t, map[string]string{"python3": fmt.Sprintf("#!/bin/sh\nexec %s/bin/python3 \"$@\"\n", environment)})
}

// folder of an installation that has nothing but names, and of a Java that has nothing but its version.
func named(t *testing.T, jars ...string) string {
	t.Helper()
	files := map[string]string{"bin/spark-submit": "#!/bin/sh\n"}
	for _, jar := range jars {
		files["jars/"+jar] = ""
	}
	return write(t, files)
}

func java(t *testing.T, version string) string {
	t.Helper()
	return write(t, map[string]string{"bin/java": "#!/bin/sh\nexit 1\n", "release": fmt.Sprintf("IMPLEMENTOR=\"x\"\nJAVA_VERSION=%q\n", version)})
}

func TestWhatIsMissing(t *testing.T) {
	spark35 := named(t, "spark-core_2.12-3.5.1-amzn-0.jar")
	spark40 := named(t, "spark-core_2.13-4.0.5.jar", "hadoop-client-api-3.4.1.jar")
	spark43 := named(t, "spark-core_2.13-4.3.0.jar")
	places := map[string]hindcast.Place{"spark.submit": {Line: 3}, "spark.python": {Line: 4}, "spark.version": {Line: 5}, "spark": {Line: 2}}
	python := func(version string) string {
		return filepath.Join(write(t, map[string]string{"bin/python": "#!/bin/sh\n", "pyvenv.cfg": "version = " + version + "\n"}), "bin", "python")
	}
	for _, c := range []struct {
		name          string
		o             sparkhome.Options
		message, next string
		line          int
	}{
		{"nothing", sparkhome.Options{Environ: []string{"PATH=/nonexistent"}}, `^there is no Spark: no SPARK_HOME, no spark-submit in PATH`, "pip install 'pyspark~=4.0.0'", 2},
		{"nothing of that version", sparkhome.Options{Version: "3.5.9", Environ: []string{"PATH=/nonexistent"}}, `^there is no Spark`, "pip install 'pyspark==3.5.9'", 2},
		{"a path that does not exist", sparkhome.Options{Submit: "/nowhere", Environ: bare()}, `^spark.submit is /nowhere, which does not exist`, "name spark-submit", 3},
		{"a folder of something else", sparkhome.Options{Submit: t.TempDir(), Environ: bare()}, `^spark.submit is .*, which has no Spark`, "name spark-submit", 3},
		{"an environment without pyspark", sparkhome.Options{Submit: environment(t, "duckdb2"), Environ: bare()}, `a Python environment without pyspark`, "bin/python -m pip install 'pyspark~=4.0.0'", 3},
		{"SPARK_HOME without Spark", sparkhome.Options{Environ: bare("SPARK_HOME=/nowhere")}, `^SPARK_HOME is /nowhere, where there is no Spark`, "unset SPARK_HOME", 0},
		{"too old", sparkhome.Options{Submit: named(t, "spark-core_2.12-3.4.4.jar"), Environ: bare("JAVA_HOME=" + java(t, "17"))}, `^Spark 3.4.4 .* is too old`, "pip install", 3},
		{"another version", sparkhome.Options{Submit: spark40, Version: "3.5", Environ: bare()}, `^Spark is 4.0.5 .*, and the pipeline is for 3.5`, "pyspark~=3.5.0", 5},
		{"another line", sparkhome.Options{Submit: spark40, Version: "4.0.50", Environ: bare()}, `and the pipeline is for 4.0.50`, "pyspark==4.0.50", 5},
		{"no core", sparkhome.Options{Submit: named(t, "x.jar"), Environ: bare()}, `has no spark-core among its jars`, "install Spark again", 3},
		{"no Java", sparkhome.Options{Submit: environment(t, "spark35"), Environ: []string{"PATH=" + programs(t, "bash")}}, `^there is no Java: no JAVA_HOME`, "Java 17", 0},
		{"no bash", sparkhome.Options{Submit: environment(t, "spark35"), Environ: []string{"PATH=/nonexistent", "JAVA_HOME=" + java(t, "17.0.1")}}, `^there is no bash`, "install bash", 0},
		{"JAVA_HOME without Java", sparkhome.Options{Submit: spark40, Environ: bare("JAVA_HOME=/nowhere")}, `^JAVA_HOME is /nowhere, where there is no Java`, "unset JAVA_HOME", 0},
		{"Java that does not start", sparkhome.Options{Submit: spark40, Environ: bare("JAVA_HOME=" + write(t, map[string]string{"bin/java": "#!/bin/sh\necho no runtime; exit 1\n"}))},
			`java does not say its version: exit status 1: no runtime`, "Java 17", 0},
		{"Java 21 and Spark 3.5", sparkhome.Options{Submit: spark35, Environ: bare("JAVA_HOME=" + java(t, "21.0.2"))}, `^Java is 21.0.2 .*, and Spark 3.5.1-amzn-0 needs 8, 11 or 17`, "JAVA_HOME", 0},
		{"Java 8 and Spark 4", sparkhome.Options{Submit: spark40, Environ: bare("JAVA_HOME=" + java(t, "1.8.0_402"))}, `^Java is 1.8.0_402 .*, and Spark 4.0.5 needs 17 or 21`, "JAVA_HOME", 0},
		{"Python 3.7 and Spark 3.5", sparkhome.Options{Submit: spark35, Python: python("3.7.17"), Environ: bare()}, `^Python is 3.7.17 .* needs 3.8 or newer`, "spark.python", 4},
		{"Python 3.8 and Spark 4.0", sparkhome.Options{Submit: spark40, Python: python("3.8.1"), Environ: bare()}, `needs 3.9 or newer`, "spark.python", 4},
		{"Python 3.10 and Spark 4.3", sparkhome.Options{Submit: spark43, Python: python("3.10.1"), Environ: bare()}, `needs 3.11 or newer`, "spark.python", 4},
		{"a Python that does not exist", sparkhome.Options{Submit: spark40, Python: "/nowhere/python", Environ: bare()}, `^the Python for Spark's driver, /nowhere/python, does not run`, "spark.python", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Places = places
			_, err := sparkhome.Find(t.Context(), c.o)
			e := hindcast.AsError(err)
			if err == nil || e.Code != hindcast.ESpark || e.Class != hindcast.ClassPermanent {
				t.Fatalf("got %v", err)
			}
			if !regexp.MustCompile(c.message).MatchString(e.Message) || !strings.Contains(e.Next, c.next) || e.Place.Line != c.line {
				t.Errorf("got line %d: %s\n  Next: %s", e.Place.Line, e.Message, e.Next)
			}
		})
	}
}

// programs is a folder with links to programs of PATH.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink(filepath.Join("/usr/bin", name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Everything that is missing is told at once.
func TestAllThatIsMissing(t *testing.T) {
	spark := named(t, "spark-core_2.13-4.0.5.jar")
	_, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: spark, Version: "3.5", Python: "/nowhere", Environ: bare("JAVA_HOME=" + java(t, "11.0.2"))})
	if e := hindcast.AsError(err); err == nil || len(e.Detail) != 2 || !strings.Contains(e.Detail[0], "also: Java is 11.0.2") || !strings.Contains(e.Detail[1], "also: the Python") {
		t.Errorf("got %v, %q", err, hindcast.AsError(err).Detail)
	}
}

// Java and Python are those that the installation's own spark-env.sh names, as spark-submit will take them.
func TestSparkEnv(t *testing.T) {
	right := java(t, "17.0.9")
	conf := write(t, map[string]string{"spark-env.sh": "echo configured\nJAVA_HOME=" + right + "\n"})
	home, err := sparkhome.Find(t.Context(), sparkhome.Options{Submit: environment(t, "spark40"), Environ: bare("SPARK_CONF_DIR="+conf, "JAVA_HOME="+java(t, "11.0.2"))})
	if err != nil || home.JavaHome != right || home.JavaVersion != "17.0.9" {
		t.Errorf("got %+v, %v", home, err)
	}

	conf = write(t, map[string]string{"spark-env.sh": "echo no; exit 3\n"})
	_, err = sparkhome.Find(t.Context(), sparkhome.Options{Submit: environment(t, "spark40"), Environ: bare("SPARK_CONF_DIR=" + conf)})
	if err == nil || !strings.Contains(err.Error(), "spark-env.sh fails: exit status 3: no") {
		t.Errorf("got %v", err)
	}
}
