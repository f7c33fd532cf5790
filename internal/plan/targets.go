package plan

import (
	"fmt"

	"github.com/hindcast/hindcast"
)

// OneTarget is the error of two outputs of a pipeline, by their places, whose targets are one table.
func OneTarget(p *hindcast.Pipeline, one, other int) error {
	o := &p.Outputs[other]
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Place: p.Places[o.Key("target.table")],
		Message: fmt.Sprintf("%s is the target of two outputs, %s and %s: each would replace the other's rows", o.Target.Table, p.Outputs[one].Name, o.Name),
		Next:    "give each output its own target"}
}
