// Package scaffold writes the files that a pipeline begins with: a pipeline file and its SQL, blank with every key
// explained, or filled in with what the warehouse's tables look like, each guess marked. What the keys mean is
// package config's, and opening the warehouse is left to its callers.
package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// PipelineFile is the name of the pipeline file that is written.
const PipelineFile = "hindcast.yml"

// Options say what goes into the files as it is.
type Options struct {
	Warehouse string // URL, as it is to be written: relative paths in it start at the files' folder
	Pipeline  string // the pipeline's name; "" is called after the first fact
}

// Found is what was written, and what it was guessed from.
type Found struct {
	File       string // the pipeline file's path
	SQLFile    string // the SQL file's path
	Pipeline   string
	Warehouse  string // as written
	Looked     bool   // a warehouse was looked at
	Tables     int    // tables that were looked at
	Facts      []Fact // the first is the one that the SQL begins with
	Dimensions []Dimension
	Target     hindcast.Target
	Unused     []string // tables that are neither
	Unsummed   []string // amounts of the first fact that are carried as text: the SQL sums them in comments only
	Uncarried  []string // and those whose type cannot be carried
	Made       []string // tables that hindcast fills: its own, and targets of its pipelines
	Unread     []Unread // tables whose names hold a time that is not read
	Hidden     []string // what is known of tables that may not be read

	taken  map[string]bool // names of facts and dimensions, in small letters
	tables []string        // names of all tables, in small letters
}

// Write writes the pipeline file and the SQL file into dir, which is made if it does not exist. With a warehouse
// its tables fill them in; w is nil without one. An existing file is never overwritten: E-USAGE, and nothing is
// written.
func Write(ctx context.Context, dir string, w warehouse.Warehouse, o Options) (Found, error) {
	found := Found{File: filepath.Join(dir, PipelineFile), Pipeline: o.Pipeline, Warehouse: o.Warehouse, Looked: w != nil}
	if err := absent(found.File); err != nil {
		return found, err
	}
	if w != nil {
		if err := look(ctx, w, &found); err != nil {
			return found, fmt.Errorf("looking at the warehouse: %w", err)
		}
	}
	f := fillIn(&found)
	found.SQLFile = filepath.Join(dir, f.SQLFile)
	pipeline, sql, err := f.texts()
	if err != nil {
		return found, err
	}
	if err := absent(found.SQLFile); err != nil {
		return found, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return found, unwritable(dir, err)
	}
	if err := writeNew(found.SQLFile, sql); err != nil {
		return found, err
	}
	if err := writeNew(found.File, pipeline); err != nil {
		return found, errors.Join(err, os.Remove(found.SQLFile))
	}
	return found, nil
}

func absent(path string) error {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return exists(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return unwritable(path, err)
	}
}

func exists(path string) error {
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: path + " is there already and is never overwritten",
		Next: "name another folder: hindcast init --dir DIR; or move the file away"}
}

// writeNew writes a file that must not exist; what could not be written whole is taken away again.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	switch {
	case errors.Is(err, fs.ErrExist):
		return exists(path)
	case err != nil:
		return unwritable(path, err)
	}
	_, err = f.WriteString(text)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(unwritable(path, err), os.Remove(path))
	}
	return nil
}

func unwritable(path string, err error) error {
	e := &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Cause: err,
		Message: fmt.Sprintf("%s cannot be written: %v", path, reason(err)), Next: "name another folder: hindcast init --dir DIR"}
	if errors.Is(err, fs.ErrPermission) {
		e.Code = hindcast.EPermission
	}
	return e
}

// reason strips the operation and the path that a *fs.PathError repeats.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
