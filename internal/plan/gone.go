package plan

import (
	"fmt"
	"slices"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
)

// goneSource is a table that is not there any more, of which the lake still has the rows.
type goneSource struct {
	key    string // in the pipeline: "facts.NAME" or "dimensions.NAME"
	tables []string
	copied *hindcast.Manifest // the first table's generation in the lake
}

// gone are the sources of the chosen slices that are not there any more, a fact or dimension at a time.
func (m *maker) gone() (list []goneSource) {
	for f, c := range m.cutters {
		if !c.any(func(is *common) bool { return is.Gone }) {
			continue
		}
		g := goneSource{key: "facts." + c.fact.Name}
		for i, needed := range m.needed(f) {
			u := &c.units[i]
			if !u.Gone || !needed || slices.Contains(g.tables, u.Source) {
				continue
			}
			if len(g.tables) == 0 {
				copied := *m.current(u.Fact, u.Key)
				g.copied = &copied
			}
			g.tables = append(g.tables, u.Source)
		}
		if len(g.tables) > 0 {
			list = append(list, g)
		}
	}
	for _, d := range m.dims {
		if d.Gone {
			list = append(list, goneSource{"dimensions." + d.Name, []string{d.Source}, m.Dims[d.Name]})
		}
	}
	return list
}

// warnGone says of which sources only the lake has the rows.
func (m *maker) warnGone(gone []goneSource) (warnings []string) {
	for _, g := range gone {
		last := len(g.tables) - 1
		if last == 0 {
			warnings = append(warnings, fmt.Sprintf("%s is not there any more; generation %d of %s is used, of %s", g.tables[0],
				g.copied.Generation, g.copied.Name, day(g.copied.CreatedAt, m.Now)))
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s of %s are not there any more, %s to %s; what the lake has of them is used", numbers.Counted(last+1, "table"),
			g.copied.Name, g.tables[0], g.tables[last]))
	}
	return warnings
}

// refuseGone is E-SOURCE where all is to be unloaded again and a source is not there to unload. That a loss is accepted is
// no reason to take the last copy away: fewer rows may be meant, a table that is gone gives none to compare.
func (m *maker) refuseGone(gone []goneSource) error {
	if !m.Fresh || len(gone) == 0 {
		return nil
	}
	var tables []string
	for _, g := range gone {
		tables = append(tables, g.tables...)
	}
	first := gone[0]
	message := fmt.Sprintf("%s is not there any more, so it cannot be unloaded again; only the lake has its rows", tables[0])
	if len(tables) > 1 {
		message = numbers.Counted(len(tables), "table") + " are not there any more, so they cannot be unloaded again; only the lake has their rows"
	}
	return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent, Place: placeOf(m.Pipeline, first.key+".table"), Message: message, Detail: some(tables),
		Next: "bring back what is gone, choose other slices, or leave --fresh out: `hindcast run --force` computes from the copies in the lake"}
}
