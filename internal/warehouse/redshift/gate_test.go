package redshift

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// Whoever stops waiting sends nothing more: neither a statement nor a call to AWS. There is nobody here who could be called.
func TestStoppedBeforeAStatement(t *testing.T) {
	s, a := &apiSession{api: &dataAPI{}, running: newGate()}, &account{asking: newGate()}
	waits := map[string]func(context.Context) error{
		"a statement": func(ctx context.Context) error { _, err := s.statement(ctx, "COMMIT"); return err },
		"a place":     func(ctx context.Context) error { _, err := a.find(ctx); return err },
		"a password":  func(ctx context.Context) error { _, err := a.current(ctx, keys{}); return err },
	}
	for name, wait := range waits {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s for a context that has ended: %v", name, err)
		}
	}

	for _, held := range []gate{s.running, a.asking} {
		if err := held.lock(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, wait := range waits {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- wait(ctx) }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s while another is under way: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s.lives(ctx) || s.closed() {
		t.Error("a session is taken to be there")
	}
}

// A beat that was due when its session was put back is not made.
func TestNoBeatAfterTheEnd(t *testing.T) {
	s := &apiSession{api: &dataAPI{}, running: newGate(), id: "x"}
	stop := make(chan struct{})
	close(stop)
	s.beat(stop)
}

// The Data API takes one statement at a time.
func TestStatementsOfAHook(t *testing.T) {
	for hook, want := range map[string][]string{
		"DELETE FROM a": {"DELETE FROM a"},
		"DELETE FROM a; -- all\nDELETE FROM b;\n":   {"DELETE FROM a", "DELETE FROM b"},
		`INSERT INTO a VALUES ('x;y\\z'); SELECT 1`: {`INSERT INTO a VALUES ('x;y\\z')`, "SELECT 1"},
		`INSERT INTO a VALUES ('it\'s; x')`:         {`INSERT INTO a VALUES ('it\'s; x')`},
		`SELECT 'é\é'; SELECT 2`:                    {`SELECT 'é\é'`, "SELECT 2"},
		`SELECT 'a\'; SELECT 'b'`:                   {`SELECT 'a\'; SELECT 'b'`},
	} {
		if got := statements(hook); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", hook, got, want)
		}
	}
}
