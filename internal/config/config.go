// Package config reads the pipeline file: strictly, with the position of every key and value, every default filled in
// and every path absolute. One table of keys (keys.go) drives the decoder, the reference and the JSON Schema, so that
// they cannot differ. Package plan decides what the values mean for a run; whether tables and columns exist is the
// warehouse's to say.
package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hindcast/hindcast"
)

// Env is what decoding takes from outside the pipeline file.
type Env struct {
	// Lookup returns an environment variable's value for ${VAR}; nil means that no variable is set.
	Lookup func(name string) (string, bool)
	// ReadFile returns a file's content by absolute path, for ${file:PATH} and the SQL file; nil means that there are
	// no files. A missing file is an fs.ErrNotExist.
	ReadFile func(path string) ([]byte, error)
	Options
}

// Options are what a command wants of a pipeline file.
type Options struct {
	// WithoutSQL keeps an SQL file that cannot be read from being an error: Output.Fault is that.
	WithoutSQL bool
	// LakeAlone keeps what a warehouse's URL refers to and is not there from being an error: such a warehouse is only named.
	LakeAlone bool
	// Engine is one of Engines, to take in place of the file's; the SQL is read as its dialect. "" takes the file's.
	Engine string
	// Environment is the name of one of the file's environments, whose overrides count. "" takes none of them.
	Environment string
}

func (e Env) lookup(name string) (string, bool) {
	if e.Lookup == nil {
		return "", false
	}
	return e.Lookup(name)
}

func (e Env) read(path string) ([]byte, error) {
	if e.ReadFile == nil {
		return nil, fs.ErrNotExist
	}
	return e.ReadFile(path)
}

// Load reads and decodes the pipeline file at path, with this process's environment. Its errors are *hindcast.Error,
// except ctx's own.
func Load(ctx context.Context, path string) (*hindcast.Pipeline, error) {
	return LoadWith(ctx, path, Options{})
}

// LoadWith is Load with options.
func LoadWith(ctx context.Context, path string, o Options) (*hindcast.Pipeline, error) {
	read := func(path string) ([]byte, error) { return ReadFile(ctx, path) }
	text, err := read(path)
	if err == nil {
		var p *hindcast.Pipeline
		if p, err = Decode(path, text, Env{Lookup: os.LookupEnv, ReadFile: read, Options: o}); err == nil {
			return p, nil
		}
	} else if ctx.Err() == nil {
		err = unreadable(path, err)
	}

	if ctx.Err() != nil { // the user's own signal, whatever it made fail
		return nil, ctx.Err()
	}

	return nil, err
}

// Decode decodes a pipeline file's text. Name is the file's path: errors show it as given, and relative paths in the
// file start at its folder. Of several mistakes the first in the file is the error, and its detail lists the others.
// Errors are *hindcast.Error and contain no secret.
func Decode(name string, text []byte, env Env) (*hindcast.Pipeline, error) {
	file, err := filepath.Abs(name)
	if err != nil {
		return nil, unreadable(name, err)
	}

	d := &decoder{name: name, text: string(text), env: env, p: &hindcast.Pipeline{
		File: file, Dir: filepath.Dir(file), Places: map[string]hindcast.Place{},
	}}
	if root := d.parse(); root != nil {
		d.root = d.inEnvironment(root)
		d.walk(tree(), value{node: d.root, at: place(name, d.root)})
	}
	d.once()
	if len(d.errs) > 0 {
		return nil, d.first()
	}

	d.p.Secrets = different(d.p.Secrets)
	return d.p, nil
}

// different returns each secret once.
func different(secrets []string) (once []string) {
	for _, s := range secrets {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// WarehouseURL decodes a warehouse's URL outside a pipeline file, as a command line gives it; a relative path starts at
// dir. It also returns the secrets in it. The error is *hindcast.Error, without secrets.
func WarehouseURL(text, dir string, env Env) (hindcast.Location, []string, error) {
	d := &decoder{text: text, env: env, p: &hindcast.Pipeline{Dir: dir}}
	l := d.warehouse(value{path: "warehouse", name: "warehouse", text: text})
	if len(d.errs) > 0 {
		return l, nil, d.first()
	}
	return l, d.p.Secrets, nil
}

// unreadable is the error for a pipeline file that cannot be read at all.
func unreadable(path string, err error) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EFileMissing, Class: hindcast.ClassPermanent, Cause: err,
		Place: hindcast.Place{File: path}}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Message = "no such pipeline file"
		e.Next = "hindcast init writes one; hindcast demo shows a whole pipeline"
	case errors.Is(err, fs.ErrPermission):
		e.Code = hindcast.EPermission
		e.Message = "permission denied for the pipeline file"
		e.Next = "give yourself permission to read it"
	default:
		e.Message = fmt.Sprintf("the pipeline file cannot be read: %v", cause(err))
		e.Next = "name a pipeline file that can be read"
	}

	return e
}

// cause strips the operation and the path that a *fs.PathError repeats.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
