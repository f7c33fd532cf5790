package attempt

import (
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// hold reports whether the needs hold for all rows that a slice reads, as the manifests of its inputs say.
func (s *Steps) hold(item plan.Item, needs []plan.Assumption) bool {
	for _, need := range needs {
		inputs := []*hindcast.Manifest{s.dim(need.Table)}
		for _, units := range item.Units {
			if units.Fact == need.Table {
				inputs = s.manifests(units.Fact, units.Keys)
			}
		}
		for _, m := range inputs {
			if m == nil || m.Sums.Rows > 0 && !factsOf(m, need.Column).Cover(need.Facts) {
				return false
			}
		}
	}
	return true
}

// factsOf are what a manifest says of a column: nothing, if it does not say it.
func factsOf(m *hindcast.Manifest, column string) hindcast.Facts {
	if facts, known := m.Facts[column]; known {
		return facts
	}
	for name, facts := range m.Facts {
		if strings.EqualFold(name, column) {
			return facts
		}
	}
	return hindcast.Facts{}
}
