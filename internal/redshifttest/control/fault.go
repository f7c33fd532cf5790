//go:build unix

package control

import "net/http"

// Fault is what happens at one call.
type Fault int

// The faults.
const (
	None     Fault = iota
	Lose           // it is done, and the connection is closed instead of its answer
	Refuse         // the connection is closed, and it is not done
	Throttle       // it is not done: there are too many calls
	Busy           // it is not done: something else changes the cluster
	Full           // it is not done: there is no capacity
	Forbid         // it is not done: the caller has no right to it
	Fail           // of a resize: it is accepted, and comes to nothing
	Short          // of a resize: it is accepted, and ends with one node, or eight RPU, fewer than asked for
)

// refusal is the answer to a call that is not done; nil if it is done, or never answered.
func (f Fault) refusal(service string) *Refusal {
	json := service != "redshift"
	code := func(query, ofJSON string) string {
		if json {
			return ofJSON
		}
		return query
	}

	switch f {
	case Throttle:
		return refuse(http.StatusBadRequest, code("Throttling", "ThrottlingException"), "Rate exceeded")
	case Busy:
		return refuse(http.StatusBadRequest, code("InvalidClusterState", "ConflictException"), "There is an operation running on it. Try again later.")
	case Full:
		return refuse(http.StatusBadRequest, code("InsufficientClusterCapacity", "InsufficientCapacityException"), "There is no capacity at the moment.")
	case Forbid:
		return refuse(http.StatusForbidden, code("AccessDenied", "AccessDeniedException"), "User is not authorized to perform this action")
	case None, Lose, Refuse, Fail, Short:
	}
	return nil
}

// Rule sets what happens at each call; nil is nothing.
func (s *Server) Rule(rule func(Call) Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rule = rule
}

// At is the rule that has a fault at the first call of an action.
func At(action string, fault Fault) func(Call) Fault {
	return func(c Call) Fault {
		if c.Action == action && c.Nth == 1 {
			return fault
		}
		return None
	}
}

// spoil has the resizes that have just begun end badly.
func (s *Server) spoil(f Fault) {
	if f != Fail && f != Short {
		return
	}
	for _, c := range s.clusters {
		c.change.spoil(f, 1)
	}
	for _, w := range s.workgroups {
		w.change.spoil(f, leastRPUStep)
	}
}

// change is a change of a size under way.
type change struct {
	from, to int
	at       int  // the phase that was reached; there are as many as the owner has states for
	fresh    bool // nobody has looked since it began
	failed   bool
}

func (c *change) spoil(f Fault, step int) {
	switch {
	case c == nil || !c.fresh:
	case f == Fail:
		c.failed = true
	default:
		c.to -= step
	}
}

// Hold has changes stand still until Advance, instead of going on with each look.
func (s *Server) Hold() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.held = true
}

// Advance moves every change under way on by one phase.
func (s *Server) Advance() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.clusters {
		c.advance()
	}
	for _, w := range s.workgroups {
		w.advance()
	}
}
