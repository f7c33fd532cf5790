package lease

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast/internal/lake"
	"github.com/hindcast/hindcast/internal/objstore"
)

// holding takes a pipeline's lease, and returns the claim that its run makes.
func holding(t *testing.T, store objstore.Store, name string, columns ...string) (*Lease, Claim) {
	t.Helper()
	l, err := Acquire(t.Context(), store, name, "r1", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release(context.Background()) })
	return l, Claim{Pipeline: name, Run: "r1", Fence: l.Fence(), Columns: columns}
}

// until is a Claiming whose work is done once done is set; waiting is closed when somebody is waited for.
func until(done *atomic.Bool, waiting chan Claim) Claiming {
	return Claiming{Done: func(context.Context) (bool, error) { return done.Load(), nil },
		Serves:  func(by Claim) bool { return by.Covers([]string{"a", "b"}) },
		Waiting: func(by Claim) { waiting <- by }}
}

const claimed = "_hindcast/_sources/sales-1/2024-01.json"

func TestClaim(t *testing.T) {
	store := folder(t)
	_, one := holding(t, store, "one", "a", "b", "c")
	_, two := holding(t, store, "two", "a", "b")
	var undone, done atomic.Bool
	is, release, err := one.Take(t.Context(), store, claimed, until(&undone, nil))
	if is || err != nil {
		t.Fatalf("the first claim: %v, %v", is, err)
	}

	waiting := make(chan Claim)
	type result struct {
		is  bool
		err error
	}
	ended := make(chan result)
	go func() {
		is, free, err := two.Take(t.Context(), store, claimed, until(&done, waiting))
		free()
		ended <- result{is, err}
	}()
	if by := <-waiting; by.Pipeline != "one" {
		t.Errorf("two waits for %+v", by)
	}
	done.Store(true)
	release()
	if r := <-ended; !r.is || r.err != nil {
		t.Errorf("what one has done, two sees as %+v", r)
	}
	if _, _, err := store.Get(t.Context(), claimed); !errors.Is(err, objstore.ErrNotExist) {
		t.Errorf("a claim is left: %v", err)
	}
}

// TestClaimOfOtherColumns: work that would not do is not waited for, and its claim stays.
func TestClaimOfOtherColumns(t *testing.T) {
	store := folder(t)
	_, one := holding(t, store, "one", "a")
	_, two := holding(t, store, "two", "a", "b")
	var undone atomic.Bool
	_, release, err := one.Take(t.Context(), store, claimed, until(&undone, nil))
	if err != nil {
		t.Fatal(err)
	}
	is, free, err := two.Take(t.Context(), store, claimed, until(&undone, nil))
	if is || err != nil {
		t.Fatalf("a claim of more columns: %v, %v", is, err)
	}
	free()
	if by, _, held := look(t.Context(), store, claimed, new(Watch)); !held || by.Pipeline != "one" {
		t.Errorf("one's claim is now %+v, %v", by, held)
	}
	release()
}

// TestClaimOfNobody: a claim holds no longer than its run has the lease, under that fence; what cannot be read holds nothing.
func TestClaimOfNobody(t *testing.T) {
	tests := map[string]func(t *testing.T, store objstore.Store, l *Lease, c Claim) string{
		"released": func(t *testing.T, _ objstore.Store, l *Lease, _ Claim) string {
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"of an earlier fence": func(t *testing.T, store objstore.Store, l *Lease, _ Claim) string {
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			holding(t, store, "one")
			return ""
		},
		"of a pipeline that is gone": func(t *testing.T, store objstore.Store, _ *Lease, _ Claim) string {
			if err := store.DeleteAll(t.Context(), "_hindcast/one/"); err != nil {
				t.Fatal(err)
			}
			return ""
		},
		"corrupt": func(*testing.T, objstore.Store, *Lease, Claim) string { return `{"pipeline": 7` },
		"empty":   func(*testing.T, objstore.Store, *Lease, Claim) string { return "{}" },
	}
	for name, end := range tests {
		t.Run(name, func(t *testing.T) {
			store := folder(t)
			l, one := holding(t, store, "one", "a", "b")
			_, two := holding(t, store, "two", "a", "b")
			var undone atomic.Bool
			_, left, err := one.Take(t.Context(), store, claimed, until(&undone, nil))
			if err != nil {
				t.Fatal(err)
			}
			if text := end(t, store, l, one); text != "" {
				if _, err := store.Put(t.Context(), claimed, []byte(text), objstore.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			is, release, err := two.Take(t.Context(), store, claimed, until(&undone, nil))
			if is || err != nil {
				t.Fatalf("the second claim: %v, %v", is, err)
			}
			if err := DropClaims(t.Context(), store, lake.ClaimsPrefix, "two", two.Fence); err != nil {
				t.Error(err)
			}
			left() // too late: it is two's
			if by, _, held := look(t.Context(), store, claimed, new(Watch)); !held || by.Pipeline != "two" {
				t.Errorf("the claim is %+v, held: %v", by, held)
			}
			if err := DropClaims(t.Context(), store, lake.ClaimsPrefix, "two", two.Fence+1); err != nil {
				t.Error(err)
			}
			if _, _, err := store.Get(t.Context(), claimed); !errors.Is(err, objstore.ErrNotExist) {
				t.Errorf("the claim of a lower fence is left: %v", err)
			}
			release()
		})
	}
}
