package spark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Binder asks a session of Spark on this machine, whatever the master is, what SQL would do. It starts one when it does not
// know the answer already and finds none that another process keeps.
type Binder struct {
	engine *Engine
	mutex  sync.Mutex // guards what follows
	own    *ours      // the session; nil before it is needed
	number int
	keep   time.Duration // see Keep
	ends   bool          // Keep was told 0
	doubt  bool          // something that was asked of the session may still run
	closed bool
}

var (
	_ engine.SQLBinder = (*Binder)(nil)
	_ engine.Sampler   = (*Binder)(nil)
	_ engine.Keeper    = (*Binder)(nil)
)

// NewBinder makes a binder with the engine's installation and folder.
func NewBinder(e *Engine) *Binder { return &Binder{engine: e} }

// say says that a session is started, which takes seconds, and what for.
func (b *Binder) say(kind string) {
	o := &b.engine.options
	switch {
	case o.Says == nil:
	case kind == "bind":
		o.Says("asking Spark " + o.Version + " for the types of the SQL's result")
	default:
		o.Says("starting Spark " + o.Version)
	}
}

// found is what binding gives.
type found struct {
	Columns []struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	} `json:"columns"`
	Plan  []string `json:"plan"` // marks of columns that are read
	Check int      `json:"check"`
	Error *said    `json:"error"`
}

// ask binds the SQL over empty tables.
func (b *Binder) ask(ctx context.Context, q engine.Query, checks []engine.Check, used bool) (found, frozen, error) {
	f, err := single(q)
	if err != nil {
		return found{}, f, err
	}
	text, _, err := q.Single()
	if err != nil {
		return found{}, f, err
	}
	asked, err := checksOf(checks, q)
	if err != nil {
		return found{}, f, err
	}
	r := request{Kind: "bind", Conf: conf(q.TimeZone), Tables: tables(q, true, used), SQL: f.text, Now: now(q), Named: text, Checks: asked}
	is, err := b.call(ctx, r, engine.Limits{})
	switch {
	case err != nil:
		return found{}, f, err
	case is.Failed != nil:
		return found{}, f, failed(engine.Work{}, q, is.Failed)
	case is.Error != nil:
		return found{}, f, translate(is.Error, q, f)
	}
	var got found
	if err := json.Unmarshal(is.OK, &got); err != nil {
		return found{}, f, fmt.Errorf("reading what Spark says of the SQL: %w", err)
	}
	if got.Error != nil {
		return found{}, f, checks[got.Check].At(translate(got.Error, engine.Query{}, frozen{}))
	}
	return got, f, nil
}

// Bind checks the SQL over empty tables.
func (b *Binder) Bind(ctx context.Context, q engine.Query, checks []engine.Check) ([]hindcast.Column, error) {
	path := b.memory().path(b.engine, q, checks, false)
	var columns []hindcast.Column
	if b.memory().recall(path, &columns) {
		return columns, nil
	}
	got, f, err := b.ask(ctx, q, checks, false)
	if err != nil {
		return nil, err
	}
	columns, err = columnsOf(got, q, f)
	if err != nil {
		return nil, err
	}
	if slices.Contains(got.Plan, "script") {
		return nil, &hindcast.Error{Code: hindcast.ESQLAccess, Class: hindcast.ClassPermanent, Place: q.Place(f.start),
			Message: "the SQL runs a program with TRANSFORM … USING", Next: "write it without"}
	}
	if odd := uncarried(got.Plan, q.Tables); len(odd) > 0 {
		return nil, q.Uncarried("Spark", f.start, odd)
	}
	b.memory().keep(path, columns)
	_, _ = b.Used(ctx, q, checks) // a run will ask, and would have to start a session for it; if this fails, it does
	return columns, nil
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

// memory is what Spark said before.
func (b *Binder) memory() memory { return memory{filepath.Join(b.engine.options.Dir, "bound")} }

// columnsOf are the result's columns, or all that is wrong with them.
func columnsOf(got found, q engine.Query, f frozen) ([]hindcast.Column, error) {
	seen := map[string]bool{}
	var columns []hindcast.Column
	var wrong []*hindcast.Error
	for _, c := range got.Columns {
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

// Used says which columns the SQL reads: every column of a table is an expression that cannot be evaluated, and those that
// are left in the optimized plan are read.
func (b *Binder) Used(ctx context.Context, q engine.Query, checks []engine.Check) (map[string][]string, error) {
	path, used := b.memory().path(b.engine, q, checks, true), map[string][]string{}
	if b.memory().recall(path, &used) {
		return used, nil
	}
	got, _, err := b.ask(ctx, q, checks, true)
	if err != nil {
		return nil, err
	}
	for _, t := range q.Tables {
		used[t.Name] = nil
		for _, c := range t.Columns {
			if strings.EqualFold(c.Name, t.Time) && t.Time != "" || slices.Contains(got.Plan, "used:"+t.Name+"."+c.Name) || slices.Contains(got.Plan, "type:"+t.Name+"."+c.Name) {
				used[t.Name] = append(used[t.Name], c.Name)
			}
		}
	}
	b.memory().keep(path, used)
	return used, nil
}

// Needed is Used.
func (b *Binder) Needed(ctx context.Context, q engine.Query, checks []engine.Check) (map[string][]string, error) {
	return b.Used(ctx, q, checks)
}

// Query runs an ad hoc query in the session.
func (b *Binder) Query(ctx context.Context, q engine.Query, limits engine.Limits, limit int) (engine.Rows, error) {
	f, err := single(q)
	if err != nil {
		return engine.Rows{}, err
	}
	if err := unreachable(q.Tables); err != nil {
		return engine.Rows{}, err
	}
	r := request{Kind: "query", Conf: conf(q.TimeZone), Tables: tables(q, false, false), SQL: f.text, Now: now(q), Checks: []check{}, Limit: limit}
	is, err := b.call(ctx, r, limits)
	switch {
	case err != nil:
		return engine.Rows{}, err
	case is.Failed != nil:
		return engine.Rows{}, failed(engine.Work{}, q, is.Failed)
	case is.Error != nil:
		return engine.Rows{}, translate(is.Error, q, f)
	}
	var got struct {
		found
		Values [][]*string `json:"values"`
		More   bool        `json:"more"`
	}
	if err := json.Unmarshal(is.OK, &got); err != nil {
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
