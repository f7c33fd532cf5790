package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
)

// struck stands where a secret stood.
const struck = "***"

// Redactor strikes secrets out of whatever is written or shown (promise 7). It knows each secret literally and as URLs,
// JSON and SQL literals spell it, and each line of a multi-line one. A secret of fewer than four characters is struck
// only as a URL's password: striking it out of every word would reveal it. The nil Redactor strikes nothing.
type Redactor struct {
	needles []needle
}

// needle is a text to look for, how many bytes at either end are not part of the secret, and the replacement.
type needle struct {
	text []byte
	ends int
	by   string
}

// shortest is the length in characters from which a secret is struck out wherever it appears.
const shortest = 4

// NewRedactor returns a Redactor for the secrets; empty ones are ignored.
func NewRedactor(secrets []string) *Redactor {
	r := &Redactor{}
	for _, secret := range secrets {
		r.add(secret, struck)

		if !strings.Contains(secret, "\n") {
			continue
		}
		for line := range strings.Lines(secret) { // a screen or a log may show them one by one
			if line = strings.TrimSpace(line); utf8.RuneCountInString(line) >= shortest {
				r.add(line, struck)
			}
		}
	}

	r.sort()
	return r
}

// PipelineRedactor returns a Redactor for a pipeline's secrets. A lake or database file whose location contains secrets
// is shown as the pipeline file writes it, "${LAKE}/shop/facts/…", so that errors still say where they are.
func PipelineRedactor(p *hindcast.Pipeline) *Redactor {
	r := NewRedactor(p.Secrets)
	for _, l := range []hindcast.Location{p.Lake, p.Warehouse, p.Source} {
		switch written := strings.TrimPrefix(l.Written, "duckdb:"); {
		case !l.Hidden():
		case l.Path != "":
			r.add(l.Path, written)
		case l.Scheme == "s3" && l.URL != nil:
			written, _, _ = strings.Cut(written, "?")
			r.add("s3://"+l.URL.Host+strings.TrimSuffix(l.URL.Path, "/"), strings.TrimSuffix(written, "/"))
		}
	}

	r.sort()
	return r
}

// add strikes a secret in all its spellings.
func (r *Redactor) add(secret, by string) {
	for _, form := range spellings(secret) {
		n := needle{text: []byte(form), by: by}
		if utf8.RuneCountInString(secret) < shortest {
			n = needle{text: []byte(":" + form + "@"), ends: 1, by: by}
		}
		r.needles = append(r.needles, n)
	}
}

// sort puts the longest first, and of equal texts the one with the most informative replacement.
func (r *Redactor) sort() {
	slices.SortStableFunc(r.needles, func(a, b needle) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), bytes.Compare(a.text, b.text), cmp.Compare(len(b.by), len(a.by)))
	})
	r.needles = slices.CompactFunc(r.needles, func(a, b needle) bool { return bytes.Equal(a.text, b.text) })
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

	if plain, err := url.PathUnescape(secret); err == nil && utf8.RuneCountInString(plain) >= shortest { // decoded, if it was escaped
		forms = append(forms, plain)
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

// String returns s with every secret replaced by "***", or by what the pipeline file writes; overlapping secrets are
// replaced together.
func (r *Redactor) String(s string) string {
	if r == nil || len(r.needles) == 0 {
		return s
	}
	out, _, _ := r.strike([]byte(s), 0, len(s))
	return string(out)
}

// Error returns err with every secret struck out of all that it shows. It has to happen before the error is laid out: a
// secret broken over two lines would no longer be found.
func (r *Redactor) Error(err error) error {
	if r == nil || len(r.needles) == 0 || err == nil {
		return err
	}
	if e, ok := err.(*hindcast.Error); ok { //nolint:errorlint // the chain is walked by hand here
		return r.failure(e)
	}

	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, r.Error(one))
		}
		return errors.Join(all...)
	}

	return &redacted{text: r.String(err.Error()), cause: r.Error(errors.Unwrap(err))}
}

// redacted is an error without its secrets, for display.
type redacted struct {
	text  string
	cause error
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.cause }

// failure is Error for a user's error. Its cause is shown nowhere.
func (r *Redactor) failure(e *hindcast.Error) *hindcast.Error {
	if e == nil {
		return nil
	}

	out := *e
	out.Message, out.Excerpt, out.Next, out.Place.File = r.String(e.Message), r.String(e.Excerpt), r.String(e.Next), r.String(e.Place.File)
	out.Detail = r.Strings(e.Detail)
	return &out
}

// Strings is String for each.
func (r *Redactor) Strings(list []string) []string {
	if len(list) == 0 {
		return list
	}

	out := make([]string, len(list))
	for i, s := range list {
		out[i] = r.String(s)
	}

	return out
}

// Event strikes secrets out of an event's texts. Keys, paths below the lake and checksums are hindcast's own.
func (r *Redactor) Event(e hindcast.Event) hindcast.Event {
	if r == nil || len(r.needles) == 0 {
		return e
	}
	e.Message, e.Error = r.String(e.Message), r.failure(e.Error)
	e.Dead, e.Unconfirmed = r.Strings(e.Dead), r.Strings(e.Unconfirmed)
	return e
}

// span is a range of bytes that secrets cover, and its replacement.
type span struct {
	from, to int
	by       string
}

// spans returns the ranges of text that secrets cover, in order; overlapping ones are merged.
func (r *Redactor) spans(text []byte, first int) []span {
	var found []span
	if first > 0 {
		found = append(found, span{from: 0, to: first})
	}

	for _, n := range r.needles {
		for at := 0; ; at++ {
			i := bytes.Index(text[at:], n.text)
			if i < 0 {
				break
			}
			at += i
			found = append(found, span{at + n.ends, at + len(n.text) - n.ends, n.by})
		}
	}

	slices.SortStableFunc(found, func(a, b span) int { return cmp.Compare(a.from, b.from) }) // of those with the same start the longest is first
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

// strike returns what may be written of text[:until], what must be kept for later, and how many leading bytes of that
// belong to a secret whose "***" is already written; done is that number for text itself.
func (r *Redactor) strike(text []byte, done, until int) (out, kept []byte, keptDone int) {
	at := 0
	for i, s := range r.spans(text, done) {
		begun := i == 0 && done > 0
		if s.from >= until && !begun {
			break
		}

		out = append(out, text[at:s.from]...)
		if !begun {
			out = append(out, s.by...)
		}

		at = min(s.to, until)
		keptDone = s.to - at
	}

	return append(out, text[at:until]...), text[until:], keptDone
}

// Writer returns a writer to w that strikes secrets, including those split over several writes.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{redactor: r, to: w} }

// Writer strikes secrets out of a stream. It holds back the end of the text only while that may be the beginning of a
// secret; Flush writes it. Writes may be parallel.
type Writer struct {
	redactor *Redactor
	to       io.Writer

	mu   sync.Mutex
	kept []byte
	done int // leading bytes of kept whose "***" is written
}

// Write writes p without secrets. It reports len(p) unless the underlying writer fails.
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

// Flush writes what was held back.
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

// safe returns the position up to which text can be decided: what follows may be the beginning of a secret.
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

// uncut moves until to the beginning of the secret it would cut: without its first byte a short secret would not be
// found.
func (r *Redactor) uncut(text []byte, until int) int {
	for _, n := range r.needles {
		from := max(until-len(n.text)+1, 0)
		if at := bytes.Index(text[from:], n.text); n.ends > 0 && at >= 0 && from+at < until {
			return r.uncut(text, from+at)
		}
	}
	return until
}
