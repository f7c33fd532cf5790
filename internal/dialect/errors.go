package dialect

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect/parse"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// notRead are the refusals of a statement that the parser did not read.
func notRead(sql string, err error) error {
	bad, ok := errors.AsType[*parse.Error](err)
	if !ok {
		return err
	}
	reason := sem.Syntax
	if bad.Unknown {
		reason = sem.NotKnown
	}

	return refusals(sql, []sem.Refusal{{Reason: reason, At: bad.At, Why: bad.Why, Instead: bad.Instead}})
}

// Position is the line and column of a byte, from 1; the column counts characters.
func Position(text string, at int) (line, column int) { return position(text, at) }

// position is the line and column of a byte, from 1.
func position(text string, at int) (line, column int) {
	before := text[:min(at, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// Errors are refusals as errors for the user, each with its place in a file and the line that it is about.
func (r Refusals) Errors(sql, file string, excerpt func(text string, place hindcast.Place, length int) string) []error {
	out := make([]error, len(r))
	for i, one := range r {
		place := hindcast.Place{File: file, Line: one.Line, Column: one.Column}
		length := utf8.RuneCountInString(strings.SplitN(one.At.In(sql), "\n", 2)[0])
		e := &hindcast.Error{Code: one.Code, Class: hindcast.ClassPermanent, Message: one.Why, Place: place, Excerpt: excerpt(sql, place, length), Next: one.Instead}
		out[i] = e
	}

	return out
}
