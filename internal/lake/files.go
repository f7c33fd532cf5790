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
	"github.com/hindcast/hindcast/internal/objstore"
)

// HashFile returns a file's SHA-256 in hexadecimal and its size in bytes.
func HashFile(path string) (sum string, size int64, err error) {
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

// settle checks that m's files are there as it says, makes keys of the paths below the lake, fills in the
// checksums of the lake's own files and the sum of bytes.
func (l *Lake) settle(ctx context.Context, prefix string, m *hindcast.Manifest) error {
	err := parallel(len(m.Files), runtime.GOMAXPROCS(0), func(n int) error {
		f := &m.Files[n]
		f.Path = l.Key(f.Path)
		_, local := l.store.(objstore.Local)
		if !local && filepath.IsAbs(f.Path) {
			return l.upload(ctx, prefix, f)
		}
		own := !foreign(f.Path)
		return l.verify(ctx, f, own && local && f.SHA256 == "")
	})
	if err != nil {
		return err
	}
	m.Bytes = 0
	for _, f := range m.Files {
		m.Bytes += f.Bytes
	}
	return nil
}

// upload moves a local file's bytes below prefix.
func (l *Lake) upload(ctx context.Context, prefix string, f *hindcast.File) error {
	path := f.Path
	if err := l.verify(ctx, f, f.SHA256 == ""); err != nil {
		return err
	}
	body, err := os.Open(path)
	if err != nil {
		return broken(path, "cannot be read", err)
	}
	defer func() { _ = body.Close() }() // only read
	key := prefix + objstore.Escape(filepath.Base(path))
	info, err := l.store.Upload(ctx, key, body)
	if err != nil {
		return broken(l.Absolute(key), "cannot be uploaded", err)
	}
	if info.Bytes != f.Bytes {
		return badParquet(path, fmt.Sprintf("%d of its %d bytes were uploaded", info.Bytes, f.Bytes))
	}
	f.Path = key
	return nil
}

// Verify checks that the manifest's files exist and have its sizes and checksums. E-PARQUET names the first
// file that does not.
func (l *Lake) Verify(ctx context.Context, m *hindcast.Manifest) error {
	return parallel(len(m.Files), runtime.GOMAXPROCS(0), func(n int) error {
		f := m.Files[n]
		return l.verify(ctx, &f, f.SHA256 != "")
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

// verify checks one file; with hash set it compares the checksum, or fills it in where there is none.
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
		return badParquet(path, fmt.Sprintf("it has %d bytes and its manifest says %d", size, f.Bytes))
	case !hash:
	case f.SHA256 == "":
		f.SHA256 = sum
	case f.SHA256 != sum:
		return badParquet(path, "its checksum is not the manifest's")
	}
	return nil
}

// measure returns the size of a file or object, and its checksum if hash is set.
func (l *Lake) measure(ctx context.Context, key, path string, hash bool) (sum string, size int64, err error) {
	if filepath.IsAbs(path) {
		if hash {
			return HashFile(path)
		}
		info, err := os.Stat(path)
		if err != nil {
			return "", 0, err
		}
		return "", info.Size(), nil
	}
	if foreign(key) {
		return "", 0, fmt.Errorf("%s is neither in the lake nor a local file", key)
	}
	if hash {
		body, info, err := l.store.Get(ctx, key)
		digest := sha256.Sum256(body)
		return hex.EncodeToString(digest[:]), info.Bytes, err
	}
	infos, err := l.store.List(ctx, key)
	if err != nil {
		return "", 0, err
	}
	if len(infos) == 0 || infos[0].Key != key {
		return "", 0, objstore.ErrNotExist
	}
	return "", infos[0].Bytes, nil
}

func badParquet(path, what string) error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the file %s is not what was written: %s", path, what),
		Next:    "`hindcast unload --force` for this slice unloads it anew"}
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
