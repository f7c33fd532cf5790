package plan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// Revision is what a run computed by before its remaining slices were given the SQL of another time.
type Revision struct {
	At      time.Time        `json:"at"` // when that was accepted
	By      string           `json:"by"` // who did
	Outputs []Output         `json:"outputs"`
	Reads   [][]string       `json:"reads,omitempty"` // the outputs that each output read, where any did
	Parts   []hindcast.Parts `json:"parts"`           // the hashes of it, of each output; the definition's is of one slice
}

// Revise makes the plan of a run whose slices that are left are computed by another definition: left is a plan of these, made as things are
// now, of all outputs. What is done stays as it is, and so does all that the run was begun with. It returns nil if the two are not of the same
// slices.
func (p *Plan) Revise(left *Plan, done func(key string) bool, at time.Time, by string) *Plan {
	revised := *left
	revised.Run, revised.CreatedAt, revised.UpToDate, revised.Shares = p.Run, p.CreatedAt, p.UpToDate, p.Shares
	revised.Pipeline.Publish, revised.AcceptLoss, revised.AllowEmpty, revised.Reverse = p.Pipeline.Publish, p.AcceptLoss, p.AllowEmpty, p.Reverse
	revised.Copies, revised.Moved, revised.Resize = p.Copies, p.Moved, p.Resize
	revised.Revisions = slices.Clone(p.Revisions)

	was := Revision{At: at, By: by, Outputs: p.Outputs, Reads: p.reads()}
	now := map[string]*Item{}
	for i := range left.Items {
		now[left.Items[i].Slice.Key] = &left.Items[i]
	}
	revised.Items = nil
	for i := range p.Items {
		item := p.Items[i]
		if item.Reason.Runs() && !done(item.Slice.Key) {
			other := now[item.Slice.Key]
			if other == nil || !other.Reason.Runs() || !other.Slice.Interval.Equal(item.Slice.Interval) {
				return nil
			}
			was.Parts = item.Parts
			item = other.narrowed(&p.Items[i], &left.Pipeline)
			delete(now, item.Slice.Key)
		}
		revised.Items = append(revised.Items, item)
	}
	if len(now) > 0 {
		return nil
	}
	revised.Revisions = append(revised.Revisions, was)
	revised.Units = slices.Clone(left.Units)
	for _, u := range p.Units {
		if !slices.ContainsFunc(left.Units, func(is Unit) bool { return is.Fact == u.Fact && is.Key == u.Key }) {
			u.Unload = false
			revised.Units = append(revised.Units, u)
		}
	}
	revised.Number()
	return &revised
}

// narrowed is the slice without the outputs that the run was not begun to make of it, as far as they are the same by now, and none that is
// made reads them.
func (i *Item) narrowed(was *Item, p *hindcast.Pipeline) Item {
	is := *i
	if len(i.Outputs) == 0 {
		return is
	}
	is.Outputs = slices.Clone(i.Outputs)
	for k := range is.Outputs {
		if !was.ReasonOf(k).Runs() && sameMaking(&was.Parts[k], &is.Parts[k]) {
			is.Outputs[k] = was.Outputs[k]
		}
	}
	spread(p, func(k int) *Outcome { return &is.Outputs[k] })
	is.summarize(is.Outputs, p)
	return is
}

// reads are the outputs that each output reads; nil if none does.
func (p *Plan) reads() [][]string {
	if !slices.ContainsFunc(p.Pipeline.Outputs, reads) {
		return nil
	}
	list := make([][]string, len(p.Pipeline.Outputs))
	for k := range list {
		list[k] = p.Pipeline.Outputs[k].Reads
	}
	return list
}

// SQLOf is the text by which the run computed an output's rows, of which this is the status row, and the outputs that it read.
func (p *Plan) SQLOf(output int, row *hindcast.Committed) (sql string, reads []string) {
	for i := range p.Revisions {
		r := &p.Revisions[i]
		if output < len(r.Parts) && output < len(r.Outputs) && r.Parts[output].SQL == row.Parts.SQL {
			if output < len(r.Reads) {
				reads = r.Reads[output]
			}
			return r.Outputs[output].SQL, reads
		}
	}
	return p.Outputs[output].SQL, p.Pipeline.Outputs[output].Reads
}

// SameSQL reports whether what is left of the run would be computed by the same SQL, parameters and definition as now, and checked by the
// same checks.
func (p *Plan) SameSQL(left *Plan) bool {
	for k := range left.Pipeline.Outputs {
		was, _ := json.Marshal(p.Pipeline.Outputs[k].Checks) // it was read from JSON, or is to be written so
		is, _ := json.Marshal(left.Pipeline.Outputs[k].Checks)
		if !bytes.Equal(was, is) {
			return false
		}
	}
	was := map[string]*Item{}
	for i := range p.Items {
		was[p.Items[i].Slice.Key] = &p.Items[i]
	}
	for i := range left.Items {
		is := &left.Items[i]
		if it := was[is.Slice.Key]; it == nil || !it.Slice.Interval.Equal(is.Slice.Interval) || !slices.EqualFunc(it.Parts, is.Parts, func(a, b hindcast.Parts) bool { return sameMaking(&a, &b) }) {
			return false
		}
	}
	return true
}

// OtherColumns is the first output whose result has other columns in the plan of what is left than in the run's; -1 if none has. What a run
// has published is summed over the same columns in all of its slices.
func (p *Plan) OtherColumns(left *Plan) int {
	for k := range left.Outputs {
		if !slices.Equal(columnNames(p.Outputs[k].Result), columnNames(left.Outputs[k].Result)) {
			return k
		}
	}
	return -1
}

// columnNames are the names of columns as they are compared, sorted.
func columnNames(columns []hindcast.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = strings.ToLower(c.Name)
	}
	slices.Sort(names)
	return names
}
