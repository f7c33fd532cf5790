package plan

import "github.com/hindcast/hindcast"

// Resize is what a run does with the size of its warehouse, as it stood when the plan was made. From is the size then.
type Resize struct {
	hindcast.Sizing
	Kind string   `json:"kind,omitempty"` // the type of a cluster's nodes
	Runs []string `json:"runs,omitempty"` // that want it as it is
}
