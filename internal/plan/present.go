package plan

import (
	"time"

	"github.com/hindcast/hindcast"
)

// Present lists every unit of the pipeline's present cut, whether or not a plan needs it, for the views over the
// lake.
func Present(p *hindcast.Pipeline, to time.Time) ([]Unit, error) {
	history, err := Cut(p.History, to)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, f := range p.Facts {
		c, err := newCutter(p, f, history)
		if err != nil {
			return nil, err
		}
		units = append(units, c.units...)
	}
	return units, nil
}
