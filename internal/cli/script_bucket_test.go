package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// bucket [harm|proxied|denied]: starts an S3 server with a bucket, and sets LAKE to the lake's URL there, BUCKET to the
// bucket's name, SERVER to the folder of its buckets, and the credentials. All scripts' commands have them from here on. With
// harm it is behind a proxy that fails every sixth request in one way or another; with proxied one that `fault` and `requests`
// are about; with denied the credentials are of a user who may do nothing, until `allow`.
func bucket(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) > 1 || len(args) == 1 && !slices.Contains([]string{"harm", "proxied", "denied"}, args[0]) {
		ts.Fatalf("usage: bucket [harm|proxied|denied]")
	}
	w := worldOf(ts)
	w.server = s3test.Start(w.test)
	name, endpoint, keys := w.server.Bucket(w.test), w.server.Endpoint, w.server.Keys
	switch strings.Join(args, "") {
	case "denied":
		w.user = w.server.User(w.test)
		keys = w.user
	case "harm":
		endpoint = w.server.Proxy(w.test, harmful()).Endpoint
	case "proxied":
		w.proxy = w.server.Proxy(w.test, func(s3test.Request) s3test.Fault { return s3test.Fault(w.fault.Load()) })
		endpoint = w.proxy.Endpoint
	}
	vars := append(keys.Env(), "BUCKET="+name, "SERVER="+w.server.Root, "LAKE="+s3test.URL(endpoint, name, "lake").String())
	for _, pair := range vars {
		key, value, _ := strings.Cut(pair, "=")
		ts.Setenv(key, value)
	}
	w.vars = append(w.vars, vars...)
}

// catalog: starts a stand-in for Amazon's Data Catalog and Athena, where all commands look for these from here on.
func dataCatalog(ts *testscript.TestScript, _ bool, _ []string) {
	w := worldOf(ts)
	endpoint := pythontest.Moto(w.test)
	for _, key := range []string{"AWS_ENDPOINT_URL_GLUE", "AWS_ENDPOINT_URL_ATHENA"} {
		ts.Setenv(key, endpoint)
		w.vars = append(w.vars, key+"="+endpoint)
	}
	ts.Setenv("AWS_REGION", "eu-central-1")
	w.vars = append(w.vars, "AWS_REGION=eu-central-1")
}

// requests OP: prints the keys, below the bucket, that were asked so since the last time (s3test.Request).
func requests(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	all := w.proxy.Requests()
	var keys []string
	for _, r := range all[w.told:] {
		if r.Op == args[0] {
			keys = append(keys, strings.TrimPrefix(r.Key, ts.Getenv("BUCKET")+"/"))
		}
	}
	w.told = len(all)
	sort.Strings(keys)
	_, _ = ts.Stdout().Write([]byte(strings.Join(append(keys, ""), "\n")))
}

// fault none|skewed|expired: from here on every request through the proxy is refused so.
func fault(ts *testscript.TestScript, _ bool, args []string) {
	faults := map[string]s3test.Fault{"none": s3test.None, "skewed": s3test.Skewed, "expired": s3test.Expired}
	kind, known := faults[strings.Join(args, " ")]
	if !known {
		ts.Fatalf("usage: fault none|skewed|expired")
	}
	worldOf(ts).fault.Store(int64(kind))
}

// allow ACTION…: the user of `bucket denied` may do these (s3:GetObject), and nothing else.
func allow(ts *testscript.TestScript, _ bool, args []string) {
	w := worldOf(ts)
	w.server.Allow(w.test, ts.Getenv("BUCKET"), w.user, args...)
}

// harmful is a rule that fails requests, but no request twice in the same way.
func harmful() func(s3test.Request) s3test.Fault {
	var count atomic.Int64
	faults := []s3test.Fault{s3test.Lose, s3test.Cut, s3test.SlowDown, s3test.Internal, s3test.Refuse, s3test.Lose, s3test.Damage}
	return func(r s3test.Request) s3test.Fault {
		n := count.Add(1)
		if n%6 != 0 {
			return s3test.None
		}
		fault := faults[int(n/6)%len(faults)]
		if fault == s3test.Damage && (r.Op != "GET" || strings.HasSuffix(r.Key, ".parquet")) {
			return s3test.None // a list has no checksum; of files the manifest has it
		}
		return fault
	}
}

// objects [REGEXP]: prints the keys in the bucket, below lake/, that match.
func objects(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(strings.Join(args, ""))
	root := filepath.Join(worldOf(ts).server.Root, ts.Getenv("BUCKET"), "lake")
	var keys []string
	ts.Check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if key, err := filepath.Rel(root, path); err == nil && want.MatchString(key) {
			keys = append(keys, key)
		}
		return nil
	}))
	sort.Strings(keys)
	_, _ = ts.Stdout().Write([]byte(strings.Join(append(keys, ""), "\n")))
}

// usurp is a program: `usurp PIPELINE` takes the lease of a pipeline in LAKE over, as another machine would from one
// that fell silent, and gives it back.
func usurp() {
	if err := takeOver(context.Background(), os.Getenv("LAKE"), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func takeOver(ctx context.Context, location, pipeline string) error {
	u, err := url.Parse(location)
	if err != nil {
		return err
	}
	store, err := s3.Open(ctx, u)
	if err != nil {
		return err
	}
	body, info, err := store.Get(ctx, lake.LeaseKey(pipeline))
	if err != nil {
		return err
	}
	record := map[string]any{}
	if err := json.Unmarshal(body, &record); err != nil {
		return err
	}
	fence, ok := record["fence"].(float64)
	if !ok {
		return fmt.Errorf("the lease has no fence: %s", body)
	}
	record["fence"], record["token"], record["released"] = fence+1, "another", true
	if body, err = json.Marshal(record); err != nil {
		return err
	}
	_, err = store.Put(ctx, lake.LeaseKey(pipeline), body, objstore.Condition{IfMatch: info.ETag})
	return err
}
