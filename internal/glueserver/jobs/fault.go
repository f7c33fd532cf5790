package jobs

import "fmt"

// Fault is an error that Glue's clients know by its name.
type Fault struct {
	Name    string
	Message string
}

func (f *Fault) Error() string { return f.Name + ": " + f.Message }

// The faults of the Glue API that this server answers.
const (
	AlreadyExists          = "AlreadyExistsException"
	ConcurrentModification = "ConcurrentModificationException"
	ConcurrentRunsExceeded = "ConcurrentRunsExceededException"
	EntityNotFound         = "EntityNotFoundException"
	InvalidInput           = "InvalidInputException"
	NumberLimitExceeded    = "ResourceNumberLimitExceededException"
)

// Faultf makes a Fault.
func Faultf(name, format string, args ...any) *Fault {
	return &Fault{name, fmt.Sprintf(format, args...)}
}
