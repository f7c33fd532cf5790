package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/hindcast/hindcast/internal/objstore"
)

// sink makes batches of lines durable, one after another. It is used by one goroutine.
type sink interface {
	write(lines []byte) error
	close() error
}

// openSink continues the fence's own file if it has begun, and otherwise begins it with its header.
func openSink(ctx context.Context, store objstore.Store, prefix string, fence int64, c *chain) (sink, error) {
	begun := c.fence == fence
	var s sink
	if appender, ok := store.(objstore.Appender); ok && (!begun || !c.head.segmented) {
		f, err := appender.Append(ctx, prefix+fileName(fence))
		if err != nil {
			return nil, fmt.Errorf("opening the journal: %w", err)
		}

		size := int64(0) // a torn header is dropped too
		if begun {
			size = c.head.end
		}

		if err := f.Truncate(size); err != nil {
			_ = f.Close() // the first error counts
			return nil, fmt.Errorf("dropping the journal's torn end: %w", err)
		}

		s = appendSink{f}
	} else {
		segments := &segmentSink{store: store, prefix: prefix, fence: fence}
		if begun {
			segments.count = c.head.segments
		}
		s = segments
	}

	if begun {
		return s, nil
	}

	var lines bytes.Buffer
	err := appendLine(&lines, header{V: version, Fence: fence, Closes: c.closes()})
	if err == nil {
		err = s.write(lines.Bytes())
	}

	if err != nil {
		_ = s.close() // the first error counts
		return nil, fmt.Errorf("beginning the journal: %w", err)
	}

	return s, nil
}

// appendSink extends one file.
type appendSink struct{ objstore.AppendFile }

func (s appendSink) write(lines []byte) error {
	if _, err := s.Write(lines); err != nil {
		return err
	}
	return s.Sync()
}

func (s appendSink) close() error { return s.Close() }

// segmentSink writes each batch as a separate object, for stores that cannot append.
type segmentSink struct {
	store  objstore.Store
	prefix string
	fence  int64
	count  int
}

func (s *segmentSink) write(lines []byte) error {
	ctx := context.Background() // a write that has begun is not abandoned: its outcome must be known
	key := s.prefix + segmentName(s.fence, s.count+1)
	_, err := s.store.Put(ctx, key, lines, objstore.Condition{IfNoneMatch: true})
	if errors.Is(err, objstore.ErrPrecondition) {
		// The segment is ours if the answer to an earlier write was lost; otherwise another writer has this fence.
		body, _, reading := s.store.Get(ctx, key)
		if reading != nil || !bytes.Equal(body, lines) {
			return fenced(s.prefix, s.fence, s.fence)
		}
		err = nil
	}

	if err == nil {
		s.count++
	}

	return err
}

func (s *segmentSink) close() error { return nil }
