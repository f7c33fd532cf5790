package config

import (
	"math"
	"time"

	"github.com/hindcast/hindcast"
)

const (
	glueVersionPattern = `^(5\.[01]|6\.0)$`
	gluePrefixPattern  = `^s3://[a-z0-9][a-z0-9.-]+(/[^?]*)?$`
	glueRolePattern    = `^(arn:[a-z-]+:iam::[0-9]{12}:role/)?[\w+=,.@/-]+$`
)

// The bounds of what Glue takes.
const (
	leastWorkers  = 2 // one is the driver
	mostWorkers   = 10_000
	mostJobs      = 1000
	mostGlueRetry = 10
)

var (
	formGlueVersion = Form{Name: "Glue version", Right: `write "5.0", "5.1" or "6.0"`,
		Schema: map[string]any{"anyOf": []any{patterned(glueVersionPattern), map[string]any{"type": "number"}}}}
	formGlueRole = Form{Name: "role of Glue", Right: "write a role's name, or its ARN", Schema: patterned(glueRolePattern)}
	formWorkers  = Form{Name: "number of workers", Right: "write a whole number from 2 to 10000",
		Schema: map[string]any{"type": "integer", "minimum": leastWorkers, "maximum": mostWorkers}}
	formJobs = Form{Name: "number of jobs", Right: "write a whole number from 1 to 1000",
		Schema: map[string]any{"type": "integer", "minimum": 1, "maximum": mostJobs}}
	formGluePrefix = Form{Name: "S3 prefix", Right: "write s3://BUCKET/PREFIX", Schema: patterned(gluePrefixPattern)}
)

// longestRun is how long a run may last, of Glue and of EMR Serverless.
const longestRun = 7 * 24 * time.Hour

// classes are the ways in which Glue has room for a run.
var classes = []string{"STANDARD", "FLEX"}

func workerTypes() []string {
	var list []string
	for _, w := range hindcast.GlueWorkers {
		list = append(list, w.Type)
	}
	return list
}

func glueKeys() []Key {
	return append([]Key{
		{Path: "glue", Form: formObject, Else: "all of its defaults", Example: "{role: hindcast-glue, worker_type: G.2X, number_of_workers: 75}",
			Meaning: "How the engine glue runs slices: each as a run of one of several jobs of AWS Glue. Other engines leave it aside."},
		{Path: "glue.role", Form: formGlueRole, Else: "the engine glue cannot be chosen", Example: "hindcast-glue",
			Meaning: "The IAM role that the jobs run as. It reads and writes the lake's bucket.",
			set:     func(d *decoder, v value) { d.glue().Role = d.matched(v, glueRolePattern, formGlueRole, "a role") }},
		{Path: "glue.region", Form: formText, Else: "that of the AWS configuration", Example: "eu-central-1",
			Meaning: "The region of the jobs.",
			set:     func(d *decoder, v value) { d.glue().Region = d.textOf(v) }},
		{Path: "glue.glue_version", Form: formGlueVersion, Default: "5.1", Example: `"5.0"`,
			Meaning: "Glue's version. 5.0 and 5.1 run Spark 3.5, 6.0 runs Spark 4.1; older ones run a Spark that hindcast's script does not know.",
			set: func(d *decoder, v value) {
				d.glue().Version = d.matched(v, glueVersionPattern, formGlueVersion, "a version of Glue")
			}},
	}, glueSizeKeys()...)
}

func glueSizeKeys() []Key {
	return []Key{
		{Path: "glue.worker_type", Form: choice(workerTypes()...), Default: "G.1X", Example: "G.2X",
			Meaning: "The type of a run's workers.",
			set:     func(d *decoder, v value) { d.glue().WorkerType = d.oneOf(v, workerTypes()...) }},
		{Path: "glue.number_of_workers", Form: formWorkers, Default: "10", Example: "75",
			Meaning: "How many workers a run has. One of them is the driver.",
			set: func(d *decoder, v value) {
				d.glue().Workers = int(d.whole(v, leastWorkers, mostWorkers, formWorkers.Right))
			}},
		{Path: "glue.jobs", Form: formJobs, Default: "12", Example: "1",
			Meaning: "Over how many jobs the runs are spread.",
			set:     func(d *decoder, v value) { d.glue().Jobs = int(d.whole(v, 1, mostJobs, formJobs.Right)) }},
		{Path: "glue.runs_per_job", Form: formJobs, Default: "3", Example: "36",
			Meaning: "How many runs of a job there may be at once. With `jobs` it is how many slices are transformed at the same time.",
			set:     func(d *decoder, v value) { d.glue().RunsPerJob = int(d.whole(v, 1, mostJobs, formJobs.Right)) }},
		{Path: "glue.connections", Form: formTexts, Else: "the jobs run in no VPC", Example: "[vpc-a, vpc-b, vpc-c]",
			Meaning: "Glue's connections, for the jobs in turn: each job has one, and so its runs are in one subnet.",
			set:     func(d *decoder, v value) { d.glue().Connections = d.columnsOf(v) }},
		{Path: "glue.timeout", Form: formDuration, Default: "8h", Example: "90m",
			Meaning: "After how long Glue ends a run by itself, in whole minutes, up to 7 days. `run.attempt_timeout` ends it as well.",
			set:     func(d *decoder, v value) { d.glue().Timeout = d.minutes(v, "Glue") }},
		{Path: "glue.execution_class", Form: choice(classes...), Default: "STANDARD", Example: "FLEX",
			Meaning: "FLEX waits for spare capacity and costs less.",
			set:     func(d *decoder, v value) { d.glue().Class = d.oneOf(v, classes...) }},
		{Path: "glue.max_retries", Form: formCount, Default: "0", Example: "1", Schema: map[string]any{"maximum": mostGlueRetry},
			Meaning: "How often Glue itself starts a run again that died. hindcast makes attempts of its own (`run.retries`), which it knows the end of.",
			set:     func(d *decoder, v value) { d.glue().MaxRetries = int(d.whole(v, 0, mostGlueRetry, formCount.Right)) }},
		{Path: "glue.script", Form: formGluePrefix, Else: "below the lake", Example: "s3://scripts/hindcast",
			Meaning: "Where in S3 the jobs' script is put. Its name has its hash.",
			set: func(d *decoder, v value) {
				d.glue().Script = d.matched(v, gluePrefixPattern, formGluePrefix, "a prefix in S3")
			}},
	}
}

func (d *decoder) glue() *hindcast.Glue { return &d.p.Transform.Glue }

// finishGlue refuses a pipeline that Glue cannot work on.
func (d *decoder) finishGlue() {
	if d.glue().Role == "" {
		d.fail(hindcast.EValue, d.p.Places["transform.engine"], len("engine"), "add it: glue: {role: …}, the IAM role that the jobs run as", "the engine glue needs the key glue.role")
		return
	}
	d.finishBucketEngine("glue")
}

// finishBucketEngine refuses a pipeline with files that an engine of AWS's does not see.
func (d *decoder) finishBucketEngine(name string) {
	at, written := d.p.Places["transform.engine"]
	switch {
	case d.p.Lake.Scheme != "s3" && d.p.Lake.Scheme != "":
		if lake, named := d.p.Places["lake"]; named || !written {
			at = lake
		}
		d.fail(hindcast.EValue, at, len("lake"), "write lake: s3://BUCKET/PREFIX", "the engine %s needs a lake in a bucket: it reads and writes nothing else", name)
	case d.p.OwnFiles():
		d.fail(hindcast.EValue, at, len("engine"), "use the engine duckdb or spark, or a table in place of files:",
			"the engine %s does not see files of this machine, which a fact or dimension with files: has", name)
	}
}

// minutes decodes whole minutes, up to as many as a run of an engine of AWS's may last.
func (d *decoder) minutes(v value, engine string) time.Duration {
	failed := len(d.errs)
	out := d.positive(v)
	if len(d.errs) == failed && (out > longestRun || math.Mod(out.Minutes(), 1) != 0) {
		d.bad(v, `write whole minutes, such as "90m", up to "7d"`, "%q is not a time that %s takes", v.text, engine)
	}
	return out
}
