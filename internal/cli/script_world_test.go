package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/preflight/preflighttest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
	"github.com/hindcast/hindcast/internal/s3test"
)

// world is what one script's commands know of each other.
type world struct {
	test      testing.TB
	postgres  string // the URL of the script's database, once it has one
	cluster   *pgtest.Cluster
	parts     [][]string // of a page of the guide
	dir       string
	account   *preflighttest.Account // if the script has an AWS account
	server    *s3test.Server         // if the script has a bucket
	user      s3test.Keys            // of `bucket denied`
	redshift  *redshifttest.Server
	runs      *sparkRuns      // of `sessions`
	control   *control.Server // of Redshift's control plane
	deadly    chan string     // hears of the call at which a command dies
	killed    chan struct{}   // closed when it has
	proxy     *s3test.Proxy   // before it, if there is one
	fault     atomic.Int64    // the s3test.Fault of all requests through it
	told      int             // of its requests
	source    string          // testdata/shop
	vars      []string
	running   map[string]*running
	snapshots map[string]string
	damaged   bool // the script harms the lake itself
	bury      func()
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// faults are what no script may leave behind: processes, and manifests without their files.
func (w *world) faults() []string {
	var faults []string
	for name, r := range w.running {
		select {
		case <-r.done:
		default:
			faults = append(faults, "the script did not wait for "+name)
			_ = r.cmd.Process.Kill()
			<-r.done
		}
	}
	for _, orphan := range w.orphans() {
		faults = append(faults, "an orphan is left: "+orphan)
	}
	if w.damaged {
		return faults
	}
	for _, manifest := range w.manifests() {
		faults = append(faults, without(manifest)...)
	}
	return faults
}

// orphans are the processes whose working directory is in the script's folder. A child is killed by the kernel
// when its parent dies, which takes a moment.
func (w *world) orphans() []string {
	var found []string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		found = nil
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, link := range links {
			at, err := os.Readlink(link)
			if err != nil || at != w.dir && !strings.HasPrefix(at, w.dir+"/") {
				continue
			}
			command, err := os.ReadFile(filepath.Join(filepath.Dir(link), "cmdline"))
			if err == nil && len(command) > 0 { // a zombie has none
				found = append(found, filepath.Base(filepath.Dir(link))+" "+strings.ReplaceAll(string(command), "\x00", " "))
			}
		}
		if len(found) == 0 {
			return nil
		}
	}
	return found
}

func (w *world) manifests() []string {
	found := manifestsBelow(w.dir)
	if w.server != nil {
		found = append(found, manifestsBelow(w.server.Root)...)
	}
	return found
}

func manifestsBelow(dir string) []string {
	var found []string
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "_manifest.json" {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// without says which files of a manifest are not there in full. Paths in a manifest start at the lake, which is
// some folder above it.
func without(path string) []string {
	body, err := os.ReadFile(path)
	if err != nil {
		return []string{err.Error()}
	}
	var m hindcast.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return []string{path + ": " + err.Error()}
	}
	var faults []string
	for _, f := range m.Files {
		if info, err := os.Stat(above(path, f.Path)); err != nil || info.Size() != f.Bytes {
			faults = append(faults, fmt.Sprintf("manifest %s without its file %s of %d bytes", path, f.Path, f.Bytes))
		}
	}
	return faults
}

func above(manifest, path string) string {
	for dir := filepath.Dir(manifest); dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			return filepath.Join(dir, path)
		}
	}
	return path
}

// earlier RUN: the shop that a hindcast wrote before plans had a format, as it stood after that run. Its engine was DuckDB 1.5:
// another minor version is another definition, with which it has to be written again.
func earlier(ts *testscript.TestScript, _ bool, args []string) {
	from := filepath.Join(worldOf(ts).source, "../earlier")
	ts.Check(os.CopyFS(ts.MkAbs("."), os.DirFS(from)))
	statements, err := os.ReadFile(filepath.Join(from, args[0]+".sql"))
	ts.Check(err)
	_, err = rowsOf(ts.MkAbs("warehouse.duckdb"), string(statements))
	ts.Check(err)
}
