package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/pause"
)

// Stat returns an object's info, or ErrNotExist: from the store itself if it is Ranged, and otherwise from a list.
func Stat(ctx context.Context, store Store, key string) (Info, error) {
	if r, ok := store.(Ranged); ok {
		return r.Stat(ctx, key)
	}

	infos, err := store.List(ctx, key)
	if err != nil {
		return Info{}, err
	}
	if len(infos) == 0 || infos[0].Key != key {
		return Info{}, fmt.Errorf("looking at %s: %w", key, ErrNotExist)
	}

	return infos[0], nil
}

// How often Find looks for an object in a remote store, and its first wait in between, doubled each time.
const (
	looks     = 3
	firstWait = 30 * time.Millisecond
)

// Find is Get for objects whose absence decides something: a store other than a local folder is asked again before the
// absence is believed, because servers and the proxies before them sometimes report it for objects that exist.
func Find(ctx context.Context, store Store, key string) (body []byte, info Info, err error) {
	wait := firstWait
	for look := 1; ; look++ {
		body, info, err = store.Get(ctx, key)
		if _, here := store.(Local); here || look == looks || !errors.Is(err, ErrNotExist) {
			return body, info, err
		}
		if err := pause.For(ctx, wait); err != nil {
			return nil, Info{}, err
		}
		wait *= 2
	}
}

// How Copy reads a Ranged store.
const (
	chunk  = 8 << 20
	chunks = 4 // in parallel
)

// Copy writes the object's bytes, as info describes it, to out: from a Ranged store in ranges, some in parallel, with
// few of them in memory. ErrPrecondition if the object has changed.
func Copy(ctx context.Context, store Store, info Info, out io.Writer) error {
	r, ok := store.(Ranged)
	if !ok {
		body, _, err := store.Get(ctx, info.Key)
		if err == nil {
			_, err = out.Write(body)
		}
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()

	type read struct {
		bytes []byte
		err   error
	}

	count := int((info.Bytes + chunk - 1) / chunk)
	results := make([]chan read, count)
	begin := func(n int) {
		results[n] = make(chan read, 1)
		readers.Go(func() {
			p := make([]byte, min(chunk, info.Bytes-int64(n)*chunk))
			err := r.GetRange(ctx, info.Key, info.ETag, int64(n)*chunk, p)
			results[n] <- read{p, err}
		})
	}

	for n := range min(chunks, count) {
		begin(n)
	}

	for n := range count {
		got := <-results[n]
		if got.err != nil {
			return got.err
		}
		if n+chunks < count {
			begin(n + chunks)
		}
		if _, err := out.Write(got.bytes); err != nil {
			return err
		}
	}

	return nil
}
