package awsspark

import (
	"context"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/pause"
)

// Look is what many want to know of a service, which is asked once in a pace at most, whoever wants to know.
type Look[T any] struct {
	pace time.Duration
	turn chan struct{} // held by the one who asks; guards what and at
	what T
	at   time.Time // when it was asked for

	mutex sync.Mutex
	next  time.Time // when it may be asked again
}

// NewLook makes a look.
func NewLook[T any](pace time.Duration) *Look[T] {
	return &Look[T]{pace: pace, turn: make(chan struct{}, 1)}
}

// Get is what the service last said, if it was asked after since and not longer ago than a pace; otherwise it is asked.
func (l *Look[T]) Get(ctx context.Context, since time.Time, ask func(context.Context) (T, error)) (what T, err error) {
	if err := l.take(ctx); err != nil {
		return what, err
	}
	defer func() { <-l.turn }()
	if wait := l.Until(); wait > 0 {
		if l.at.After(since) {
			return l.what, nil
		}
		if err := pause.For(ctx, wait); err != nil {
			return what, err
		}
	}

	at := time.Now()
	what, err = ask(ctx)
	l.asked()
	if err == nil {
		l.what, l.at = what, at
	}
	return what, err
}

// Each asks at the same pace until there is no more.
func (l *Look[T]) Each(ctx context.Context, ask func(context.Context) (more bool, err error)) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	defer func() { <-l.turn }()
	for more := true; more; {
		err := pause.For(ctx, l.Until())
		if err == nil {
			more, err = ask(ctx)
			l.asked()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Look[T]) take(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until is how long it is until the service may be asked again.
func (l *Look[T]) Until() time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return time.Until(l.next)
}

// asked notes that the service was asked just now.
func (l *Look[T]) asked() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.next = time.Now().Add(Jittered(l.pace))
}
