package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/plan"
)

// resizeLine says what an event of a resize means; is the state after it.
func resizeLine(e hindcast.Event, is *hindcast.Resized) string {
	if e.Resize == nil || is == nil {
		return ""
	}
	s := *e.Resize
	switch {
	case e.Type == hindcast.EventResizePrepared && s.Back:
		return "resizing " + s.Named() + " back from " + s.Size(s.From) + " to " + s.Size(s.To)
	case e.Type == hindcast.EventResizePrepared && s.From == s.To:
		return s.Named() + " is held at " + s.Size(s.To) + " for the loads"
	case e.Type == hindcast.EventResizePrepared:
		return "resizing " + s.Named() + " from " + s.Size(s.From) + " to " + s.Size(s.To) + shared(", as it is for ", s) + ": loads wait for it"
	}

	took := ""
	if e.Seconds >= 1 {
		took = " after " + spoken(seconds(e.Seconds))
	}
	switch {
	case e.Type == hindcast.EventResizeFailed && s.Back:
		return s.Named() + " is NOT confirmed to be back at " + s.Size(is.Origin) + reason(e.Error)
	case e.Type == hindcast.EventResizeFailed:
		return s.Named() + " could not be resized" + reason(e.Error) + ": loads go on at the size that it has"
	}
	return sized(is) + took
}

// sized says where a warehouse stands whose last change is confirmed.
func sized(is *hindcast.Resized) string {
	s := is.Sizing
	switch {
	case !s.Back:
		return s.Named() + " has " + s.Size(s.To) + shared(", as it is for ", s) + " for the loads"
	case len(s.Shared) > 0:
		return s.Named() + " stays at " + s.Size(s.To) + shared(" for ", s) + ", which will resize it back when they end"
	case s.To != is.Origin:
		return s.Named() + " stays at " + s.Size(s.To) + ": somebody else has resized it"
	}
	return s.Named() + " is back at " + s.Size(s.To)
}

func shared(before string, s hindcast.Sizing) string {
	if len(s.Shared) == 0 {
		return ""
	}
	return before + s.Joined()
}

// resizedText says how a run stands with the size of its warehouse, at a time; alive is whether it has a process.
func resizedText(is *hindcast.Resized, now time.Time, alive bool) (text string, alarming bool) {
	text, alarming = sizeNow(is, now, alive)
	if why := is.Refused; why != nil && is.Back && !is.Underway {
		return text + "; it could not be resized for the loads: " + why.Message, true
	}
	return text, alarming
}

// sizeNow says where the warehouse stands, or what its last change came to.
func sizeNow(is *hindcast.Resized, now time.Time, alive bool) (text string, alarming bool) {
	s := is.Sizing
	switch {
	case is.Open && !alive && s.Back && is.Error != nil:
		return s.Named() + " is NOT confirmed to be back at " + s.Size(is.Origin) + ": " + is.Error.Message, true
	case is.Open && !alive:
		return s.Named() + " is NOT confirmed to be back at " + s.Size(is.Origin) + ", from " + s.Size(is.Grown), true
	case is.Underway && s.Back:
		return "resizing " + s.Named() + " back to " + s.Size(s.To) + " for " + watch(now.Sub(is.Since)), false
	case is.Underway:
		return "resizing " + s.Named() + " from " + s.Size(s.From) + " to " + s.Size(s.To) + " for " + watch(now.Sub(is.Since)) + ": loads wait for it", false
	case is.Error != nil:
		return s.Named() + " could not be resized: " + is.Error.Message, true
	}
	return sized(is), false
}

// resized adds how a run stands with the size of its warehouse.
func (p *page) resized(is *hindcast.Resized, now time.Time, alive bool) {
	if is == nil {
		return
	}
	text, alarming := resizedText(is, now, alive)
	label := "  resize: "
	if alarming {
		label = "  " + p.o.paint(red, "resize:") + " "
	}
	p.wrap(label, "          ", p.o.text(text))
}

// leftResized reports whether a run has ended, or lost its process, and left its warehouse resized.
func leftResized(st *hindcast.RunState, alive bool) bool {
	return st.Resized != nil && st.Resized.Open && !alive
}

// resizeWork says in a plan when the warehouse is resized, and what that adds to its costs if the run takes no longer than the estimate's most.
func resizeWork(r *plan.Resize, most time.Duration) string {
	s, kind := r.Sizing, ""
	if r.Kind != "" {
		kind = " of " + r.Kind
	}
	work, back := s.Named()+" from "+s.Size(r.Now)+" to "+s.Size(s.To)+kind+" before the first load", "back"
	switch {
	case s.From == s.To:
		return s.Named() + " has " + s.Size(s.To) + " already, and is held at that"
	case len(s.Shared) > 0 && s.To == r.Now:
		return s.Named() + " has " + s.Size(r.Now) + kind + shared(" for ", s) + ", and is held at that; the last of them resizes it back to " + s.Size(s.From)
	case s.To == r.Now:
		work = s.Named() + " has " + s.Size(r.Now) + kind + " already, from a run that did not end, and is held at that"
	}
	if r.Now != s.From {
		back = "back at " + s.Size(s.From)
	}
	parts := []string{work + ", " + back + " at the end of the run"}
	if len(s.Shared) > 0 {
		parts = append(parts, "it is resized"+shared(" for ", s)+" as well: then it is taken as it is found")
	}
	if r.Rate != nil {
		parts = append(parts, added(r.Rate, most))
	}
	return strings.Join(parts, "; ")
}

// added says what a resize adds to what a warehouse costs.
func added(rate *hindcast.Rate, most time.Duration) string {
	verb, each := "that adds ", rate.Each
	if each < 0 {
		verb, each = "that takes off ", -each
	}
	text, hour := verb+amount(each)+" "+rate.Unit, each*rate.USD
	switch {
	case rate.USD == 0:
		return text + "; the price is not known: " + rate.Unknown
	case rate.Unit == hindcast.RPU:
		text += fmt.Sprintf(", $%s for an hour of work", money(hour))
	default:
		text += fmt.Sprintf(", $%s an hour", money(hour))
	}
	text += fmt.Sprintf(" (%s, prices of %s)", rate.Region, rate.Date)
	if most > 0 && rate.Each > 0 {
		text += fmt.Sprintf(": $%s at most for the estimated time", money(max(most.Seconds(), rate.Minimum)/3600*hour))
	}
	return text
}

// sizeBack is what to do about a warehouse that is left resized.
const sizeBack = "give the warehouse its size back: hindcast resize --back"

// ResizeStatus is where a run stands with the size of its warehouse, in a RunStatus.
type ResizeStatus struct {
	hindcast.Sizing                 // of the last change
	Before          int             `json:"before"`             // the size before the run
	Underway        bool            `json:"underway,omitempty"` // the last change is not confirmed
	Open            bool            `json:"open"`               // the warehouse is not confirmed to be back
	Error           *hindcast.Error `json:"error,omitempty"`
	Refused         *hindcast.Error `json:"refused,omitempty"` // why it could not have the size for the loads
}
