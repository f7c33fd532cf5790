package lake

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// recordsPrefix is where the records of the user's own files are: what results were made of, nothing of which is ours.
func (l *Lake) recordsPrefix() string { return Bookkeeping(l.pipeline) + "files/" }

func (l *Lake) recordKey(name, unit string) string {
	return l.recordsPrefix() + objstore.Escape(name) + "/" + objstore.Escape(unit) + ".json"
}

// Record keeps what a unit of the user's own files, or a dimension of them, was when a result was made of it.
func (l *Lake) Record(ctx context.Context, m *hindcast.Manifest) error {
	if err := l.may(ctx); err != nil {
		return err
	}

	body, err := seal(m)
	if err != nil {
		return fmt.Errorf("encoding the record of %s %s: %w", m.Name, m.Key, err)
	}

	key := l.recordKey(m.Name, m.Key)
	if _, err := l.store.Put(ctx, key, body, objstore.Condition{}); err != nil {
		return broken(l.Absolute(key), "cannot be written", err)
	}
	return nil
}

// Records returns them all. E-MANIFEST, with the key, if one is corrupt.
func (l *Lake) Records(ctx context.Context) ([]*hindcast.Manifest, error) {
	infos, err := l.store.List(ctx, l.recordsPrefix())
	if err != nil {
		return nil, broken("the records of files", "cannot be listed", err)
	}

	records := make([]*hindcast.Manifest, len(infos))
	err = parallel.Do(len(infos), max(l.area.width(), runtime.GOMAXPROCS(0)), func(n int) error {
		key := infos[n].Key
		body, _, err := l.store.Get(ctx, key)
		damaged, err := damage(err)
		if err != nil {
			return broken(l.Absolute(key), "cannot be read", err)
		}

		m := new(hindcast.Manifest)
		err = unpack(body, damaged, m)
		if err != nil || l.recordKey(m.Name, m.Key) != key {
			what := "it is of something else"
			if err != nil {
				what = err.Error()
			}
			e := *hindcast.AsError(badManifest(l.Absolute(key), what))
			e.Message = strings.Replace(e.Message, "the manifest", "the record of your own files", 1)
			e.Next = "delete the file, then run again: what those files were before is not known then"
			return &e
		}

		records[n] = m
		return nil
	})

	return records, err
}
