package run

import (
	"io"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// A server that restarts while a run plans costs it a wait, not its beginning. What somebody has to
// mend fails at once.
func TestABeginningIsTriedAgain(t *testing.T) {
	fault := func(code hindcast.Code, class hindcast.Class) error { return &hindcast.Error{Code: code, Class: class} }
	for name, c := range map[string]struct {
		err   error
		heals func(*hindcast.Error) bool
		tries int
	}{
		"a connection that was lost":        {fault(hindcast.EWarehouse, hindcast.ClassTransient), hangUp, 3},
		"the same while connecting":         {fault(hindcast.EWarehouse, hindcast.ClassTransient), death, 1},
		"a worker that died":                {fault(hindcast.EWorker, hindcast.ClassTransient), hangUp, 3},
		"a worker that died in the opening": {fault(hindcast.EWorker, hindcast.ClassTransient), death, 3},
		"a lock that somebody holds":        {fault(hindcast.EWarehouseBusy, hindcast.ClassTransient), hangUp, 1},
		"no such table":                     {fault(hindcast.EWarehouse, hindcast.ClassPermanent), hangUp, 1},
	} {
		p := patience{retries: 2, wait: time.Microsecond, log: &runLog{Writer: io.Discard}}
		tries := 0
		if err := p.try(t.Context(), c.heals, func() error { tries++; return c.err }); err == nil || tries != c.tries {
			t.Errorf("%s: tried %d times, want %d (%v)", name, tries, c.tries, err)
		}
	}
}
