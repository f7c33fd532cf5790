package lease

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
	"github.com/hindcast/hindcast/internal/process"
)

const pipeline = `cloud "costs"`

// TestMain lets the test binary act as a holder: it takes the lease, says so and waits to be killed.
func TestMain(m *testing.M) {
	root := os.Getenv("HINDCAST_TEST_HOLD")
	if root == "" {
		os.Exit(m.Run())
	}

	store, err := file.Open(root)
	if err == nil {
		var l *Lease
		if l, err = Acquire(context.Background(), store, pipeline, "r1", Options{}); err == nil {
			fmt.Println(l.Fence())
			<-l.Stop()
			err = l.Release(context.Background())
		}
	}

	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}

	os.Exit(0)
}

func folder(t *testing.T) *file.Store {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func acquire(t *testing.T, store objstore.Store, run string, options Options) *Lease {
	t.Helper()
	l, err := Acquire(t.Context(), store, pipeline, run, options)
	if err != nil {
		t.Fatalf("Acquire for %s: %v", run, err)
	}
	return l
}

func release(t *testing.T, l *Lease) {
	t.Helper()
	if err := l.Release(t.Context()); err != nil {
		t.Fatalf("Release: %v", err)
	}
}

func wantCode(t *testing.T, err error, code hindcast.Code) *hindcast.Error {
	t.Helper()
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != code || e.Next == "" {
		t.Fatalf("error = %v, want %s with a next step", err, code)
	}
	return e
}

// elsewhere is a process on a host whose processes we cannot see.
var elsewhere = process.Identity{Host: "elsewhere", Pid: 7, Started: "1", Boot: "another"}

func TestOneHolder(t *testing.T) {
	store := folder(t)
	if holder, err := Inspect(t.Context(), store, pipeline); err != nil || holder != (Holder{}) {
		t.Errorf("Inspect = %+v, %v before any lease", holder, err)
	}

	first := acquire(t, store, "r1", Options{})
	_, err := Acquire(t.Context(), store, pipeline, "r2", Options{})
	e := wantCode(t, err, hindcast.ELeaseHeld)
	for _, want := range []string{"run r1", fmt.Sprint(os.Getpid()), "this host"} {
		if !strings.Contains(e.Message, want) {
			t.Errorf("%q does not name %q", e.Message, want)
		}
	}

	holder, err := Inspect(t.Context(), store, pipeline)
	if err != nil || !holder.Held || holder.Dead || !holder.Here || holder.Run != "r1" || holder.Fence != 1 || holder.Pid != os.Getpid() {
		t.Errorf("Inspect = %+v, %v", holder, err)
	}

	release(t, first)
	release(t, first)
	if holder, err = Inspect(t.Context(), store, pipeline); err != nil || holder.Held || holder.Fence != 1 {
		t.Errorf("Inspect = %+v, %v after the release", holder, err)
	}

	second := acquire(t, store, "r2", Options{Floor: 40})
	if second.Fence() != 41 {
		t.Errorf("fence = %d, want one above the floor of 40", second.Fence())
	}

	release(t, second)
	third := acquire(t, store, "r3", Options{Floor: 7})
	if third.Fence() != 42 {
		t.Errorf("fence = %d, want 42", third.Fence())
	}

	other, err := Acquire(t.Context(), store, "another pipeline", "r1", Options{})
	if err != nil {
		t.Fatal(err)
	}

	release(t, other)
	release(t, third)
}

func TestRacers(t *testing.T) {
	for range 10 {
		store := folder(t)
		var won, fence atomic.Int64
		var group sync.WaitGroup
		leases := make(chan *Lease, 8)
		for n := range 8 {
			group.Go(func() {
				l, err := Acquire(t.Context(), store, pipeline, fmt.Sprint("r", n), Options{})
				if err == nil {
					won.Add(1)
					fence.Store(l.Fence())
					leases <- l
				} else if hindcast.AsError(err).Code != hindcast.ELeaseHeld {
					t.Errorf("racer %d: %v", n, err)
				}
			})
		}

		group.Wait()
		if won.Load() != 1 || fence.Load() != 1 {
			t.Fatalf("%d racers hold the lease, the last with fence %d", won.Load(), fence.Load())
		}

		release(t, <-leases)
	}
}

// TestWaitersTakeTurns lets eight processes wait for each other: never two hold it at once, and every fence is higher.
func TestWaitersTakeTurns(t *testing.T) {
	store := folder(t)
	var group sync.WaitGroup
	var holding, last atomic.Int64
	for n := range 8 {
		group.Go(func() {
			l, err := Acquire(t.Context(), store, pipeline, fmt.Sprint("r", n), Options{Wait: true, Poll: time.Millisecond})
			if err != nil {
				t.Error(err)
				return
			}

			if holding.Add(1) != 1 || last.Swap(l.Fence()) >= l.Fence() {
				t.Errorf("run r%d holds the lease beside another, fence %d", n, l.Fence())
			}

			holding.Add(-1)
			if err := l.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}

	group.Wait()
	if last.Load() != 8 {
		t.Errorf("last fence = %d, want 8", last.Load())
	}
}

// hold starts a process that holds the lease.
func hold(t *testing.T, store *file.Store) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "HINDCAST_TEST_HOLD="+store.URL())
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "1" {
		t.Fatalf("the holder says %q, %v", line, err)
	}

	return command
}

func TestKilledHolder(t *testing.T) {
	store := folder(t)
	holder := hold(t, store)
	_, err := Acquire(t.Context(), store, pipeline, "r2", Options{})
	if e := wantCode(t, err, hindcast.ELeaseHeld); !strings.Contains(e.Message, fmt.Sprint(holder.Process.Pid)) {
		t.Errorf("%q does not name process %d", e.Message, holder.Process.Pid)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}

	_ = holder.Wait() // says that it was killed
	if seen, err := Inspect(t.Context(), store, pipeline); err != nil || !seen.Dead || !seen.Held {
		t.Errorf("Inspect = %+v, %v, want a dead holder", seen, err)
	}

	_, err = RequestStop(t.Context(), store, pipeline, "r1", "a test", false)
	wantCode(t, err, hindcast.ERun)
	l := acquire(t, store, "r1", Options{})
	if l.Fence() != 2 {
		t.Errorf("fence = %d, want 2", l.Fence())
	}

	release(t, l)
}

func TestStopBetweenProcesses(t *testing.T) {
	store := folder(t)
	holder := hold(t, store)
	asked, err := RequestStop(t.Context(), store, pipeline, "r1", "a test", false)
	if err != nil || asked.Pid != holder.Process.Pid {
		t.Fatalf("RequestStop asked %+v, %v", asked, err)
	}
	if err := holder.Wait(); err != nil {
		t.Errorf("the holder ended with %v", err)
	}

	release(t, acquire(t, store, "r2", Options{}))
}

func TestReusedPid(t *testing.T) {
	store := folder(t)
	us, err := process.This()
	if err != nil {
		t.Fatal(err)
	}
	if !us.Alive() {
		t.Error("we count as dead")
	}

	earlier := us
	earlier.Started = "0"
	l := acquire(t, store, "r1", Options{Process: earlier})
	defer release(t, l)
	release(t, acquire(t, store, "r2", Options{}))
}

func TestStopRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		l := acquire(t, store, "r1", Options{})
		for _, now := range []bool{false, true} {
			if _, err := RequestStop(t.Context(), store, pipeline, "r1", "ann", now); err != nil {
				t.Fatal(err)
			}
			if r := <-l.Stop(); r.Now != now || r.Who != "ann" || r.Run != "r1" {
				t.Errorf("request = %+v", r)
			}
		}

		_, err := RequestStop(t.Context(), store, pipeline, "r9", "ann", false)
		wantCode(t, err, hindcast.ERun)
		release(t, l)
		_, err = RequestStop(t.Context(), store, pipeline, "r1", "ann", false)
		wantCode(t, err, hindcast.ERun)

		// A resume does not see its predecessor's requests.
		l = acquire(t, store, "r1", Options{})
		select {
		case r := <-l.Stop():
			t.Errorf("an old request was delivered: %+v", r)
		case <-time.After(10 * DefaultPoll):
		}

		release(t, l)
	})
}

// TestSilentHolder lets a holder elsewhere fall silent: it is taken over after the TTL and not before, whatever the
// wall clock says.
func TestSilentHolder(t *testing.T) {
	for name, jump := range map[string]time.Duration{"steady": 0, "ahead": 1000 * time.Hour, "back": -1000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := folder(t)
				gone := acquire(t, store, "r1", Options{Process: elsewhere})
				gone.cancel() // as if its machine had lost power
				gone.ended.Wait()
				begun := time.Now()
				l := acquire(t, store, "r2", Options{Wait: true, Now: func() time.Time { return time.Now().Add(jump) }})

				if took := time.Since(begun); took < DefaultTTL || took > DefaultTTL+2*DefaultPoll {
					t.Errorf("it took %v, want the TTL of %v", took, DefaultTTL)
				}
				if l.Fence() != 2 {
					t.Errorf("fence = %d, want 2", l.Fence())
				}

				release(t, l)
			})
		})
	}
}

// TestSilenceByTheHoldersTTL: the holder's TTL counts, not that of whoever waits.
func TestSilenceByTheHoldersTTL(t *testing.T) {
	for _, ttl := range []time.Duration{2 * time.Second, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			store := folder(t)
			gone := acquire(t, store, "r1", Options{Process: elsewhere, TTL: ttl})
			gone.cancel()
			gone.ended.Wait()
			begun := time.Now()
			l := acquire(t, store, "r2", Options{Wait: true})

			if took := time.Since(begun); took < ttl || took > ttl+2*DefaultPoll {
				t.Errorf("it took %v, want the holder's TTL of %v", took, ttl)
			}

			release(t, l)
		})
	}
}

// TestWatch: a holder elsewhere is silent once its lease has not changed for its own TTL; one that renews never is.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		l := acquire(t, store, "r1", Options{Process: elsewhere, TTL: 2 * time.Minute})
		var watch Watch
		silent := func() bool {
			holder, err := Inspect(t.Context(), store, pipeline)
			if err != nil {
				t.Fatal(err)
			}

			return watch.Silent(holder)
		}

		for range 20 {
			if silent() {
				t.Fatal("a holder that renews its lease is silent")
			}
			time.Sleep(time.Minute)
		}

		l.cancel()
		l.ended.Wait()
		silent()
		time.Sleep(2*time.Minute - time.Second)

		if silent() {
			t.Error("silent before its TTL is over")
		}

		time.Sleep(time.Second)
		if !silent() {
			t.Error("not silent when its TTL is over")
		}

		release(t, l)
		if silent() {
			t.Error("a released lease counts as silent")
		}
	})
}

// TestLiveHolder waits for a holder that renews: it is never taken over, not even by a process whose clock runs ahead.
func TestLiveHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		l := acquire(t, store, "r1", Options{Process: elsewhere})
		ahead := func() time.Time { return time.Now().Add(time.Hour) }
		ctx, cancel := context.WithTimeout(t.Context(), 20*DefaultTTL)
		defer cancel()

		if _, err := Acquire(ctx, store, pipeline, "r2", Options{Wait: true, Now: ahead}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting ended with %v", err)
		}

		_, err := Acquire(t.Context(), store, pipeline, "r2", Options{Now: ahead})
		wantCode(t, err, hindcast.ELeaseHeld)
		select {
		case <-l.Lost():
			t.Errorf("lost: %v", l.Err())
		default:
		}

		release(t, l)
	})
}

// TestSilentWithoutWait takes over a lease that was left long ago on a lost host.
func TestSilentWithoutWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		gone := acquire(t, store, "r1", Options{Process: elsewhere})
		gone.cancel()
		gone.ended.Wait()
		_, err := Acquire(t.Context(), store, pipeline, "r2", Options{})
		wantCode(t, err, hindcast.ELeaseHeld)
		time.Sleep(time.Hour)
		release(t, acquire(t, store, "r2", Options{}))
	})
}

func TestLostToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		earlier := Options{Process: process.Identity{}}
		us, err := process.This()
		if err != nil {
			t.Fatal(err)
		}

		us.Started = "0" // counts as dead but is not: a zombie
		earlier.Process = us
		zombie := acquire(t, store, "r1", earlier)
		l := acquire(t, store, "r1", Options{})
		<-zombie.Lost()
		wantCode(t, zombie.Err(), hindcast.EFenced)
		release(t, zombie)

		if holder, err := Inspect(t.Context(), store, pipeline); err != nil || !holder.Held || holder.Fence != l.Fence() {
			t.Errorf("the zombie released what is not its own: %+v, %v", holder, err)
		}

		release(t, l)
	})
}

// flaky fails every write while it is down.
type flaky struct {
	objstore.Store
	down atomic.Bool
	lose atomic.Bool // the write happens, its answer is lost, and it is repeated
}

func (f *flaky) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	if f.down.Load() {
		return objstore.Info{}, errors.New("the store is down")
	}

	if f.lose.Load() {
		if _, err := f.Store.Put(ctx, key, body, cond); err != nil {
			return objstore.Info{}, err
		}
	}

	return f.Store.Put(ctx, key, body, cond)
}

func TestStoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: folder(t)}
		l := acquire(t, store, "r1", Options{Process: elsewhere})
		store.down.Store(true)
		time.Sleep(DefaultTTL - time.Second)
		store.down.Store(false)
		time.Sleep(DefaultTTL)

		select {
		case <-l.Lost():
			t.Fatalf("lost although the store came back: %v", l.Err())
		default:
		}

		store.down.Store(true)
		begun := time.Now()
		<-l.Lost()

		if took := time.Since(begun); took > DefaultTTL || took < DefaultTTL/2 {
			t.Errorf("lost after %v of silence", took)
		}

		wantCode(t, l.Err(), hindcast.ELake)
		release(t, l)
	})
}

func TestLostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: folder(t)}
		store.lose.Store(true)
		l := acquire(t, store, "r1", Options{Process: elsewhere})
		time.Sleep(5 * DefaultTTL)

		select {
		case <-l.Lost():
			t.Fatalf("lost: %v", l.Err())
		default:
		}

		release(t, l)
		if holder, err := Inspect(t.Context(), store, pipeline); err != nil || holder.Held {
			t.Errorf("Inspect = %+v, %v after the release", holder, err)
		}
	})
}

func TestCorruptLease(t *testing.T) {
	store := folder(t)
	for _, body := range []string{"", "{", "null", `{"fence": 0}`} {
		if _, err := store.Put(t.Context(), lake.LeaseKey(pipeline), []byte(body), objstore.Condition{}); err != nil {
			t.Fatal(err)
		}

		_, err := Acquire(t.Context(), store, pipeline, "r1", Options{})
		wantCode(t, err, hindcast.ELake)
		_, err = Inspect(t.Context(), store, pipeline)
		wantCode(t, err, hindcast.ELake)
	}
}

// Requests for slices add up, each as it was made, and never replace one for the whole run.
func TestStopRequestsForSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := folder(t)
		l := acquire(t, store, "r1", Options{})
		ask := func(who string, now bool, keys ...string) {
			if _, err := RequestStop(t.Context(), store, pipeline, "r1", who, now, keys...); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}

		hear := func(who string, now bool, keys ...string) {
			t.Helper()
			select {
			case r := <-l.Stop():
				if r.Who != who || r.Now != now || !slices.Equal(r.Slices, keys) {
					t.Errorf("heard %+v, want %s %v %v", r, who, now, keys)
				}
			case <-time.After(time.Minute):
				t.Errorf("%s is not heard", who)
			}
		}

		ask("ann", true, "a")
		ask("bob", false, "b")
		hear("ann", true, "a")
		hear("bob", false, "b")
		ask("ann", false, "c")
		hear("ann", false, "c")
		ask("ann", true)
		ask("bob", false, "d")
		hear("ann", true)
		time.Sleep(time.Minute)

		select {
		case r := <-l.Stop():
			t.Errorf("heard %+v as well", r)
		default:
		}

		release(t, l)
	})
}
