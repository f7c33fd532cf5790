package hindcast

import "time"

// Handle finds work that an engine was given, from every process. It is journaled and printed: nothing in it is secret.
type Handle struct {
	Tag string `json:"tag"` // unique to lake and pipeline, run, slice and attempt
	// IDs are the engine's own names of the work: of a process, an application, a cluster. They are known once the work has
	// been started, if it needs any.
	IDs map[string]string `json:"ids,omitempty"`
}

// OpenWork is what an engine was given for an attempt and whose end is not journaled: it may still run, or have finished.
type OpenWork struct {
	Attempt     int
	Output      string // its name, where there are several
	Fence       int64  // of the supervisor that gave it
	Fingerprint string // of what it is made from
	Since       time.Time
	Handle      Handle
}

// Progress is how far work has come, as far as its engine knows. What it does not know is zero.
type Progress struct {
	Done    float64 `json:"done,omitempty"`    // the share of the work that is done, 0 to 1
	Rows    int64   `json:"rows,omitempty"`    // read so far
	Bytes   int64   `json:"bytes,omitempty"`   // written so far
	Spilled int64   `json:"spilled,omitempty"` // bytes written to disk so far for lack of memory
	// Of Spark: the stage under way, counted from 1 by when they began, and how many tasks the stages known so far have. It
	// learns of later stages by the results of earlier ones.
	Stage     int `json:"stage,omitempty"`
	Tasks     int `json:"tasks,omitempty"`
	TasksDone int `json:"tasks_done,omitempty"`
	// What the work has cost so far on an engine that is paid for by time: hours of its units, and dollars if the price is known.
	Hours float64 `json:"hours,omitempty"`
	USD   float64 `json:"usd,omitempty"`
}
