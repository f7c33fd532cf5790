package hindcast

import "time"

// Glue says how the engine glue runs slices: each as a run of one of several jobs of AWS Glue.
type Glue struct {
	Role        string        `json:"role"`                  // a role's name or ARN, which the jobs run as
	Region      string        `json:"region,omitempty"`      // "" is the AWS configuration's
	Version     string        `json:"glue_version"`          // of Glue: 5.1
	WorkerType  string        `json:"worker_type"`           // G.1X
	Workers     int           `json:"number_of_workers"`     // of a run, its driver among them
	Jobs        int           `json:"jobs"`                  //
	RunsPerJob  int           `json:"runs_per_job"`          // side by side
	Connections []string      `json:"connections,omitempty"` // the jobs' in turn
	Timeout     time.Duration `json:"timeout"`               // of a run, whole minutes
	Class       string        `json:"execution_class"`       // STANDARD or FLEX
	MaxRetries  int           `json:"max_retries"`           // Glue's own, beside those of the run
	Script      string        `json:"script,omitempty"`      // an S3 prefix for the jobs' script; "" is below the lake
}

// GlueWorker is one worker of a type.
type GlueWorker struct {
	Type    string
	DPU     float64 // what it is billed as
	Cores   int
	Memory  int64  // bytes
	Metered string // the unit of its price: DPU or M-DPU
}

// The units of the price of workers.
const (
	DPU       = "DPU"
	MemoryDPU = "M-DPU"
	RPU       = "RPU"  // of Redshift Serverless
	VCPU      = "vCPU" // of EMR Serverless
)

// GlueWorkers are the types of workers that Spark runs on, as Glue's documents had them in November 2026.
var GlueWorkers = []GlueWorker{
	{"G.1X", 1, 4, 16 << 30, DPU}, {"G.2X", 2, 8, 32 << 30, DPU}, {"G.4X", 4, 16, 64 << 30, DPU}, {"G.8X", 8, 32, 128 << 30, DPU},
	{"G.12X", 12, 48, 192 << 30, DPU}, {"G.16X", 16, 64, 256 << 30, DPU},
	{"R.1X", 1, 4, 32 << 30, MemoryDPU}, {"R.2X", 2, 8, 64 << 30, MemoryDPU}, {"R.4X", 4, 16, 128 << 30, MemoryDPU}, {"R.8X", 8, 32, 256 << 30, MemoryDPU},
}

// GlueSpark are the versions of Glue whose Spark hindcast runs on, with the version of that.
var GlueSpark = map[string]string{"5.0": "3.5.4", "5.1": "3.5.6", "6.0": "4.1.1"}

// Worker is the type of the workers; the zero worker if it is not known.
func (g Glue) Worker() GlueWorker {
	for _, w := range GlueWorkers {
		if w.Type == g.WorkerType {
			return w
		}
	}
	return GlueWorker{}
}

// Units is how many DPU, or M-DPU, a run has.
func (g Glue) Units() float64 { return float64(g.Workers) * g.Worker().DPU }

// Resumed is how a run that was frozen as g goes on with the pipeline file's present block; one without a role says that the file has none.
func (g Glue) Resumed(now Glue) Glue {
	if now.Role == "" {
		return g
	}
	return now
}
