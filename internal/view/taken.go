package view

import "github.com/hindcast/hindcast"

// Taken is what a resume does first with a slice that was under way when the run's process died.
type Taken string

// What a resume does. They are the supervisor's ways to begin with a slice.
const (
	Resolves   Taken = "resolve"   // its load may have been committed: the warehouse is asked
	Loads      Taken = "load"      // its result is staged
	Rejoins    Taken = "rejoin"    // an engine that outlives the process was given it: the result is waited for, if there is going to be one
	Transforms Taken = "transform" //
	Unloads    Taken = "unload"    // what the lake does not have yet
)

// Taken says what a resume does with each slice that is interrupted. lasting says that what an engine computes for the run is
// still there without the run's process.
func (t *Tally) Taken(lasting bool) map[string]Taken {
	taken := map[string]Taken{}
	for _, key := range t.In(Interrupted) {
		taken[key] = t.taken(key, lasting)
	}
	return taken
}

func (t *Tally) taken(key string, lasting bool) Taken {
	s, item := t.Run.Slices[key], t.Items[key]
	switch {
	case t.Unloads:
		return Unloads
	case s.Prepared:
		return Resolves
	case item != nil && item.Complete(s.Staged):
		return Loads
	case s.Work != nil && lasting:
		return Rejoins
	case s.Step == hindcast.StepUnload:
		return Unloads
	}
	return Transforms
}
