package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/objstore/file"
)

const prefix = "_hindcast/p/runs/r1/"

// stores are the two ways to write: extending a file, and numbered segments for stores that cannot append.
var stores = map[string]func(s *file.Store) objstore.Store{
	"append":   func(s *file.Store) objstore.Store { return s },
	"segments": func(s *file.Store) objstore.Store { return struct{ objstore.Store }{s} },
}

func folder(t testing.TB) *file.Store {
	t.Helper()
	store, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// both runs a test on both kinds of store.
func both(t *testing.T, test func(t *testing.T, store objstore.Store)) {
	for name, wrap := range stores {
		t.Run(name, func(t *testing.T) { test(t, wrap(folder(t))) })
	}
}

func open(t testing.TB, store objstore.Store, fence int64, options Options) *Journal {
	t.Helper()
	if options.Run == "" {
		options.Run = "r1"
	}

	j, err := Open(t.Context(), store, prefix, fence, options)
	if err != nil {
		t.Fatalf("Open with fence %d: %v", fence, err)
	}

	return j
}

func add(t testing.TB, j *Journal, events ...hindcast.Event) {
	t.Helper()
	if err := j.Append(t.Context(), events...); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func end(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func read(t testing.TB, store objstore.Store) []hindcast.Event {
	t.Helper()
	events, err := Read(t.Context(), store, prefix)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return events
}

func step(slice string, attempt int) hindcast.Event {
	return hindcast.Event{Type: hindcast.EventStepStarted, Slice: slice, Attempt: attempt, Step: hindcast.StepTransform}
}

// named returns the slices of events, in order.
func named(events []hindcast.Event) string {
	var names []string
	for _, e := range events {
		names = append(names, e.Slice)
	}
	return strings.Join(names, " ")
}

func wantSlices(t testing.TB, events []hindcast.Event, want string) {
	t.Helper()
	if got := named(events); got != want {
		t.Fatalf("events of %q, want %q", got, want)
	}

	for i, e := range events {
		if e.Seq != int64(i)+1 || e.V != hindcast.EventVersion || e.Run != "r1" {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

func wantCode(t testing.TB, err error, code hindcast.Code) *hindcast.Error {
	t.Helper()
	e, ok := errors.AsType[*hindcast.Error](err)
	if !ok || e.Code != code || e.Next == "" {
		t.Fatalf("error = %v, want %s with a next step", err, code)
	}
	return e
}

func TestAppendAndRead(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		wantSlices(t, read(t, store), "")
		at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
		var seen []hindcast.Event
		j := open(t, store, 1, Options{Now: func() time.Time { return at }, Each: func(e hindcast.Event) { seen = append(seen, e) }})
		wantSlices(t, read(t, store), "")
		full := hindcast.Event{Type: hindcast.EventStepFinished, Slice: "b", Attempt: 2, Step: hindcast.StepUnload, Rows: 7,
			Error: &hindcast.Error{Code: hindcast.ESQL, Message: "a < b && \"c\" \u2028 é"}, Counts: map[hindcast.State]int{hindcast.Failed: 1},
			Manifest: &hindcast.Manifest{Name: "billing", Files: []hindcast.File{{Path: "x", Rows: 1}}}}
		add(t, j, step("a", 1), full)

		if events := read(t, store); !reflect.DeepEqual(events, seen) || len(seen) != 2 {
			t.Errorf("read %+v\nseen %+v", events, seen)
		}
		if !seen[1].Time.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("time = %v, want the clock's %v", seen[1].Time, at)
		}
		if err := j.AppendAsync(step("c", 1)); err != nil {
			t.Fatal(err)
		}
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}

		wantSlices(t, read(t, store), "a b c")
		if err := j.AppendAsync(step("d", 1)); err != nil {
			t.Fatal(err)
		}

		end(t, j)
		end(t, j)
		wantSlices(t, read(t, store), "a b c d")

		if j.Seq() != 4 {
			t.Errorf("Seq = %d, want 4", j.Seq())
		}
		if err := j.Append(t.Context(), step("e", 1)); err == nil {
			t.Error("a closed journal accepts events")
		}
	})
}

func TestNextFence(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		var zombies []*Journal
		want := ""
		for fence := int64(2); fence < 8; fence += 2 {
			past := 0
			j := open(t, store, fence, Options{Each: func(hindcast.Event) { past++ }})
			if past != int(fence-2) {
				t.Errorf("fence %d was given %d past events", fence, past)
			}

			for _, name := range []string{"x", "y"} {
				name = fmt.Sprint(name, fence)
				add(t, j, step(name, 1))
				want = strings.TrimSpace(want + " " + name)
			}

			zombies = append(zombies, j)

			// What zombies write is never read.
			for _, zombie := range zombies[:len(zombies)-1] {
				_ = zombie.Append(t.Context(), step("zombie", 1))
			}

			wantSlices(t, read(t, store), want)
		}

		for _, lower := range []int64{1, 3, 5} {
			_, err := Open(t.Context(), store, prefix, lower, Options{})
			wantCode(t, err, hindcast.EFenced)
		}

		wantSlices(t, read(t, store), want)
		for _, j := range zombies {
			_ = j.Close()
		}
	})
}

// TestLateZombie lets a zombie begin its file only after the takeover.
func TestLateZombie(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		end(t, open(t, store, 1, Options{}))
		empty := &chain{}
		second := open(t, store, 3, Options{})
		add(t, second, step("a", 1))
		s, err := openSink(t.Context(), store, prefix, 2, empty)
		if err != nil {
			t.Fatal(err)
		}

		var lines bytes.Buffer
		if err := appendLine(&lines, step("zombie", 1)); err != nil {
			t.Fatal(err)
		}
		if err := s.write(lines.Bytes()); err != nil {
			t.Fatal(err)
		}

		_ = s.close()
		wantSlices(t, read(t, store), "a")
		end(t, second)
	})
}

func TestSameFenceAgain(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		for _, name := range []string{"a", "b", "c"} {
			j := open(t, store, 4, Options{})
			add(t, j, step(name, 1))
			end(t, j)
		}
		wantSlices(t, read(t, store), "a b c")
	})
}

func TestTwoWritersOfOneFence(t *testing.T) {
	store := stores["segments"](folder(t))
	first, second := open(t, store, 1, Options{}), open(t, store, 1, Options{})
	add(t, first, step("a", 1))
	wantCode(t, second.Append(t.Context(), step("b", 1)), hindcast.EFenced)
	end(t, first)
	wantSlices(t, read(t, store), "a")
	_ = second.Close()
}

func TestGroupCommit(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		var mu sync.Mutex
		durable := map[string]bool{}
		j := open(t, store, 1, Options{Each: func(e hindcast.Event) {
			mu.Lock()
			defer mu.Unlock()
			durable[e.Slice] = true
		}})

		var group sync.WaitGroup
		for g := range 8 {
			group.Go(func() {
				for n := range 50 {
					name := fmt.Sprintf("%d-%d", g, n)
					if err := j.Append(t.Context(), step(name, n)); err != nil {
						t.Error(err)
					}

					mu.Lock()
					if !durable[name] {
						t.Errorf("%s was reported before it was durable", name)
					}
					mu.Unlock()
				}
			})
		}

		group.Wait()
		end(t, j)
		events := read(t, store)
		last := map[byte]int{}
		for _, e := range events {
			if e.Attempt < last[e.Slice[0]] {
				t.Errorf("%s stands after a later event of its goroutine", e.Slice)
			}
			last[e.Slice[0]] = e.Attempt
		}

		if len(events) != 400 {
			t.Errorf("%d events, want 400", len(events))
		}
	})
}

// gate is a sink that waits to be let through, so that a test sees what is batched.
type gate struct {
	batches chan int // lines of each batch that arrived
	pass    chan error
}

func (g *gate) write(lines []byte) error {
	g.batches <- bytes.Count(lines, []byte{'\n'})
	return <-g.pass
}

func (g *gate) close() error { return nil }

func gated(t *testing.T) (*Journal, *gate) {
	t.Helper()
	j := open(t, folder(t), 1, Options{})
	end(t, j)
	g := &gate{batches: make(chan int), pass: make(chan error)}
	again := &Journal{options: j.options, sink: g, pending: newBatch(), wake: make(chan struct{}, 1), ended: make(chan struct{}), writing: j.writing}
	go again.write()
	return again, g
}

func TestOneWriteForAllThatWait(t *testing.T) {
	j, g := gated(t)
	for range 5 {
		if err := j.AppendAsync(step("a", 1)); err != nil {
			t.Fatal(err)
		}
		if j.Seq() == 1 {
			if n := <-g.batches; n != 1 {
				t.Errorf("the first batch has %d lines", n)
			}
		}
	}

	g.pass <- nil
	if n := <-g.batches; n != 4 {
		t.Errorf("the second batch has %d lines, want the 4 that waited", n)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Flush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Flush returned %v before the batch was durable", err)
	}

	g.pass <- nil
	if err := j.Flush(t.Context()); err != nil {
		t.Error(err)
	}

	end(t, j)
}

func TestErrorsStick(t *testing.T) {
	j, g := gated(t)
	full := &hindcast.Error{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Message: "full", Next: "free some"}
	result := make(chan error)
	go func() { result <- j.Append(t.Context(), step("a", 1)) }()
	<-g.batches

	if err := j.AppendAsync(step("b", 1)); err != nil {
		t.Fatal(err)
	}

	waits := j.pending
	g.pass <- full
	wantCode(t, <-result, hindcast.EDiskFull)
	wantCode(t, waits.wait(t.Context()), hindcast.EDiskFull)
	wantCode(t, j.Append(t.Context(), step("c", 1)), hindcast.EDiskFull)
	wantCode(t, j.AppendAsync(step("d", 1)), hindcast.EDiskFull)
	wantCode(t, j.Flush(t.Context()), hindcast.EDiskFull)
	wantCode(t, j.Close(), hindcast.EDiskFull)
}

func TestEventThatCannotBeEncoded(t *testing.T) {
	store := folder(t)
	j := open(t, store, 1, Options{})
	bad := step("bad", 1)
	bad.Seconds = math.NaN()

	if err := j.Append(t.Context(), step("good", 1), bad); err == nil {
		t.Error("NaN was encoded")
	}

	add(t, j, step("a", 1))
	end(t, j)
	wantSlices(t, read(t, store), "a")
}

// sample is the bytes of a journal of one file with batches of several lines.
func sample(t testing.TB) []byte {
	t.Helper()
	var body bytes.Buffer
	batch := func(values ...any) {
		var lines bytes.Buffer
		for _, v := range values {
			if err := appendLine(&lines, v); err != nil {
				t.Fatal(err)
			}
		}

		body.Write(lines.Bytes())
	}

	seq := int64(0)
	event := func(kind hindcast.EventType, slice string) hindcast.Event {
		seq++
		return hindcast.Event{V: 1, Seq: seq, Run: "r1", Type: kind, Slice: slice, Attempt: 1, Step: hindcast.StepLoad, Total: 2,
			Time: time.Date(2026, 1, 1, 0, 0, int(seq), 0, time.UTC)}
	}

	batch(header{V: 1, Fence: 1})
	batch(event(hindcast.EventRunStarted, ""))
	batch(event(hindcast.EventStepStarted, "a"), event(hindcast.EventStepStarted, "b"), event(hindcast.EventLoadPrepared, "a"))
	batch(event(hindcast.EventCommitted, "a"))
	batch(event(hindcast.EventAttemptFailed, "b"), event(hindcast.EventFailed, "b"), event(hindcast.EventRunFinished, ""))

	return body.Bytes()
}

func plant(t testing.TB, store *file.Store, body []byte) {
	t.Helper()
	path := store.File(prefix + fileName(1))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEveryPrefix cuts a journal at every byte: what remains are the events of the whole lines. They fold into a valid
// state, and the journal can be continued under the same fence and the next.
func TestEveryPrefix(t *testing.T) {
	store := folder(t)
	body := sample(t)
	for size := range len(body) + 1 {
		plant(t, store, body[:size])
		want := max(0, bytes.Count(body[:size], []byte{'\n'})-1)
		events := read(t, store)
		if len(events) != want {
			t.Fatalf("%d bytes give %d events, want %d", size, len(events), want)
		}

		fold(t, events)
		if near := body[max(0, size-2):min(len(body), size+2)]; size%16 != 0 && !bytes.Contains(near, []byte{'\n'}) {
			continue // a writer's fsyncs are slow: test at the lines' ends and at a few bytes in between
		}

		for _, fence := range []int64{1, 2} {
			j := open(t, store, fence, Options{})
			add(t, j, step("next", 1))
			end(t, j)
			want++

			if events := read(t, store); len(events) != want || events[want-1].Slice != "next" {
				t.Fatalf("%d bytes and fence %d: %d events, want %d", size, fence, len(events), want)
			}
		}

		if err := os.Remove(store.File(prefix + fileName(2))); err != nil {
			t.Fatal(err)
		}
	}
}

// fold checks that the events make a valid state.
func fold(t testing.TB, events []hindcast.Event) {
	t.Helper()
	var state hindcast.RunState
	for _, e := range events {
		state.Apply(e)
	}

	valid := map[hindcast.State]bool{}
	for _, s := range hindcast.States {
		valid[s] = true
	}

	total := 0
	for s, n := range state.Counts() {
		total += n
		if !valid[s] || n < 0 {
			t.Fatalf("%d slices are %q", n, s)
		}
	}

	if total < len(state.Slices) || len(state.Order) != len(state.Slices) {
		t.Fatalf("counts %v of %d slices in order %v", state.Counts(), len(state.Slices), state.Order)
	}
}

// TestDamage flips every byte in turn. In the last batch that is a torn end; before it, corruption reported with its
// line. No event is ever returned that was not written.
func TestDamage(t *testing.T) {
	store := folder(t)
	body := sample(t)
	plant(t, store, body)
	whole := read(t, store)
	last := len(body)
	for range 3 {
		last = bytes.LastIndexByte(body[:last-1], '\n') + 1
	}

	for at := range body {
		damaged := bytes.Clone(body)
		damaged[at] ^= 0x01
		plant(t, store, damaged)
		events, err := Read(t.Context(), store, prefix)

		if mark := at - bytes.LastIndexByte(body[:at], '\n') - 1; mark == sumLength {
			continue // the mark itself; another test
		}
		if at == last-1 {
			continue // the newline: it makes one bad line of the last batch's first and the line before
		}

		if at < last {
			e := wantCode(t, err, hindcast.EJournal)
			if want := bytes.Count(body[:at], []byte{'\n'}) + 1; e.Place.Line != want || e.Place.File != objstore.Location(store, prefix+fileName(1)) {
				t.Fatalf("damage at byte %d is said to be at %s, want line %d", at, e.Place, want)
			}
			continue
		}

		if err != nil {
			t.Fatalf("damage at byte %d of the last batch: %v", at, err)
		}
		if len(events) >= len(whole) || !reflect.DeepEqual(events, whole[:len(events)]) {
			t.Fatalf("damage at byte %d gives %d events of %d", at, len(events), len(whole))
		}
	}
}

// TestHoleInTheLastBatch covers what a power failure may leave: one page of a batch missing, a later one present.
func TestHoleInTheLastBatch(t *testing.T) {
	store := folder(t)
	body := sample(t)
	lines := bytes.SplitAfter(body, []byte{'\n'})
	hole := bytes.Join([][]byte{bytes.Join(lines[:6], nil), make([]byte, len(lines[6])), bytes.Join(lines[7:], nil)}, nil)
	plant(t, store, hole)
	wantSlices(t, read(t, store), " a b a a")
	j := open(t, store, 1, Options{})
	add(t, j, step("next", 1))
	end(t, j)
	wantSlices(t, read(t, store), " a b a a next")
}

func TestClosedFileMustBeWhole(t *testing.T) {
	for name, damage := range map[string]func(body []byte) []byte{
		"cut":     func(body []byte) []byte { return body[:len(body)-1] },
		"flipped": func(body []byte) []byte { body[len(body)-3] ^= 1; return body },
		"gone":    func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			store := folder(t)
			j := open(t, store, 1, Options{})
			add(t, j, step("a", 1))
			end(t, j)
			end(t, open(t, store, 2, Options{}))
			path := store.File(prefix + fileName(1))
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(body), 0o600); err != nil {
				t.Fatal(err)
			}

			_, err = Read(t.Context(), store, prefix)
			wantCode(t, err, hindcast.EJournal)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}

			_, err = Read(t.Context(), store, prefix)
			wantCode(t, err, hindcast.EJournal)
		})
	}
}

func TestMissingSegment(t *testing.T) {
	store := stores["segments"](folder(t))
	j := open(t, store, 1, Options{})
	for range 3 {
		add(t, j, step("a", 1))
	}

	end(t, j)
	if err := store.Delete(t.Context(), prefix+segmentName(1, 2)); err != nil {
		t.Fatal(err)
	}

	_, err := Read(t.Context(), store, prefix)
	wantCode(t, err, hindcast.EJournal)
	_, err = Open(t.Context(), store, prefix, 2, Options{})
	wantCode(t, err, hindcast.EJournal)
}

func TestMissingEvent(t *testing.T) {
	store := folder(t)
	lines := bytes.SplitAfter(sample(t), []byte{'\n'})
	plant(t, store, bytes.Join(append(lines[:2:2], lines[5:]...), nil))
	_, err := Read(t.Context(), store, prefix)
	wantCode(t, err, hindcast.EJournal)
}

// TestLostAnswer repeats a segment whose first write succeeded unnoticed.
func TestLostAnswer(t *testing.T) {
	store := &forgetful{Store: stores["segments"](folder(t))}
	j := open(t, store, 1, Options{})
	store.forget = true
	add(t, j, step("a", 1))
	add(t, j, step("b", 1))
	end(t, j)
	wantSlices(t, read(t, store), "a b")
}

// forgetful writes twice, like a driver that repeats a request, and reports the second outcome.
type forgetful struct {
	objstore.Store
	forget bool
}

func (f *forgetful) Put(ctx context.Context, key string, body []byte, cond objstore.Condition) (objstore.Info, error) {
	if f.forget {
		if _, err := f.Store.Put(ctx, key, body, cond); err != nil {
			return objstore.Info{}, err
		}
	}
	return f.Store.Put(ctx, key, body, cond)
}

func TestTail(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		tail := NewTail(store, prefix)
		next := func(want string, wantRestart bool) {
			t.Helper()
			events, restarted, err := tail.Next(t.Context())
			if err != nil || named(events) != want || restarted != wantRestart {
				t.Fatalf("Next = %q, %v, %v, want %q, %v", named(events), restarted, err, want, wantRestart)
			}
		}
		next("", false)
		first := open(t, store, 1, Options{})
		next("", false)
		add(t, first, step("a", 1), step("b", 1))
		next("a b", false)
		next("", false)
		add(t, first, step("c", 1))
		add(t, first, step("d", 1))
		next("c d", false)
		second := open(t, store, 2, Options{})
		add(t, second, step("e", 1))
		next("e", false)
		next("", false)
		third := open(t, store, 3, Options{})
		add(t, second, step("zombie", 1))
		next("", false)
		add(t, third, step("f", 1))
		next("f", false)

		for _, j := range []*Journal{first, second, third} {
			_ = j.Close()
		}

		wantSlices(t, read(t, store), "a b c d e f")
	})
}

// TestTailSawAZombie shows a reader events that a takeover then declares void.
func TestTailSawAZombie(t *testing.T) {
	both(t, func(t *testing.T, store objstore.Store) {
		zombie := open(t, store, 1, Options{})
		add(t, zombie, step("a", 1))
		c, err := load(t.Context(), store, prefix)
		if err != nil {
			t.Fatal(err)
		}

		add(t, zombie, step("void", 1))
		tail := NewTail(store, prefix)
		if events, _, err := tail.Next(t.Context()); err != nil || named(events) != "a void" {
			t.Fatalf("Next = %q, %v", named(events), err)
		}

		s, err := openSink(t.Context(), store, prefix, 2, c)
		if err != nil {
			t.Fatal(err)
		}

		_ = s.close()
		j := open(t, store, 2, Options{})
		add(t, j, step("b", 1))
		events, restarted, err := tail.Next(t.Context())
		if err != nil || !restarted || named(events) != "a b" {
			t.Fatalf("Next = %q, %v, %v, want all of them again", named(events), restarted, err)
		}

		end(t, j)
		_ = zombie.Close()
	})
}

func TestTailOfATornLine(t *testing.T) {
	store := folder(t)
	body := sample(t)
	tail := NewTail(store, prefix)
	var got []hindcast.Event
	random := rand.New(rand.NewPCG(1, 2))
	for size := 0; ; size = min(len(body), size+1+random.IntN(40)) {
		plant(t, store, body[:size])
		events, restarted, err := tail.Next(t.Context())
		if err != nil || restarted {
			t.Fatalf("Next at %d bytes: %v, %v", size, restarted, err)
		}

		got = append(got, events...)
		if size == len(body) {
			break
		}
	}

	if want := read(t, store); !reflect.DeepEqual(got, want) {
		t.Errorf("the tail saw %q, the reader %q", named(got), named(want))
	}
}

func FuzzRead(f *testing.F) {
	body := sample(f)
	f.Add(body, 0)
	f.Add(body[:len(body)/2], 3)
	f.Add([]byte("00000000 {}\n"), 1)

	f.Fuzz(func(t *testing.T, body []byte, cut int) {
		store := folder(t)
		plant(t, store, body)
		events, err := Read(t.Context(), store, prefix)
		if err != nil {
			wantCode(t, err, hindcast.EJournal)
			return
		}

		fold(t, events)
		if cut >= 0 && cut <= len(events) {
			fold(t, events[:cut])
		}

		// Checksums are hard to guess: with valid ones the fuzzer gets further.
		var lines bytes.Buffer
		for _, v := range []any{header{V: 1, Fence: 1}, json.RawMessage(body)} {
			if appendLine(&lines, v) != nil {
				return
			}
		}

		plant(t, store, lines.Bytes())
		if events, err = Read(t.Context(), store, prefix); err == nil {
			fold(t, events)
		}
	})
}

// BenchmarkRead reads what a run of 10,000 slices leaves.
func BenchmarkRead(b *testing.B) {
	store := folder(b)
	j := open(b, store, 1, Options{})
	columns := make([]hindcast.Column, 15)
	for i := range columns {
		columns[i] = hindcast.Column{Name: fmt.Sprintf("column_%d", i), Type: "DECIMAL(18,6)"}
	}

	for n := range 10_000 {
		slice := fmt.Sprintf("2020-01-%05d", n)
		m := &hindcast.Manifest{Name: "result", Key: slice, Columns: columns, Files: []hindcast.File{{Path: "x/y/z.parquet", Rows: 1, Bytes: 100, SHA256: strings.Repeat("a", 64)}}}
		for i, kind := range []hindcast.EventType{hindcast.EventStepStarted, hindcast.EventFingerprint, hindcast.EventStepFinished,
			hindcast.EventLoadPrepared, hindcast.EventStepFinished, hindcast.EventCommitted} {
			e := hindcast.Event{Type: kind, Slice: slice, Attempt: 1, Step: hindcast.StepTransform, Rows: 1000, Seconds: 0.0123}
			if kind == hindcast.EventFingerprint {
				e.Fingerprint = strings.Repeat("f", 64)
			}
			if i == 2 {
				e.Manifest = m
			}
			if err := j.AppendAsync(e); err != nil {
				b.Fatal(err)
			}
		}
	}

	end(b, j)
	b.ReportAllocs()
	b.ResetTimer()

	for range b.N {
		if events := read(b, store); len(events) != 60_000 {
			b.Fatal(len(events))
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	j := open(b, folder(b), 1, Options{})
	for range b.N {
		add(b, j, step("2020-01-01", 1))
	}
	end(b, j)
}

// Promise 7: an event's texts are redacted before it is stored, and the caller gets what is stored.
func TestStrikesBeforeItStores(t *testing.T) {
	dir := t.TempDir()
	store, err := file.Open(dir)
	if err != nil {
		t.Fatal(err)
	}

	strike := func(e hindcast.Event) hindcast.Event {
		e.Message = strings.ReplaceAll(e.Message, "hunter2", "***")
		return e
	}
	j, err := Open(t.Context(), store, "r/", 1, Options{Run: "r1", Strike: strike})
	if err != nil {
		t.Fatal(err)
	}

	events := []hindcast.Event{{Type: hindcast.EventStopRequested, Message: "by hunter2"}}
	if err := j.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	stored, err := Read(t.Context(), store, "r/")
	if err != nil || len(stored) != 1 || stored[0].Message != "by ***" {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	if !reflect.DeepEqual(events, stored) {
		t.Errorf("the caller has %+v", events)
	}
}

// What a newer hindcast wrote is refused by name: by a reader, by one that follows, and by who would append to it.
func TestNewerVersionsAreRefused(t *testing.T) {
	next := hindcast.EventVersion + 1
	for what, lines := range map[string][]any{
		"the header": {header{V: next, Fence: 1}},
		"an event":   {header{V: 1, Fence: 1}, hindcast.Event{V: next, Seq: 1, Run: "r1", Type: "published"}},
	} {
		store := folder(t)
		var body bytes.Buffer
		for _, line := range lines {
			if err := appendLine(&body, line); err != nil {
				t.Fatal(err)
			}
		}
		plant(t, store, body.Bytes())
		_, read := Read(t.Context(), store, prefix)
		_, _, followed := NewTail(store, prefix).Next(t.Context())
		_, opened := Open(t.Context(), store, prefix, 2, Options{})
		for _, err := range []error{read, followed, opened} {
			if e := wantCode(t, err, hindcast.EFormat); !strings.Contains(e.Message, fmt.Sprintf("version %d", next)) || !filepath.IsAbs(e.Place.File) {
				t.Errorf("%s: %v in %s", what, e, e.Place.File)
			}
		}
	}
}
