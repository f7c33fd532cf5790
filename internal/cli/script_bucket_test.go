package cli

import (
	"context"
	"encoding/json"
	"io/fs"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// bucket: starts an S3 server with a bucket, and sets LAKE to the lake's URL there, BUCKET to the bucket's name and
// the credentials. All scripts' commands have them from here on.
func bucket(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: bucket")
	}
	w := worldOf(ts)
	w.server = s3test.Start(w.test)
	name := w.server.Bucket(w.test)
	vars := append(w.server.Env(), "BUCKET="+name, "LAKE="+s3test.URL(w.server.Endpoint, name, "lake").String())
	for _, pair := range vars {
		key, value, _ := strings.Cut(pair, "=")
		ts.Setenv(key, value)
	}
	w.vars = append(w.vars, vars...)
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

// usurp PIPELINE: takes the pipeline's lease over, as another machine would from one that fell silent, and gives it
// back.
func usurp(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: usurp PIPELINE")
	}
	w, ctx := worldOf(ts), context.Background()
	w.server.Setenv(w.test)
	store, err := s3.Open(ctx, s3test.URL(w.server.Endpoint, ts.Getenv("BUCKET"), "lake"))
	ts.Check(err)
	body, info, err := store.Get(ctx, lake.LeaseKey(args[0]))
	ts.Check(err)
	record := map[string]any{}
	ts.Check(json.Unmarshal(body, &record))
	fence, ok := record["fence"].(float64)
	if !ok {
		ts.Fatalf("the lease has no fence: %s", body)
	}
	record["fence"], record["token"], record["released"] = fence+1, "another", true
	body, err = json.Marshal(record)
	ts.Check(err)
	_, err = store.Put(ctx, lake.LeaseKey(args[0]), body, objstore.Condition{IfMatch: info.ETag})
	ts.Check(err)
}
