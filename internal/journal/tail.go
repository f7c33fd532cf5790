package journal

import (
	"context"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Tail reads a journal while others write it. It may show an event shortly before it is durable. Use it from one
// goroutine only.
type Tail struct {
	store  objstore.Store
	prefix string

	head  fenceFile // what was read of it
	lines int       // of the head, for errors
	seq   int64
}

// NewTail returns a reader that starts at the run's first event.
func NewTail(store objstore.Store, prefix string) *Tail { return &Tail{store: store, prefix: prefix} }

// Next returns the events since the last call, if any. restarted reports that a run was taken over and events seen
// before are void: then all events are returned from the first on.
func (t *Tail) Next(ctx context.Context) (events []hindcast.Event, restarted bool, err error) {
	defer func() { err = placed(t.store, err) }()
	files, err := list(ctx, t.store, t.prefix)
	if err != nil || len(files) == 0 {
		return nil, false, err
	}
	if t.lines == 0 || files[0].name != t.head.name {
		return t.reload(ctx)
	}

	next := files[0]
	if next.segmented {
		err = next.readSegments(ctx, t.store, t.prefix, t.head.segments+1)
	} else {
		err = t.extend(ctx, &next)
	}

	if err != nil {
		return nil, false, err
	}
	if events, err = decode(next.lines, t.prefix+next.name, t.lines+1); err != nil {
		return nil, false, err
	}

	for i, e := range events {
		if e.Seq != t.seq+int64(i)+1 {
			return t.reload(ctx)
		}
	}

	t.head, t.lines, t.seq = next, t.lines+len(next.lines), t.seq+int64(len(events))
	t.head.lines = nil
	return events, false, nil
}

// extend reads what the head's file has beyond what was already read.
func (t *Tail) extend(ctx context.Context, next *fenceFile) error {
	key := t.prefix + next.name
	body, err := readFrom(ctx, t.store, key, t.head.end)
	if err != nil {
		return missing(key, err)
	}

	lines, end, err := scan(body, key, t.lines+1, false)
	next.lines, next.end = lines, t.head.end+int64(end)
	return err
}

// reload reads the whole journal: at first, and when another fence has taken over.
func (t *Tail) reload(ctx context.Context) (events []hindcast.Event, restarted bool, err error) {
	c, err := load(ctx, t.store, t.prefix)
	if err != nil {
		return nil, false, err
	}

	all, err := c.events()
	if err != nil || c.fence == 0 {
		return nil, false, err
	}

	closing := int64(len(all) - len(c.head.lines)) // the last event before the head
	restarted = t.seq > closing && t.head.name != c.head.name || t.seq > int64(len(all))
	fresh := all
	if !restarted {
		fresh = all[t.seq:]
	}

	t.head, t.lines, t.seq = c.head, len(c.head.lines)+1, int64(len(all))
	t.head.lines = nil
	return fresh, restarted, nil
}
