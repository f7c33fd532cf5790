package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/hindcast/hindcast/internal/s3test"
)

// lakeInS3 measures runs over a lake in a bucket: a second run against the same over a folder, and what the first run
// on a new machine fetches.
func (b *bench) lakeInS3(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		months, rows := b.size(6, 2), b.size(2_000_000, 1_000_000)
		say("lake: %d slices of %d rows, in a bucket and in a folder", months, rows)
		l := &lakes{host: h, months: months, server: s3test.Start(h)}
		l.server.Setenv(h)
		l.bucket = l.server.Bucket(h)

		if err := l.make(ctx, rows); err != nil {
			return err
		}

		return b.compareLakes(ctx, l)
	})
}

// lakes are two folders with the same warehouse, one with its lake in the bucket.
type lakes struct {
	*host
	server *s3test.Server
	bucket string
	months int
	runs   int
}

const nearby, inBucket = "folder", "bucket"

func (l *lakes) folder(which string) string { return filepath.Join(l.dir, "lake-"+which) }

func (l *lakes) make(ctx context.Context, rows int) error {
	for _, which := range []string{nearby, inBucket} {
		if err := os.MkdirAll(l.folder(which), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(l.folder(which), "lakes.sql"), []byte(queries[0].sql+"\n"), 0o644); err != nil {
			return err
		}
		if err := makeUsage(ctx, filepath.Join(l.folder(which), "warehouse.duckdb"), l.months, rows); err != nil {
			return err
		}
	}
	return nil
}

// pipeline writes the pipeline file of the next run: a new target, the lake, and the folder that represents the
// machine.
func (l *lakes) pipeline(which, endpoint, machine string) (string, error) {
	l.runs++
	text := pipelineText("lakes", "warehouse.duckdb", l.months, fmt.Sprintf("result_%d", l.runs), "8GB", nil)
	if which == inBucket {
		text = strings.Replace(text, "lake: ./lake\n", fmt.Sprintf("lake: %q\n", s3test.URL(endpoint, l.bucket, "lake")), 1)
		text = strings.Replace(text, "run: {", fmt.Sprintf("run: {scratch: %q, ", filepath.Join(l.dir, machine)), 1)
	}

	file := filepath.Join(l.folder(which), "lakes.yml")
	return file, os.WriteFile(file, []byte(text), 0o644)
}

func (b *bench) compareLakes(ctx context.Context, l *lakes) error {
	run := func(which, endpoint, machine string) (float64, error) {
		file, err := l.pipeline(which, endpoint, machine)
		if err != nil {
			return 0, err
		}

		o, err := b.hindcastRun(ctx, file, "--force")
		if err != nil {
			return 0, err
		}

		return o.wall.Seconds(), nil
	}

	for _, which := range []string{nearby, inBucket} { // the unloads
		if _, err := run(which, l.server.Endpoint, "first"); err != nil {
			return err
		}
	}

	counted := l.count()
	first, err := run(inBucket, counted.endpoint, "second")
	if err != nil {
		return err
	}

	fetched := counted.bytes.Load()
	needed, err := l.needed(ctx)
	if err != nil {
		return err
	}

	var near, far []float64
	for range b.size(4, 2) {
		n, err := run(nearby, "", "")
		if err != nil {
			return err
		}

		f, err := run(inBucket, l.server.Endpoint, "second")
		if err != nil {
			return err
		}

		near, far = append(near, n), append(far, f)
	}

	b.ratio("lake in S3: a second run over the same history, against a lake in a folder", medianRatio(near, far), 0.95,
		fmt.Sprintf("%.2f s against %.2f s", median(far), median(near)))
	b.peer("the first run on another machine", fmt.Sprintf("%.2f s", first))
	b.most("bytes that it fetched, against those of the columns used", float64(fetched)/float64(needed), 1.05,
		fmt.Sprintf("%.1f of %.1f MB", float64(fetched)/1e6, float64(needed)/1e6))
	return nil
}

// counter forwards requests and counts the bytes of Parquet files in the answers.
type counter struct {
	endpoint string
	bytes    atomic.Int64
}

func (l *lakes) count() *counter {
	c := &counter{}
	to, err := url.Parse(l.server.Endpoint)
	if err != nil {
		l.Fatal(err)
	}

	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, // the host is signed
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && strings.HasSuffix(r.Request.URL.Path, ".parquet") {
				r.Body = &counting{r.Body, &c.bytes}
			}
			return nil
		},
	})
	l.Cleanup(server.Close)
	c.endpoint = server.URL
	return c
}

type counting struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

// needed sums the chunks of the columns that the SQL reads, by the footers of the bucket's files.
func (l *lakes) needed(ctx context.Context) (n int64, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close() }() // in memory

	under := filepath.Join(l.server.Root, l.bucket, "lake", "lakes")
	for glob, columns := range map[string]string{
		"facts/usage/*/*/*.parquet":       "'account_id', 'usage_date', 'service', 'region', 'cost', 'quantity'",
		"dimensions/accounts/*/*.parquet": "'account_id', 'cost_center'",
	} {
		var some int64
		if err := db.QueryRowContext(ctx, "SELECT coalesce(sum(total_compressed_size), 0)::BIGINT FROM parquet_metadata('"+filepath.Join(under, glob)+
			"') WHERE path_in_schema IN ("+columns+")").Scan(&some); err != nil {
			return 0, err
		}

		n += some
	}

	return n, nil
}
