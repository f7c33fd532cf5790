package run

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// patience repeats what fails before the first slice, as often as slices are retried.
type patience struct {
	retries int
	wait    time.Duration
	log     *runLog
}

// try repeats f while it fails with an error that heals.
func (p patience) try(ctx context.Context, heals func(*hindcast.Error) bool, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil || !heals(hindcast.AsError(err)) || n > p.retries {
			return err
		}
		p.log.note(fmt.Sprintf("try %d before the first slice", n), err)
		if pause.For(ctx, supervisor.Delay(n, p.wait, rand.Float64())) != nil {
			return err
		}
	}
}

// transient reports whether a slice would be retried after the error.
func transient(e *hindcast.Error) bool {
	return e.Class == hindcast.ClassTransient || e.Class == hindcast.ClassResource
}

// death reports whether one of our own processes died. Little else is retried while a run connects: somebody may be waiting
// to hear what is wrong.
func death(e *hindcast.Error) bool { return e.Code == hindcast.EWorker }

// opening reports whether a connecting run waits: a process of ours died, or somebody has the database file open.
func opening(e *hindcast.Error) bool { return death(e) || e.Code == hindcast.EWarehouseBusy }

// hangUp reports whether a process of ours died, or the connection to a warehouse that has answered before: a server's restart
// does not cost a run its beginning.
func hangUp(e *hindcast.Error) bool {
	return death(e) || e.Code == hindcast.EWarehouse && e.Class == hindcast.ClassTransient
}
