package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/s3test"
)

// Objects are a bucket whose objects are files of this machine too: tests write and read those, and an engine the bucket.
type Objects struct {
	Server *s3test.Server
	Bucket string
	Root   string // the bucket's folder
	URL    string
}

// NewObjects makes a bucket, which ends with the test.
func NewObjects(t *testing.T) *Objects {
	t.Helper()
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	return &Objects{server, bucket, filepath.Join(server.Root, bucket), "s3://" + bucket}
}

// Folder makes a folder in the bucket.
func (o *Objects) Folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(o.Root, "world-*")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// urls are the files' as objects, which they are made: a file that only lies there has no ETag.
func (o *Objects) urls(ctx context.Context, paths []string) ([]string, error) {
	paths = slices.Clone(paths)
	for i, path := range paths {
		body, err := os.ReadFile(path)
		if paths[i] = o.object(path); err != nil || paths[i] == path {
			continue // it is not there, or not of the bucket
		}
		key := strings.TrimPrefix(paths[i], o.URL+"/")
		if err := o.Server.Put(ctx, o.Bucket, key, body); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func (o *Objects) object(path string) string {
	if below, is := strings.CutPrefix(path, o.Root); is {
		return o.URL + below
	}
	return path
}

// Work is the same with objects.
func (o *Objects) Work(ctx context.Context, work engine.Work) (engine.Work, error) {
	work.Dir = o.object(work.Dir)
	work.Query.Tables = slices.Clone(work.Query.Tables)
	for i := range work.Query.Tables {
		t := &work.Query.Tables[i]
		var err error
		if t.Files, err = o.urls(ctx, t.Files); err != nil {
			return work, err
		}
		t.Groups = slices.Clone(t.Groups)
		for k := range t.Groups {
			if t.Groups[k].Files, err = o.urls(ctx, t.Groups[k].Files); err != nil {
				return work, err
			}
		}
	}
	return work, nil
}

// served is an engine that is given objects where tests give it files.
type served struct {
	engine.Engine
	objects *Objects
}

// Serve is the engine, given objects where tests give it files.
func (o *Objects) Serve(e engine.Engine) engine.Engine { return served{e, o} }

func (s served) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	work, err := s.objects.Work(ctx, work)
	if err != nil {
		return hindcast.Handle{}, err
	}
	return s.Engine.Start(ctx, work)
}

func (s served) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	result, err := s.Engine.Wait(ctx, h, s.objects.object(dir), progress)
	for i, f := range result.Files {
		result.Files[i].Path = s.objects.Root + strings.TrimPrefix(f.Path, s.objects.URL)
	}
	return result, err
}
