package s3_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// fails asserts that an error has the code and class, contains all texts, and no secret.
func fails(t *testing.T, err error, code hindcast.Code, class hindcast.Class, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}

	e := hindcast.AsError(err)
	all := strings.Join(append([]string{e.Message, e.Next}, e.Detail...), "\n")
	if e.Code != code || e.Class != class {
		t.Errorf("%s, %s: %s\nwant %s, %s", e.Code, e.Class, all, code, class)
	}

	for _, text := range texts {
		if !strings.Contains(all, text) {
			t.Errorf("the error does not say %q:\n%s", text, all)
		}
	}

	if e.Next == "" || strings.Contains(all+err.Error(), os.Getenv("AWS_SECRET_ACCESS_KEY")) && os.Getenv("AWS_SECRET_ACCESS_KEY") != "" {
		t.Errorf("no next step, or a secret:\n%s", all)
	}
}

func put(t *testing.T, store *s3.Store) error {
	_, err := store.Put(t.Context(), "a/x", []byte("1"), objstore.Condition{})
	return err
}

func get(t *testing.T, store *s3.Store) error {
	_, _, err := store.Get(t.Context(), "a/x")
	return err
}

func TestErrorsOfTheServer(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)

	t.Run("no bucket", func(t *testing.T) {
		store := open(t, server.Endpoint, "nobody", "lake")
		fails(t, put(t, store), hindcast.EBucket, hindcast.ClassPermanent, "nobody", server.Endpoint)
		fails(t, get(t, store), hindcast.EBucket, hindcast.ClassPermanent, "nobody")
		_, err := store.List(t.Context(), "")
		fails(t, err, hindcast.EBucket, hindcast.ClassPermanent, "nobody")
		fails(t, get(t, open(t, server.Endpoint, "b1", "lake")), hindcast.EBucket, hindcast.ClassPermanent, "b1") // not a valid bucket name
	})

	t.Run("wrong secret", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
		fails(t, get(t, open(t, server.Endpoint, bucket, "")), hindcast.ECredentials, hindcast.ClassPermanent, "SignatureDoesNotMatch")
	})

	t.Run("unknown key", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKNOBODY")
		fails(t, get(t, open(t, server.Endpoint, bucket, "")), hindcast.ECredentials, hindcast.ClassPermanent, "InvalidAccessKeyId")
	})

	t.Run("no keys", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		fails(t, get(t, open(t, server.Endpoint, bucket, "")), hindcast.ECredentials, hindcast.ClassPermanent, "AWS_PROFILE")
	})

	t.Run("another region", func(t *testing.T) { // the server says so, and names the right one
		u := s3test.URL(server.Endpoint, bucket, "")
		u.RawQuery += "&region=eu-west-1"
		store, err := s3.Open(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		if err := put(t, store); err != nil {
			t.Error(err)
		}
	})
}

func TestAccessDenied(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	bucket := server.Bucket(t)
	if err := put(t, open(t, server.Endpoint, bucket, "lake")); err != nil {
		t.Fatal(err)
	}

	user := server.User(t)
	server.Allow(t, bucket, user, "s3:GetBucketPolicy")
	user.Setenv(t)
	store := open(t, server.Endpoint, bucket, "lake")
	objects := "on arn:aws:s3:::" + bucket + "/lake/*"
	fails(t, put(t, store), hindcast.EPermission, hindcast.ClassPermanent, "s3:PutObject", "/lake/a/x", objects)
	fails(t, get(t, store), hindcast.EPermission, hindcast.ClassPermanent, "s3:GetObject", "/lake/a/x", objects)
	_, err := store.Stat(t.Context(), "a/x")
	fails(t, err, hindcast.EPermission, hindcast.ClassPermanent, "s3:GetObject", "/lake/a/x")
	fails(t, store.Delete(t.Context(), "a/x"), hindcast.EPermission, hindcast.ClassPermanent, "s3:DeleteObject", objects)
	_, err = store.List(t.Context(), "a/")
	fails(t, err, hindcast.EPermission, hindcast.ClassPermanent, "allow s3:ListBucket on arn:aws:s3:::"+bucket)
	server.Allow(t, bucket, user, "s3:ListBucket")
	fails(t, store.DeleteAll(t.Context(), "a/"), hindcast.EPermission, hindcast.ClassPermanent, "s3:DeleteObject", objects)
}

// TestActions: the actions that docs/guide/s3.md names are all that is needed.
func TestActions(t *testing.T) {
	server := s3test.Start(t)
	bucket := server.Bucket(t)
	user := server.User(t)
	server.Allow(t, bucket, user, "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:AbortMultipartUpload")
	user.Setenv(t)
	everyOperation(t, open(t, server.Endpoint, bucket, "lake"))
}

func TestErrorsOnTheWay(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	always := func(fault s3test.Fault) *s3.Store {
		store, _ := faulty(t, server, func(s3test.Request) s3test.Fault { return fault })
		return store
	}

	fails(t, put(t, open(t, "http://127.0.0.1:1", "b", "")), hindcast.EUnreachable, hindcast.ClassTransient, "http://127.0.0.1:1", "refused")
	fails(t, put(t, open(t, "http://nobody.invalid:1", "b", "")), hindcast.EUnreachable, hindcast.ClassPermanent, "nobody.invalid")
	fails(t, put(t, always(s3test.Refuse)), hindcast.EUnreachable, hindcast.ClassTransient, "AWS_ENDPOINT_URL_S3")
	fails(t, put(t, always(s3test.Expired)), hindcast.ECredentials, hindcast.ClassPermanent, "have expired")
	fails(t, put(t, always(s3test.Moved)), hindcast.EBucket, hindcast.ClassPermanent, "?region=")
}

func TestPatienceEnds(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	for name, test := range map[string]struct {
		fault s3test.Fault
		code  hindcast.Code
		class hindcast.Class
		text  string
	}{
		"slow down": {s3test.SlowDown, hindcast.ELake, hindcast.ClassTransient, "SlowDown"},
		"clock":     {s3test.Skewed, hindcast.EClock, hindcast.ClassPermanent, "clock"},
		"damage":    {s3test.Damage, hindcast.ELake, hindcast.ClassPermanent, "not those that were written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, proxy := faulty(t, server, func(r s3test.Request) s3test.Fault {
				if r.Op == "GET" {
					return test.fault
				}
				return s3test.None
			})
			if err := put(t, store); err != nil {
				t.Fatal(err)
			}

			fails(t, get(t, store), test.code, test.class, test.text)
			if n := proxy.Count("GET"); n < 3 {
				t.Errorf("given up after %d tries", n)
			}
		})
	}
}

// TestMoved: an answer that names another region is followed, once.
func TestMoved(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if strings.Contains(r.Signed, "/eu-west-1/") {
			return s3test.Moved
		}
		return s3test.None
	})
	u := s3test.URL(proxy.Endpoint, server.Bucket(t), "")
	u.RawQuery += "&region=eu-west-1"
	store, err := s3.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}

	everyOperation(t, store)
	moved := 0
	for _, r := range proxy.Requests() {
		if strings.Contains(r.Signed, "/eu-west-1/") {
			moved++
		}
	}

	if moved != 1 {
		t.Errorf("%d requests went to the wrong region", moved)
	}
}

// TestEncryption: every way to write asks for it.
func TestEncryption(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	proxy := server.Proxy(t, func(s3test.Request) s3test.Fault { return s3test.None })
	u := s3test.URL(proxy.Endpoint, server.Bucket(t), "")
	u.RawQuery += "&sse=aws:kms&sse_kms_key_id=a-key"
	store, err := s3.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}

	everyOperation(t, store)
	for _, r := range proxy.Requests() {
		if want := map[string]string{"PUT": "aws:kms a-key", "BEGIN": "aws:kms a-key"}[r.Op]; r.Sealed != want {
			t.Errorf("%s %s asks for %q, want %q", r.Op, r.Key, r.Sealed, want)
		}
	}
}

func TestURLs(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9/")
	for text, want := range map[string]string{
		"s3://b/":                       "s3://b",
		"s3://b/a/b/":                   "s3://b/a/b",
		"s3://b/a%20b?region=eu-west-1": "s3://b/a b",
		"s3://b/a?endpoint=https%3A%2F%2Fhost%3A9%2F&path_style=true&sse=aws:kms&sse_kms_key_id=k": "s3://b/a",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if store, err := s3.Open(t.Context(), u); err != nil || store.URL() != want {
			t.Errorf("Open(%q) = %v, %v, want %s", text, store, err, want)
		}
	}

	for text, says := range map[string]string{
		"s3:///a":                             "no bucket",
		"s3://b/a/../c":                       "not a prefix",
		"s3://b/a//c":                         "not a prefix",
		"s3://b/?endpont=x":                   `"endpont"`,
		"s3://b/?path_style=maybe":            `"maybe"`,
		"s3://b/?sse=none":                    `"none"`,
		"s3://b/?endpoint=localhost:9000":     "https://host:port",
		"s3://b/?endpoint=http://a:b@host":    "credentials",
		"s3://b/?access_key_id=AK&secret=abc": "sse_kms_key_id",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s3.Open(t.Context(), u)
		fails(t, err, hindcast.EValue, hindcast.ClassPermanent, says)
	}
}
