package lake

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// area is where the steps of attempts write, and where programs on this machine read the lake's files. There is one for each
// kind of lake, chosen when the lake is opened.
type area interface {
	// folder returns the absolute folder, which it makes, where a step writes below the prefix.
	folder(prefix string) (string, error)
	// remove removes what a step wrote below the prefix and did not finish.
	remove(ctx context.Context, prefix string) error
	// aside returns the folder where a load is to write what it replaces. The load makes it if it replaces rows.
	aside(ctx context.Context, prefix string) (string, error)
	// sealFile completes a file that a step wrote below the prefix, or that the lake has already: afterwards it is in the lake,
	// with its checksums, whole ones too if asked for, and its path is a key.
	sealFile(ctx context.Context, prefix string, f *hindcast.File, whole bool) error
	// keep is sealFile for a file that nobody on this machine reads again soon.
	keep(ctx context.Context, prefix string, f *hindcast.File) error
	// clear removes what sealFile left on this machine below the prefix.
	clear(prefix string) error
	// discard removes what is left on this machine of attempts, given by their folders below the prefix.
	discard(below string, of func(folder string) bool) error
	// mayStage asks whether this process may bring a result into the lake, where that means more than sealing what is there.
	mayStage(ctx context.Context) error
	// localize is Lake.Localize for files that are keys.
	localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error)
	// checkDim is Lake.CheckDim.
	checkDim(ctx context.Context, dim string) error
	// choosy is Lake.Choosy.
	choosy(bytes int64) bool
	// attempts lists the folders two levels below the prefix, which are attempts'.
	attempts(ctx context.Context, below string) ([]string, error)
	// width is how many small objects are read at the same time.
	width() int
	// opening is what a DuckDB client has to run before it reads the lake's files, a comment in a script.
	opening() string
	// remote reports whether each call to the store is waited for, and files are fetched before they are read.
	remote() bool
}

// inPlace is the area of a lake in a folder: steps write where the files stay.
type inPlace struct {
	*Lake
	local objstore.Local
}

func (a inPlace) remote() bool { return false }

func (a inPlace) folder(prefix string) (string, error) { return a.local.Folder(prefix) }

func (a inPlace) remove(ctx context.Context, prefix string) error {
	return a.store.DeleteAll(ctx, prefix)
}

func (a inPlace) aside(_ context.Context, prefix string) (string, error) {
	return a.Absolute(strings.TrimSuffix(prefix, "/")), a.local.Check(prefix)
}

func (a inPlace) sealFile(ctx context.Context, _ string, f *hindcast.File, whole bool) error {
	f.Path = a.Key(f.Path)
	if foreign(f.Path) {
		return a.verify(ctx, f, false)
	}

	path := a.Absolute(f.Path)
	if folder, err := os.Stat(filepath.Dir(path)); err == nil {
		_ = os.Chmod(path, folder.Mode().Perm()&0o666) // engines make files that all may read, which this folder may not mean
	}
	return a.take(ctx, f, path, whole)
}

func (a inPlace) keep(context.Context, string, *hindcast.File) error { return nil }

func (a inPlace) clear(string) error { return nil }

func (a inPlace) discard(below string, _ func(string) bool) error {
	a.local.Abandon(below)
	return nil
}

func (a inPlace) mayStage(context.Context) error { return nil }

func (a inPlace) checkDim(ctx context.Context, dim string) error {
	m, err := a.CurrentDim(ctx, dim)
	if err != nil || m == nil {
		return err
	}
	_, _, err = a.Localize(ctx, m.Files, nil)
	return err
}

// worthAsking is how many bytes are compared with their checksums in the time in which an engine says which columns it reads.
const worthAsking = 64 << 20

func (a inPlace) choosy(bytes int64) bool { return bytes >= worthAsking }

// attempts lists level by level, which is cheap.
func (a inPlace) attempts(ctx context.Context, below string) (found []string, err error) {
	keys, err := objstore.Folders(ctx, a.store, below)
	if err != nil {
		return nil, err
	}

	for _, key := range keys {
		attempts, err := objstore.Folders(ctx, a.store, below+key+"/")
		if err != nil {
			return nil, err
		}

		for _, attempt := range attempts {
			found = append(found, below+key+"/"+attempt+"/")
		}
	}
	return found, nil
}

func (a inPlace) width() int { return 4 * runtime.GOMAXPROCS(0) }

func (a inPlace) opening() string { return "" }

func (a inPlace) localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	paths = make([]string, len(files))
	for i, f := range files {
		paths[i] = a.Absolute(f.Path)
	}
	return paths, func() {}, a.compare(ctx, files, columns)
}

// viaScratch is the area of a lake in a bucket: steps write into a scratch folder of this machine, from where files are
// uploaded, and what is read is brought there.
type viaScratch struct {
	*Lake
	scratch string // "" until there is one
	files   Localizer
}

func (a viaScratch) remote() bool { return true }

// errNoScratch is a fault of the caller: see UseScratch.
var errNoScratch = errors.New("using files of the lake: it has no scratch folder")

func (a viaScratch) folder(prefix string) (string, error) {
	if a.scratch == "" {
		return "", errNoScratch
	}

	folder := a.path(prefix)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", broken(folder, "cannot be made", err)
	}
	return folder, nil
}

func (a viaScratch) path(prefix string) string {
	return filepath.Join(a.scratch, filepath.FromSlash(prefix))
}

func (a viaScratch) remove(_ context.Context, prefix string) error { return a.clear(prefix) }

func (a viaScratch) aside(ctx context.Context, prefix string) (string, error) {
	return a.Empty(ctx, prefix)
}

func (a viaScratch) sealFile(ctx context.Context, prefix string, f *hindcast.File, whole bool) error {
	f.Path = a.Key(f.Path)
	path := f.Path
	if !filepath.IsAbs(path) {
		return a.verify(ctx, f, false)
	}

	if err := a.put(ctx, prefix, f, whole); err != nil {
		return err
	}

	if a.files != nil {
		a.files.Adopt(ctx, *f, path)
	}
	return nil
}

func (a viaScratch) keep(ctx context.Context, prefix string, f *hindcast.File) error {
	return a.put(ctx, prefix, f, false)
}

func (a viaScratch) clear(prefix string) error {
	if a.scratch == "" || objstore.CheckFolder(prefix) != nil {
		return nil
	}
	if err := os.RemoveAll(a.path(prefix)); err != nil {
		return fmt.Errorf("clearing the scratch folder: %w", err)
	}
	return nil
}

func (a viaScratch) discard(below string, of func(folder string) bool) error {
	if a.scratch == "" {
		return nil
	}

	entries, err := os.ReadDir(a.path(below))
	if err != nil {
		return nil // nothing was written there
	}

	for _, e := range entries {
		if !of(e.Name()) {
			continue
		}
		if err := a.clear(below + e.Name() + "/"); err != nil {
			return err
		}
	}
	return nil
}

// mayStage keeps a process that was taken over from uploading anything.
func (a viaScratch) mayStage(ctx context.Context) error { return a.may(ctx) }

// checkDim looks at nothing: what is fetched is compared when a slice reads it.
func (a viaScratch) checkDim(context.Context, string) error { return nil }

// choosy is true of any number of bytes: each that is not read need not be fetched.
func (a viaScratch) choosy(int64) bool { return true }

// attempts lists everything at once, because each call is waited for.
func (a viaScratch) attempts(ctx context.Context, below string) (found []string, err error) {
	infos, err := a.store.List(ctx, below)
	for _, info := range infos {
		levels := strings.SplitN(strings.TrimPrefix(info.Key, below), "/", 3)
		if len(levels) < 3 {
			continue
		}

		if prefix := below + levels[0] + "/" + levels[1] + "/"; len(found) == 0 || found[len(found)-1] != prefix {
			found = append(found, prefix)
		}
	}
	return found, err
}

// width is large: what is far away is waited for, not worked for.
func (a viaScratch) width() int { return 64 }

func (a viaScratch) opening() string {
	return "-- The files are in a bucket. First: INSTALL httpfs; LOAD httpfs; CREATE SECRET (TYPE s3, PROVIDER credential_chain);\n"
}

func (a viaScratch) localize(ctx context.Context, files []hindcast.File, columns []string) (paths []string, release func(), err error) {
	if a.files == nil {
		return nil, nil, errNoScratch
	}
	return a.files.Localize(ctx, files, columns)
}
