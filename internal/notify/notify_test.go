package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/notify"
)

// hook is a real server that answers with one status after the other, and keeps what it was sent.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	types  []string
}

func newHook(t *testing.T, answers ...int) *hook {
	t.Helper()
	h := &hook{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.bodies, h.types = append(h.bodies, string(body)), append(h.types, r.Header.Get("Content-Type"))
		n := min(len(h.bodies), len(answers)) - 1
		h.mu.Unlock()
		if answers[n] == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(answers[n])
		_, _ = io.WriteString(w, "says hunter2")
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) to(t *testing.T, path string) hindcast.Notify {
	t.Helper()
	u, err := url.Parse(h.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return hindcast.Notify{On: []hindcast.Occasion{hindcast.OnFailed}, URL: hindcast.Location{Written: "http://hook/***", URL: u}, As: hindcast.BodyJSON, Timeout: time.Minute}
}

var failed = notify.Event{Event: hindcast.OnFailed, Text: "shop: r8 failed <b> & hunter2", Pipeline: "shop", Run: "r8",
	Errors: []notify.Failure{{Code: hindcast.ECheck, Message: "hunter2 is not 1", Slices: []string{"2024-01"}}}, Next: "hindcast resume r8"}

// tell tells of an event, and returns what was said, and how long was waited between tries.
func tell(t *testing.T, e notify.Event, list ...hindcast.Notify) (said []string, waits []time.Duration) {
	t.Helper()
	n := notify.Notifier{List: list, Dir: t.TempDir(), Safe: func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") },
		Said: func(s string) { said = append(said, s) },
		Wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }}
	n.Tell(t.Context(), e)
	return said, waits
}

func TestJSON(t *testing.T) {
	t.Parallel()
	h := newHook(t, http.StatusNoContent)
	said, _ := tell(t, failed, h.to(t, "/services/T0/secret"))
	if len(said) > 0 || len(h.bodies) != 1 || h.types[0] != "application/json" {
		t.Fatalf("said %q, sent %q as %q", said, h.bodies, h.types)
	}
	var got notify.Event
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Event != hindcast.OnFailed || got.Run != "r8" || got.Next != "hindcast resume r8" || got.Errors[0].Message != "*** is not 1" ||
		strings.Contains(h.bodies[0], "hunter2") {
		t.Errorf("%s", h.bodies[0])
	}
	if failed.Errors[0].Message != "hunter2 is not 1" {
		t.Error("the caller's event was changed")
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	h := newHook(t, http.StatusOK)
	to := h.to(t, "/")
	to.As = hindcast.BodySlack
	if said, _ := tell(t, failed, to); len(said) > 0 {
		t.Fatal(said)
	}
	want := `{"text":":x: *shop: r8 failed \u0026lt;b\u0026gt; \u0026amp; ***\n*`
	if got := h.bodies[0]; !strings.HasPrefix(got, strings.TrimSuffix(want, `\n*`)+"*\\n`E-CHECK` *** is not 1 (2024-01)\\nNext: hindcast resume r8\"") {
		t.Errorf("%s", got)
	}

	long := failed
	long.Text = strings.Repeat("ö", 5000)
	_, _ = tell(t, long, to)
	var message struct{ Text string }
	if err := json.Unmarshal([]byte(h.bodies[1]), &message); err != nil || len([]rune(message.Text)) != 3501 {
		t.Errorf("%d characters, %v", len([]rune(message.Text)), err)
	}
}

// Only what is asked for is told.
func TestOccasions(t *testing.T) {
	t.Parallel()
	h := newHook(t, http.StatusOK)
	other := failed
	other.Event = hindcast.OnFinished
	if said, _ := tell(t, other, h.to(t, "/")); len(said)+len(h.bodies) > 0 {
		t.Errorf("said %q, sent %q", said, h.bodies)
	}
}

// What may heal is tried again; what is refused, or leads elsewhere, is not. No URL and no secret is said.
func TestTries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answers []int
		tried   int
		says    string // "" if it arrives
	}{
		"busy and then not": {[]int{503, 429, 200}, 3, ""},
		"broken":            {[]int{500}, 3, "the notification to http://hook/*** failed: it answered 500 Internal Server Error: says ***"},
		"refused":           {[]int{403}, 1, "the notification to http://hook/*** failed: it answered 403 Forbidden: says ***"},
		"elsewhere":         {[]int{302, 200}, 1, "the notification to http://hook/*** failed: it answered 302 Found: says ***"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, c.answers...)
			said, waits := tell(t, failed, h.to(t, "/services/T0/secret"))
			if strings.Join(said, "\n") != c.says || len(h.bodies) != c.tried || len(waits) != c.tried-1 {
				t.Errorf("said %q, tried %d times, waited %v", said, len(h.bodies), waits)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	h := newHook(t, 200)
	to := h.to(t, "/services/T0/secret")
	h.Close()
	said, waits := tell(t, failed, to)
	if len(said) != 1 || !strings.Contains(said[0], "http://hook/*** failed: ") || strings.Contains(said[0], "secret") || len(waits) != 2 {
		t.Errorf("said %q after %v", said, waits)
	}
}

// A webhook that does not answer costs its timeout, and no more.
func TestTimeout(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stuck) })
	h := &hook{Server: server}
	to := h.to(t, "/")
	to.Timeout = 50 * time.Millisecond
	if said, _ := tell(t, failed, to); len(said) != 1 || said[0] != "the notification to http://hook/*** failed: no answer within 50ms" {
		t.Errorf("said %q", said)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is to be run
			t.Fatal(err)
		}
		return path
	}
	command := func(timeout time.Duration, words ...string) hindcast.Notify {
		return hindcast.Notify{On: []hindcast.Occasion{hindcast.OnFailed}, Command: words, Timeout: timeout}
	}

	out := filepath.Join(dir, "got")
	if said, _ := tell(t, failed, command(time.Minute, script("keep", `cat > "$1"`), out)); len(said) > 0 {
		t.Fatal(said)
	}
	var got notify.Event
	if text, err := os.ReadFile(out); err != nil || json.Unmarshal(text, &got) != nil || got.Run != "r8" {
		t.Errorf("%v: %+v", err, got)
	}

	if said, _ := tell(t, failed, command(time.Minute, script("leaves", "sleep 20 &"))); len(said) > 0 {
		t.Errorf("it ended well, and left a process behind: %v", said)
	}

	bad := script("bad", "echo nobody at hunter2 >&2; exit 3")
	hangs := script("hangs", "sleep 1000 & sleep 1000")
	for _, c := range []struct {
		to   hindcast.Notify
		says string
	}{
		{command(time.Minute, bad), "the notification to " + bad + " failed: exit status 3: nobody at ***"},
		{command(100*time.Millisecond, hangs), "the notification to " + hangs + " failed: no answer within 100ms"},
		{command(time.Minute, dir+"/none"), "the notification to " + dir + "/none failed: fork/exec " + dir + "/none: no such file or directory"},
	} {
		if said, _ := tell(t, failed, c.to); len(said) != 1 || said[0] != c.says {
			t.Errorf("said %q, want %q", said, c.says)
		}
	}
}
