//go:build unix

package redshift_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
	"github.com/hindcast/hindcast/internal/warehouse/redshift"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// The test binary is also the process that holds the connections.
func TestMain(m *testing.M) {
	if os.Getenv("REDSHIFT_TEST") == "owner" {
		redshift.GiveUpQuickly(time.Second)
		if err := redshift.Serve(os.Stdin, os.Stdout, bucket); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func bucket(ctx context.Context, at string) (objstore.Store, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	return s3.Open(ctx, u)
}

const aside = "_hindcast/p/redshift/"

// stand is a stand-in with a bucket.
type stand struct {
	*redshifttest.Server
	s3           *s3test.Server
	lake, bucket string
}

func (s *stand) put(t *testing.T, key string) {
	t.Helper()
	if _, err := s.s3.Client().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
}

func (s *stand) keys(t *testing.T, prefix string) (keys []string) {
	t.Helper()
	out, err := s.s3.Client().ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range out.Contents {
		keys = append(keys, *object.Key)
	}
	return keys
}

// begin starts a stand-in with some tables.
func begin(t *testing.T, server *s3test.Server, setup string) *stand {
	t.Helper()
	s := &stand{Server: redshifttest.Start(t, server), s3: server, bucket: server.Bucket(t)}
	s.lake = s3test.URL(server.Endpoint, s.bucket, "lake").String()
	if setup != "" {
		s.Exec(t, setup)
	}
	return s
}

func (s *stand) options() redshift.Options {
	return redshift.Options{URL: s.URL("redshift") + "?sslmode=require", Role: redshifttest.Role, Lake: s.lake, Aside: aside}
}

func (s *stand) spec() child.Spec {
	return child.Spec{Name: "warehouse", Path: os.Args[0], Env: append(s.s3.Env(), "REDSHIFT_TEST=owner"), Stderr: os.Stderr}
}

// fails is the error of an owner's process that cannot open the warehouse.
func (s *stand) fails(t *testing.T, o redshift.Options) error {
	t.Helper()
	client, err := redshift.Open(context.Background(), s.spec(), o)
	if err == nil {
		_ = client.Close()
	}
	return err
}

// open starts the owner's process.
func (s *stand) open(t *testing.T, o redshift.Options) *hosted.Client {
	t.Helper()
	return warehousetest.Started(t, func(ctx context.Context) (*hosted.Client, error) { return redshift.Open(ctx, s.spec(), o) })
}

func TestConformance(t *testing.T) {
	server := s3test.Start(t)
	warehousetest.Run(t, func(t *testing.T) *warehousetest.World {
		s := begin(t, server, warehousetest.Setup)
		w := warehousetest.Hosted(t, func(ctx context.Context) (*hosted.Client, error) { return redshift.Open(ctx, s.spec(), s.options()) })
		w.Exec = func(t *testing.T, statement string) { s.Exec(t, statement) }
		w.Query = func(t *testing.T, query string) string { return warehousetest.Text(s.Exec(t, query)) }
		return w
	})
}

// The collation of the database, and what the role's sessions begin with, are told; hindcast's own sessions are set otherwise.
func TestSpoken(t *testing.T) {
	t.Parallel()
	s := begin(t, s3test.Start(t), "")
	is := s.open(t, s.options()).Properties()
	if is.Collation != "case_sensitive" || is.TimeZone != "UTC" || is.DateStyle != "ISO, MDY" {
		t.Errorf("%+v", is)
	}

	s.User(t, "analyst", "secret")
	s.Exec(t, "ALTER DATABASE "+s.Name+" SET redshift.\"collation\" = 'case_insensitive'; ALTER ROLE analyst IN DATABASE "+s.Name+" SET TimeZone = 'Asia/Tokyo'; ALTER ROLE analyst IN DATABASE "+s.Name+" SET DateStyle = 'German, DMY'")
	o := s.options()
	o.URL = "redshift://analyst:secret@" + s.Address() + "/" + s.Name + "?sslmode=require"
	is = s.open(t, o).Properties()
	if is.Collation != "case_insensitive" || is.TimeZone != "Asia/Tokyo" || is.DateStyle != "German, DMY" {
		t.Errorf("of a role with its own: %+v", is)
	}

	s.Exec(t, "DROP FUNCTION db_collation()")
	if is = s.open(t, s.options()).Properties(); is.Collation != "unknown" {
		t.Errorf("a database that does not tell: %+v", is)
	}
}
