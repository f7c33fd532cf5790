package redshift

import (
	"context"
	"strings"

	"github.com/hindcast/hindcast/internal/pgclient"
)

// session is a connection that one caller has to itself. Statements go one by one and without parameters: a proxy between us and
// the cluster need not read more than one at a time.
type session struct{ link link }

// ask gives a query's rows.
func (s *session) ask(ctx context.Context, query string) ([]pgclient.Row, error) {
	return s.link.ask(ctx, query)
}

// one gives the only row of a query that always has one.
func (s *session) one(ctx context.Context, query string) (pgclient.Row, error) {
	rows, err := s.ask(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, permanent("the server gave no single row for: "+query, "")
	}
	return rows[0], nil
}

// run runs statements up to the first that fails.
func (s *session) run(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.link.ask(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) rollback(ctx context.Context) { s.link.rollback(ctx) }

// literal is an expression of a text. Redshift reads a backslash in quotes as an escape, and servers that report
// standard_conforming_strings do not: what is written here means the same to both, also within the quotes of an UNLOAD.
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if !strings.Contains(s, `\`) {
		return quoted
	}
	return "(" + strings.ReplaceAll(quoted, `\`, "' || chr(92) || '") + ")"
}

// literals is a list of them, for IN. Nothing is in an empty one.
func literals(list []string) string {
	if len(list) == 0 {
		return "(NULL)"
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = literal(s)
	}
	return "(" + strings.Join(quoted, ", ") + ")"
}

// word quotes what stands where no expression can: a URL, a role. None of them may hold a backslash.
func word(s string) (string, error) {
	if strings.ContainsAny(s, "\\\x00") {
		return "", permanent("Redshift cannot be told of "+s+", which holds a backslash", "use a name without one")
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}
