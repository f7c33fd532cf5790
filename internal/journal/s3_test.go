package journal

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/s3test"
)

// TestBucket keeps a journal in a bucket whose answers are often lost, through a takeover: what was reported is there
// once, and what the zombie appends later is not read.
func TestBucket(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == "PUT" && r.Nth == 1 && strings.HasSuffix(r.Key, "3.jsonl") {
			return s3test.Lose
		}
		if r.Op == "GET" && r.Nth%3 != 0 && strings.HasSuffix(r.Key, "5.jsonl") {
			return s3test.Missing // the write happened all the same
		}

		return s3test.None
	})
	store, err := s3.Open(t.Context(), s3test.URL(proxy.Endpoint, server.Bucket(t), "lake"))
	if err != nil {
		t.Fatal(err)
	}

	first := open(t, store, 1, Options{})
	var writers sync.WaitGroup
	for n := range 20 {
		writers.Go(func() {
			if err := first.Append(t.Context(), step(fmt.Sprint(n), 1)); err != nil {
				t.Error(err)
			}
		})
	}

	writers.Wait()
	before := named(read(t, store))
	if len(strings.Fields(before)) != 20 {
		t.Fatalf("20 events were reported, %q are there", before)
	}

	second := open(t, store, 2, Options{})
	add(t, first, step("zombie", 1))
	add(t, second, step("successor", 1))
	wantSlices(t, read(t, store), before+" successor")
	events, restarted, err := NewTail(store, prefix).Next(t.Context())
	if err != nil || restarted || named(events) != before+" successor" {
		t.Errorf("the tail shows %q, %t, %v", named(events), restarted, err)
	}

	end(t, first)
	end(t, second)
}
