package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// struck stands where a secret stood.
const struck = "***"

// Redactor strikes secrets out of whatever is written or shown (promise 7). It knows each secret as it is
// and as URLs, JSON and SQL literals spell it. One of fewer than four characters is a secret as a URL's password
// alone: to strike it out of every word would tell it. The nil Redactor strikes nothing.
type Redactor struct {
	needles []needle
}

// needle is a text to look for, of which the secret is all but so many bytes at either end.
type needle struct {
	text []byte
	ends int
}

// shortest is how many characters a secret has that is struck out wherever it stands.
const shortest = 4

// NewRedactor returns a Redactor for the secrets, of which empty ones are ignored.
func NewRedactor(secrets []string) *Redactor {
	r := &Redactor{}
	seen := map[string]bool{"": true}
	for _, secret := range secrets {
		for _, form := range spellings(secret) {
			n := needle{text: []byte(form)}
			if utf8.RuneCountInString(secret) < shortest {
				n = needle{text: []byte(":" + form + "@"), ends: 1}
			}
			if !seen[string(n.text)] {
				seen[string(n.text)] = true
				r.needles = append(r.needles, n)
			}
		}
	}
	slices.SortFunc(r.needles, func(a, b needle) int { return cmp.Compare(len(b.text), len(a.text)) })
	return r
}

var hexEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

// spellings are the forms in which a secret may turn up.
func spellings(secret string) []string {
	if secret == "" {
		return nil
	}
	forms := []string{secret, url.PathEscape(secret), url.QueryEscape(secret),
		strings.TrimPrefix(url.UserPassword("", secret).String(), ":"),
		(&url.URL{Path: "/" + secret}).EscapedPath()[1:],
		strings.ReplaceAll(secret, "'", "''"),
	}
	for _, form := range forms {
		forms = append(forms, hexEscape.ReplaceAllStringFunc(form, strings.ToLower))
	}
	for _, html := range []bool{false, true} {
		var text bytes.Buffer
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(html)
		if enc.Encode(secret) == nil {
			quoted := strings.TrimSuffix(text.String(), "\n")
			forms = append(forms, quoted[1:len(quoted)-1])
		}
	}
	return forms
}

// String returns s with every secret replaced by "***"; secrets that overlap are replaced together.
func (r *Redactor) String(s string) string {
	if r == nil || len(r.needles) == 0 {
		return s
	}
	out, _, _ := r.strike([]byte(s), 0, len(s))
	return string(out)
}

// span is a range of bytes that secrets cover.
type span struct{ from, to int }

// spans returns the ranges of text that secrets cover, in order; those that overlap are one.
func (r *Redactor) spans(text []byte, first int) []span {
	var found []span
	if first > 0 {
		found = append(found, span{0, first})
	}
	for _, n := range r.needles {
		for at := 0; ; at++ {
			i := bytes.Index(text[at:], n.text)
			if i < 0 {
				break
			}
			at += i
			found = append(found, span{at + n.ends, at + len(n.text) - n.ends})
		}
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var merged []span
	for _, s := range found {
		if last := len(merged) - 1; last >= 0 && s.from < merged[last].to {
			merged[last].to = max(merged[last].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// strike returns what may be written of text[:until], what is to be kept for later, and how many leading
// bytes of that belong to a secret whose "***" is written already; done is that number for text itself.
func (r *Redactor) strike(text []byte, done, until int) (out, kept []byte, keptDone int) {
	at := 0
	for i, s := range r.spans(text, done) {
		begun := i == 0 && done > 0
		if s.from >= until && !begun {
			break
		}
		out = append(out, text[at:s.from]...)
		if !begun {
			out = append(out, struck...)
		}
		at = min(s.to, until)
		keptDone = s.to - at
	}
	return append(out, text[at:until]...), text[until:], keptDone
}

// Writer returns a writer to w that strikes secrets, also those that are split over several writes.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{redactor: r, to: w} }

// Writer strikes secrets out of a stream. It keeps back the end of what was written only as long as that may
// be the beginning of a secret; Flush writes it. Writes may be parallel.
type Writer struct {
	redactor *Redactor
	to       io.Writer

	mu   sync.Mutex
	kept []byte
	done int // leading bytes of kept whose "***" is written
}

// Write writes p without secrets. It reports len(p) unless the writer beneath fails.
func (w *Writer) Write(p []byte) (int, error) {
	if w.redactor == nil || len(w.redactor.needles) == 0 {
		return w.to.Write(p)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text := slices.Concat(w.kept, p)
	if err := w.write(text, w.redactor.safe(text)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what was kept back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(w.kept, len(w.kept))
}

func (w *Writer) write(text []byte, until int) error {
	out, kept, done := w.redactor.strike(text, w.done, until)
	w.kept, w.done = bytes.Clone(kept), done
	if len(out) == 0 {
		return nil
	}
	_, err := w.to.Write(out)
	return err
}

// safe returns up to where text can be decided on: what follows may be the beginning of a secret.
func (r *Redactor) safe(text []byte) int {
	keep := 0
	for _, needle := range r.needles {
		for n := min(len(needle.text)-1, len(text)); n > keep; n-- {
			if bytes.HasSuffix(text, needle.text[:n]) {
				keep = n
			}
		}
	}
	return r.uncut(text, len(text)-keep)
}

// uncut moves until to the beginning of what it would cut: without its first byte a short secret would not be found.
func (r *Redactor) uncut(text []byte, until int) int {
	for _, n := range r.needles {
		from := max(until-len(n.text)+1, 0)
		if at := bytes.Index(text[from:], n.text); n.ends > 0 && at >= 0 && from+at < until {
			return r.uncut(text, from+at)
		}
	}
	return until
}
