package view

// Clean is what `hindcast clean` deletes, or would.
type Clean struct {
	Pipeline string      `json:"pipeline"`
	Runs     int         `json:"runs"`     // of keep
	Previous int         `json:"previous"` // of keep
	Deleted  bool        `json:"deleted"`  // otherwise nothing was
	Objects  int         `json:"objects"`
	Bytes    int64       `json:"bytes"`
	Linked   int64       `json:"linked,omitempty"` // of the Bytes, those that other pipelines have too, and that stay
	Items    []CleanItem `json:"items"`
	Kept     []CleanKept `json:"kept"` // besides the latest runs
}

// CleanKind is what an item is.
type CleanKind string

// The kinds, in the order in which they are shown.
const (
	CleanRecords  CleanKind = "records"  // a run's plan and journal: it is not there any more then
	CleanLog      CleanKind = "log"      //
	CleanStaging  CleanKind = "staging"  // of attempts whose run is over
	CleanPrevious CleanKind = "previous" // rows that a load replaced
	CleanUnload   CleanKind = "unload"   // a generation that is superseded, or was not finished
)

// CleanKinds are all of them.
var CleanKinds = []CleanKind{CleanRecords, CleanLog, CleanStaging, CleanPrevious, CleanUnload}

// CleanItem is one thing that is deleted whole.
type CleanItem struct {
	Kind    CleanKind `json:"kind"`
	Run     string    `json:"run,omitempty"`
	Name    string    `json:"name,omitempty"` // of a fact, a dimension, or a target
	Key     string    `json:"key,omitempty"`  // of a slice, or a fact's unit
	Path    string    `json:"path"`           // a key of the lake; a folder ends in a slash
	Objects int       `json:"objects"`
	Bytes   int64     `json:"bytes"`
	Linked  int64     `json:"linked,omitempty"`
	Why     string    `json:"why"`
}

// CleanKept is a run that is older than the latest ones and stays.
type CleanKept struct {
	Run string `json:"run"`
	Why string `json:"why"`
}

// Add adds an item.
func (c *Clean) Add(i CleanItem) {
	c.Items = append(c.Items, i)
	c.Objects += i.Objects
	c.Bytes += i.Bytes
	c.Linked += i.Linked
}
