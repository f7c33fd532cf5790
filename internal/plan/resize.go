package plan

import "github.com/hindcast/hindcast"

// Resize is what a run does with the size of its warehouse, as it stood when the plan was made. From is the size then.
type Resize struct {
	hindcast.Sizing
	Kind   string   `json:"kind,omitempty"`        // the type of a cluster's nodes
	Runs   []string `json:"runs,omitempty"`        // that want it as it is
	USD    float64  `json:"usd_an_hour,omitempty"` // that the size for the loads costs more than the present one; 0 if it is not known
	Priced string   `json:"priced,omitempty"`      // by which table, or why it is not known
}
