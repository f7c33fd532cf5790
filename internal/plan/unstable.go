package plan

import (
	"fmt"
	"path/filepath"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// unstable warns of what gives another result each time that it is run over the same rows: the fingerprint does not notice
// it, and a slice that is computed again differs.
func unstable(p *hindcast.Pipeline) (warnings []string) {
	for i := range p.Outputs {
		warnings = append(warnings, unstableOutput(p, &p.Outputs[i])...)
	}
	return warnings
}

func unstableOutput(p *hindcast.Pipeline, o *hindcast.Output) (warnings []string) {
	dialect := sqltext.Dialect(p.Transform.Dialect)
	for _, u := range dialect.FindUnstable(o.Text) {
		line, column := sqltext.LineColumn(o.Text, u.Offset)
		warnings = append(warnings, fmt.Sprintf("%s:%d:%d: %s %s", filepath.Base(o.SQLFile), line, column, u.What, u.Why))
	}
	for i, c := range o.Checks {
		text := c.SQL
		if c.Total != nil {
			text = c.Total.Equals
		}
		for _, u := range dialect.FindUnstable(text) {
			if u.Order {
				continue
			}
			place := placeOf(p, o.Key(fmt.Sprintf("checks.%d", i)))
			warnings = append(warnings, fmt.Sprintf("%s:%d: check %q: %s %s", filepath.Base(place.File), place.Line, c.Name, u.What, u.Why))
		}
	}
	return warnings
}
