package hindcast

import (
	"fmt"
	"time"
)

// Window is the part of each day in which a run may begin slices. The zero Window is the whole day.
type Window struct {
	From     int            `json:"from"`      // minutes from midnight, by the clock on the wall
	To       int            `json:"to"`        // the same, exclusive; before From if midnight is between them
	TimeZone string         `json:"time_zone"` // of that wall
	Zone     *time.Location `json:"-"`
}

// IsZero reports whether there is none.
func (w Window) IsZero() bool { return w.From == w.To }

// String is the window as the pipeline file has it.
func (w Window) String() string {
	if w.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d %s", w.From/60, w.From%60, w.To/60, w.To%60, w.TimeZone)
}

// has reports whether the window is open, by the clock on the wall.
func (w Window) has(at time.Time) bool {
	hour, minute, _ := at.In(w.Zone).Clock()
	now := hour*60 + minute
	if w.From < w.To {
		return w.From <= now && now < w.To
	}
	return now >= w.From || now < w.To
}

// Opens is the first instant from now on at which the window is open: now, if it is. Where the clock is put forward over its beginning it
// opens as soon as the clock shows a time within it, and where the clock is put back it may be open twice. A window that lies between
// is not open on that day.
func (w Window) Opens(now time.Time) time.Time {
	if w.IsZero() || w.has(now) {
		return now
	}
	at := now.Truncate(time.Minute) // zones change at whole minutes
	for !w.has(at) {
		at = at.Add(time.Minute)
	}
	return at
}
