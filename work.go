package hindcast

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
	Handle      Handle
}

// Progress is how far work has come, as far as its engine knows. What it does not know is zero.
type Progress struct {
	Done  float64 // the share of the work that is done, 0 to 1
	Rows  int64   // read so far
	Bytes int64   // written so far
}
