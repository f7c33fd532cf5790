package jobs

import (
	"context"
	"io"
)

// Task is a run for whoever runs its script.
type Task struct {
	ID        string // of the run
	First     string // of the first of its attempts
	Attempt   int
	JobName   string
	Command   Command
	Arguments map[string]string // all that the script is given, with their leading dashes
}

// End is how a script ended.
type End struct {
	Failed  bool
	Message string // why, for people
}

// Runner runs the scripts of runs, in processes that outlive this one.
type Runner interface {
	// Run runs the task to its end. It calls began when the script begins to work. A task that an earlier process began is taken up
	// where it is: no task is ever worked on twice at the same time. The end of ctx ends the wait alone, with its error; every
	// other fault is an End.
	Run(ctx context.Context, t Task, began func()) (End, error)
	// Stop ends a task, whoever began it; nil means that none of its processes is alive, and Run returns. It is safe to repeat.
	Stop(ctx context.Context, t Task) error
	// Forget removes what is kept of a task that has ended.
	Forget(id string) error
	// Log opens what a task wrote so far; an error that is fs.ErrNotExist if it has not begun.
	Log(id string, s Stream) (io.ReadSeekCloser, error)
}

// Stream is one of a script's outputs.
type Stream string

// The streams.
const (
	Output Stream = "output"
	Errors Stream = "error"
)
