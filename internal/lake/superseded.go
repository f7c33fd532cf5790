package lake

import (
	"context"
	"errors"
	"strings"

	"github.com/hindcast/hindcast/internal/objstore"
)

// A generation that a table elsewhere points at stays when it is superseded, or when its slice is let go of. It is noted then, in the name
// of a record, because nothing else leads to it later: its slice may never be made again, or its key may be gone.

func (l *Lake) supersededPrefix() string { return Bookkeeping(l.pipeline) + "superseded/" }

// supersededKey is the key of the note of a generation: its prefix, without the pipeline.
func (l *Lake) supersededKey(prefix string) string {
	return l.supersededPrefix() + strings.TrimSuffix(strings.TrimPrefix(prefix, objstore.Escape(l.pipeline)+"/"), "/") + entrySuffix
}

func (l *Lake) noteSuperseded(ctx context.Context, prefix string) error {
	key := l.supersededKey(prefix)
	if _, err := l.store.Put(ctx, key, []byte("{}\n"), objstore.Condition{}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// PruneUnpinned deletes the generations that were superseded, or let go of, while a table pointed at them, and that none points at any
// longer: those under this fence or a lower one. The caller holds the pipeline's lease.
func (l *Lake) PruneUnpinned(ctx context.Context, fence int64) error {
	notes, err := l.store.List(ctx, l.supersededPrefix())
	if err != nil {
		return broken(l.Absolute(l.supersededPrefix()), "cannot be listed", err)
	}
	if len(notes) == 0 {
		return nil
	}
	pinned, err := l.pinned(ctx)
	if err != nil {
		return err
	}

	for _, note := range notes {
		prefix, entry, ok := l.noted(note.Key)
		if !ok || pinned[prefix] || fenceOf(strings.TrimSuffix(prefix, "/")) > fence {
			continue
		}
		err = errors.Join(err, l.dropSuperseded(ctx, note.Key, prefix, entry)) // one that fails keeps no other
	}
	return err
}

// noted is the generation that a note is of: its prefix, and the catalog key of what it was one of. A record that is not one of ours has none.
func (l *Lake) noted(key string) (prefix, entry string, ok bool) {
	path, isNote := strings.CutSuffix(strings.TrimPrefix(key, l.supersededPrefix()), entrySuffix)
	slash := strings.LastIndexByte(path, '/')
	if !isNote || slash < 0 || generationOf(path[slash+1:]) == 0 {
		return "", "", false
	}
	entry = l.catalogPrefix() + path[:slash] + entrySuffix
	below, ok := l.generationsOf(entry)
	return below + path[slash+1:] + "/", entry, ok
}

// dropSuperseded deletes a generation and then the note of it. One that the catalog names again, because that was restored from a backup,
// stays without the note: once it is superseded again, what becomes of it is decided again.
func (l *Lake) dropSuperseded(ctx context.Context, note, prefix, entry string) error {
	current, _, err := l.entry(ctx, entry)
	if err != nil {
		return err
	}
	if err := l.may(ctx); err != nil {
		return err
	}

	if current == nil || l.Prefix(current) != prefix {
		if err := l.store.DeleteAll(ctx, prefix); err != nil {
			return broken(l.Absolute(prefix), "cannot be deleted", err)
		}
	}
	if err := l.store.Delete(ctx, note); err != nil {
		return broken(l.Absolute(note), "cannot be deleted", err)
	}
	return nil
}
