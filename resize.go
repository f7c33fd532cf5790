package hindcast

import (
	"fmt"
	"strings"
	"time"
)

// Resize says how large a Redshift warehouse is while a run loads: a cluster's number of nodes, or a workgroup's base capacity.
// The zero Resize leaves it as it is.
type Resize struct {
	Cluster   string        `json:"cluster,omitempty"`   // one of the two is set
	Workgroup string        `json:"workgroup,omitempty"` // of Redshift Serverless
	Region    string        `json:"region,omitempty"`    // "" is the AWS configuration's
	Nodes     int           `json:"nodes,omitempty"`     // of a cluster
	RPU       int           `json:"rpu,omitempty"`       // of a workgroup
	Timeout   time.Duration `json:"timeout,omitempty"`   // of each of the two resizes
}

// IsZero reports whether nothing is resized.
func (r Resize) IsZero() bool { return r.Cluster == "" && r.Workgroup == "" }

// Sizing is a change of a warehouse's size, as a run journals it.
type Sizing struct {
	Cluster   string `json:"cluster,omitempty"`
	Workgroup string `json:"workgroup,omitempty"`
	Region    string `json:"region,omitempty"`
	From      int    `json:"from"` // nodes or RPU
	To        int    `json:"to"`
	Back      bool   `json:"back,omitempty"` // to what it was before the run
	// Shared are the other runs that want the warehouse as it is: the last of them resizes it back.
	Shared []string `json:"shared,omitempty"`
	// Unsure is whether no event confirms the change: To is then no more than what was asked for.
	Unsure bool `json:"-"`
}

// Named names what is resized: "cluster dw".
func (s Sizing) Named() string {
	if s.Workgroup != "" {
		return "workgroup " + s.Workgroup
	}
	return "cluster " + s.Cluster
}

// Size is a size of it in words: "4 nodes".
func (s Sizing) Size(n int) string {
	switch {
	case s.Workgroup != "":
		return fmt.Sprintf("%d RPU", n)
	case n == 1:
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}

// Reversed is the way back.
func (s Sizing) Reversed() Sizing {
	s.From, s.To, s.Back, s.Shared = s.To, s.From, true, nil
	return s
}

// Left is what a run that did not resize back left, for people.
func (s Sizing) Left() string {
	return fmt.Sprintf("%s, which had %s before the run: not confirmed to be back at that", s.Named(), s.Size(s.From))
}

// Joined are the other runs, for people.
func (s Sizing) Joined() string { return strings.Join(s.Shared, ", ") }

// Resized is where a run stands with the size of its warehouse.
type Resized struct {
	Sizing        // of the last event
	Origin   int  // the size before the run
	Grown    int  // the size for the loads, as far as it is known
	Grew     bool // the run confirmed that size
	Underway bool // the change that Sizing names is not confirmed
	Open     bool // the warehouse is not confirmed to be back
	Since    time.Time
	Error    *Error  // why the last change failed
	Refused  *Error  // why the warehouse could not have the size for the loads
	Seconds  float64 // how long the last change took
}

// apply folds in an event of a resize.
func (r *Resized) apply(e Event) {
	if e.Resize == nil {
		return
	}
	s := *e.Resize
	r.Sizing, r.Since, r.Error, r.Seconds = s, e.Time, e.Error, e.Seconds
	switch {
	case e.Type == EventResizePrepared && !s.Back:
		r.Origin, r.Grown, r.Underway, r.Open = s.From, s.To, true, true
		r.Grew, r.Refused = false, nil
	case e.Type == EventResizePrepared:
		r.Underway = true
	case s.Back:
		r.Underway, r.Open = false, e.Type == EventResizeFailed
	default:
		r.Underway, r.Grown = false, s.To
		r.Grew, r.Refused = e.Type == EventResized, e.Error
	}
}

// Begun is the change that made the warehouse larger.
func (r *Resized) Begun() Sizing {
	s := r.Sizing
	s.From, s.To, s.Back, s.Shared, s.Unsure = r.Origin, r.Grown, false, nil, !r.Grew
	return s
}
