package warehouse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Fit checks that a result of these columns can be loaded into the target's columns, matched by name, and
// returns the result's columns with the types in which they are to be staged: the target's. Columns whose Source is set are
// shown with that type. Within a family
// (integers; decimals that lose no scale) the cast is checked value by value when the result is staged; casts
// that could lose something silently are refused here. The error is E-TARGET with the ALTER TABLE, or the cast
// in the SQL, that mends it; statement is the table's name in it, "" if that is table. Zone is the history's: what turns an
// instant into a civil time there must not depend on the session's.
func Fit(table, statement, zone string, target, result []hindcast.Column) ([]hindcast.Column, error) {
	alter := "ALTER TABLE " + cmp.Or(statement, table)
	staged := make([]hindcast.Column, len(result))
	for i, c := range result {
		t, found := find(target, c.Name)
		if found && t.Type == "" { // whether it can take the result's is for the warehouse to say
			t.Type = c.Type
		}
		switch {
		case !found:
			return nil, misfit(fmt.Sprintf("%s has no column %q, which the SQL gives", table, c.Name),
				fmt.Sprintf("%s ADD COLUMN %s %s;  then, if it was dropped: hindcast run --force;  or leave it out of the SQL", alter, sqltext.Identifier(c.Name), spelled(c)))
		case t.Generated:
			return nil, misfit(fmt.Sprintf("column %q of %s is generated and cannot be loaded", c.Name, table),
				"leave it out of the SQL")
		case !datatype.Castable(c.Type, t.Type):
			return nil, misfit(fmt.Sprintf("column %q is %s in the SQL and %s in %s: that cast could lose something", c.Name, c.Type, spelled(t), table),
				fmt.Sprintf("%s ALTER COLUMN %s TYPE %s USING %s;  or in the SQL: CAST(… AS %s) AS %s", alter, sqltext.Identifier(t.Name), spelled(c), using(t, c, zone), t.Type, sqltext.Identifier(c.Name)))
		}
		staged[i] = hindcast.Column{Name: t.Name, Type: t.Type, Source: t.Source, Format: c.Format}
	}
	for _, t := range target {
		_, given := find(result, t.Name)
		if !given && t.NotNull && !t.Default && !t.Generated {
			return nil, misfit(fmt.Sprintf("column %q of %s may not be NULL and has no default, and the SQL does not give it", t.Name, table),
				fmt.Sprintf("add it to the SQL, or: %s ALTER COLUMN %s DROP NOT NULL;", alter, sqltext.Identifier(t.Name)))
		}
	}
	return staged, nil
}

// using turns the target's values into the result's type.
func using(target, result hindcast.Column, zone string) string {
	value, typ := sqltext.Identifier(target.Name), spelled(result)
	instant := "TIMESTAMP WITH TIME ZONE"
	at := " AT TIME ZONE '" + strings.ReplaceAll(zone, "'", "''") + "'"
	switch {
	case target.Type == instant && strings.HasPrefix(result.Type, "TIMESTAMP"), target.Type == "TIMESTAMP" && result.Type == instant:
		return value + at
	case strings.HasPrefix(target.Type, "TIMESTAMP_") && result.Type == instant: // of seconds, milliseconds or nanoseconds
		return value + "::TIMESTAMP" + at
	case target.Type == instant && result.Type == "DATE":
		return "(" + value + at + ")::" + typ
	case target.Type == "DATE" && result.Type == instant:
		return value + "::timestamp" + at
	}
	return value + "::" + typ
}

// spelled is a column's type as the warehouse has it.
func spelled(c hindcast.Column) string {
	if c.Source != "" {
		return c.Source
	}
	return c.Type
}

func misfit(message, next string) error {
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

func find(columns []hindcast.Column, name string) (hindcast.Column, bool) {
	i := slices.IndexFunc(columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, name) })
	if i < 0 {
		return hindcast.Column{}, false
	}
	return columns[i], true
}
