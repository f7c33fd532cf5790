package pgclient

import (
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
)

// Verdict is what an error of a server means to the user.
type Verdict struct {
	Code  hindcast.Code
	Class hindcast.Class
	Next  string
}

// States are verdicts by SQLSTATE, or by what it begins with: the two characters of a class, or three. The longest counts.
type States map[string]Verdict

// Of is the verdict on an error. One of an unknown state is permanent, and its next step is the server's hint.
func (s States) Of(e *pgconn.PgError) Verdict {
	for _, n := range []int{5, 3, 2} {
		if len(e.Code) == 5 {
			if v, known := s[e.Code[:n]]; known {
				return v
			}
		}
	}
	return Verdict{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: e.Hint}
}
