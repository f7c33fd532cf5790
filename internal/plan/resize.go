package plan

import "github.com/hindcast/hindcast"

// Resize is what a run does with the size of its warehouse, as it stood when the plan was made. From is the size then.
type Resize struct {
	hindcast.Sizing
	Kind string   `json:"kind,omitempty"` // the type of a cluster's nodes
	Runs []string `json:"runs,omitempty"` // that want it as it is
	// Rate is what the change adds to what the warehouse costs, of as many units as it adds: fewer than 0 if it takes some off; nil if there is none.
	Rate *hindcast.Rate `json:"rate,omitempty"`
}
