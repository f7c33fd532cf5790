package screen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hindcast/hindcast"
)

// Error shows an error so that a person can act on it: code, place, cause, the lines around the place,
// details, and the next step. Several errors that were joined come one after another.
func Error(w io.Writer, err error, o Options) {
	if err == nil {
		return
	}

	pg := &page{o: o}
	for i, one := range flatten(err) {
		if i > 0 {
			pg.add("")
		}
		pg.failure(one)
	}

	pg.flush(w)
}

// ErrorJSON writes each error as a line of JSON: {"type":"error","error":{…}}, the error as in an event.
func ErrorJSON(w io.Writer, err error) error {
	if err == nil {
		return nil
	}

	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, one := range flatten(err) {
		line := struct {
			Type  string          `json:"type"`
			Error *hindcast.Error `json:"error"`
		}{"error", hindcast.AsError(one)}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("writing an error: %w", err)
		}
	}

	return nil
}

// flatten takes joined errors apart, also where the join is wrapped. An error for the user is one, whatever
// caused it.
func flatten(err error) []error {
	for inner := err; inner != nil; {
		if _, ok := inner.(*hindcast.Error); ok { //nolint:errorlint // the chain is walked by hand here
			return []error{err}
		}

		if joined, ok := inner.(interface{ Unwrap() []error }); ok {
			var all []error
			for _, one := range joined.Unwrap() {
				all = append(all, flatten(one)...)
			}
			return all
		}

		inner = errors.Unwrap(inner)
	}
	return []error{err}
}

func (p *page) failure(err error) {
	e := hindcast.AsError(err)

	head := e.Message
	if place := p.o.place(e.Place); place != "" {
		head = place + "  " + head
	}

	p.wrap(p.o.paint(red, string(e.Code))+"  ", "  ", p.o.text(head))
	p.excerpt(e)
	p.details(e, len(e.Detail))

	if during := strings.TrimSuffix(err.Error(), ": "+e.Error()); during != err.Error() {
		p.wrap("  While ", "  ", p.o.text(during)+".")
	}

	if e.Next != "" {
		p.next(e.Next)
	}
}

// place shows where in the user's file an error is, relative to the working directory where that is shorter.
func (o Options) place(at hindcast.Place) string {
	at.File = o.near(at.File)
	return at.String()
}

// details shows further lines; one that fits keeps its spacing, as sample rows need.
func (p *page) details(e *hindcast.Error, most int) {
	for i, detail := range e.Detail {
		if i >= most {
			return
		}
		for _, line := range p.o.block(detail) {
			p.wrap("  ", "  ", line)
		}
	}
}

// excerpt shows the lines around the place, moved to the left where the caret would be outside.
func (p *page) excerpt(e *hindcast.Error) {
	if e.Excerpt == "" {
		return
	}

	lines := p.o.block(e.Excerpt)
	room := p.o.Width - 4
	shift := 0

	if p.o.Width > 0 {
		for _, line := range lines {
			if end := caret(line); end > room {
				shift = end - room + min(8, room/4)
			}
		}
	}

	for _, line := range lines {
		p.add("    " + p.o.shifted(line, shift))
	}
}

// caret is where the mark of a line of marks ends, 0 for any other line.
func caret(line string) int {
	if !strings.Contains(line, "^") || strings.Trim(line, " |^~0123456789") != "" {
		return 0
	}
	return cells(strings.TrimRight(line, " "))
}

// shifted drops the first cells of a line of an excerpt behind its number.
func (o Options) shifted(line string, shift int) string {
	if shift == 0 {
		return line
	}

	gutter, text := "", line
	if i := strings.Index(line, "|"); i >= 0 {
		gutter, text = line[:i+1], line[i+1:]
	}

	gone, all := take(text, shift)
	if all {
		return gutter
	}

	mark := ellipsis(o.Unicode)
	if strings.TrimSpace(gone) == "" {
		mark = strings.Repeat(" ", cells(mark))
	}

	rest := text[len(gone):]
	skipped, _ := take(rest, cells(mark))
	return gutter + mark + rest[len(skipped):]
}
