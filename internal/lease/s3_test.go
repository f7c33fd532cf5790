package lease

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/s3"
	"github.com/hindcast/hindcast/internal/process"
	"github.com/hindcast/hindcast/internal/s3test"
)

// machine is a process on its own host, whose processes nobody else can see.
func machine(name string) process.Identity {
	return process.Identity{Host: name, Pid: 1, Started: "1", Boot: name}
}

// bucket opens a lake in a bucket in which every other answer to a write of the lease is lost.
func bucket(t *testing.T, server *s3test.Server) objstore.Store {
	t.Helper()
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if r.Op == "PUT" && strings.HasSuffix(r.Key, "lease.json") && r.Nth%2 == 1 {
			return s3test.Lose
		}
		return s3test.None
	})
	store, err := s3.Open(t.Context(), s3test.URL(proxy.Endpoint, server.Bucket(t), "lake"))
	if err != nil {
		t.Fatal(err)
	}

	return store
}

// TestMachines lets machines race for a lease in a bucket, and then take over one whose holder fell silent.
func TestMachines(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	for range 3 {
		store := bucket(t, server)
		var won atomic.Int64
		var group sync.WaitGroup
		leases := make(chan *Lease, 4)
		for n := range 4 {
			group.Go(func() {
				l, err := Acquire(t.Context(), store, pipeline, fmt.Sprint("r", n), Options{Process: machine(fmt.Sprint("host", n))})
				if err == nil {
					won.Add(1)
					leases <- l
				} else if hindcast.AsError(err).Code != hindcast.ELeaseHeld {
					t.Errorf("machine %d: %v", n, err)
				}
			})
		}

		group.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d machines hold the lease", won.Load())
		}

		first := <-leases
		if err := first.Check(t.Context()); err != nil {
			t.Errorf("the holder is told that it does not hold it: %v", err)
		}

		first.cancel() // suspended: it no longer renews
		first.ended.Wait()
		first.record.TTL = 200 * time.Millisecond

		if err := first.renew(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}

		second := acquire(t, store, "r9", Options{Process: machine("another"), Wait: true, Poll: 20 * time.Millisecond})
		if second.Fence() <= first.Fence() {
			t.Errorf("fence %d after %d", second.Fence(), first.Fence())
		}

		wantCode(t, first.Check(t.Context()), hindcast.EFenced)
		if err := first.renew(t.Context(), time.Second); err == nil {
			t.Error("a lease that was taken over is renewed")
		}

		release(t, second)
	}
}

// TestLeaseThatIsNotFound: a lease that the server does not find was not taken by somebody else, nor was one that was
// deleted.
func TestLeaseThatIsNotFound(t *testing.T) {
	server := s3test.Start(t)
	server.Setenv(t)
	var missing atomic.Int64 // answers to come
	proxy := server.Proxy(t, func(r s3test.Request) s3test.Fault {
		if strings.HasSuffix(r.Key, "lease.json") && missing.Add(-1) >= 0 {
			return s3test.Missing
		}
		return s3test.None
	})
	store, err := s3.Open(t.Context(), s3test.URL(proxy.Endpoint, server.Bucket(t), "lake"))
	if err != nil {
		t.Fatal(err)
	}

	l := acquire(t, store, "r1", Options{})
	for n := range int64(6) {
		missing.Store(n)
		if err := l.Check(t.Context()); err != nil {
			t.Errorf("checked, and not found %d times: %v", n, err)
		}
		missing.Store(n)
		if err := l.renew(t.Context(), time.Minute); err != nil {
			t.Errorf("renewed, and not found %d times: %v", n, err)
		}
	}

	missing.Store(0)

	for _, do := range []func() error{func() error { return l.Check(t.Context()) }, func() error { return l.renew(t.Context(), time.Minute) }} {
		if err := store.Delete(t.Context(), l.key); err != nil {
			t.Fatal(err)
		}
		if err := do(); err != nil {
			t.Errorf("deleted: %v", err)
		}
		if now, _, err := read(t.Context(), store, pipeline); err != nil || now.Token != l.record.Token || now.Fence != l.Fence() {
			t.Errorf("deleted and put back: %+v, %v", now, err)
		}
	}

	if err := store.Delete(t.Context(), l.key); err != nil {
		t.Fatal(err)
	}

	second := acquire(t, store, "r2", Options{Floor: l.Fence()})
	wantCode(t, l.Check(t.Context()), hindcast.EFenced)
	if err := l.renew(t.Context(), time.Minute); err == nil {
		t.Error("a lease that was deleted and taken by another is put back")
	}

	release(t, second)
}

// TestLostLease: after a lease's object is lost, fences continue above those that the catalog knows.
func TestLostLease(t *testing.T) {
	store := folder(t)
	l := acquire(t, store, "r1", Options{Floor: 6})
	publishUnder(t, store, l.Fence())
	release(t, l)

	if err := store.Delete(t.Context(), l.key); err != nil {
		t.Fatal(err)
	}

	again := acquire(t, store, "r2", Options{})
	if again.Fence() != 8 {
		t.Errorf("fence = %d after the lease with fence 7 was lost", again.Fence())
	}

	release(t, again)
}

func publishUnder(t *testing.T, store objstore.Store, fence int64) {
	t.Helper()
	m := &hindcast.Manifest{Name: "billing", Key: "2020", Source: "billing", Missing: true, Generation: 1, Run: "r1", Fence: fence, Attempt: 1}
	if err := lake.New(store, pipeline).PublishUnit(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}
