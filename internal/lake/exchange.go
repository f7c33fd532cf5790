package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// Exchange is where an engine reads the lake's files and writes its results. The lake itself is one: its engines work with files
// of this machine.
type Exchange interface {
	// Empty returns the absolute folder, or the URL, where work is to write below the prefix. Nothing is there.
	Empty(ctx context.Context, prefix string) (string, error)
	// Folder is Empty with whatever work has written there.
	Folder(prefix string) (string, error)
	// Localize returns what the engine is to read for each of the files, as Lake.Localize does.
	Localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error)
	// Choosy reports whether it pays to find out which columns are read, of so many bytes.
	Choosy(bytes int64) bool
	// Stage brings what work wrote below the prefix into the lake. It makes keys of the files' paths and fills in their checksums.
	Stage(ctx context.Context, prefix string, m *hindcast.Manifest) error
	// Discard deletes what a run's attempts at a slice staged, this one and those before it.
	Discard(ctx context.Context, s Staging) error
	// Compared reports whether Localize compares bytes with their checksums.
	Compared() bool
	// Lasting reports whether what work writes is still there when this process has died.
	Lasting() bool
}

var (
	_ Exchange = (*Lake)(nil)
	_ Exchange = byURL{}
)

// Exchange is the one for an engine whose work runs on other machines, if elsewhere is set, or on this one.
func (l *Lake) Exchange(elsewhere bool) Exchange {
	if far, is := l.area.(viaScratch); is && elsewhere {
		return byURL{far}
	}
	return l
}

// Lasting reports whether what a step writes is still there when this process has died: a scratch folder is not.
func (l *Lake) Lasting() bool { return !l.Remote() }

// Compared is true: programs on this machine read what it has read before.
func (l *Lake) Compared() bool { return true }

// byURL is for engines that read and write the objects of a remote lake themselves.
type byURL struct{ viaScratch }

func (b byURL) Lasting() bool  { return true }
func (b byURL) Compared() bool { return false }

// Empty deletes what an earlier try left below the prefix.
func (b byURL) Empty(ctx context.Context, prefix string) (string, error) {
	url, err := b.Folder(prefix)
	if err != nil {
		return "", err
	}
	if err := b.store.DeleteAll(ctx, prefix); err != nil {
		return "", broken(url, "cannot be emptied", err)
	}
	return url, nil
}

func (b byURL) Folder(prefix string) (string, error) {
	if err := objstore.CheckFolder(prefix); err != nil {
		return "", fmt.Errorf("making a folder of the lake: %w", err)
	}
	return b.Absolute(strings.TrimSuffix(prefix, "/")), nil
}

// Choosy is false: nothing is fetched.
func (b byURL) Choosy(int64) bool { return false }

// Localize compares sizes and ETags with what was written: nobody on this machine sees the bytes that the engine reads.
func (b byURL) Localize(ctx context.Context, files []hindcast.File, _ []string) (paths []string, release func(), err error) {
	paths = make([]string, len(files))
	err = parallel.Do(len(files), b.width(), func(n int) error {
		paths[n] = b.Absolute(files[n].Path)
		if foreign(files[n].Path) {
			return nil
		}
		return b.same(ctx, files[n])
	})
	if err != nil {
		return nil, nil, err
	}
	return paths, func() {}, nil
}

// same compares an object with what was written, without reading it.
func (b byURL) same(ctx context.Context, f hindcast.File) error {
	info, err := objstore.Stat(ctx, b.store, f.Path)
	switch {
	case errors.Is(err, objstore.ErrNotExist):
		return badParquet(b.Absolute(f.Path), "it is not there")
	case err != nil:
		return broken(b.Absolute(f.Path), "cannot be read", err)
	case info.Bytes != f.Bytes:
		return badParquet(b.Absolute(f.Path), wrongSize(info.Bytes, f.Bytes))
	case f.ETag != "" && info.ETag != f.ETag:
		return badParquet(b.Absolute(f.Path), "its ETag is another one: it was replaced")
	}
	return nil
}

// Stage reads each file once, for its checksums. What was read is kept for the load.
func (b byURL) Stage(ctx context.Context, prefix string, m *hindcast.Manifest) error {
	if err := b.may(ctx); err != nil {
		return err
	}
	return b.sealFiles(ctx, prefix, m, false, b.fetch)
}

// fetch brings a file here that an engine wrote below the prefix, and takes its checksums.
func (b byURL) fetch(ctx context.Context, prefix string, f *hindcast.File, whole bool) error {
	key := b.Key(f.Path)
	if !strings.HasPrefix(key, prefix) {
		return fmt.Errorf("the engine wrote %s, which is not below %s", f.Path, b.Absolute(prefix))
	}
	folder, err := b.folder(prefix)
	if err != nil {
		return err
	}
	local := filepath.Join(folder, path.Base(key))
	info, err := b.download(ctx, key, local)
	if err != nil {
		return err
	}
	if info.Bytes != f.Bytes {
		return notStaged(b.Absolute(key), fmt.Sprintf("it has %d bytes and the engine wrote %d", info.Bytes, f.Bytes))
	}

	f.Path = local
	if err := intact(local, f.Bytes, b.Absolute(key)); err != nil {
		return err
	}
	if err := b.take(ctx, f, local, whole); err != nil {
		return err
	}
	if f.Path, f.ETag = key, info.ETag; b.files != nil {
		b.files.Adopt(ctx, *f, local)
	}
	return nil
}

// intact compares what came here with the checksums that the engine gave its pages: it had them in memory.
func intact(local string, size int64, url string) error {
	in, err := os.Open(local)
	if err != nil {
		return broken(local, "cannot be read", err)
	}
	defer func() { _ = in.Close() }() // it was only read

	err = chunks.CheckPages(in, size)
	if damage, is := errors.AsType[*chunks.DamageError](err); is {
		return notStaged(url, damage.What)
	}
	if err != nil {
		return broken(local, "cannot be read", err)
	}
	return nil
}

// notStaged is the error of a result that is not what the engine wrote: the next attempt writes another one.
func notStaged(url, what string) error {
	e := *hindcast.AsError(badParquet(url, what))
	e.Class, e.Next = hindcast.ClassTransient, ""
	return &e
}

// download copies an object, as it is now, to a file.
func (b byURL) download(ctx context.Context, key, local string) (objstore.Info, error) {
	info, err := objstore.Stat(ctx, b.store, key)
	if errors.Is(err, objstore.ErrNotExist) {
		return info, notStaged(b.Absolute(key), "it is not there")
	}
	if err != nil {
		return info, broken(b.Absolute(key), "cannot be read", err)
	}

	out, err := os.OpenFile(local, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return info, broken(local, "cannot be made", err)
	}
	if err := errors.Join(objstore.Copy(ctx, b.store, info, out), out.Close()); err != nil {
		return info, broken(b.Absolute(key), "cannot be read", err)
	}
	return info, nil
}

// Discard also ends the uploads that executors were killed in.
func (b byURL) Discard(ctx context.Context, s Staging) error {
	for _, below := range b.stagedBelow(s) {
		store, ok := b.store.(objstore.Uploading)
		if !ok {
			break
		}
		err := store.AbortUploads(ctx, below, func(key string) bool {
			folder, _, _ := strings.Cut(strings.TrimPrefix(key, below), "/")
			return s.has(folder)
		})
		if err != nil {
			return broken(b.Absolute(below), "cannot be swept", err)
		}
	}
	return b.Lake.Discard(ctx, s)
}
