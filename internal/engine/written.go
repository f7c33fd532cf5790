package engine

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Written is how many bytes the files below a folder have now, while an engine writes or spills there. A folder that is not there
// has none.
func Written(folder string) (bytes int64) {
	_ = fs.WalkDir(os.DirFS(filepath.Clean(folder)), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // what is gone has no bytes
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
