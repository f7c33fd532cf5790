package lake

import (
	"context"
	"errors"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Kept is what the lake keeps of the rows that a load replaced.
type Kept struct {
	Slice    string
	Run      string
	Prefix   string               // where the rows are
	Manifest *hindcast.Manifest   // nil if it is corrupt
	Rows     []hindcast.Committed // of hindcast_status that were replaced with them; none of loads of earlier versions
	Fault    error                // E-MANIFEST, with the place, then
}

// Replaced lists what the loads of all runs replaced, as far as it is there and has a manifest: loads of earlier versions
// wrote none.
func (l *Lake) Replaced(ctx context.Context) ([]Kept, error) {
	runs, err := l.Runs(ctx)
	if err != nil {
		return nil, err
	}
	return l.ReplacedBy(ctx, runs...)
}

// ReplacedBy lists what the loads of some runs replaced.
func (l *Lake) ReplacedBy(ctx context.Context, runs ...string) ([]Kept, error) {
	var found []Kept
	for _, run := range runs {
		below := l.RunPrefix(run) + "previous/"
		infos, err := l.store.List(ctx, below)
		if err != nil {
			return nil, broken(l.Absolute(below), "cannot be listed", err)
		}

		for _, info := range infos {
			escaped, rest, _ := strings.Cut(strings.TrimPrefix(info.Key, below), "/")
			slice, err := objstore.Unescape(escaped)
			if err != nil || !strings.HasSuffix(rest, "/"+manifestName) && !strings.HasSuffix(rest, "/"+earlierManifestName) {
				continue
			}

			kept, err := l.kept(ctx, info.Key)
			if err != nil {
				return nil, err
			}

			kept.Slice, kept.Run, kept.Prefix = slice, run, info.Key[:strings.LastIndexByte(info.Key, '/')+1]
			found = append(found, kept)
		}
	}
	return found, nil
}

// KeptAt is the prefix that a status row's Previous names, as Kept.Prefix has it.
func (l *Lake) KeptAt(previous string) string { return strings.TrimSuffix(l.Key(previous), "/") + "/" }

// Kept is what the lake keeps below a prefix of what a load replaced; its Fault says if nothing is there.
func (l *Lake) Kept(ctx context.Context, prefix string) (Kept, error) {
	kept, err := l.kept(ctx, prefix+manifestName)
	kept.Prefix = prefix
	return kept, err
}

func (l *Lake) kept(ctx context.Context, key string) (Kept, error) {
	body, _, err := objstore.Find(ctx, l.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return Kept{Fault: badManifest(l.Absolute(key), "it is not there any more")}, nil
	}
	damaged, err := damage(err)
	if err != nil {
		return Kept{}, broken(l.Absolute(key), "cannot be read", err)
	}

	record := kept{Manifest: new(hindcast.Manifest)}
	if err := unpack(body, damaged, &record); err != nil {
		return Kept{Fault: badManifest(l.Absolute(key), err.Error())}, nil
	}

	if wrong := wrongIn(record.Manifest); wrong != "" {
		return Kept{Fault: badManifest(l.Absolute(key), wrong)}, nil
	}

	return Kept{Manifest: record.Manifest, Rows: record.Replaced}, nil
}
