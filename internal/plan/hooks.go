package plan

import (
	"fmt"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// hooksObey refuses hooks that would begin or end the load's transaction, before any slice runs.
func hooksObey(p *hindcast.Pipeline) error {
	type list struct {
		key   string
		hooks []string
	}
	lists := []list{{"load.session", p.Session}}
	for i := range p.Outputs {
		o := &p.Outputs[i]
		lists = append(lists, list{o.Key("load.before"), o.Load.Before}, list{o.Key("load.after"), o.Load.After})
	}
	for _, list := range lists {
		for i, hook := range list.hooks {
			words, _, found := sqltext.TransactionControl(hook)
			if !found {
				continue
			}
			return &hindcast.Error{Code: hindcast.EHook, Class: hindcast.ClassPermanent, Place: placeOf(p, fmt.Sprintf("%s.%d", list.key, i)),
				Message: fmt.Sprintf("%s[%d] holds %s: it would tear the load's transaction, in which the slice is replaced whole", list.key, i, words),
				Next:    "take it out; what a hook does is committed, or rolled back, with the slice"}
		}
	}
	return nil
}
