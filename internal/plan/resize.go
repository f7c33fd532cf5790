package plan

import "github.com/hindcast/hindcast"

// Resize is what a run does with the size of its warehouse, as it stood when the plan was made. From is the size that it has after the run:
// what it had before all runs that resized it, some of which may have died.
type Resize struct {
	hindcast.Sizing
	Now  int    `json:"now"`            // the size that it had when the plan was made
	Kind string `json:"kind,omitempty"` // the type of a cluster's nodes
	// Rate is what the change adds to what the warehouse costs, of as many units as it adds: fewer than 0 if it takes some off; nil if there is none.
	Rate *hindcast.Rate `json:"rate,omitempty"`
}
