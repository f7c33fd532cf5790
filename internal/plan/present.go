package plan

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Present lists every unit of the pipeline's present cut by its fact, whether or not a plan needs it, for the views over the
// lake: their keys and intervals.
func Present(p *hindcast.Pipeline, to time.Time) (map[string][]DraftUnit, error) {
	history, err := Cut(p.History, to)
	if err != nil {
		return nil, err
	}
	units := make(map[string][]DraftUnit, len(p.Facts))
	for _, f := range p.Facts {
		c, err := newCutter(p, f, history)
		if err != nil {
			return nil, err
		}
		units[f.Name] = c.units
	}
	return units, nil
}
