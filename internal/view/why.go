package view

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Why says of one slice where what is published came from, and what a run would do about it now.
type Why struct {
	Slice   hindcast.Slice `json:"slice"`
	Label   string         `json:"-"` // the slice's key as people see it
	Outputs []WhyOutput    `json:"outputs"`
}

// WhyOutput is the same of one output of the pipeline.
type WhyOutput struct {
	Output string          `json:"output,omitempty"` // its name, where there are several
	Target string          `json:"target"`
	Reason hindcast.Reason `json:"reason"` // of a run now, as plan has it
	Detail string          `json:"detail,omitempty"`
	// Committed is the row of hindcast_status; nil if the slice was never published. What follows is of the run that it names.
	Committed *hindcast.Committed `json:"committed,omitempty"`
	SQLFile   string              `json:"sql_file"`
	SQL       string              `json:"sql,omitempty"` // the text that it was computed with
	// Diff is what differs between that and the text of today: lines that begin with "-" were in it, with "+" are new, with a blank
	// stand around them, and "@@" stands for lines left out.
	Diff   []string   `json:"diff,omitempty"`
	Params []WhyParam `json:"params,omitempty"` // those that have another value today
	Inputs []WhyInput `json:"inputs,omitempty"`
	Reads  []string   `json:"reads,omitempty"` // outputs whose rows it was computed from, as the same attempt made them
	// Unknown says why SQL and inputs are not known.
	Unknown string `json:"unknown,omitempty"`
}

// WhyParam is a parameter whose value has changed. Was and Now are as the pipeline file has them; "" where there is no such parameter.
type WhyParam struct {
	Name string `json:"name"`
	Was  string `json:"was,omitempty"`
	Now  string `json:"now,omitempty"`
}

// WhyInput is what a slice was computed from of one fact's unit, or of a dimension.
type WhyInput struct {
	Name       string    `json:"name"`
	Key        string    `json:"key"` // of the unit; "all" of a dimension
	Label      string    `json:"-"`
	Source     string    `json:"source"`
	Generation int       `json:"generation,omitempty"` // 0 if it is not known, or the files are the user's own
	Rows       int64     `json:"rows"`
	Bytes      int64     `json:"bytes"`
	Unloaded   time.Time `json:"unloaded,omitzero"` // zero of the user's own files
	// Own says that these are files of the user's own, Gone that the lake has a newer generation by now, and Missing that the table was not there.
	Own     bool `json:"own_files,omitempty"`
	Gone    bool `json:"superseded,omitempty"`
	Missing bool `json:"missing,omitempty"`
	// Shared says whose unload it was, if it was another pipeline's.
	Shared *hindcast.Shared `json:"shared,omitempty"`
}

// Stale reports whether a run would compute the output.
func (o *WhyOutput) Stale() bool { return o.Reason.Runs() }
