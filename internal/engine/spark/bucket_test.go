package spark_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// objects are a bucket whose objects are files of this machine too: tests write and read those, and an engine the bucket.
type objects struct {
	root string // the bucket's folder
	url  string
}

// newObjects makes a bucket, and has the installation's cluster reach it.
func newObjects(t *testing.T, name string, i *installation) *objects {
	t.Helper()
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	i.Ivy = sparktest.S3A(t, name)
	i.Bucket = &spark.Bucket{Name: bucket, Endpoint: server.Endpoint, Region: s3test.Region, PathStyle: true, Hadoop: i.Home.Hadoop,
		Package: "org.apache.hadoop:hadoop-aws:" + i.Home.Hadoop, Keys: spark.Keys{ID: server.ID, Secret: server.Secret}}
	return &objects{root: filepath.Join(server.Root, bucket), url: "s3://" + bucket}
}

// folder makes a folder in the bucket.
func (o *objects) folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(o.root, "world-*")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// urls are the files' as objects.
func (o *objects) urls(paths []string) []string {
	paths = slices.Clone(paths)
	for i, path := range paths {
		paths[i] = o.object(path)
	}
	return paths
}

func (o *objects) object(path string) string {
	if below, is := strings.CutPrefix(path, o.root); is {
		return o.url + below
	}
	return path
}

// work is the same with objects.
func (o *objects) work(work engine.Work) engine.Work {
	work.Dir = o.object(work.Dir)
	work.Query.Tables = slices.Clone(work.Query.Tables)
	for i := range work.Query.Tables {
		t := &work.Query.Tables[i]
		t.Files, t.Groups = o.urls(t.Files), slices.Clone(t.Groups)
		for k := range t.Groups {
			t.Groups[k].Files = o.urls(t.Groups[k].Files)
		}
	}
	return work
}

// served is an engine that is given objects where tests give it files.
type served struct {
	engine.Engine
	objects *objects
}

func (o *objects) serve(e engine.Engine) engine.Engine { return served{e, o} }

func (s served) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	return s.Engine.Start(ctx, s.objects.work(work))
}

func (s served) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	result, err := s.Engine.Wait(ctx, h, s.objects.object(dir), progress)
	for i, f := range result.Files {
		result.Files[i].Path = s.objects.root + strings.TrimPrefix(f.Path, s.objects.url)
	}
	return result, err
}
