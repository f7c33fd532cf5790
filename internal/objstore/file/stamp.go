package file

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hindcast/hindcast/internal/objstore"
)

// How old a change must be so that a later one is certain to have another time: a file system counts in the ticks of its
// kernel, at most 10 ms, or, where its times have no digits below a millisecond, in up to two seconds.
const (
	fineTime   = 50 * time.Millisecond
	coarseTime = 2500 * time.Millisecond
)

// stamp changes whenever the file is replaced, which makes another file of it, or written in place.
func stamp(info fs.FileInfo) string {
	var inode uint64
	if at, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = at.Ino
	}
	return stampOf(inode, info.ModTime().UnixNano(), info.Size())
}

func stampOf(inode uint64, changed, size int64) string {
	text := binary.AppendUvarint(make([]byte, 0, 3*binary.MaxVarintLen64), inode)
	return string(binary.AppendVarint(binary.AppendVarint(text, changed), size))
}

// Stamp is the folder's own time, which changes when a name in it does: every object is written under another name first.
func (s *Store) Stamp(ctx context.Context, prefix string) (string, error) {
	stamp, _, err := s.stampAt(ctx, prefix)
	return stamp, err
}

func (s *Store) stampAt(ctx context.Context, prefix string) (string, time.Time, error) {
	if err := ctx.Err(); err != nil {
		return "", time.Time{}, err
	}
	if err := objstore.CheckFolder(prefix); err != nil {
		return "", time.Time{}, s.fail("looking at", s.root, err)
	}
	info, err := os.Stat(s.File(prefix))
	if absent(err) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, s.fail("looking at", s.File(prefix), err)
	}
	return stamp(info), info.ModTime(), nil
}

// Settled compares the folder's time with that of a new file, which is the file system's own clock.
func (s *Store) Settled(ctx context.Context, prefix string) (string, error) {
	stamp, changed, err := s.stampAt(ctx, prefix)
	if err != nil || stamp == "" {
		return "", err
	}
	now, err := s.clock()
	if err != nil {
		return "", err
	}
	margin := fineTime
	if changed.Nanosecond()%int(time.Millisecond) == 0 {
		margin = coarseTime
	}
	if now.Sub(changed) < margin {
		return "", nil
	}
	return stamp, nil
}

func (s *Store) clock() (time.Time, error) {
	f, err := s.create(s.locks.folder, temporary+rand.Text(), os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if unlinked := s.unlink(f.Name()); err == nil {
		err = unlinked
	}
	if err != nil {
		return time.Time{}, s.fail("looking at", filepath.Dir(f.Name()), err)
	}
	return info.ModTime(), nil
}
