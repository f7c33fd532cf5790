package supervisor

import (
	"context"
	"errors"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pause"
)

// longestWait is how many times the first delay a delay may be.
const longestWait = 60

// Delay is how long to wait before retry n (from 1): wait doubled n-1 times, at most 60 times it, of which
// random, in [0,1), picks a point in the upper half, so that slices that failed together do not return together.
func Delay(n int, wait time.Duration, random float64) time.Duration {
	factor := longestWait
	if n <= 6 { // 2^6 is more than 60
		factor = min(factor, 1<<max(n-1, 0))
	}
	full := time.Duration(factor) * wait
	return full/2 + time.Duration(random*float64(full/2))
}

// insist asks until there is an answer, as often as a slice is tried, if that can help. The run's goroutine waits meanwhile and does not
// use Random.
func insist[T any](ctx context.Context, r *run, ask func() (T, error)) (T, error) {
	for n := 1; ; n++ {
		found, err := ask()
		if err == nil || n > r.rules.Retries || !heals(hindcast.AsError(err).Class) || pause.For(ctx, Delay(n, r.rules.RetryWait, r.Random())) != nil {
			return found, err
		}
	}
}

// heals reports whether another attempt may succeed. A driver's "cancelled" that was not our own stop is some
// connection's or worker's end, and heals as such.
func heals(class hindcast.Class) bool {
	switch class {
	case hindcast.ClassTransient, hindcast.ClassResource, hindcast.ClassCanceled:
		return true
	case hindcast.ClassPermanent, hindcast.ClassCheck:
		return false
	}
	return false
}

// Uncounted is implemented by errors of a Worker that are not the slice's fault, and that the next attempt cannot meet
// again: they count for no retry.
type Uncounted interface{ Uncounted() bool }

func uncounted(err error) bool {
	e, is := errors.AsType[interface {
		error
		Uncounted
	}](err)
	return is && e.Uncounted()
}

// Unconfirmed is implemented by errors of a Worker that could not confirm that the attempt's work is dead: the next attempt
// is the same one, which has to wait for the work or end it first.
type Unconfirmed interface{ Unconfirmed() bool }

func unconfirmed(err error) bool {
	e, is := errors.AsType[interface {
		error
		Unconfirmed
	}](err)
	return is && e.Unconfirmed()
}

// Rewinding is implemented by errors of a transform after which the next attempt has to begin with an earlier step: what the
// slice reads has to be unloaded again.
type Rewinding interface{ Rewind() hindcast.Step }

// rewound is the step with which the next attempt has to begin; "" if the error does not say.
func rewound(err error) hindcast.Step {
	e, is := errors.AsType[interface {
		error
		Rewinding
	}](err)

	if !is {
		return ""
	}
	return e.Rewind()
}
