package plan

import (
	"time"

	"github.com/hindcast/hindcast"
)

const (
	// A result of unknown size is taken to be a tenth of what it is made from: most are aggregates.
	resultPart = 10
	// The steps overlap, how well depends on the slices: the time lies between the longest step and the sum, and
	// the bounds this far around the middle.
	lowPart, highPart = 0.85, 1.2
)

// replaced counts what the slices that run replace.
type replaced struct {
	slices int   // that have committed rows
	fresh  bool  // an output that is made has none
	untold bool  // the rows of one are not known
	rows   int64 // committed, of the outputs that are made
}

func (r *replaced) add(item *Item, c *candidate) {
	if c.committed() {
		r.slices++
	}
	for _, output := range item.Wanted() {
		switch row := c.outputs[output].committed; {
		case row == nil:
			r.fresh = true
		case row.Parts.SQL == "": // it tells by its fingerprint alone
			r.untold = true
		default:
			r.rows += row.Sums.Rows
		}
	}
}

// known reports whether all that is made replaces rows, and how many is known.
func (r *replaced) known() bool { return !r.fresh && !r.untold }

// estimate adds up what the running items read, and what is to be unloaded.
func (m *maker) estimate(p *Plan) Estimate {
	e := Estimate{DiskFree: m.Machine.DiskFree, RowsOut: -1}
	running := 0
	for i := range p.Items {
		item := &p.Items[i]
		if !item.Reason.Runs() {
			continue
		}
		running++
		e.RowsIn, e.BytesIn = add(e.RowsIn, item.Rows), add(e.BytesIn, item.Bytes)
	}
	unloads := 0
	for i := range p.Units {
		if u := &p.Units[i]; u.Unload && u.Shared == nil {
			unloads++
			e.UnloadBytes = add(e.UnloadBytes, u.Bytes)
		}
	}
	for i := range p.Dims {
		if d := &p.Dims[i]; d.Unload && running > 0 {
			e.UnloadBytes = add(e.UnloadBytes, d.Bytes)
		}
	}
	staged := e.BytesIn / resultPart
	switch before := m.Earlier; {
	case running == 0:
	case before.Run != "":
		staged = before.results(&e, running)
		before.time(&e, p.Shares, running, unloads)
	case m.Other.Run != "": // as many rows and bytes, in another time
		staged = m.Other.results(&e, running)
		e.Elsewhere = &Elsewhere{Engine: m.Other.Engine, Run: m.Other.Run, Slices: m.Other.Slices, Seconds: m.Other.Took.Seconds()}
	}
	if running > 0 && m.replaced.known() {
		e.RowsOut = m.replaced.rows
	}
	e.Cost = m.cost(p, m.Earlier.scale(&e, running))
	e.DiskNeeded = -1
	if staged >= 0 && e.UnloadBytes >= 0 && e.BytesIn >= 0 {
		e.DiskNeeded = e.UnloadBytes + staged
		if running > 0 {
			e.DiskNeeded += staged * int64(m.replaced.slices) / int64(running) // the previous rows are kept
		}
	}
	return e
}

// scale is how much more is to be done than an earlier run did, by rows; by slices where rows are not known. 0 is unknown.
func (before *Earlier) scale(e *Estimate, running int) float64 {
	switch {
	case before.RowsIn > 0 && e.RowsIn >= 0:
		return float64(e.RowsIn) / float64(before.RowsIn)
	case before.Slices > 0:
		return float64(running) / float64(before.Slices)
	}
	return 0
}

// results estimates how many rows the results will have, and returns their bytes.
func (before *Earlier) results(e *Estimate, running int) int64 {
	scale := before.scale(e, running)
	if scale == 0 {
		return e.BytesIn / resultPart
	}
	e.RowsOut = int64(float64(before.RowsOut) * scale)
	return int64(float64(before.Bytes) * scale)
}

// time estimates how long it will take.
func (before *Earlier) time(e *Estimate, s Shares, running, unloads int) {
	scale := before.scale(e, running)
	steps := []float64{before.Seconds[hindcast.StepTransform] * scale / float64(max(s.Transforms, 1)), before.Seconds[hindcast.StepLoad] * scale}
	if before.Unloads > 0 && scale > 0 {
		steps = append(steps, before.Seconds[hindcast.StepUnload]*float64(unloads)/float64(before.Unloads)/float64(max(s.Unloads, 1)))
	}
	longest, sum := 0.0, 0.0
	for _, seconds := range steps {
		longest, sum = max(longest, seconds), sum+seconds
	}
	if middle := (longest + sum) / 2; middle > 0 {
		e.LowSeconds, e.HighSeconds, e.From = middle*lowPart, middle*highPart, before.Run
		e.Low, e.High = inTime(e.LowSeconds), inTime(e.HighSeconds)
	}
}

func inTime(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
