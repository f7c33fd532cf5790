package plan

import "github.com/hindcast/hindcast"

// Undoing says what an undo puts back of one output of a slice.
type Undoing struct {
	Output int `json:"output"` // by its index
	// Before is what stands there: what was replaced is put back in place of nothing else.
	Before hindcast.Before `json:"before"`
	// Previous is the prefix of what was replaced; empty if nothing was. Row is the status row of it; nil if it had none.
	Previous string              `json:"previous,omitempty"`
	Row      *hindcast.Committed `json:"row,omitempty"`
	Summed   []hindcast.Column   `json:"summed,omitempty"` // that the sums of Row are over; nil if that is not known any more
}

// unrecorded stands for the fingerprint of rows that no status row is put back for.
const unrecorded = "unrecorded"

// Print is the fingerprint of what is put back.
func (u *Undoing) Print() string {
	if u.Row == nil {
		return unrecorded
	}
	return u.Row.Fingerprint
}

// Undoes is what an undo puts back of an output of the slice; nil if that is nothing.
func (i *Item) Undoes(output int) *Undoing {
	for n := range i.Undo {
		if i.Undo[n].Output == output {
			return &i.Undo[n]
		}
	}
	return nil
}

// Undone is the fingerprint of what an undo puts back of the slice; empty if the plan is not of an undo.
func (i *Item) Undone() string {
	if len(i.Undo) == 0 {
		return ""
	}
	prints := make([]string, len(i.Undo))
	for n := range i.Undo {
		prints[n] = i.Undo[n].Print()
	}
	return Together(prints)
}
