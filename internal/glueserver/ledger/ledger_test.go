package ledger_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/glueserver/ledger"
)

// contents opens a ledger and returns what it holds, in order.
func contents(t *testing.T, dir string) (*ledger.Ledger, []string) {
	t.Helper()
	var held []string
	l, err := ledger.Open(dir, func(c ledger.Change) error {
		held = append(held, c.Key+"="+string(c.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, held
}

// What was written is there again, as it was last, after a death in the middle of a write too.
func TestWhatWasWrittenIsThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	l, held := contents(t, dir)
	if len(held) > 0 {
		t.Fatalf("a new ledger holds %v", held)
	}
	for _, changes := range [][]ledger.Change{
		{ledger.Put("a", 1), ledger.Put("b", map[string]string{"x": "<&>"})},
		{ledger.Put("c", []int{}), ledger.Delete("a")},
		{ledger.Put("b", "second")},
		{ledger.Put("a", "again")},
	} {
		if err := l.Write(changes...); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	f, err := os.OpenFile(filepath.Join(dir, "ledger.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`[{"key":"b","value":"tor`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	want := []string{`a="again"`, `b="second"`, `c=[]`}
	for range 2 { // the second time after it was written again
		l, held := contents(t, dir)
		if !slices.Equal(held, want) {
			t.Errorf("it holds %v; want %v", held, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// One process has it. A line that is damaged in the middle is not passed over.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	l, _ := contents(t, dir)
	if err := l.Write(ledger.Put("a", 1)); err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		_, err := ledger.Open(dir, func(ledger.Change) error { return nil })
		if err == nil || hindcast.AsError(err).Code != hindcast.EServe {
			t.Errorf("opened: %v", err)
		}
	}
	refused()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	path := filepath.Join(dir, "ledger.jsonl")
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Fatalf("%s, %v", text, err)
	}
	if err := os.WriteFile(path, append([]byte("damage\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	refused()
}
