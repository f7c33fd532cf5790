package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

func TestRaised(t *testing.T) {
	t.Parallel()
	q := Query{File: "x.sql", Original: "SELECT 1,\n  a\n / b", Guards: []sqltext.Guard{{At: 12, End: 18}}}
	for message, want := range map[string]hindcast.Error{
		"division by zero<<22012#1>>": {Code: hindcast.ESQLRaised, Message: "division by zero (SQLSTATE 22012)", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		"it is odd<<#1>>":             {Code: hindcast.EDialect, Message: "it is odd", Place: hindcast.Place{File: "x.sql", Line: 2, Column: 3}},
		"it is odd<<#0>>":             {Code: hindcast.EDialect, Message: "it is odd", Place: hindcast.Place{File: "x.sql"}},
		"it is odd<<#2>>":             {Code: hindcast.EDialect, Message: "it is odd", Place: hindcast.Place{File: "x.sql"}},
	} {
		e := hindcast.AsError(q.Raised(&hindcast.Error{Message: message}))
		if e == nil || e.Code != want.Code || e.Message != want.Message || e.Place != want.Place || e.Class != hindcast.ClassPermanent || e.Next == "" {
			t.Errorf("%s: %+v", message, e)
		}
		if e != nil && e.Place.Line > 0 && !strings.Contains(e.Excerpt, "2 |   a\n      |   ^\n") {
			t.Errorf("%s: the excerpt is\n%s", message, e.Excerpt)
		}
	}
	if err := q.Raised(&hindcast.Error{Message: "division by zero"}); err != nil {
		t.Errorf("an error of the engine's own became %v", err)
	}
}

func TestRaisedInACheck(t *testing.T) {
	t.Parallel()
	of := &hindcast.Error{Class: hindcast.ClassPermanent, Message: "division by zero<<22012#1>>"}
	e := hindcast.AsError(Check{Check: hindcast.Check{Name: "sql 1"}}.At(of))
	if e.Code != hindcast.ESQLRaised || e.Message != `check "sql 1": division by zero (SQLSTATE 22012)` || !errors.Is(e, of) {
		t.Errorf("got %+v", e)
	}
}

func TestOverflowed(t *testing.T) {
	t.Parallel()
	q := Query{File: "x.sql", Original: "SELECT 1,\n  a\n / b + c + d", Guards: []sqltext.Guard{{At: 12, End: 18}, {At: 12, End: 26, Op: "addition"}, {At: 12, End: 22, Op: "addition"}, {At: 7, End: 8, Op: "negation"}}}
	e := &hindcast.Error{}
	q.Overflowed(e, "addition")
	if want := "it may be any of 2 operations, the first of them at 2:3, 2:3"; e.Place.Line != 0 || len(e.Detail) != 1 || e.Detail[0] != want {
		t.Errorf("got %+v, want %q", e, want)
	}
	if q.Overflowed(e, "negation"); e.Place.Line != 1 || e.Place.Column != 8 || e.Excerpt == "" {
		t.Errorf("got %+v", e)
	}
}
