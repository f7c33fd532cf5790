package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pause"
)

// Claim says that a pipeline's run is about to do something that another pipeline may want as well. It is a lease that nobody renews: it
// holds as long as the run has its pipeline's lease, under the fence that it names. It keeps work from being done twice, and protects
// nothing: whoever does the work all the same does no harm.
type Claim struct {
	Pipeline string   `json:"pipeline"`
	Run      string   `json:"run"`
	Fence    int64    `json:"fence"`
	Columns  []string `json:"columns,omitempty"` // that are unloaded
}

// Claiming is how a claim is taken.
type Claiming struct {
	// Done looks whether the work has been done by somebody else. It is asked before each look at the claim, and once it is ours.
	Done func(context.Context) (bool, error)
	// Serves reports whether what the holder does would do for us: if not, it is not waited for.
	Serves func(Claim) bool
	// Waiting is called once for each holder that is waited for.
	Waiting func(Claim)
}

// Take claims the key. It returns whether the work is done; if not, it is ours to do until release is called. While another holder is
// at it, it waits. A claim that cannot be read or written is no reason not to work.
func (c Claim) Take(ctx context.Context, store objstore.Store, key string, how Claiming) (done bool, release func(), err error) {
	ours, none := false, func() {}
	var waited Claim
	var watch Watch
	for {
		if done, err := how.Done(ctx); done || err != nil || ours {
			if !ours {
				return done, none, err
			}
			release = func() { c.release(context.WithoutCancel(ctx), store, key) }
			if done || err != nil {
				release()
				release = none
			}
			return done, release, err
		}

		by, etag, held := look(ctx, store, key, &watch)
		switch {
		case ctx.Err() != nil:
			return false, none, context.Cause(ctx)
		case held && by.same(c): // of an attempt of this run that did not end well
			ours = true
			continue
		case held && !how.Serves(by):
			return false, none, nil
		case held:
			if !waited.same(by) {
				waited = by
				how.Waiting(by)
			}
			if err := pause.For(ctx, DefaultPoll); err != nil {
				return false, none, err
			}
			continue
		}

		body, err := json.Marshal(c)
		if err != nil {
			return false, none, fmt.Errorf("encoding a claim: %w", err)
		}
		_, err = store.Put(ctx, key, append(body, '\n'), objstore.Condition{IfNoneMatch: etag == "", IfMatch: etag, Fleeting: true})
		switch {
		case err == nil:
			ours = true
		case errors.Is(err, objstore.ErrPrecondition): // somebody else was faster
		case ctx.Err() != nil:
			return false, none, context.Cause(ctx)
		default:
			return false, none, nil
		}
	}
}

// same reports whether both are of the same holder.
func (c Claim) same(o Claim) bool {
	return c.Pipeline == o.Pipeline && c.Run == o.Run && c.Fence == o.Fence
}

// Covers reports whether all of the columns are among those that are unloaded.
func (c Claim) Covers(columns []string) bool {
	return !slices.ContainsFunc(columns, func(name string) bool { return !slices.Contains(c.Columns, name) })
}

// look reads a claim, and reports whether its holder is still there.
func look(ctx context.Context, store objstore.Store, key string, watch *Watch) (by Claim, etag string, held bool) {
	body, info, err := store.Get(ctx, key)
	if err != nil && !errors.Is(err, objstore.ErrDamaged) {
		return by, "", false
	}
	if json.Unmarshal(body, &by) != nil || by.Pipeline == "" {
		return Claim{}, info.ETag, false
	}
	holder, err := Inspect(ctx, store, by.Pipeline)
	if err != nil || holder.Fence != by.Fence || !holder.Held || holder.Dead {
		return by, info.ETag, false
	}
	return by, info.ETag, !watch.Silent(holder)
}

// DropClaims deletes the claims below prefix that processes of the pipeline left which had it under a lower fence. They hold nothing.
func DropClaims(ctx context.Context, store objstore.Store, prefix, pipeline string, fence int64) error {
	infos, err := store.List(ctx, prefix)
	if err != nil {
		return fmt.Errorf("listing claims: %w", err)
	}
	for _, info := range infos {
		body, _, err := store.Get(ctx, info.Key)
		var c Claim
		if err != nil || json.Unmarshal(body, &c) != nil || c.Pipeline != pipeline || c.Fence >= fence {
			continue
		}
		if err := store.Delete(ctx, info.Key); err != nil {
			return fmt.Errorf("deleting a claim: %w", err)
		}
	}
	return nil
}

// release gives a claim back, if it is still ours. One that stays holds as long as the run does.
func (c Claim) release(ctx context.Context, store objstore.Store, key string) {
	body, _, err := store.Get(ctx, key)
	var now Claim
	if err == nil && json.Unmarshal(body, &now) == nil && now.same(c) {
		_ = store.Delete(ctx, key)
	}
}
