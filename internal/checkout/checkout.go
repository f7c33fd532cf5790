// Package checkout finds this repository's files for tests, also in programs that are built with -trimpath, which do not know
// where their sources were.
package checkout

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the folder that holds go.mod, at or above the test's working folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}

	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}

	return "", errors.New("no go.mod above the test's folder")
}
