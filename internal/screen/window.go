package screen

import (
	"time"

	"github.com/hindcast/hindcast/internal/plan"
)

// waits says until when a run waits for its window.
func waits(until time.Time, p *plan.Plan, now time.Time) string {
	const text = "outside of its window: no slice begins before "
	if p == nil || p.Pipeline.Window.Zone == nil { // the pipeline file has none any more
		return text + moment(until, now)
	}
	w := p.Pipeline.Window
	return text + inZone(until, w.Zone) + " (" + w.String() + ")"
}

func inZone(at time.Time, zone *time.Location) string { return at.In(zone).Format("2 Jan 15:04 MST") }
