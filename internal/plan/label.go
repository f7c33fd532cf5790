package plan

import (
	"slices"

	"github.com/hindcast/hindcast"
)

// Label is how people see the key of one of the plan's slices; --slices takes it.
func (p *Plan) Label(key string) string { return p.Pipeline.History.Every.Label(key) }

// UnitLabel is how people see the key of a fact's unit.
func (p *Plan) UnitLabel(fact, key string) string {
	for _, f := range p.Pipeline.Facts {
		if f.Name == fact && !f.Every.IsZero() {
			return f.Every.Label(key)
		}
	}
	return p.Label(key)
}

// Reader is the first of the plan's slices that reads a unit, or a dimension, as --slices takes it: units may have other
// periods than slices. It is "all" if no slice of the plan does.
func (p *Plan) Reader(name, key string) string {
	for i := range p.Items {
		if key == hindcast.WholeKey || slices.Contains(p.Items[i].Units.Of(name), key) {
			return p.Label(p.Items[i].Slice.Key)
		}
	}
	return "all"
}
