package view

import "github.com/hindcast/hindcast"

// The states of a run, as status and list name them.
const (
	Running     = "running"
	Stopping    = "stopping"
	Done        = "done"
	Held        = "held" // every slice is staged, and none published
	Stopped     = "stopped"
	Failed      = "failed"
	Interrupted = "interrupted" // not finished, and nobody is at it; also what was under way of its slices
)

// SliceStates are all that a slice can be shown as, in the order in which screens count them.
var SliceStates = []hindcast.State{hindcast.Succeeded, hindcast.Staged, hindcast.Skipped, hindcast.Running, hindcast.Retrying, Interrupted, hindcast.Pending,
	hindcast.Stopped, hindcast.Failed}

// StateOf says in a word how a run stands; alive reports whether a process holds it.
func StateOf(st *hindcast.RunState, alive bool) string {
	switch {
	case st.Held():
		return Held
	case st.Finished && st.ExitCode == hindcast.ExitOK:
		return Done
	case st.Finished && (st.ExitCode == hindcast.ExitStopped || st.ExitCode == hindcast.ExitBudget):
		return Stopped
	case st.Finished:
		return Failed
	case !alive:
		return Interrupted
	case st.Stopping != "":
		return Stopping
	}
	return Running
}

// Resumable reports whether a run in that state can be resumed.
func Resumable(state string) bool {
	return state == Stopped || state == Failed || state == Interrupted
}

// Refusable reports whether what is proposed about a run in that state may be refused: to resume it, or to publish what it holds.
func Refusable(state string) bool { return Resumable(state) || state == Held }
