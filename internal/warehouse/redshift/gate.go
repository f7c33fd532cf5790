package redshift

import "context"

// gate is a mutex for what takes long: whoever waits for it stops waiting when their context ends.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// lock fails, without the gate, if the context has ended.
func (g gate) lock(ctx context.Context) error {
	select {
	case g <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // both were ready
		g.unlock()
		return err
	}
	return nil
}

func (g gate) tryLock() bool {
	select {
	case g <- struct{}{}:
		return true
	default:
		return false
	}
}

func (g gate) unlock() { <-g }
