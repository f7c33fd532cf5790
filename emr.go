package hindcast

import (
	"slices"
	"strconv"
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

// Workers is how many workers a run has, the driver among them.
func (e EMRServerless) Workers() int { return 1 + e.Executors }

// Resumed is how a run that was frozen as e goes on with the pipeline file's present block; one without an application says that the file
// has none.
func (e EMRServerless) Resumed(now EMRServerless) EMRServerless {
	if now.Application == "" {
		return e
	}
	return now
}

// EMRApplication is what EMR Serverless says of an application.
type EMRApplication struct {
	Type         string // Spark
	Release      string
	State        string // STARTED
	StartsItself bool   // when it gets a run
	Runs         int    // side by side, at most; 0 says no limit
	CPU          int    // vCPU of all runs together, at most; 0 says no limit
	Memory       int    // GB, the same
	Disk         int    // GB, the same
	Subnets      []string
	Groups       []string // security groups
}

// emrDisk is how many GB of disk a worker has that asks for none.
const emrDisk = 20

// Room is how many runs the application's capacity has room for at once; false if it says no limit.
func (a EMRApplication) Room(p EMRServerless) (runs int, limited bool) {
	for _, one := range []struct{ most, need int }{{a.CPU, p.Cores()}, {a.Memory, p.Memory()}, {a.Disk, emrDisk * p.Workers()}} {
		if one.most > 0 && one.need > 0 && (!limited || one.most/one.need < runs) {
			runs, limited = one.most/one.need, true
		}
	}
	return runs, limited
}

// Most is the application's capacity in words; "" if it says no limit.
func (a EMRApplication) Most() string {
	var words []string
	for _, one := range []struct {
		most int
		unit string
	}{{a.CPU, "vCPU"}, {a.Memory, "GB"}, {a.Disk, "GB of disk"}} {
		if one.most > 0 {
			words = append(words, strconv.Itoa(one.most)+" "+one.unit)
		}
	}
	return strings.Join(words, ", ")
}
