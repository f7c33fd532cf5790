package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/quick"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
)

func TestRedactorForms(t *testing.T) {
	const secret = `p@ss/w:o%r?d #'"<é`
	r := config.NewRedactor([]string{"", secret, "other"})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}

	u := url.URL{Scheme: "postgres", User: url.UserPassword("u", secret), Host: "h", Path: "/db"}
	for _, c := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"a " + secret + " b other", "a *** b ***"},
		{u.String(), "postgres://u:***@h/db"},
		{"?p=" + url.QueryEscape(secret) + "&q", "?p=***&q"},
		{"/" + strings.ToLower(url.PathEscape(secret)), "/***"},
		{`{"e":` + string(quoted) + `}`, `{"e":"***"}`},
		{"'" + strings.ReplaceAll(secret, "'", "''") + "'", "'***'"},
		{"otherother", "******"},
	} {
		if got := r.String(c.in); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}

	var none *config.Redactor
	if none.String("x") != "x" {
		t.Error("the nil Redactor changed the text")
	}
}

// A multi-line secret may be shown line by line, and an escaped one in its decoded form.
func TestRedactorOfLinesAndEscapes(t *testing.T) {
	r := config.NewRedactor([]string{"-----BEGIN KEY-----\nMIIEvQ==\n-----END KEY-----", "p%40ss%2Fword"})
	for in, want := range map[string]string{"1: MIIEvQ==\n2: -----END KEY-----": "1: ***\n2: ***", "u:p@ss/word@h": "u:***@h", "u:p%40ss%2fword@h": "u:***@h"} {
		if got := r.String(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// A secret location is shown as the pipeline file writes it, also where a component of it is a secret by itself.
func TestPipelineRedactor(t *testing.T) {
	p := &hindcast.Pipeline{Secrets: []string{"/data/acme/lake", "acme", "tenant.duckdb"},
		Lake:      hindcast.Location{Written: "${LAKE}", Scheme: "file", Path: "/data/acme/lake"},
		Warehouse: hindcast.Location{Written: "duckdb:db/${DB}", Scheme: "duckdb", Path: "/here/db/tenant.duckdb"}}
	r := config.PipelineRedactor(p)
	for in, want := range map[string]string{"'/data/acme/lake/p/facts/x.parquet'": "'${LAKE}/p/facts/x.parquet'", "acme": "***",
		"/here/db/tenant.duckdb, tenant.duckdb": "db/${DB}, ***", "/data/other/lake": "/data/other/lake"} {
		if got := r.String(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// Every text of an error and of an event is redacted; what hindcast looks things up by is not.
func TestRedactorOfErrorsAndEvents(t *testing.T) {
	const secret = "sales"
	r := config.NewRedactor([]string{secret})
	e := &hindcast.Error{Code: hindcast.ELake, Message: "at sales", Place: hindcast.Place{File: "/sales/x", Line: 3}, Excerpt: "sales", Detail: []string{"a", "sales"}, Next: "see sales"}
	shown := r.Error(errors.Join(fmt.Errorf("reading sales: %w", e), errors.New("sales")))
	text, err := json.Marshal(hindcast.AsError(shown))
	if err != nil || strings.Contains(shown.Error()+string(text), secret) || hindcast.AsError(shown).Place.Line != 3 {
		t.Errorf("the error is %v, %s, %v", shown, text, err)
	}

	event := r.Event(hindcast.Event{Slice: secret, Fact: secret, Message: secret, Error: e, Dead: []string{secret}, Unconfirmed: []string{secret}})
	if event.Slice != secret || event.Fact != secret || event.Message != "***" || event.Error.Message != "at ***" || event.Dead[0] != "***" || event.Unconfirmed[0] != "***" {
		t.Errorf("the event is %+v", event)
	}
	if e.Message != "at sales" || e.Detail[1] != secret {
		t.Error("the caller's error has changed")
	}
}

// A secret of few characters is struck out as a URL's password and nowhere else.
func TestRedactorShort(t *testing.T) {
	r := config.NewRedactor([]string{"s", "p@", "long"})
	for in, want := range map[string]string{"hindcast status: no slices": "hindcast status: no slices", "a longing": "a ***ing",
		"postgres://s:s@host/s": "postgres://s:***@host/s", "u:p%40@h, u:p@@h": "u:***@h, u:***@h"} {
		if got := r.String(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestRedactorOverlaps(t *testing.T) {
	r := config.NewRedactor([]string{"abcd", "cdef", "aaaa"})
	for in, want := range map[string]string{"xabcdefx": "x***x", "abcdcdef": "******", "aaaaaab": "***b", "abcabcd": "abc***"} {
		if got := r.String(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// However a text is cut into writes, the stream equals String of the whole, and contains no secret.
func TestRedactorWriter(t *testing.T) {
	property := func(seed uint64) bool {
		rng := rand.New(rand.NewPCG(seed, 1))
		word := func(n int) string {
			var out strings.Builder
			for range n {
				out.WriteByte("ab:@"[rng.IntN(4)])
			}

			return out.String()
		}

		var secrets []string
		for range 1 + rng.IntN(3) {
			secrets = append(secrets, word(1+rng.IntN(6)))
		}

		text := word(rng.IntN(60))
		r := config.NewRedactor(secrets)
		var out bytes.Buffer
		w := r.Writer(&out)
		for rest := text; rest != ""; {
			n := 1 + rng.IntN(len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				return false
			}
			rest = rest[n:]
		}

		if err := w.Flush(); err != nil {
			return false
		}

		if out.String() != r.String(text) {
			t.Logf("secrets %q, text %q: %q, want %q", secrets, text, out.String(), r.String(text))
			return false
		}

		for _, s := range secrets {
			if len(s) < 4 {
				s = ":" + s + "@"
			}
			if strings.Contains(out.String(), s) {
				return false
			}
		}

		return true
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 5000}); err != nil {
		t.Error(err)
	}
}

// Text that cannot be the beginning of a secret is not held back.
func TestRedactorWriterDoesNotWait(t *testing.T) {
	var out bytes.Buffer
	w := config.NewRedactor([]string{"secret"}).Writer(&out)
	for _, c := range []struct{ in, want string }{
		{"line\n", "line\n"}, {"a se", "line\na "}, {"cond", "line\na second"}, {"secret", "line\na second***"},
	} {
		if _, err := w.Write([]byte(c.in)); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("after %q there is %q, want %q", c.in, out.String(), c.want)
		}
	}
}

func TestRedactorWriterParallel(t *testing.T) {
	var out bytes.Buffer
	w := config.NewRedactor([]string{"secret"}).Writer(&out)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if _, err := w.Write([]byte("x secret\n")); err != nil {
					t.Error(err)
				}
			}
		})
	}

	wg.Wait()
	if got := strings.Count(out.String(), "x ***\n"); got != 800 {
		t.Errorf("%d lines, want 800", got)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestRedactorWriterError(t *testing.T) {
	if _, err := config.NewRedactor([]string{"s"}).Writer(brokenWriter{}).Write([]byte("x")); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}
