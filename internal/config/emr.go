package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
)

const (
	emrApplicationPattern = `^[0-9a-z]{1,64}$`
	emrRolePattern        = `^arn:aws[a-zA-Z0-9-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`
	emrReleasePattern     = `^emr-(7|spark-8)\.[0-9]+\.[0-9]+$`
	emrMemoryPattern      = `^[1-9][0-9]{0,2} ?GB$`
	emrTagPattern         = `^[A-Za-z0-9 /_.:=+@-]{0,256}$`
)

// The bounds of what EMR Serverless takes.
const (
	mostRuns      = 1000
	mostExecutors = 10_000
	mostTags      = 200
)

var (
	formEMRApplication = Form{Name: "application of EMR Serverless", Right: "write the application's id, such as 00f1r9q7k2vd3m09", Schema: patterned(emrApplicationPattern)}
	formEMRRole        = Form{Name: "role's ARN", Right: "write the role's ARN, arn:aws:iam::ACCOUNT:role/NAME", Schema: patterned(emrRolePattern)}
	formEMRRelease     = Form{Name: "release of EMR", Right: "write a release with Spark 3.5 or 4.0, emr-7.… or emr-spark-8.…, such as emr-7.12.0", Schema: patterned(emrReleasePattern)}
	formEMRRuns        = Form{Name: "number of runs", Right: "write a whole number from 1 to 1000",
		Schema: map[string]any{"type": "integer", "minimum": 1, "maximum": mostRuns}}
	formEMRCores = Form{Name: "vCPU of a worker", Right: "write 1, 2, 4, 8, 16 or 32",
		Schema: map[string]any{"type": "integer", "enum": []any{1, 2, 4, 8, 16, 32}}}
	formEMRMemory = Form{Name: "memory of a worker", Right: `write a size that EMR Serverless has, such as "16GB"`, Schema: patterned(emrMemoryPattern)}
	formExecutors = Form{Name: "number of executors", Right: "write a whole number from 1 to 10000",
		Schema: map[string]any{"type": "integer", "minimum": 1, "maximum": mostExecutors}}
	formEMRTag = Form{Name: "tag's value", Right: "write a text of letters, digits, spaces and /_.:=+@-", Schema: patterned(emrTagPattern)}
)

func emrKeys() []Key {
	return append([]Key{
		{Path: "emr_serverless", Form: formObject, Else: "all of its defaults",
			Example: "{application: 00f1r9q7k2vd3m09, role: \"arn:aws:iam::123456789012:role/hindcast\", release: emr-7.12.0}",
			Meaning: "How the engine emr-serverless runs slices: each as a job run of an application of Amazon EMR Serverless. Other engines leave it aside."},
		{Path: "emr_serverless.application", Form: formEMRApplication, Else: "the engine emr-serverless cannot be chosen", Example: "00f1r9q7k2vd3m09",
			Meaning: "The application's id. hindcast starts it where it does not start by itself, and does not make, change or stop it.",
			set: func(d *decoder, v value) {
				d.emr().Application = d.matched(v, emrApplicationPattern, formEMRApplication, "an application")
			}},
		{Path: "emr_serverless.role", Form: formEMRRole, Else: "the engine emr-serverless cannot be chosen", Example: "arn:aws:iam::123456789012:role/hindcast",
			Meaning: "The ARN of the IAM role that runs run as. It reads and writes the lake's bucket.",
			set:     func(d *decoder, v value) { d.emr().Role = d.matched(v, emrRolePattern, formEMRRole, "a role's ARN") }},
		{Path: "emr_serverless.region", Form: formText, Else: "that of the AWS configuration", Example: "eu-central-1",
			Meaning: "The region of the application.",
			set:     func(d *decoder, v value) { d.emr().Region = d.textOf(v) }},
		{Path: "emr_serverless.release", Form: formEMRRelease, Else: "the engine emr-serverless cannot be chosen", Example: "emr-7.12.0",
			Meaning: "The application's release, which is compared with it. emr-7 runs Spark 3.5, emr-spark-8 runs Spark 4.0; older ones run a Spark that hindcast's script does not know.",
			set: func(d *decoder, v value) {
				d.emr().Release = d.matched(v, emrReleasePattern, formEMRRelease, "a release")
			}},
	}, emrSizeKeys()...)
}

func emrSizeKeys() []Key {
	return []Key{
		{Path: "emr_serverless.runs", Form: formEMRRuns, Default: "15", Example: "36",
			Meaning: "How many runs there may be at once, which is how many slices are transformed at the same time. The application's maxConcurrentRuns and maximumCapacity bound it too.",
			set:     func(d *decoder, v value) { d.emr().Runs = int(d.whole(v, 1, mostRuns, formEMRRuns.Right)) }},
		{Path: "emr_serverless.driver_cores", Form: formEMRCores, Default: "4", Example: "2",
			Meaning: "The vCPU of a run's driver.",
			set:     func(d *decoder, v value) { d.emr().Driver.Cores = d.emrCores(v) }},
		{Path: "emr_serverless.driver_memory", Form: formEMRMemory, Default: "16GB", Example: "8GB",
			Meaning: "The memory of a run's driver, as it is billed. How much there may be depends on the vCPU.",
			set:     func(d *decoder, v value) { d.emr().Driver.Memory = d.emrMemory(v) }},
		{Path: "emr_serverless.executor_cores", Form: formEMRCores, Default: "4", Example: "8",
			Meaning: "The vCPU of each executor.",
			set:     func(d *decoder, v value) { d.emr().Executor.Cores = d.emrCores(v) }},
		{Path: "emr_serverless.executor_memory", Form: formEMRMemory, Default: "16GB", Example: "60GB",
			Meaning: "The memory of each executor, as it is billed. How much there may be depends on the vCPU.",
			set:     func(d *decoder, v value) { d.emr().Executor.Memory = d.emrMemory(v) }},
		{Path: "emr_serverless.executors", Form: formExecutors, Default: "3", Example: "18",
			Meaning: "How many executors a run has, for as long as it runs.",
			set: func(d *decoder, v value) {
				d.emr().Executors = int(d.whole(v, 1, mostExecutors, formExecutors.Right))
			}},
		{Path: "emr_serverless.timeout", Form: formDuration, Default: "12h", Example: "90m",
			Meaning: "After how long EMR Serverless cancels a run by itself, in whole minutes, up to 7 days. `run.attempt_timeout` ends it as well.",
			set:     func(d *decoder, v value) { d.emr().Timeout = d.minutes(v, "EMR Serverless") }},
		{Path: "emr_serverless.tags", Form: formNames, Else: "none", Example: "{team: finance}", Schema: map[string]any{"maxProperties": mostTags},
			Meaning: "Tags of the runs, by which costs are allocated."},
		{Path: "emr_serverless.tags.*", Form: formEMRTag, Example: "finance",
			Meaning: "The tag's value.",
			set:     func(d *decoder, v value) { d.emrTag(v) }},
		{Path: "emr_serverless.script", Form: formGluePrefix, Else: "below the lake", Example: "s3://scripts/hindcast",
			Meaning: "Where in S3 the runs' script is put. Its name has its hash.",
			set: func(d *decoder, v value) {
				d.emr().Script = d.matched(v, gluePrefixPattern, formGluePrefix, "a prefix in S3")
			}},
	}
}

func (d *decoder) emr() *hindcast.EMRServerless { return &d.p.Transform.EMR }

// emrCores decodes the vCPU of a worker.
func (d *decoder) emrCores(v value) int {
	n := int(d.whole(v, 1, 32, formEMRCores.Right))
	if _, there := hindcast.EMRSizes[n]; !there && n > 0 {
		d.bad(v, formEMRCores.Right, "EMR Serverless has no workers of %d vCPU", n)
	}
	return n
}

// emrMemory decodes the memory of a worker, in GB.
func (d *decoder) emrMemory(v value) int {
	if !regexp.MustCompile(emrMemoryPattern).MatchString(v.text) {
		d.bad(v, formEMRMemory.Right, "%q is not the memory of a worker", v.text)
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(v.text, "GB"))) // it has digits only
	return n
}

func (d *decoder) emrTag(v value) {
	if form := regexp.MustCompile(emrTagPattern); !form.MatchString(v.text) || !form.MatchString(v.name) || len(v.name) > 128 {
		d.bad(v, formEMRTag.Right, "%q: %q is not a tag that EMR Serverless takes", v.name, v.text)
		return
	}
	if d.emr().Tags == nil {
		d.emr().Tags = map[string]string{}
	}
	d.emr().Tags[v.name] = v.text
}

// finishEMR refuses a pipeline that EMR Serverless cannot work on.
func (d *decoder) finishEMR() {
	at := d.p.Places["transform.engine"]
	e := d.emr()
	for _, need := range []struct{ key, is, what string }{{"application", e.Application, "the application's id"}, {"role", e.Role, "the ARN of the role that runs run as"},
		{"release", e.Release, "the application's release, such as emr-7.12.0"}} {
		if need.is == "" {
			d.fail(hindcast.EValue, at, len("engine"), "add it: emr_serverless: {"+need.key+": …}, "+need.what, "the engine emr-serverless needs the key emr_serverless.%s", need.key)
			return
		}
	}
	d.finishBucketEngine("emr-serverless")
	for _, w := range []struct {
		name string
		hindcast.EMRWorker
	}{{"driver", e.Driver}, {"executor", e.Executor}} {
		if sizes := hindcast.EMRSizes[w.Cores]; w.Memory > 0 && len(sizes) > 0 && !w.Exists() {
			place, written := d.p.Places["emr_serverless."+w.name+"_memory"]
			if !written {
				place = d.p.Places["emr_serverless."+w.name+"_cores"]
			}
			d.fail(hindcast.EValue, place, len(w.name), "write "+memories(sizes), "EMR Serverless has no workers of %d vCPU and %s", w.Cores, gigabytes(w.Memory))
		}
	}
}

// memories are the sizes that there are, in words.
func memories(sizes []int) string {
	step := sizes[1] - sizes[0]
	if slices.Equal(sizes, []int{60, 120, 244}) {
		return "60GB, 120GB or 244GB"
	}
	text := gigabytes(sizes[0]) + " to " + gigabytes(sizes[len(sizes)-1])
	if step > 1 {
		text += ", in steps of " + gigabytes(step)
	}
	return text
}

// gigabytes is a size as it is written in the file.
func gigabytes(n int) string { return strconv.Itoa(n) + "GB" }
