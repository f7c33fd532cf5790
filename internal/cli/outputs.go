package cli

import (
	"fmt"
	"strings"

	"github.com/hindcast/hindcast"
)

// chosenOutput is the pipeline's output of that name; its only one if none is named.
func chosenOutput(p *hindcast.Pipeline, name string) (*hindcast.Output, error) {
	var names []string
	for i := range p.Outputs {
		o := &p.Outputs[i]
		if o.Name == name && name != "" || name == "" && len(p.Outputs) == 1 {
			return o, nil
		}
		if o.Name != "" {
			names = append(names, o.Name)
		}
	}
	e := &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("there is no output %q", name),
		Next: "choose with --output: " + strings.Join(names, ", ")}
	switch {
	case len(names) == 0:
		e.Next = "leave --output out: the pipeline has one output, without a name"
	case name == "":
		e.Message = fmt.Sprintf("the pipeline has %d outputs", len(p.Outputs))
	}
	return nil, e
}
