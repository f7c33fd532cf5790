package cache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/objstore"
)

// holds runs a property over random inputs, and prints the seed that repeats a failure.
func holds(t *testing.T, times int, property func(random *rand.Rand) error) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	for range times {
		if err := property(rand.New(rand.NewPCG(seed, 0))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		seed++
	}
}

// store is an object store in memory that counts.
type store struct {
	mutex   sync.Mutex
	objects map[string]string // by key
	fetched map[string]spans  // by key and ETag
	bytes   int64
	gets    int
	twice   []string                                                      // what was fetched again
	before  func(ctx context.Context, key string, s span, p []byte) error // hook before a GetRange; nil does nothing

	answered func(p []byte) // may change an answer; nil does nothing
}

func newStore() *store { return &store{objects: map[string]string{}, fetched: map[string]spans{}} }

func (s *store) put(key, body string) hindcast.File {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.objects[key] = body
	sum := sha256.Sum256([]byte(body))
	f := hindcast.File{Path: key, Bytes: int64(len(body)), SHA256: hex.EncodeToString(sum[:])}
	f.CRC32C, _ = chunks.Sum(strings.NewReader(body), f.Bytes, nil) // reading a string cannot fail
	return f
}

func etag(body string) string {
	sum := sha256.Sum256([]byte(body))
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

func (s *store) URL() string { return "s3://bucket/lake" }

func (s *store) Stat(ctx context.Context, key string) (objstore.Info, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	body, there := s.objects[key]
	if !there {
		return objstore.Info{}, fmt.Errorf("looking at %s: %w", key, objstore.ErrNotExist)
	}

	return objstore.Info{Key: key, Bytes: int64(len(body)), ETag: etag(body)}, ctx.Err()
}

func (s *store) GetRange(ctx context.Context, key, tag string, offset int64, p []byte) error {
	asked := span{offset, offset + int64(len(p))}
	if s.before != nil {
		if err := s.before(ctx, key, asked, p); err != nil {
			return err
		}
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	body, there := s.objects[key]
	switch {
	case !there:
		return objstore.ErrNotExist
	case etag(body) != tag:
		return objstore.ErrPrecondition
	case asked.to > int64(len(body)):
		return fmt.Errorf("%s has %d bytes, asked for %v", key, len(body), asked)
	}

	copy(p, body[offset:])
	if s.answered != nil {
		s.answered(p)
	}

	s.gets++
	s.bytes += asked.bytes()
	have := s.fetched[key+tag]
	if again := asked.bytes() - (spans{asked}).minus(have).bytes(); again > 0 {
		s.twice = append(s.twice, fmt.Sprintf("%d bytes of %s", again, key))
	}

	s.fetched[key+tag] = have.with(asked)
	return ctx.Err()
}

// tally returns what was fetched since the last time.
func (s *store) tally() (bytes int64, gets int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	bytes, gets = s.bytes, s.gets
	s.bytes, s.gets = 0, 0
	return bytes, gets
}

// open opens a cache in which no file is small.
func open(t testing.TB, dir string, limit int64) *Cache {
	t.Helper()
	c, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}

	c.small = 0
	return c
}

func local(t testing.TB, c *Cache, from Source, columns []string, files ...hindcast.File) (paths []string, release func()) {
	t.Helper()
	paths, release, err := c.Local(t.Context(), from, files, columns)
	if err != nil {
		t.Fatal(err)
	}
	return paths, release
}

func wantError(t *testing.T, err error, code hindcast.Code, class hindcast.Class, text string) {
	t.Helper()
	e := hindcast.AsError(err)
	if e == nil || e.Code != code || e.Class != class || !strings.Contains(e.Error(), text) || e.Next == "" {
		t.Errorf("got %v (%+v), want %s, %s: …%s…", err, e, code, class, text)
	}
}

// onDisk is what the cache takes.
func onDisk(c *Cache) (bytes int64, entries int) {
	for _, e := range c.look() {
		bytes += e.bytes
		entries++
	}
	return bytes, entries
}

// database is DuckDB, for making files and for reading them.
type database struct {
	t   testing.TB
	dir string
	run func(statement string) (string, error)
}

func newDatabase(t testing.TB) *database {
	t.Helper()
	db, err := duck.Open(context.Background(), duck.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}

	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return &database{t: t, dir: t.TempDir(), run: func(statement string) (string, error) {
		if word, _, _ := strings.Cut(statement, " "); word == "COPY" || word == "SET" {
			_, err := db.Exec(statement)
			return "", err
		}

		var text *string
		err := db.QueryRow("SELECT string_agg(CAST(r AS VARCHAR), '\n' ORDER BY CAST(r AS VARCHAR)) FROM (" + statement + ") AS r").Scan(&text)
		if err != nil || text == nil {
			return "", err
		}

		return *text, nil
	}}
}

// parquet makes a file of a query's rows.
func (d *database) parquet(query, options string) string {
	d.t.Helper()
	path := filepath.Join(d.dir, "made.parquet")
	if _, err := d.run("COPY (" + query + ") TO " + duck.String(path) + " (FORMAT parquet" + options + ")"); err != nil {
		d.t.Fatal(err)
	}

	body, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}

	return string(body)
}

// save puts bytes into a new file.
func (d *database) save(body string) string {
	d.t.Helper()
	f, err := os.CreateTemp(d.dir, "*.parquet")
	if err == nil {
		_, err = f.WriteString(body)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		d.t.Fatal(err)
	}

	return f.Name()
}

// ask runs a query in which FILES are the paths.
func (d *database) ask(query string, paths ...string) string {
	d.t.Helper()
	text, err := d.run(strings.ReplaceAll(query, "FILES", "read_parquet("+duck.Strings(paths)+", union_by_name=true)"))
	if err != nil {
		d.t.Fatalf("%s: %v", query, err)
	}
	return text
}
