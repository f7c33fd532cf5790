package config

import (
	"regexp"
	"strconv"
	"time"

	"github.com/hindcast/hindcast"
)

// windowForm is 22:00-06:00, with a time zone after it or without.
var windowForm = regexp.MustCompile(`^([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])(?: ([A-Za-z][A-Za-z0-9_+/-]*))?$`)

var formWindow = Form{Name: "window", Right: "write it as 22:00-06:00 Europe/Berlin",
	Schema: map[string]any{"type": "string", "pattern": windowForm.String()}}

func windowKeys() []Key {
	return []Key{
		{Path: "window", Form: formWindow, Else: "slices begin at any time", Example: `"22:00-06:00 Europe/Berlin"`,
			Meaning: "When a run may begin slices, by the clock on the wall of the time zone (that of `history` if none is named). Outside of it a run waits, with its lease, and " +
				"says until when; slices that have begun are finished and published. `--ignore-window` leaves it aside.",
			set: func(d *decoder, v value) { d.setWindow(v) }},
	}
}

// setWindow reads the window. Without a zone of its own it has history's, which finish knows.
func (d *decoder) setWindow(v value) {
	parts := windowForm.FindStringSubmatch(v.text)
	if parts == nil {
		d.bad(v, formWindow.Right, "%q is not a window of the day", v.text)
		return
	}
	w := hindcast.Window{From: minutes(parts[1], parts[2]), To: minutes(parts[3], parts[4]), TimeZone: parts[5]}
	const day = 24 * 60
	if w.From >= day || w.To > day || w.From == w.To || w.To == 0 && w.From == day {
		d.bad(v, formWindow.Right, "%q is not a window of the day: it begins before 24:00, ends up to 24:00, and not when it begins", v.text)
		return
	}
	if w.TimeZone != "" {
		zone, err := time.LoadLocation(w.TimeZone)
		if err != nil || w.TimeZone == "Local" {
			d.bad(v, formZone.Right, "%q is not a time zone", w.TimeZone)
			return
		}
		w.Zone = zone
	}
	d.p.Window = w
}

func minutes(hours, minutes string) int {
	h, _ := strconv.Atoi(hours) // both are digits
	m, _ := strconv.Atoi(minutes)
	return h*60 + m
}

// finishWindow gives a window without a zone that of history.
func (d *decoder) finishWindow() {
	if w := &d.p.Window; !w.IsZero() && w.Zone == nil {
		w.TimeZone, w.Zone = d.p.History.TimeZone, d.p.History.Zone
	}
}
