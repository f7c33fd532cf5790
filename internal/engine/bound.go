package engine

import (
	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Bound makes a query of SQL text from a file, its parameters replaced by literals. E-SQL-PARAM with its place if
// one has no value.
func Bound(dialect, text, file string, params map[string]string) (Query, error) {
	d := sqltext.Dialect(dialect)
	sql, shifts, err := d.Bind(text, params)
	if err != nil {
		e := *hindcast.AsError(err)
		e.Place.File = file
		return Query{}, &e
	}

	return Query{Dialect: d, SQL: sql, Original: text, File: file, Shifts: shifts}, nil
}

// From gives the query of a translated text the places of the text that people wrote, and its dialect. The shifts lead from one to the other,
// and the guards are what raises by their numbers.
func (q Query) From(dialect, original string, shifts []Shift, guards []sqltext.Guard) Query {
	q.Written, q.Original, q.Origin, q.Guards = sqltext.Dialect(dialect), original, shifts, guards
	return q
}

// Translated reports whether SQL was translated from the text that people wrote.
func (q Query) Translated() bool { return translated(q.Written) }

// BoundChecks replaces the parameters in the checks' SQL. Those against what is published are left out: they say nothing to an engine
// before that is known.
func BoundChecks(dialect string, checks []hindcast.Check, params map[string]string) ([]Check, error) {
	d := sqltext.Dialect(dialect)
	bound := make([]Check, 0, len(checks))
	for _, c := range checks {
		if c.Previous != nil {
			continue
		}
		var err error
		if c.SQL, _, err = d.Bind(c.SQL, params); err != nil {
			return nil, inCheck(err, c)
		}
		if c.Total != nil {
			total := *c.Total
			if total.Equals, _, err = d.Bind(total.Equals, params); err != nil {
				return nil, inCheck(err, c)
			}
			c.Total = &total
		}
		bound = append(bound, Check{Check: c})
	}
	return bound, nil
}

func inCheck(err error, c hindcast.Check) error {
	e := *hindcast.AsError(err)
	e.Place = hindcast.Place{}
	e.Message = "check " + c.Name + ": " + e.Message
	return &e
}
