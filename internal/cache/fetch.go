package cache

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
)

// extra is the share of bytes fetched beyond those wanted, to save requests.
const extra = 0.02

// fetching is an entry's missing bytes on their way.
type fetching struct {
	*entry
	data  *os.File
	mutex sync.Mutex // guards have
	have  spans
}

// fill fetches what the columns need and is missing. why says what is wrong with the present data.
func (e *entry) fill(ctx context.Context, data *os.File, file hindcast.File, columns []string, why error) (string, error) {
	f := &fetching{entry: e, data: data}
	if r, err := e.load(); err == nil && !errors.Is(why, chunks.ErrBroken) {
		f.have = r.spans
	}

	if info, err := data.Stat(); err != nil || info.Size() != e.object.Bytes {
		if err := data.Truncate(e.object.Bytes); err != nil {
			return "", e.cache.fail("writing", err)
		}
	}

	before := f.have
	err := f.columns(ctx, columns)
	if err == nil {
		err = f.check(file, columns)
	}
	if e, is := errors.AsType[*broken](err); is {
		return "", &broken{errors.Join(e.error, f.forget())}
	}
	if err != nil && len(f.have.minus(before)) == 0 {
		return "", err
	}

	path := ""
	kept := e.cache.roomy(ctx, small, func() (err error) { // also after an error: what has arrived is not fetched again
		path, err = e.keep(data, f.have)
		return err
	})
	if err == nil && kept != nil {
		err = e.cache.fail("writing", kept)
	}

	return path, err
}

// broken is an error caused by what was fetched.
type broken struct{ error }

func (b *broken) Unwrap() error { return b.error }

// columns fetches everything that a reader of the columns needs.
func (f *fetching) columns(ctx context.Context, columns []string) error {
	want, err := wanted(f.object.Bytes, columns, func(s span) ([]byte, error) {
		first := s
		if !f.have.covers(spans{s}) && s.to == f.object.Bytes {
			first.from = max(min(s.from, s.to-guess(s.to)), 0)
		}
		if err := f.fetch(ctx, spans{first}); err != nil {
			return nil, err
		}

		text := make([]byte, s.bytes())
		if _, err := f.data.ReadAt(text, s.from); err != nil {
			return nil, f.cache.fail("reading", err)
		}

		return text, nil
	})
	if errors.Is(err, chunks.ErrBroken) {
		return &broken{bad(f.from, f.object, "is not a Parquet file that can be read ("+err.Error()+")")}
	}
	if err != nil {
		return err
	}

	return f.fetch(ctx, want)
}

// guess is how much of a file's end is fetched first, in the hope that it contains the footer.
func guess(size int64) int64 { return min(max(size/512, 4<<10), 256<<10) }

// fetch fetches what is missing of the spans.
func (f *fetching) fetch(ctx context.Context, want spans) error {
	return f.cache.roomy(ctx, want.bytes(), func() error {
		missing := want.minus(f.have).coalesce(f.have, extra)
		if len(missing) == 0 {
			return nil
		}

		f.cache.reserve(ctx, missing.bytes())
		defer f.cache.arrived(missing.bytes())
		return f.pieces(ctx, missing.cut(piece))
	})
}

func (f *fetching) pieces(ctx context.Context, pieces []span) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return parallel(len(pieces), requests, cancel, func(n int) error { return f.one(ctx, pieces[n]) })
}

// one fetches a span of at most one piece.
func (f *fetching) one(ctx context.Context, s span) error {
	c := f.cache
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}

	buffer, _ := c.buffers.Get().(*[piece]byte)
	defer c.buffers.Put(buffer)
	bytes := buffer[:s.bytes()]
	if err := f.from.GetRange(ctx, f.object.Key, f.object.ETag, s.from, bytes); err != nil {
		return described(f.from, f.object, err)
	}
	if _, err := f.data.WriteAt(bytes, s.from); err != nil {
		return c.fail("writing", err)
	}

	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.have = f.have.with(s)
	return nil
}

// check compares what was fetched with the file's checksums.
func (f *fetching) check(file hindcast.File, columns []string) error {
	err := f.cache.checker.Check(f.data.Name(), file, columns)
	if damage, is := errors.AsType[*chunks.DamageError](err); is {
		return &broken{bad(f.from, f.object, "is not what was written: "+damage.What)}
	}
	if err != nil {
		return f.cache.fail("reading", err)
	}

	return nil
}
