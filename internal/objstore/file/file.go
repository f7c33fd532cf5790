// Package file keeps a lake's objects as plain files in a folder. It holds the only way in which durable bytes are
// written: a temporary file in the same folder, fsync, rename, fsync of the folder. What the objects mean is the
// caller's responsibility.
package file

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/hindcast/hindcast/internal/objstore"
)

// temporary is the prefix of files that are not yet objects. A crash may leave some behind, which Sweep removes; no
// list shows them and no key may name them. The writer of one holds its flock until it is an object.
const temporary = ".tmp-"

// lockFolder holds the lock files of conditional writes, which are not objects either.
const lockFolder = "_hindcast/.locks"

// Store is a folder as an object store. It implements objstore.Store, Local, Foldered, Appender and Cloner. ETags
// are hashes of the content. Safe for use by many goroutines and processes at once, on one machine.
type Store struct {
	root  string
	locks locks

	mu    sync.Mutex
	known map[string]bool // folders that exist and whose own entries are durable
}

var _ interface {
	objstore.Store
	objstore.Local
	objstore.Foldered
	objstore.Appender
	objstore.Cloner
	objstore.Sweeper
	objstore.Watched
} = (*Store)(nil)

// Open returns the store over the folder root. A missing folder is created at the first write.
func Open(root string) (*Store, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("resolving the folder %s: %w", root, err)
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, notFolder(abs)
	}

	return &Store{root: abs, known: map[string]bool{}, locks: locks{folder: filepath.Join(abs, lockFolder)}}, nil
}

// URL returns the absolute folder.
func (s *Store) URL() string { return s.root }

// File returns the absolute path of the key's file, whether or not it exists. For a key that ends in "/" that is a
// folder.
func (s *Store) File(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

// path checks the key and returns its file.
func (s *Store) path(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := objstore.CheckKey(key); err != nil {
		return "", s.fail("using", s.root, err)
	}
	if hidden(key) {
		return "", s.fail("using", s.root, fmt.Errorf("key %q is reserved for the store itself", key))
	}

	return s.File(key), nil
}

func hidden(key string) bool {
	return strings.HasPrefix(key[strings.LastIndexByte(key, '/')+1:], temporary) ||
		within(key, lockFolder)
}

// Get returns an object's bytes and its info.
func (s *Store) Get(ctx context.Context, key string) ([]byte, objstore.Info, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return nil, objstore.Info{}, err
	}

	body, err := os.ReadFile(path)
	if absent(err) || isFolder(err) {
		return nil, objstore.Info{}, fmt.Errorf("reading %s: %w", key, objstore.ErrNotExist)
	}
	if err != nil {
		return nil, objstore.Info{}, s.fail("reading", path, err)
	}

	return body, describe(key, body), nil
}

func describe(key string, body []byte) objstore.Info {
	sum := sha256.Sum256(body)
	return objstore.Info{Key: key, Bytes: int64(len(body)), ETag: hex.EncodeToString(sum[:])}
}

// Put writes an object whole and durably, if the condition holds.
func (s *Store) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}

	// Checked first without the lock, so that a write that is bound to lose costs no fsync.
	if err := s.allowed(key, path, cond); err != nil {
		return objstore.Info{}, err
	}
	if err := s.write(key, path, bytes.NewReader(body), cond); err != nil {
		return objstore.Info{}, err
	}

	return describe(key, body), nil
}

// Upload writes an object whole from a stream.
func (s *Store) Upload(ctx context.Context, key string, body io.Reader) (objstore.Info, error) {
	path, err := s.path(ctx, key)
	if err != nil {
		return objstore.Info{}, err
	}

	hash, size := sha256.New(), new(counter)
	stream := &cancelable{ctx, io.TeeReader(body, io.MultiWriter(hash, size))}
	if err := s.write(key, path, stream, objstore.Condition{}); err != nil {
		return objstore.Info{}, err
	}

	return objstore.Info{Key: key, Bytes: int64(*size), ETag: hex.EncodeToString(hash.Sum(nil))}, nil
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

type cancelable struct {
	ctx context.Context
	io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// write is the only way in which durable bytes are written. The lock covers just the condition and the rename; every
// write takes it, so that none slips between another's condition and its rename.
func (s *Store) write(key, path string, body io.Reader, cond objstore.Condition) error {
	folder := filepath.Dir(path)
	temp, err := s.stage(folder, body, cond.Fleeting)
	if err != nil {
		return err
	}
	defer func() { _ = temp.Close() }() // it is already on disk

	if err := s.swap(key, temp.Name(), path, cond); err != nil {
		_ = s.unlink(temp.Name()) // the first error counts
		return err
	}

	if cond.Fleeting {
		return nil
	}
	return s.syncFolder(folder)
}

// stage writes body to a new temporary file in folder, durably except for its name, unless it is fleeting. The file is locked until it is
// closed.
func (s *Store) stage(folder string, body io.Reader, fleeting bool) (*os.File, error) {
	f, err := s.create(folder, temporary+rand.Text(), os.O_CREATE|os.O_EXCL|os.O_WRONLY)
	if err != nil {
		return nil, err
	}
	if _, err = flock(f); err == nil {
		_, err = io.Copy(f, body)
	}
	if err == nil && !fleeting {
		err = f.Sync()
	}

	if err != nil {
		_ = s.unlink(f.Name()) // the first error counts
		_ = f.Close()
		return nil, s.fail("writing", f.Name(), err)
	}

	return f, nil
}

// create opens a file in a folder that it creates if needed. A known folder may have been deleted since: then it is
// created again, once.
func (s *Store) create(folder, name string, flags int) (*os.File, error) {
	for again := false; ; again = true {
		if err := s.makeFolder(folder); err != nil {
			return nil, err
		}

		f, err := s.openNew(filepath.Join(folder, name), flags)
		if err == nil {
			return f, nil
		}
		if again || !absent(err) {
			return nil, s.fail("creating", filepath.Join(folder, name), err)
		}

		s.forget(folder)
	}
}

// openNew opens a file that must not exist yet. The last component of its name may not be a link.
func (s *Store) openNew(path string, flags int) (*os.File, error) {
	in, name, err := s.enter(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()

	if err := s.refuseLink(in, name); err != nil {
		return nil, err
	}

	_, mode := s.modes()
	return in.OpenFile(name, flags, mode)
}

// unlink removes one file, or the link in its place.
func (s *Store) unlink(path string) error {
	in, name, err := s.enter(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return in.Remove(name)
}

func (s *Store) swap(key, temp, path string, cond objstore.Condition) error {
	unlock, err := s.lock(key)
	if err != nil {
		return err
	}
	defer unlock()

	if err := s.allowed(key, path, cond); err != nil {
		return err
	}

	in, name, err := s.enter(path)
	if err == nil {
		defer func() { _ = in.Close() }()
		err = in.Rename(filepath.Join(filepath.Dir(name), filepath.Base(temp)), name)
	}

	if err != nil {
		return s.fail("writing", path, err)
	}

	return nil
}

// allowed reports ErrPrecondition if the condition does not hold now.
func (s *Store) allowed(key, path string, cond objstore.Condition) error {
	if cond == (objstore.Condition{}) {
		return nil
	}

	if cond.IfNoneMatch {
		if _, err := os.Lstat(path); !absent(err) {
			if err == nil {
				return fmt.Errorf("creating %s: %w", key, objstore.ErrPrecondition)
			}
			return s.fail("reading", path, err)
		}
	}

	if cond.IfMatch == "" {
		return nil
	}

	body, err := os.ReadFile(path)
	if absent(err) || err == nil && describe(key, body).ETag != cond.IfMatch {
		return fmt.Errorf("replacing %s: %w", key, objstore.ErrPrecondition)
	}
	if err != nil {
		return s.fail("reading", path, err)
	}

	return nil
}

// List returns the objects whose keys begin with prefix, without their ETags.
func (s *Store) List(ctx context.Context, prefix string) ([]objstore.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	folder := prefix[:strings.LastIndexByte(prefix, '/')+1]
	if folder != "" {
		if err := objstore.CheckFolder(folder); err != nil {
			return nil, s.fail("listing", s.root, err)
		}
	}

	var infos []objstore.Info
	err := s.walk(ctx, strings.TrimSuffix(folder, "/"), prefix, nil, func(in *os.File, key string) error {
		if hidden(key) {
			return nil
		}

		is, err := statIn(in, key[strings.LastIndexByte(key, '/')+1:])
		if err != nil || is.Mode&unix.S_IFMT != unix.S_IFREG {
			return ignoreAbsent(err)
		}

		infos = append(infos, objstore.Info{Key: key, Bytes: is.Size, Stamp: stampOf(is.Ino, is.Mtim.Nano(), is.Size), Linked: is.Nlink > 1})
		return nil
	})
	if err != nil {
		return nil, s.fail("listing", s.File(folder), err)
	}

	slices.SortFunc(infos, func(a, b objstore.Info) int { return strings.Compare(a.Key, b.Key) })
	return infos, nil
}

// statIn describes what has a name in a folder: to find each of many by its path costs twice as much. It follows links: a user may
// have moved a big file elsewhere.
func statIn(folder *os.File, name string) (is unix.Stat_t, err error) {
	for {
		if err = unix.Fstatat(int(folder.Fd()), name, &is, 0); !errors.Is(err, unix.EINTR) {
			return is, err
		}
	}
}

// walk visits the keys below a folder that begin with prefix, in no order, including those of hidden files. With into it enters only some of
// the folders.
func (s *Store) walk(ctx context.Context, folder, prefix string, into func(folder string) bool, visit func(in *os.File, key string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	in, err := os.Open(s.File(folder))
	if err != nil {
		return ignoreAbsent(err) // deleted while we walked
	}
	defer func() { _ = in.Close() }() // only read

	entries, err := in.ReadDir(-1)
	if err != nil {
		return ignoreAbsent(err)
	}

	for _, entry := range entries {
		key := entry.Name()
		if folder != "" {
			key = folder + "/" + key
		}

		below := key + "/"
		switch {
		case !s.isFolder(key, entry):
			if strings.HasPrefix(key, prefix) {
				err = visit(in, key)
			}
		case key == lockFolder, !strings.HasPrefix(below, prefix) && !strings.HasPrefix(prefix, below), into != nil && !into(key):
		default:
			err = s.walk(ctx, key, prefix, into, visit)
		}

		if err != nil {
			return err
		}
	}

	return nil
}

// isFolder reports whether an entry is a folder, or a link to one where such a link is allowed.
func (s *Store) isFolder(key string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 || strings.Count(key, "/") >= linked {
		return entry.IsDir()
	}
	info, err := os.Stat(s.File(key))
	return err == nil && info.IsDir()
}

func (s *Store) key(path string) string {
	key, err := filepath.Rel(s.root, path)
	if err != nil {
		return path // cannot happen: the walk stays below the root
	}
	return filepath.ToSlash(key)
}

// Folders returns the names of the folders directly below prefix.
func (s *Store) Folders(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	if prefix != "" {
		if err := objstore.CheckFolder(prefix); err != nil {
			return nil, s.fail("listing", s.root, err)
		}
	}

	entries, err := os.ReadDir(s.File(prefix))
	if err != nil && !absent(err) {
		return nil, s.fail("listing", s.File(prefix), err)
	}

	var names []string
	for _, entry := range entries {
		if s.isFolder(prefix+entry.Name(), entry) && prefix+entry.Name() != lockFolder {
			names = append(names, entry.Name())
		}
	}

	return names, nil
}

// Delete removes an object; a missing one is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	path, err := s.path(ctx, key)
	if err != nil {
		return err
	}

	removed, err := s.remove(key, path)
	if err != nil || !removed {
		return err
	}

	return s.syncFolder(filepath.Dir(path))
}

func (s *Store) remove(key, path string) (bool, error) {
	if _, err := os.Lstat(path); absent(err) {
		return false, nil
	}

	unlock, err := s.lock(key)
	if err != nil {
		return false, err
	}
	defer unlock()

	if err := s.unlink(path); err != nil {
		if absent(err) {
			return false, nil
		}
		return false, s.fail("deleting", path, err)
	}

	return true, nil
}

// DeleteAll removes the folder that prefix names, with everything in it.
func (s *Store) DeleteAll(ctx context.Context, prefix string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := objstore.CheckFolder(prefix); err != nil {
		return s.fail("deleting below", s.root, err)
	}

	folder := s.File(prefix)
	if _, err := os.Lstat(folder); absent(err) {
		return nil
	}

	s.forgetBelow(folder)
	in, name, err := s.enter(folder)
	if absent(err) {
		return nil
	}

	if err == nil {
		defer func() { _ = in.Close() }()
		err = in.RemoveAll(name) // of a link, only the link
	}

	if err != nil {
		return s.fail("deleting", folder, err)
	}

	return s.syncFolder(filepath.Dir(folder))
}

func ignoreAbsent(err error) error {
	if absent(err) {
		return nil // deleted while we walked
	}
	return err
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist)
}
