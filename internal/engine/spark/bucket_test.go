package spark_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/engine/spark"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/sparktest"
)

// objects are a bucket whose objects are files of this machine too: tests write and read those, and an engine the bucket.
type objects struct {
	server *s3test.Server
	bucket string
	root   string // the bucket's folder
	url    string
}

// newObjects makes a bucket, and has the installation's cluster reach it.
func newObjects(t *testing.T, name string, i *installation) *objects {
	t.Helper()
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	i.Ivy = sparktest.S3A(t, name)
	i.Bucket = &spark.Bucket{Name: bucket, Endpoint: server.Endpoint, Region: s3test.Region, PathStyle: true, Hadoop: i.Home.Hadoop,
		Package: "org.apache.hadoop:hadoop-aws:" + i.Home.Hadoop, Keys: spark.Keys{ID: server.ID, Secret: server.Secret}}
	return &objects{server, bucket, filepath.Join(server.Root, bucket), "s3://" + bucket}
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

// urls are the files' as objects, which they are made: a file that only lies there has no ETag.
func (o *objects) urls(ctx context.Context, paths []string) ([]string, error) {
	paths = slices.Clone(paths)
	for i, path := range paths {
		body, err := os.ReadFile(path)
		if paths[i] = o.object(path); err != nil || paths[i] == path {
			continue // it is not there, or not of the bucket
		}
		key := strings.TrimPrefix(paths[i], o.url+"/")
		if _, err := o.server.Client().PutObject(ctx, &awss3.PutObjectInput{Bucket: &o.bucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

func (o *objects) object(path string) string {
	if below, is := strings.CutPrefix(path, o.root); is {
		return o.url + below
	}
	return path
}

// work is the same with objects.
func (o *objects) work(ctx context.Context, work engine.Work) (engine.Work, error) {
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
	objects *objects
}

func (o *objects) serve(e engine.Engine) engine.Engine { return served{e, o} }

func (s served) Start(ctx context.Context, work engine.Work) (hindcast.Handle, error) {
	work, err := s.objects.work(ctx, work)
	if err != nil {
		return hindcast.Handle{}, err
	}
	return s.Engine.Start(ctx, work)
}

func (s served) Wait(ctx context.Context, h hindcast.Handle, dir string, progress func(hindcast.Progress)) (engine.Result, error) {
	result, err := s.Engine.Wait(ctx, h, s.objects.object(dir), progress)
	for i, f := range result.Files {
		result.Files[i].Path = s.objects.root + strings.TrimPrefix(f.Path, s.objects.url)
	}
	return result, err
}
