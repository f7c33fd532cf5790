package launch

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
)

// work is what a task runs.
type work struct {
	folder  string // that it runs in
	alone   string // the pipeline, of which only one run works at a time; "" of scripts
	resumes bool   // started again it goes on where it was
	// command is made when it starts: its words, and what its environment has more.
	command func(ctx context.Context, dir string) (argv, env []string, err error)
	cause   func(stderr, stdout string) string // why it failed, from what it wrote
}

// prepare finds out what the task runs.
func (l *Launcher) prepare(_ context.Context, t jobs.Task) (work, error) {
	location := t.Command.ScriptLocation
	if u, err := url.Parse(location); err == nil && u.Scheme != "" {
		if u.Scheme != "s3" && u.Scheme != "s3a" {
			return work{}, fmt.Errorf("ScriptLocation is %s: it must be s3://BUCKET/KEY, or a path below the folder that the server was started in", location)
		}
		return l.script(t, "")
	}
	path, err := l.below(location)
	if err != nil {
		return work{}, err
	}
	switch filepath.Ext(path) {
	case ".yml", ".yaml":
		return l.pipeline(t, path)
	case ".py":
		return l.script(t, path)
	}
	return work{}, fmt.Errorf("ScriptLocation is %s: it must be a pipeline, NAME.yml, or a script of Python, NAME.py", location)
}

// below is the path of a file below the root, which no link may lead out of.
func (l *Launcher) below(location string) (string, error) {
	path := location
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.options.Root, path)
	}
	root, err := filepath.EvalSymlinks(l.options.Root)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil || !filepath.IsLocal(below(root, real)) || below(root, real) == "." {
		// that a file elsewhere is there, or is not, is nobody's business
		return "", fmt.Errorf("ScriptLocation is %s: there is no such file below the folder that the server was started in", location)
	}
	return real, nil
}

// below is a path from a folder on; "/" if it is not below it.
func below(root, path string) string {
	if rel, err := filepath.Rel(root, path); err == nil {
		return rel
	}
	return "/"
}

// pipeline is a run of hindcast's own. All attempts at a run are one run there, which goes on where the one before stopped.
func (l *Launcher) pipeline(t jobs.Task, path string) (work, error) {
	flags, err := pipelineFlags(t)
	if err != nil {
		return work{}, err
	}
	argv := slices.Concat(l.options.Hindcast, []string{"run", "--file", path, "--id", t.First}, flags)
	return work{folder: filepath.Dir(path), alone: path, resumes: true, cause: pipelineCause,
		command: func(context.Context, string) ([]string, []string, error) { return argv, nil, nil }}, nil
}

// pipelineFlags are a run's arguments as those of hindcast run. Others than these, and than Glue's own, are refused: a misspelled
// one would run all of history.
func pipelineFlags(t jobs.Task) (flags []string, err error) {
	for _, key := range slices.Sorted(maps.Keys(t.Arguments)) {
		value := t.Arguments[key]
		switch {
		case key == "--slices" || key == "--engine":
			flags = append(flags, key, value)
		case key == "--force" || key == "--fresh" || key == "--accept-loss":
			flags = append(flags, key+"="+value)
		case key == "--start_dt":
			if value, err = sliceOf(value); err != nil {
				return nil, err
			}
			flags = append(flags, "--slices", value)
		case key == "--run_dt" || key == "--airflow_task_uuid" || ofGlue[key]:
		default:
			return nil, fmt.Errorf("a pipeline has no argument %s: it takes --slices, --start_dt, --engine, --force, --fresh and --accept-loss", key)
		}
	}
	return flags, nil
}

var day = regexp.MustCompile(`^(\d{4})-?(\d\d)-?(\d\d)$`)

// sliceOf is the key of a slice that begins on a day.
func sliceOf(text string) (string, error) {
	m := day.FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("--start_dt is %q: it must be the first day of a slice, such as 20160101", text)
	}
	return m[1] + "-" + m[2] + "-" + m[3], nil
}

// ofGlue are arguments that Glue itself acts on, and that mean nothing here.
var ofGlue = map[string]bool{"--job-language": true, "--TempDir": true, "--enable-metrics": true, "--enable-observability-metrics": true,
	"--enable-continuous-cloudwatch-log": true, "--enable-continuous-log-filter": true, "--continuous-log-logGroup": true,
	"--continuous-log-logStreamPrefix": true, "--enable-spark-ui": true, "--spark-event-logs-path": true, "--enable-job-insights": true,
	"--enable-glue-datacatalog": true, "--job-bookmark-option": true, "--enable-auto-scaling": true, "--JOB_NAME": true, "--JOB_ID": true,
	"--JOB_RUN_ID": true, "--datalake-formats": true}

// refused are arguments of Glue without which a script would do something else than it says.
var refused = []string{"--additional-python-modules", "--extra-jars", "--extra-files", "--user-jars-first", "--class", "--scriptLocation"}

// script is a script of Python: with Spark, unless the job is a Python shell. Without a path it is in a bucket.
func (l *Launcher) script(t jobs.Task, path string) (work, error) {
	for _, key := range refused {
		if _, given := t.Arguments[key]; given {
			return work{}, fmt.Errorf("this server does not have the argument %s", key)
		}
	}
	if language := t.Arguments["--job-language"]; language != "" && language != "python" {
		return work{}, fmt.Errorf("this server runs scripts of Python, not of %s", language)
	}
	if t.Arguments["--job-bookmark-option"] == "job-bookmark-enable" {
		return work{}, fmt.Errorf("this server keeps no bookmarks: the script would read everything again")
	}
	if t.Command.Name != "glueetl" && t.Command.Name != "pythonshell" {
		return work{}, fmt.Errorf("this server runs glueetl and pythonshell, not %s", t.Command.Name)
	}
	return work{folder: l.options.Root, cause: pythonCause, command: func(ctx context.Context, dir string) ([]string, []string, error) {
		return l.scriptCommand(ctx, t, path, dir)
	}}, nil
}

// scriptCommand is the command line of a script, which is fetched if it is in a bucket.
func (l *Launcher) scriptCommand(ctx context.Context, t jobs.Task, path, dir string) (argv, env []string, err error) {
	if path == "" {
		path = filepath.Join(dir, scriptFile)
		text, err := l.options.Fetch(ctx, t.Command.ScriptLocation)
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", t.Command.ScriptLocation, err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, nil, err
		}
	}

	modules := append([]string{filepath.Join(l.options.Dir, shimFolder)}, filepath.SplitList(variable(l.options.Env, "PYTHONPATH"))...)
	env = []string{"PYTHONPATH=" + strings.Join(modules, ":"), "PYTHONUNBUFFERED=1"}
	if t.Command.Name == "pythonshell" {
		return slices.Concat([]string{"python3", path}, scriptArguments(t)), env, nil
	}
	home, err := l.home()
	if err != nil {
		return nil, nil, err
	}
	env = append(env, "PYSPARK_PYTHON="+home.Python, "PYSPARK_DRIVER_PYTHON="+home.Python, "SPARK_HOME="+home.SparkHome)
	if home.JavaHome != "" {
		env = append(env, "JAVA_HOME="+home.JavaHome)
	}
	return slices.Concat([]string{home.Submit}, l.sparkFlags(t, dir), []string{path}, scriptArguments(t)), env, nil
}

// sparkFlags are spark-submit's.
func (l *Launcher) sparkFlags(t jobs.Task, dir string) []string {
	flags := []string{"--master", "local[" + strconv.Itoa(max(l.options.Threads, 1)) + "]", "--name", t.JobName + " " + t.ID}
	settings := []string{"spark.ui.enabled=false", "spark.ui.showConsoleProgress=false", "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
		"spark.local.dir=" + filepath.Join(dir, "tmp"), "spark.sql.warehouse.dir=" + filepath.Join(dir, "tmp", "warehouse"),
		"spark.hadoop.fs.s3.impl=org.apache.hadoop.fs.s3a.S3AFileSystem"}
	settings = append(settings, l.options.Conf...)
	if own := t.Arguments["--conf"]; own != "" { // several in one: a=b --conf c=d
		for setting := range strings.SplitSeq(own, "--conf") {
			settings = append(settings, strings.TrimSpace(setting))
		}
	}
	for _, setting := range settings {
		flags = append(flags, "--conf", setting)
	}
	if len(l.options.Packages) > 0 {
		flags = append(flags, "--packages", strings.Join(l.options.Packages, ","))
	}
	return flags
}

// scriptArguments are what the script finds in sys.argv.
func scriptArguments(t jobs.Task) []string {
	words := []string{"--JOB_NAME", t.JobName, "--JOB_ID", "j_" + t.JobName, "--JOB_RUN_ID", t.ID}
	for _, key := range slices.Sorted(maps.Keys(t.Arguments)) {
		if key != "--conf" && key != "--JOB_NAME" && key != "--JOB_ID" && key != "--JOB_RUN_ID" {
			words = append(words, key, t.Arguments[key])
		}
	}
	return words
}

func variable(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if value, is := strings.CutPrefix(v, name+"="); is {
			return value
		}
	}
	return ""
}

var exception = regexp.MustCompile(`(?m)^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|NotHere)\b.*$`)

// pythonCause is the last exception that a script wrote.
func pythonCause(stderr, _ string) string {
	all := exception.FindAllString(stderr, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

var errorCode = regexp.MustCompile(`(?m)^.*\bE-[A-Z][A-Z-]+\b.*$`)

// pipelineCause is the error of hindcast's report, or the one for which it did not begin.
func pipelineCause(stderr, stdout string) string {
	for _, text := range []string{stderr, stdout} {
		if all := errorCode.FindAllString(text, -1); len(all) > 0 {
			return strings.TrimSpace(all[len(all)-1])
		}
	}
	return ""
}
