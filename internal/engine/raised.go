package engine

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Raised is the error of a guard in translated SQL, made of an engine's: with the place in the SQL that people wrote, and what the warehouse
// calls it. It is nil for another error.
func (q Query) Raised(of *hindcast.Error) error {
	message, state, number, is := sqltext.Guarded(of.Message)
	if !is {
		return nil
	}

	e := raised(message, state, hindcast.Place{File: q.File})
	e.Cause = of
	if number < 1 || number > len(q.Guards) {
		return e
	}

	q.mark(e, q.Guards[number-1])
	return e
}

// mark gives an error the place of a guard.
func (q Query) mark(e *hindcast.Error, g sqltext.Guard) {
	if g.At < 0 || g.End < g.At || g.End > len(q.Original) {
		return
	}
	e.Place.Line, e.Place.Column = sqltext.LineColumn(q.Original, g.At)
	written, _, _ := strings.Cut(q.Original[g.At:g.End], "\n")
	e.Excerpt = sqltext.Excerpt(q.Original, e.Place, utf8.RuneCountInString(written))
}

// Overflowed gives the error of an overflow that an engine met in translated SQL its place, if there is only one operation that it can be; the
// places of all of them if there are more.
func (q Query) Overflowed(e *hindcast.Error, op string) {
	var all []sqltext.Guard
	for _, g := range q.Guards {
		if g.Op == op && op != "" {
			all = append(all, g)
		}
	}
	if len(all) == 1 {
		q.mark(e, all[0])
		return
	}
	var places []string
	for _, g := range all {
		line, column := sqltext.LineColumn(q.Original, g.At)
		if places = append(places, fmt.Sprintf("%d:%d", line, column)); len(places) == Samples {
			break
		}
	}
	if len(places) > 0 {
		e.Detail = append(e.Detail, fmt.Sprintf("it may be any of %d operations, the first of them at %s", len(all), strings.Join(places, ", ")))
	}
}

// Shown gives the error of an engine in translated SQL, whose place is known, the lines around that.
func (q Query) Shown(e *hindcast.Error) {
	if q.Translated() && e.Place.Line > 0 && e.Excerpt == "" {
		e.Excerpt = sqltext.Excerpt(q.Original, e.Place, 0)
	}
}

// DividedByZero is the error of a division by zero that the engine itself raised, in translated SQL; nil in other SQL.
func (q Query) DividedByZero(at hindcast.Place) *hindcast.Error {
	if !q.Translated() {
		return nil
	}
	e := raised("division by zero", "22012", at)
	q.Shown(e)
	return e
}

// raised is the error of what the warehouse raises, too, or of what it would go on with where there is no SQLSTATE.
func raised(message, state string, at hindcast.Place) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EDialect, Class: hindcast.ClassPermanent, Message: message, Place: at,
		Next: "the warehouse's answer to such values is not known here: keep them out, or write this in another way"}
	if state != "" {
		e.Code, e.Message = hindcast.ESQLRaised, message+" (SQLSTATE "+state+")"
		e.Next = "the warehouse raises this, too: correct the values, or keep them out of it in the SQL"
	}
	return e
}
