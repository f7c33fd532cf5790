package s3_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// Credentials, region and endpoint come from where the AWS tools look for them.
func TestWhereTheAWSToolsLook(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}

		return path
	}
	program := write("program", fmt.Sprintf("#!/bin/sh\necho '{\"Version\": 1, \"AccessKeyId\": %q, \"SecretAccessKey\": %q}'\n", server.ID, server.Secret))
	secrets := write("credentials", fmt.Sprintf("[lake]\naws_access_key_id = %s\naws_secret_access_key = %s\n", server.ID, server.Secret))
	settings := write("config", fmt.Sprintf("[profile lake]\nregion = us-east-1\nendpoint_url = %s\n[profile program]\ncredential_process = %s\n", server.Endpoint, program))
	empty := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": settings, "AWS_SHARED_CREDENTIALS_FILE": secrets}
	for name, s := range map[string]struct {
		env   map[string]string
		query string
	}{
		"profile":   {map[string]string{"AWS_PROFILE": "lake"}, ""},
		"program":   {map[string]string{"AWS_PROFILE": "program"}, "endpoint=" + url.QueryEscape(server.Endpoint)},
		"variables": {map[string]string{"AWS_ACCESS_KEY_ID": server.ID, "AWS_SECRET_ACCESS_KEY": server.Secret, "AWS_ENDPOINT_URL_S3": server.Endpoint, "AWS_REGION": "us-east-1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server.Setenv(t)
			for _, env := range []map[string]string{empty, s.env} {
				for key, value := range env {
					t.Setenv(key, value)
				}
			}

			store, err := s3.Open(t.Context(), &url.URL{Scheme: "s3", Host: bucket, Path: "/" + name, RawQuery: s.query})
			if err != nil {
				t.Fatal(err)
			}
			if err := put(t, store); err != nil {
				t.Error(err)
			}
		})
	}
}

// path_style decides whether the bucket is in the path or in the host name.
func TestPathStyle(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	for style, host := range map[string]string{"true": "no-such-host.invalid", "false": "a-bucket.no-such-host.invalid", "": "no-such-host.invalid"} {
		u := s3test.URL("http://no-such-host.invalid:9000", "a-bucket", "")
		if style != "" {
			u.RawQuery += "&path_style=" + style
		}

		store, err := s3.Open(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}

		fails(t, get(t, store), hindcast.EUnreachable, hindcast.ClassPermanent, "lookup "+host)
	}
}

// The parts of an upload are sent in parallel: here each of the first four waits for the others.
func TestPartsAreParallel(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	var begun atomic.Int64
	together := make(chan struct{})
	meet := sync.OnceFunc(func() { close(together) })
	store, _ := faulty(t, server, func(r s3test.Request) s3test.Fault {
		if r.Op == "PART" {
			if begun.Add(1) == 4 {
				meet()
			}
			<-together
		}
		return s3test.None
	})
	info, err := store.Upload(t.Context(), "x", strings.NewReader(strings.Repeat("x", 40<<20)))
	if err != nil || info.Bytes != 40<<20 {
		t.Errorf("%+v, %v", info, err)
	}
}
