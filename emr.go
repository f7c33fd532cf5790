package hindcast

import (
	"slices"
	"strings"
	"time"
)

// EMRServerless says how the engine emr-serverless runs slices: each as a job run of an application of Amazon EMR Serverless.
type EMRServerless struct {
	Application string            `json:"application"`      // its id
	Role        string            `json:"role"`             // a role's ARN, which runs run as
	Region      string            `json:"region,omitempty"` // "" is the AWS configuration's
	Release     string            `json:"release"`          // of the application: emr-7.12.0
	Runs        int               `json:"runs"`             // side by side
	Driver      EMRWorker         `json:"driver"`
	Executor    EMRWorker         `json:"executor"`
	Executors   int               `json:"executors"` // of a run
	Timeout     time.Duration     `json:"timeout"`   // of a run, whole minutes
	Tags        map[string]string `json:"tags,omitempty"`
	Script      string            `json:"script,omitempty"` // an S3 prefix for the runs' script; "" is below the lake
}

// EMRWorker is the size of a worker, as it is billed.
type EMRWorker struct {
	Cores  int `json:"cores"`
	Memory int `json:"memory"` // GB, as EMR Serverless counts them: 2^30 bytes
}

// EMRSizes are how much memory a worker of so many cores may have, in GB, as EMR Serverless's documents had it in November 2026.
var EMRSizes = map[int][]int{1: steps(2, 8, 1), 2: steps(4, 16, 1), 4: steps(8, 30, 1), 8: steps(16, 60, 4), 16: steps(32, 120, 8), 32: {60, 120, 244}}

func steps(from, to, by int) (list []int) {
	for n := from; n <= to; n += by {
		list = append(list, n)
	}
	return list
}

// Exists reports whether EMR Serverless has workers of the size.
func (w EMRWorker) Exists() bool { return slices.Contains(EMRSizes[w.Cores], w.Memory) }

// emrLines are the beginnings of releases whose Spark hindcast runs on, with what is known of its version by them.
var emrLines = map[string]string{"emr-7.": "3.5.x", "emr-spark-8.": "4.0.x"}

// Spark is the version of the release's Spark; "" if it is not known.
func (e EMRServerless) Spark() string {
	for line, version := range emrLines {
		if strings.HasPrefix(e.Release, line) {
			return version
		}
	}
	return ""
}

// Cores is how many vCPU a run has.
func (e EMRServerless) Cores() int { return e.Driver.Cores + e.Executors*e.Executor.Cores }

// Memory is how many GB a run has.
func (e EMRServerless) Memory() int { return e.Driver.Memory + e.Executors*e.Executor.Memory }

// Resumed is how a run that was frozen as e goes on with the pipeline file's present block; one without an application says that the file
// has none.
func (e EMRServerless) Resumed(now EMRServerless) EMRServerless {
	if now.Application == "" {
		return e
	}
	return now
}
