package launch_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/launch"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/sparkhome"
)

// A script of glueetl runs in Spark, as it would on Glue: GlueContext, Job, options, DynamicFrames as a name for DataFrames; what
// is not there says so by its name. A script in a bucket is fetched.
func TestSparkScript(t *testing.T) {
	f := newFolder(t)
	python := pythontest.Python(t, "spark35")
	const script = `
import sys
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

args = getResolvedOptions(sys.argv, ["JOB_NAME", "start_dt"])
glue = GlueContext(SparkContext.getOrCreate())
spark = glue.spark_session
job = Job(glue)
job.init(args["JOB_NAME"], args)
frame = glue.sql(f"SELECT {args['start_dt']} + 1 AS day, '" + spark.conf.get("spark.sql.shuffle.partitions") + "' AS parts")
print(DynamicFrame.fromDF(frame, glue, "days").toDF().collect())
for missing in (lambda: glue.create_dynamic_frame, lambda: glue.write_dynamic_frame.from_options(), lambda: DynamicFrame.fromDF(frame, glue).resolveChoice()):
    try:
        missing()
    except NotImplementedError as e:
        print(str(e).split(" is ")[0])
job.commit()
`
	l, err := launch.New(launch.Options{Dir: f.dir, Root: f.root, Env: append(os.Environ(), "JAVA_TOOL_OPTIONS="+pythontest.JVMOptions(python)),
		Conf: []string{"spark.sql.shuffle.partitions=3"},
		Spark: func(ctx context.Context) (sparkhome.Home, error) {
			return sparkhome.Find(ctx, sparkhome.Options{Submit: filepath.Dir(filepath.Dir(python))})
		},
		Fetch: func(_ context.Context, url string) ([]byte, error) { return []byte("# " + url + script), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	is := jobs.Task{ID: "jr_1", First: "jr_1", JobName: "etl", Command: jobs.Command{Name: "glueetl", ScriptLocation: "s3://scripts/etl.py"},
		Arguments: map[string]string{"--start_dt": "20160101", "--conf": "spark.sql.shuffle.partitions=4 --conf spark.sql.ansi.enabled=true"}}
	end, err := l.Run(t.Context(), is, func() {})
	want := "[Row(day=20160102, parts='4')]\nGlueContext.create_dynamic_frame\nGlueContext.write_dynamic_frame\nDynamicFrame.resolveChoice\n"
	if got := f.text(is, l, jobs.Output); err != nil || end.Failed || got != want {
		t.Errorf("%+v, %v, it printed %s\n%s", end, err, got, lastLines(f.text(is, l, jobs.Errors)))
	}
}

func lastLines(text string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
