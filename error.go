package hindcast

import (
	"errors"
	"fmt"
)

// Code is the stable name of a kind of error; docs/reference/errors.md lists all. Scripts may rely on it.
type Code string

// Class says what can be done about an error. The driver that meets the error decides.
type Class string

// The classes of error.
const (
	ClassPermanent Class = "permanent" // will fail again: never retried
	ClassTransient Class = "transient" // may heal: retried with back-off
	ClassResource  Class = "resource"  // memory or disk: retried; after out of memory, alone with all of the memory
	ClassCheck     Class = "check"     // a check failed: the slice is not published, exit code 4; never retried
	ClassCanceled  Class = "canceled"  // our own stop: costs no attempt
)

// Place is the position of an error in one of the user's files: lines and columns count from 1, 0 means unknown.
type Place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String returns the place as file:line:column, as far as it is known.
func (p Place) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Error is an error that a user can act on.
type Error struct {
	Code    Code     `json:"code"`
	Class   Class    `json:"class"`
	Message string   `json:"message"`           // the cause in the user's words, one sentence without a full stop
	Place   Place    `json:"place,omitzero"`    //
	Excerpt string   `json:"excerpt,omitempty"` // lines of the file around Place, with a caret, ready to print
	Detail  []string `json:"detail,omitempty"`  // further lines: sample rows, candidates
	Next    string   `json:"next,omitempty"`    // what to do next, a sentence or a command
	Slices  []string `json:"slices,omitempty"`  // keys of those that a publication failed for, where it has others too; empty if that is not known
	Cause   error    `json:"-"`
}

// Error returns the code, the place and the message in one line.
func (e *Error) Error() string {
	text := string(e.Code)
	if place := e.Place.String(); place != "" {
		text += " " + place
	}
	return text + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError returns the *Error in err's chain. If there is none, it wraps err as a permanent E-INTERNAL, so that every
// failure has a code.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}

	return &Error{Code: EInternal, Class: ClassPermanent, Message: err.Error(), Cause: err,
		Next: "please report this with the run's log"}
}

// Exit codes, documented and kept.
const (
	ExitOK      = 0 // every slice proven
	ExitUsage   = 1 // usage or configuration; the command's output could not be written
	ExitFailed  = 2 // a slice failed for good and the rest was stopped
	ExitStopped = 3 // stopped by the user
	ExitCheck   = 4 // a check failed, nothing of that slice published
	ExitBudget  = 5 // budget reached
	ExitUnknown = 6 // something could not be confirmed dead

	ExitInternal = 70 // a fault of hindcast itself
)
