package sparksql

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Bound is what Binding gives.
type Bound struct {
	asked   Asked
	columns []boundColumn
	marks   []string // of columns that the plan reads
}

type boundColumn struct {
	Name string          `json:"name"`
	Type json.RawMessage `json:"type"`
}

// Bound reads what was bound; the error of the SQL, or of a check's, if it cannot be.
func (e End) Bound(a Asked, checks []engine.Check) (Bound, error) {
	if err := e.fault(a); err != nil {
		return Bound{}, err
	}
	var got struct {
		Columns []boundColumn `json:"columns"`
		Plan    []string      `json:"plan"`
		Check   int           `json:"check"`
		Error   *said         `json:"error"`
	}
	if err := json.Unmarshal(e.OK, &got); err != nil {
		return Bound{}, fmt.Errorf("reading what Spark says of the SQL: %w", err)
	}
	if got.Error != nil {
		return Bound{}, checks[got.Check].At(translate(got.Error, engine.Query{}, frozen{}))
	}
	return Bound{a, got.Columns, got.Plan}, nil
}

// Columns are the result's, or all that is wrong with the SQL.
func (b Bound) Columns() ([]hindcast.Column, error) {
	q, f := b.asked.query, b.asked.frozen
	columns, err := columnsOf(b.columns, q, f)
	if err != nil {
		return nil, err
	}
	if slices.Contains(b.marks, "script") {
		return nil, &hindcast.Error{Code: hindcast.ESQLAccess, Class: hindcast.ClassPermanent, Place: q.Place(f.start),
			Message: "the SQL runs a program with TRANSFORM … USING", Next: "write it without"}
	}
	if odd := uncarried(b.marks, q.Tables); len(odd) > 0 {
		return nil, q.Uncarried("Spark", f.start, odd)
	}
	return columns, nil
}

// Used are the columns of each table that the SQL reads, of what was bound with every column an expression that cannot be evaluated:
// those that are left in the optimized plan are read.
func (b Bound) Used() map[string][]string {
	used := map[string][]string{}
	for _, t := range b.asked.query.Tables {
		used[t.Name] = nil
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, t.Time) && t.Time != "" || slices.Contains(b.marks, "used:"+t.Name+"."+c.Name) || slices.Contains(b.marks, "type:"+t.Name+"."+c.Name) {
				used[t.Name] = append(used[t.Name], c.Name)
			}
		}
	}
	return used
}

// Rows are those of an ad hoc query.
func (e End) Rows(a Asked) (engine.Rows, error) {
	if err := e.fault(a); err != nil {
		return engine.Rows{}, err
	}
	var got struct {
		Columns []boundColumn `json:"columns"`
		Values  [][]*string   `json:"values"`
		More    bool          `json:"more"`
	}
	if err := json.Unmarshal(e.OK, &got); err != nil {
		return engine.Rows{}, fmt.Errorf("reading Spark's rows: %w", err)
	}

	rows := engine.Rows{Values: got.Values, More: got.More}
	for _, c := range got.Columns {
		typ, err := told(c.Type)
		if err != nil {
			typ = strings.Trim(string(c.Type), `"`)
		}
		rows.Columns = append(rows.Columns, hindcast.Column{Name: c.Name, Type: typ})
	}
	return rows, nil
}

// uncarried are the columns that the SQL reads, by the marks of its plan, and whose types Spark does not have.
func uncarried(marks []string, tables []engine.Table) (odd []engine.Table) {
	for _, t := range tables {
		of := engine.Table{Name: t.Name}
		for _, c := range t.Columns {
			if slices.Contains(marks, "type:"+t.Name+"."+c.Name) {
				of.Columns = append(of.Columns, c)
			}
		}
		if len(of.Columns) > 0 {
			odd = append(odd, of)
		}
	}
	return odd
}

// columnsOf are the result's columns, or all that is wrong with them.
func columnsOf(got []boundColumn, q engine.Query, f frozen) ([]hindcast.Column, error) {
	seen := map[string]bool{}
	var columns []hindcast.Column
	var wrong []*hindcast.Error
	for _, c := range got {
		typ, err := told(c.Type)
		unknown, untold := errors.AsType[unspoken](err)
		switch {
		case seen[strings.ToLower(c.Name)]:
			wrong = append(wrong, hindcast.AsError(q.TwoColumns(f.start, c.Name)))
		case untold:
			wrong = append(wrong, untyped(c.Name, unknown.typ, q, f))
		case err != nil:
			return nil, err
		case strings.Contains(typ, "WITH TIME ZONE") && !zoned(q):
			wrong = append(wrong, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: q.Place(q.Last(f.start, c.Name)),
				Message: fmt.Sprintf("column %q of the result has a time zone, and no column that the SQL reads has one: functions such as date_trunc() give Spark's TIMESTAMP_LTZ", c.Name),
				Next:    "write CAST(… AS TIMESTAMP_NTZ), or CAST(… AS TIMESTAMP_LTZ) if instants are meant; where clocks are changed both move the times that they skip"})
		}
		seen[strings.ToLower(c.Name)] = true
		columns = append(columns, hindcast.Column{Name: c.Name, Type: typ})
	}
	if len(wrong) > 0 {
		return nil, engine.Together(wrong)
	}
	return columns, nil
}

// zoned reports whether anybody asked for instants: a column of the tables, or the SQL itself.
func zoned(q engine.Query) bool {
	for _, t := range q.Tables {
		for _, c := range t.Columns {
			if strings.Contains(c.Type, "WITH TIME ZONE") && (strings.Contains(q.SQL, "*") || named(q.SQL, c.Name)) {
				return true
			}
		}
	}
	return named(q.SQL, "TIMESTAMP_LTZ")
}

// named reports whether the SQL has a word, quoted or not, in no comment and no text.
func named(sql, word string) bool { return sqltext.Spark.Find(sql, 0, word) >= 0 }

func untyped(column, typ string, q engine.Query, f frozen) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent, Place: q.Place(q.Last(f.start, column)),
		Message: fmt.Sprintf("column %q of the result has Spark's type %s, which Parquet does not carry to others", column, typ),
		Next:    "cast it in the SQL, or leave it out"}
	switch {
	case typ == "void":
		e.Message = fmt.Sprintf("column %q of the result is NULL in every row and has no type", column)
		e.Next = "give it one: CAST(NULL AS …)"
	case strings.HasPrefix(typ, "interval"):
		e.Next = "write datediff(…) in place of a difference of dates, or cast the interval to text"
	}
	return e
}
