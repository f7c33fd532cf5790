// Package s3test runs a real S3 server for tests, versitygw over a temporary folder, and a proxy that injects faults
// between it and its clients. What is tested with them is the caller's responsibility.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// Region is the server's.
const Region = "us-east-1"

// patience bounds each wait for the server, on a machine that is busy with other work.
const patience = 60 * time.Second

// Keys are what a client signs with.
type Keys struct{ ID, Secret string }

// Env are the keys as environment variables. The AWS configuration of whoever runs the tests is ignored.
func (k Keys) Env() []string {
	return []string{"AWS_ACCESS_KEY_ID=" + k.ID, "AWS_SECRET_ACCESS_KEY=" + k.Secret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION=", "AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_S3="}
}

// Setenv makes the test's own process sign with the keys.
func (k Keys) Setenv(t testing.TB) {
	for _, pair := range k.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// Server is a running server. Buckets and objects are folders and files below its Root.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Keys            // of its owner, who may do everything
	Root     string

	program string
	folder  string
	buckets atomic.Int64
}

// Start starts a server that ends with the test, and with the test's process, however that ends. It fails the test if
// the server cannot be built or does not start.
func Start(t testing.TB) *Server {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatalf("building the S3 server for tests: %v", err)
	}

	s := &Server{Keys: newKeys(), program: program, folder: t.TempDir()}
	s.Root = filepath.Join(s.folder, "root")
	for _, dir := range []string{s.Root, filepath.Join(s.folder, "users")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}

	for try := 1; ; try++ {
		err := s.start(t)
		if err == nil {
			return s
		}
		if try == 3 { // somebody else may have taken the port meanwhile
			t.Fatalf("starting the S3 server for tests: %v", err)
		}
	}
}

func newKeys() Keys { return Keys{"AK" + rand.Text()[:18], rand.Text() + rand.Text()[:14]} }

// watched runs a program that is killed when standard input ends: with whoever holds its other end.
const watched = `"$@" & pid=$!; trap 'kill -9 $pid' EXIT; cat >/dev/null`

func (s *Server) start(t testing.TB) error {
	address, err := freePort()
	if err != nil {
		return err
	}

	s.Endpoint = "http://" + address
	cmd := exec.Command("/bin/sh", "-c", watched, "sh", s.program, "--port", address, "--region", Region, "--quiet", "--keep-alive",
		"--iam-dir", filepath.Join(s.folder, "users"), "--iam-cache-disable", "posix", "--disableotmp", s.Root) // else lists show files that are being written
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.ID, "ROOT_SECRET_ACCESS_KEY="+s.Secret)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	life, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}

	t.Cleanup(func() {
		_ = life.Close()
		_ = cmd.Wait()
	})

	if err := s.ready(); err != nil {
		_ = life.Close()
		_ = cmd.Wait()
		return fmt.Errorf("%w\n%s", err, said.String())
	}

	return nil
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// ready waits until the server answers its owner.
func (s *Server) ready() error {
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err = s.Client().ListBuckets(context.Background(), &awss3.ListBucketsInput{}); err == nil {
			return nil
		}
	}

	return err
}

// Client is the owner's client.
func (s *Server) Client() *awss3.Client {
	return awss3.New(awss3.Options{BaseEndpoint: &s.Endpoint, UsePathStyle: true, Region: Region, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(s.ID, s.Secret, "")})
}

// Bucket creates a bucket and returns its name.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", s.buckets.Add(1))
	if _, err := s.Client().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatalf("making a bucket: %v", err)
	}
	return name
}

// Put writes an object.
func (s *Server) Put(ctx context.Context, bucket, key string, body []byte) error {
	_, err := s.Client().PutObject(ctx, &awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}

// BucketFrom creates a bucket with the objects of another one and returns its name.
func (s *Server) BucketFrom(t testing.TB, from string) string {
	t.Helper()
	name := s.Bucket(t)
	pages := awss3.NewListObjectsV2Paginator(s.Client(), &awss3.ListObjectsV2Input{Bucket: &from})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("listing a bucket: %v", err)
		}
		for _, o := range page.Contents {
			in := &awss3.CopyObjectInput{Bucket: &name, Key: o.Key, CopySource: aws.String(url.PathEscape(from + "/" + *o.Key))}
			if _, err := s.Client().CopyObject(t.Context(), in); err != nil {
				t.Fatalf("copying %s: %v", *o.Key, err)
			}
		}
	}

	return name
}

// Uploads are the keys of the uploads in a bucket that were begun and neither completed nor aborted.
func (s *Server) Uploads(t testing.TB, bucket string) (keys []string) {
	t.Helper()
	out, err := s.Client().ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatalf("listing the uploads of a bucket: %v", err)
	}

	for _, u := range out.Uploads {
		keys = append(keys, *u.Key)
	}

	return keys
}

// User creates a user of the server without permissions.
func (s *Server) User(t testing.TB) Keys {
	t.Helper()
	keys := newKeys()
	out, err := exec.CommandContext(t.Context(), s.program, "admin", "--access", s.ID, "--secret", s.Secret, "--endpoint-url", s.Endpoint,
		"create-user", "--access", keys.ID, "--secret", keys.Secret, "--role", "user").CombinedOutput()
	if err != nil {
		t.Fatalf("making a user: %v\n%s", err, out)
	}

	return keys
}

// Allow grants a user the actions ("s3:GetObject") on a bucket and its objects, and revokes everything else from every user.
func (s *Server) Allow(t testing.TB, bucket string, user Keys, actions ...string) {
	t.Helper()
	quoted := make([]string, len(actions))
	for i, action := range actions {
		quoted[i] = fmt.Sprintf("%q", action)
	}

	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[%q]},"Action":[%s],`+
		`"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}`, user.ID, strings.Join(quoted, ","), bucket, bucket)
	if _, err := s.Client().PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy}); err != nil {
		t.Fatalf("setting the bucket's policy: %v", err)
	}
}

// URL is the lake URL of a prefix in a bucket at the endpoint: the server's own, or a proxy's.
func URL(endpoint, bucket, prefix string) *url.URL {
	return &url.URL{Scheme: "s3", Host: bucket, Path: "/" + prefix, RawQuery: url.Values{"endpoint": {endpoint}}.Encode()}
}
