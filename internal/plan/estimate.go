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
		if u := &p.Units[i]; u.Unload {
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
	if m.Earlier.Run != "" && running > 0 {
		staged = m.fromEarlier(&e, p.Shares, running, unloads)
	}
	e.DiskNeeded = -1
	if staged >= 0 && e.UnloadBytes >= 0 && e.BytesIn >= 0 {
		e.DiskNeeded = e.UnloadBytes + staged
		if running > 0 {
			e.DiskNeeded += staged * int64(m.replaced) / int64(running) // the previous rows are kept
		}
	}
	return e
}

// fromEarlier scales what an earlier run took by rows; by slices where rows are not known. It returns the bytes that the
// results will have.
func (m *maker) fromEarlier(e *Estimate, s Shares, running, unloads int) int64 {
	before := m.Earlier
	var scale float64
	switch {
	case before.RowsIn > 0 && e.RowsIn >= 0:
		scale = float64(e.RowsIn) / float64(before.RowsIn)
	case before.Slices > 0:
		scale = float64(running) / float64(before.Slices)
	default:
		return e.BytesIn / resultPart
	}
	e.RowsOut = int64(float64(before.RowsOut) * scale)
	steps := []float64{before.Seconds[hindcast.StepTransform] * scale / float64(max(s.Transforms, 1)), before.Seconds[hindcast.StepLoad] * scale}
	if before.Unloads > 0 {
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
	return int64(float64(before.Bytes) * scale)
}

func inTime(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
