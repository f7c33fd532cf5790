package engine

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Samples is how many offending rows an error shows.
const Samples = 5

// Inside is the condition, for SQL around the user's and in its dialect, that a row lies in its slice; "" where that dialect cannot say it.
func (w Work) Inside() string {
	name, typ := w.Target.Time, ""
	for _, c := range w.Columns {
		if strings.EqualFold(c.Name, w.Target.Time) {
			typ = c.Type
		}
	}
	dialect := cmp.Or(w.Query.Written, w.Query.Dialect)
	bound := boundIn(dialect, w.Target.Format, typ)
	if bound == "" {
		return ""
	}
	switch {
	case dialect == sqltext.Spark && !plain.MatchString(name):
		name = "`" + strings.ReplaceAll(name, "`", "``") + "`"
	case !plain.MatchString(name), translated(dialect) && name != strings.ToLower(name):
		name = sqltext.Identifier(name)
	}
	return name + " >= " + strings.ReplaceAll(bound, "%s", ":slice_start") + " AND " + name + " < " + strings.ReplaceAll(bound, "%s", ":slice_end")
}

// translated reports whether SQL in the dialect is translated for its engine.
func translated(dialect sqltext.Dialect) bool {
	return hindcast.Transform{Dialect: string(dialect)}.Translates()
}

// boundIn is SQL that makes a parameter of a slice's bound, %s, what a column in a format is compared with. What is translated has no
// instant of a civil time, and no order of texts but in the collation C.
func boundIn(dialect sqltext.Dialect, format hindcast.TimeFormat, typ string) string {
	bound := map[hindcast.TimeFormat]string{"": "%s", hindcast.DayNumber: "strftime(%s, '%Y%m%d')", hindcast.DayText: "strftime(%s, '%Y-%m-%d')",
		hindcast.Epoch: "epoch(CAST(%s AS TIMESTAMPTZ))", hindcast.EpochMS: "epoch_ms(CAST(%s AS TIMESTAMPTZ))"}[format]
	switch {
	case translated(dialect) && format == hindcast.DayNumber && typ != "VARCHAR":
		return "extract(year FROM %s) * 10000 + extract(month FROM %s) * 100 + extract(day FROM %s)"
	case translated(dialect) && (format != "" || typ == "TIMESTAMP WITH TIME ZONE"):
		return ""
	case dialect == sqltext.Spark:
		bound = map[hindcast.TimeFormat]string{"": "%s", hindcast.DayNumber: "date_format(%s, 'yyyyMMdd')", hindcast.DayText: "date_format(%s, 'yyyy-MM-dd')",
			hindcast.Epoch: "unix_seconds(CAST(%s AS TIMESTAMP_LTZ))", hindcast.EpochMS: "unix_millis(CAST(%s AS TIMESTAMP_LTZ))"}[format]
	}
	if format == hindcast.DayNumber && typ != "VARCHAR" {
		return "CAST(" + bound + " AS INT)"
	}
	return bound
}

var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Outside is the error of rows, some of which are the detail, whose time does not lie in the slice.
func (w Work) Outside(rows int64, detail []string) error {
	next := "drop such rows: `outside: drop` below target; or limit the result to the slice in the SQL"
	if inside := w.Inside(); inside != "" {
		next = "limit the result to the slice, since windows and DISTINCT see no more than that and its margins: SELECT * FROM (the SQL) AS r WHERE " + inside +
			"; or drop such rows: `outside: drop` below target"
	}
	return &hindcast.Error{Code: hindcast.EOutside, Class: hindcast.ClassCheck,
		Message: fmt.Sprintf("%s a %s that is NULL or outside the slice", rowsHave(rows), w.Target.Time), Detail: detail, Next: next}
}

// NullKey is the error of rows that have a NULL in the key.
func (w Work) NullKey(rows int64, detail []string) error {
	return keyViolated(fmt.Sprintf("%s a NULL in the key (%s)", rowsHave(rows), strings.Join(w.Target.Key, ", ")), detail)
}

// KeyTwice is the error of keys that several rows have.
func (w Work) KeyTwice(keys int64, detail []string) error {
	message := "%d keys (%s) stand in more than one row of the result"
	if keys == 1 {
		message = "%d key (%s) stands in more than one row of the result"
	}
	return keyViolated(fmt.Sprintf(message, keys, strings.Join(w.Target.Key, ", ")), detail)
}

func keyViolated(message string, detail []string) error {
	return &hindcast.Error{Code: hindcast.EKeyViolated, Class: hindcast.ClassCheck, Message: message, Detail: detail,
		Next: "correct the SQL, or target.key in the pipeline file"}
}

// rowsHave begins a sentence about rows of the result.
func rowsHave(n int64) string {
	if n == 1 {
		return "1 row of the result has"
	}
	return numbers.Counted(n, "row") + " of the result have"
}

// Uncarried is the error of SQL that reads columns whose types the engine does not have, in the tables' order.
type Uncarried struct {
	fault  *hindcast.Error
	Tables []Table // those with such columns, and only these columns
	Named  bool    // the SQL names one of them, where the error's place is
}

func (u *Uncarried) Error() string { return u.fault.Error() }

// Unwrap returns the error.
func (u *Uncarried) Unwrap() error { return u.fault }

// Uncarried makes the error of a query that reads these columns of an engine's; start is where its statement begins.
func (q Query) Uncarried(engine string, start int, tables []Table) error {
	u := &Uncarried{Tables: tables, fault: &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: hindcast.Place{File: q.File},
		Next: "carry what is meant to be read as text, with text: in the pipeline file, or leave it out of the SQL"}}
	var names []string
	for _, t := range tables {
		for _, c := range t.Columns {
			names = append(names, fmt.Sprintf("%s.%s (%s)", t.Name, c.Name, c.Type))
			if at := q.Dialect.Find(q.SQL, start, c.Name); at >= 0 && !u.Named {
				u.Named, u.fault.Place = true, q.Place(q.Last(start, c.Name))
			}
		}
	}
	u.fault.Message = "the SQL reads " + strings.Join(names, ", ") + ": " + engine + " has no such type"
	return u
}

// Together is the error whose place comes first of those of one text, and says that there are others.
func Together(list []*hindcast.Error) *hindcast.Error {
	slices.SortStableFunc(list, func(a, b *hindcast.Error) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	e := *list[0]
	for _, other := range list[1:] {
		e.Detail = append(e.Detail, "also "+other.Error())
	}
	return &e
}

// At names the check in the error of its SQL.
func (c Check) At(err error) error {
	if raised := (Query{}).Raised(hindcast.AsError(err)); raised != nil {
		err = raised
	}
	e := *hindcast.AsError(err)
	if e.Class == hindcast.ClassPermanent {
		e.Message = fmt.Sprintf("check %q: %s", c.Name, e.Message)
		e.Next = "correct it under checks: in the pipeline file"
	}
	return &e
}

// FailedRows is the error of a number of rows that is out of bounds; nil if it is not.
func (c Check) FailedRows(rows int64) error {
	switch {
	case c.Rows.Min != nil && rows < *c.Rows.Min:
		return c.failed(fmt.Sprintf("%s, at least %s expected", numbers.Counted(rows, "row"), numbers.Thousands(*c.Rows.Min)), nil)
	case c.Rows.Max != nil && rows > *c.Rows.Max:
		return c.failed(fmt.Sprintf("%s, at most %s expected", numbers.Counted(rows, "row"), numbers.Thousands(*c.Rows.Max)), nil)
	}
	return nil
}

// FailedTotal is the error of a sum that is not what it should be; nil is NULL.
func (c Check) FailedTotal(is, should *string) error {
	return c.failed(fmt.Sprintf("the result's sum of %s is %s, expected %s (within %s)", c.Total.Of, orNull(is), orNull(should), c.Total.Within), nil)
}

func orNull(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// FailedSQL is the error of a check whose query gave so many rows, some of which are the detail.
func (c Check) FailedSQL(rows int64, detail []string) error {
	values, are := numbers.Counted(rows, "value"), "are"
	if rows == 1 {
		are = "is"
	}
	switch {
	case len(c.NotNull) > 0:
		return c.failed(fmt.Sprintf("%s a NULL in %s", rowsHave(rows), strings.Join(c.NotNull, " or ")), detail)
	case len(c.Unique) > 0:
		return c.failed(fmt.Sprintf("%s of %s %s in more than one row of the result", values, strings.Join(c.Unique, ", "), are), detail)
	case c.Accepted != nil:
		return c.failed(fmt.Sprintf("%s of %s %s not accepted", values, c.Accepted.Column, are), detail)
	case c.Related != nil:
		return c.failed(fmt.Sprintf("%s of %s %s not in %s.%s", values, c.Related.Column, are, c.Related.To, c.Related.Field), detail)
	}
	return c.failed("it gave "+numbers.Counted(rows, "row"), detail)
}

func (c Check) failed(message string, detail []string) error {
	return &hindcast.Error{Code: hindcast.ECheck, Class: hindcast.ClassCheck, Message: fmt.Sprintf("check %q failed: %s", c.Name, message),
		Detail: detail, Next: "nothing of this slice was published; correct the SQL, the data or the check"}
}
