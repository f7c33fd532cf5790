package lake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// hashFile returns a file's SHA-256 in hexadecimal and its size in bytes.
func hashFile(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("hashing: %w", err)
	}

	defer func() { _ = f.Close() }() // only read

	hash := sha256.New()
	if size, err = io.Copy(hash, f); err != nil {
		return "", 0, fmt.Errorf("hashing %s: %w", path, err)
	}

	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

// sealer is area.sealFile, or does the same for files that are elsewhere.
type sealer func(ctx context.Context, prefix string, f *hindcast.File, whole bool) error

// sealFiles checks that m's files are there as it says, brings them into the lake, makes keys of their paths, and fills in the
// checksums of the lake's own files and the sum of bytes. whole asks for a checksum of each whole file too. seal does it for one.
func (l *Lake) sealFiles(ctx context.Context, prefix string, m *hindcast.Manifest, whole bool, seal sealer) error {
	err := parallel.Do(len(m.Files), runtime.GOMAXPROCS(0), func(n int) error { return seal(ctx, prefix, &m.Files[n], whole) })
	if err != nil {
		return err
	}

	m.Bytes = 0
	for _, f := range m.Files {
		m.Bytes += f.Bytes
	}
	return nil
}

// take fills in the checksums of a file that was just written, in one pass over it: promise 8 begins here.
func (l *Lake) take(ctx context.Context, f *hindcast.File, path string, whole bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return badParquet(path, "it is not there")
	}
	if err != nil {
		return broken(path, "cannot be read", err)
	}

	defer func() { _ = file.Close() }() // only read

	info, err := file.Stat()
	if err != nil {
		return broken(path, "cannot be read", err)
	}
	if info.Size() != f.Bytes {
		return badParquet(path, wrongSize(info.Size(), f.Bytes))
	}

	var also io.Writer
	digest := sha256.New()
	if whole && f.SHA256 == "" {
		also = digest
	}
	if f.CRC32C, err = chunks.Sum(file, f.Bytes, also); err != nil {
		return broken(path, "cannot be read", err)
	}

	switch {
	case also != nil:
		f.SHA256 = hex.EncodeToString(digest.Sum(nil))
	case f.CRC32C == "" && f.SHA256 == "": // its columns have no separate checksums
		f.SHA256, _, err = hashFile(path)
	}
	return err
}

// Stage brings what a step wrote in the prefix's Folder into the lake. It makes keys of the files' paths and fills in their
// checksums.
func (l *Lake) Stage(ctx context.Context, prefix string, m *hindcast.Manifest) error {
	if err := l.area.mayStage(ctx); err != nil {
		return err
	}
	return l.sealFiles(ctx, prefix, m, false, l.area.sealFile)
}

// kept is the manifest of what a load replaced: rows, and the rows of hindcast_status that stood for them.
type kept struct {
	*hindcast.Manifest
	Replaced []hindcast.Committed `json:"replaced"`
}

// Keep writes a manifest of all files in the prefix's Folder, whose rows m describes, and of the status rows that were
// replaced with them, and brings all of it into the lake. What is only on this machine is cleared.
func (l *Lake) Keep(ctx context.Context, prefix string, m *hindcast.Manifest, replaced []hindcast.Committed) error {
	folder, err := l.Folder(prefix)
	if err != nil {
		return err
	}

	entries, err := os.ReadDir(folder)
	if err != nil {
		return broken(folder, "cannot be read", err)
	}

	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return broken(folder, "cannot be read", err)
		}

		f := hindcast.File{Path: filepath.Join(folder, entry.Name()), Bytes: info.Size()}
		if f.Rows, err = chunks.Rows(f.Path); err != nil && !errors.Is(err, chunks.ErrBroken) {
			return broken(f.Path, "cannot be read", err)
		}

		m.Sums.Rows += f.Rows
		if err := l.area.keep(ctx, prefix, &f); err != nil {
			return err
		}
		m.Files = append(m.Files, f)
	}

	if err := l.save(ctx, prefix, m, kept{m, replaced}, false); err != nil {
		return err
	}
	return l.Clear(prefix)
}

// put copies a local file below prefix, with its checksums.
func (l *Lake) put(ctx context.Context, prefix string, f *hindcast.File, whole bool) error {
	path := f.Path
	if err := l.take(ctx, f, path, whole); err != nil {
		return err
	}

	info, err := l.sent(ctx, prefix, path, f.ETag)
	if err != nil {
		return err
	}

	if info.Bytes != f.Bytes {
		return badParquet(path, fmt.Sprintf("%d of its %d bytes were uploaded", info.Bytes, f.Bytes))
	}

	f.Path, f.ETag = info.Key, info.ETag
	return nil
}

// sent is send, unless the object is there already, as this ETag says: a warehouse wrote it there, and the file is what was read of
// it.
func (l *Lake) sent(ctx context.Context, prefix, path, etag string) (objstore.Info, error) {
	if etag == "" {
		return l.send(ctx, prefix, path)
	}

	key := prefix + objstore.Escape(filepath.Base(path))
	info, err := objstore.Stat(ctx, l.store, key)
	switch {
	case errors.Is(err, objstore.ErrNotExist):
		return info, badParquet(l.Absolute(key), "it is not there")
	case err != nil:
		return info, broken(l.Absolute(key), "cannot be read", err)
	case info.ETag != etag:
		return info, badParquet(l.Absolute(key), "its ETag is another one: it was replaced")
	}
	return info, nil
}

// send uploads a local file below prefix.
func (l *Lake) send(ctx context.Context, prefix, path string) (objstore.Info, error) {
	body, err := os.Open(path)
	if err != nil {
		return objstore.Info{}, broken(path, "cannot be read", err)
	}

	defer func() { _ = body.Close() }() // only read

	key := prefix + objstore.Escape(filepath.Base(path))
	info, err := l.store.Upload(ctx, key, body)
	if err != nil {
		return objstore.Info{}, broken(l.Absolute(key), "cannot be uploaded", err)
	}

	return info, nil
}

// Discard deletes what a run's attempts at a slice staged, this one and those before it: a process that was taken
// over deletes nothing of its successors'. What is kept by now stays.
func (l *Lake) Discard(ctx context.Context, s Staging) error {
	for i, below := range l.stagedBelow(s) {
		folders, err := objstore.Folders(ctx, l.store, below)
		if err != nil {
			return broken(l.Absolute(below), "cannot be listed", err)
		}

		for _, folder := range folders {
			if !s.has(folder) {
				continue
			}
			if i > 0 { // where results are kept
				whole, err := l.finished(ctx, below+folder+"/")
				if err != nil {
					return err
				}
				if whole {
					continue
				}
			}
			if err := l.store.DeleteAll(ctx, below+folder+"/"); err != nil {
				return broken(l.Absolute(below), "cannot be deleted", err)
			}
		}

		if err := l.area.discard(below, s.has); err != nil {
			return err
		}
	}
	return nil
}

// Staging is what a run's attempts at a slice staged, up to one of them.
type Staging struct {
	Run     string
	Slice   string
	Fence   int64
	Attempt int
	Kept    []string // the targets whose results are kept
}

// has reports whether a folder is of one of the attempts.
func (s *Staging) has(folder string) bool {
	run := runOf(folder) // of a result that is kept; other folders are below the run's own
	return (run == "" || run == s.Run) && !later(folder, s.Fence, s.Attempt)
}

// stagedBelow are the prefixes that the attempts' folders are below.
func (l *Lake) stagedBelow(s Staging) []string {
	list := []string{l.stagingOf(s.Run, s.Slice)}
	for _, target := range s.Kept {
		list = append(list, l.resultPrefix(target, s.Slice))
	}
	return list
}

// later reports whether an attempt's folder is of one after this.
func later(folder string, fence int64, attempt int) bool {
	f := fenceOf(folder)
	return f > fence || f == fence && attemptOf(folder) > attempt
}

// Verify checks that the manifest's files exist and have its sizes and checksums. E-PARQUET names the first
// file that does not.
func (l *Lake) Verify(ctx context.Context, m *hindcast.Manifest) error {
	return parallel.Do(len(m.Files), runtime.GOMAXPROCS(0), func(n int) error {
		f := m.Files[n]
		if f.SHA256 != "" || f.CRC32C == "" {
			return l.verify(ctx, &f, f.SHA256 != "")
		}

		_, release, err := l.Localize(ctx, []hindcast.File{f}, nil)
		if err == nil {
			release()
		}
		return err
	})
}

// VerifySizes is Verify without reading the files: only that they exist and have their sizes. Cheap enough
// to be asked before every use.
func (l *Lake) VerifySizes(ctx context.Context, m *hindcast.Manifest) error {
	for n := range m.Files {
		if err := l.verify(ctx, &m.Files[n], false); err != nil {
			return err
		}
	}
	return nil
}

// wrongSize says that a file is shorter or longer than what was written.
func wrongSize(is, was int64) string {
	return fmt.Sprintf("it has %d bytes and its manifest says %d", is, was)
}

// verify checks one file; with hash set it compares the checksum of the whole.
func (l *Lake) verify(ctx context.Context, f *hindcast.File, hash bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}

	path := l.Absolute(f.Path)
	sum, size, err := l.measure(ctx, f.Path, path, hash)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, objstore.ErrNotExist):
		return badParquet(path, "it is not there")
	case err != nil:
		return broken(path, "cannot be read", err)
	case size != f.Bytes:
		return badParquet(path, wrongSize(size, f.Bytes))
	case hash && f.SHA256 != sum:
		return badParquet(path, "its checksum is not the manifest's")
	}
	return nil
}

// measure returns the size of a file or object, and its checksum if hash is set.
func (l *Lake) measure(ctx context.Context, key, path string, hash bool) (sum string, size int64, err error) {
	if filepath.IsAbs(path) {
		if hash {
			return hashFile(path)
		}

		info, err := os.Stat(path)
		if err != nil {
			return "", 0, err
		}
		return "", info.Size(), nil
	}

	if foreign(key) {
		if l.lender != nil && l.lender.Key(key) != key {
			return l.lender.measure(ctx, l.lender.Key(key), path, hash)
		}
		return "", 0, fmt.Errorf("%s is neither in the lake nor a local file", key)
	}

	info, err := objstore.Stat(ctx, l.store, key)
	if err != nil || !hash {
		return "", info.Bytes, err
	}

	digest := sha256.New()
	err = objstore.Copy(ctx, l.store, info, digest)
	return hex.EncodeToString(digest.Sum(nil)), info.Bytes, err
}

func badParquet(path, what string) error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the file %s is not what was written: %s", path, what),
		Next:    "`hindcast unload --fresh` for this slice unloads it again"}
}

// DiskFree returns how many bytes can still be written where path is, or will be: it need not exist yet.
// For a URL it returns -1, unknown.
func DiskFree(path string) (int64, error) {
	if strings.Contains(path, "://") {
		return -1, nil
	}

	for {
		var stat syscall.Statfs_t
		err := syscall.Statfs(path, &stat)
		if err == nil {
			return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // another type on other systems
		}

		parent := filepath.Dir(path)
		if !errors.Is(err, os.ErrNotExist) || parent == path {
			return 0, fmt.Errorf("asking for the free space at %s: %w", path, err)
		}
		path = parent
	}
}
