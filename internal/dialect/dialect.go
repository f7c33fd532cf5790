// Package dialect translates a SELECT statement of PostgreSQL or Redshift into one of DuckDB or Spark that gives the warehouse's own
// answer, or raises where the warehouse raises. What is not known to do so is refused before anything runs, with its place and, if
// there is one, another way to write it. Every byte that need not change stays.
package dialect

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/dialect/ast"
	"github.com/hindcast/hindcast/internal/dialect/bind"
	"github.com/hindcast/hindcast/internal/dialect/emit"
	"github.com/hindcast/hindcast/internal/dialect/lex"
	"github.com/hindcast/hindcast/internal/dialect/parse"
	"github.com/hindcast/hindcast/internal/dialect/sem"
)

// Source is the dialect that a statement is written in.
type Source string

// The dialects.
const (
	Postgres Source = "postgres"
	Redshift Source = "redshift"
)

// Target is the engine that is to run the statement.
type Target string

// The engines.
const (
	DuckDB  Target = "duckdb"
	Spark35 Target = "spark35"
	Spark40 Target = "spark40"
)

// Span is a part of the text, from Start up to but not including End, in bytes.
type Span = lex.Span

// Column is a column of a table.
type Column = bind.Column

// Table is a table or view that statements may name. Name may have a schema before it: public.orders is found as orders, too.
type Table struct {
	Name    string
	Columns []Column
}

// Schema is what statements may name.
type Schema struct{ Tables []Table }

// Settings are what answers depend on beside the statement.
type Settings struct {
	// Collation is the database's. "C" (or POSIX, C.UTF-8 is neither) orders texts by their bytes; with any other one what depends on
	// the order of texts is refused. Redshift always orders by bytes; of a database of its own that is case_insensitive, or unknown,
	// what compares texts is refused.
	Collation string
	// TimeZone is the session's; "" is UTC.
	TimeZone string
	// DateStyle is the session's; "" is ISO. With another one dates and times are not made texts.
	DateStyle string
	// DecimalDivision and IntegerAverage say whether Redshift cuts ("", "cut") or rounds ("round") the quotient of decimals and the
	// average of integers, which its documentation leaves open.
	DecimalDivision, IntegerAverage string
}

// Options say what to translate, and for whom.
type Options struct {
	From     Source
	To       Target
	Schema   Schema
	Settings Settings
	Params   map[string]string // the types of :names
	Mark     bool              // guards say in their messages which part of the text they guard: see Result.Guards
}

// Change is a part of the statement that is written in another way: At is its place in the original, Text what stands there now.
type Change = emit.Change

// Spelling is why a part is written in another way where nothing else is to be said of it.
const Spelling = emit.Spelling

// Output is a column of the result. Type is the source's.
type Output struct{ Name, Type string }

// Result is a translated statement.
type Result struct {
	SQL     string
	Changes []Change
	Columns []Output
	// Start is where a script's result begins in the text. What SQL has of a script stands elsewhere in it: changes do not lead from one to the
	// other. It is 0 of a statement by itself.
	Start int `json:",omitempty"`
	// Guards are the parts that raise by a guard whose message ends in <<SQLSTATE#N>>: the Nth from 1. Without an SQLSTATE the source would not
	// raise. Behind them are those in which the engine itself raises. There are none if Options.Mark is not set, or the statement itself has such a text.
	Guards []Guard `json:",omitempty"`
}

// Guard is a part of the statement in which something raises. Op says what overflows where the engine says no more: addition, subtraction,
// multiplication.
type Guard struct {
	At Span
	Op string `json:",omitempty"`
}

// Unmarked is the statement without the marks of its guards: what it means does not depend on them.
func (r Result) Unmarked() string {
	if len(r.Guards) == 0 {
		return r.SQL
	}
	return emit.Mark.ReplaceAllString(r.SQL, "")
}

// Refusal is a part of a statement that is not translated.
type Refusal struct {
	Code         hindcast.Code // E-SQL-SYNTAX, E-SQL-TABLE, E-SQL-COLUMN or E-DIALECT
	At           Span
	Line, Column int // of At, from 1; the column counts characters
	Why          string
	Instead      string // how to write it; "" if it is wrong in the source, too
}

// Refusals are all that was found; Translate returns them as its error.
type Refusals []Refusal

// Error says what was refused first.
func (r Refusals) Error() string {
	if len(r) == 0 {
		return "nothing was refused"
	}
	return string(r[0].Code) + ": " + r[0].Why
}

// Translate translates one SELECT statement, or a script of several whose last SELECT is the result: what it makes of temporary tables
// before is written as queries of WITH. The error is Refusals, or says what is wrong with the options.
func Translate(sql string, o Options) (Result, error) {
	bound, err := o.bind()
	if err != nil {
		return Result{}, err
	}
	all, err := parse.Script(sql, parse.Options{Redshift: o.From == Redshift})
	if err != nil {
		return Result{}, notRead(sql, err)
	}
	mark := o.Mark && !emit.Mark.MatchString(sql) // of the user's own it could not be told apart
	out, query, refused := translated(sql, all, bound, emit.Options{Engine: engines[o.To], Mark: mark})
	if len(refused) > 0 {
		return Result{}, refusals(sql, refused)
	}

	r := Result{SQL: out.SQL, Changes: out.Changes}
	if len(all) > 1 {
		r.Start = query.At.Start
	}
	if n := len(query.Columns); n > 0 {
		r.Columns = make([]Output, 0, n)
	}
	for _, g := range out.Guards {
		r.Guards = append(r.Guards, Guard{g.At, g.Op})
	}
	for _, c := range query.Columns {
		r.Columns = append(r.Columns, Output{c.Name, c.Type.String()})
	}

	return r, nil
}

// translated binds and writes a statement or script.
func translated(sql string, all []ast.Statement, o bind.Options, to emit.Options) (out emit.Result, result *sem.Query, refused []sem.Refusal) {
	script, refused := bind.Script(sql, all, o)
	if len(refused) > 0 {
		return out, nil, refused
	}
	if len(all) == 1 { // what stands before and behind a query by itself stays
		out, refused = emit.Query(sql, script.Result, to)
	} else {
		out, refused = emit.Script(sql, script, to)
	}

	return out, script.Result, refused
}

var engines = map[Target]emit.Engine{DuckDB: emit.DuckDB, Spark35: emit.Spark35, Spark40: emit.Spark40}

// bind checks options, and says them in the binder's words.
func (o Options) bind() (bind.Options, error) {
	redshift := o.From == Redshift
	if !redshift && o.From != Postgres {
		return bind.Options{}, unusable("no dialect %q", o.From)
	}
	if _, known := engines[o.To]; !known {
		return bind.Options{}, unusable("no engine %q", o.To)
	}
	b := bind.Options{Redshift: redshift, Table: o.Schema.columns, Column: columns(redshift), Params: make(map[string]sem.Type, len(o.Params))}
	b.Bytewise = redshift || o.Settings.Collation == "C" || o.Settings.Collation == "POSIX"
	b.Collation = o.Settings.Collation
	if redshift && (strings.EqualFold(o.Settings.Collation, "case_insensitive") || o.Settings.Collation == "unknown") {
		b.Folding = strings.ToLower(o.Settings.Collation)
	}
	b.UTC = o.Settings.TimeZone == "" || strings.EqualFold(o.Settings.TimeZone, "UTC")
	b.ISO = o.Settings.DateStyle == "" || strings.HasPrefix(strings.ToUpper(o.Settings.DateStyle), "ISO")
	b.RoundDivision, b.RoundAverage = o.Settings.DecimalDivision == "round", o.Settings.IntegerAverage == "round"
	for name, written := range o.Params {
		t, known := typeOf(written, redshift)
		if !known {
			return b, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: sprintf("the type %q of :%s is not known", written, name),
				Next: "write a type of the warehouse's, such as integer, numeric(10,2) or varchar(20)"}
		}
		b.Params[name] = t
	}

	return b, nil
}

// columns is what reads columns. Most of a schema are of few types.
func columns(redshift bool) func(Column) sem.Column {
	types := map[string]sem.Type{}
	return func(c Column) sem.Column {
		t, known := types[c.Type]
		if !known {
			t, _ = typeOf(c.Type, redshift)
			types[c.Type] = t
		}
		return columnOf(c, t)
	}
}

// columnOf is a column in the binder's words. One of a type that is not known has no type: it may stand there, and is refused where it is
// used.
func columnOf(c Column, t sem.Type) sem.Column {
	facts := sem.Facts{NoBlanks: c.NoBlanks || t.Kind == sem.Char, ASCII: c.ASCII}
	if c.Least != "" || c.Most != "" {
		facts.Range, facts.NotZero = sem.RangeOf(t, c.Least, c.Most)
	}
	if t.Kind == sem.Numeric && t.P == 0 {
		t = sem.Type{} // engines hold no unbounded decimals
	}
	return sem.Column{Name: c.Name, Type: t, Facts: facts, Declared: true}
}

func typeOf(written string, redshift bool) (sem.Type, bool) {
	t, err := parse.Type(written, parse.Options{Redshift: redshift})
	if err != nil || t.Array {
		return sem.Type{}, false
	}
	if document, is := bind.Document(t.Name); is && !redshift {
		return document, false
	}
	found, why := bind.TypeOf(t.Name, t.Args, redshift)
	return found, why == ""
}

func unusable(format string, args ...any) error {
	return &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent, Message: sprintf(format, args...),
		Next: "the dialects are postgres and redshift, the engines duckdb, spark35 and spark40"}
}

var codes = map[sem.Reason]hindcast.Code{sem.Syntax: hindcast.ESQLSyntax, sem.NoTable: hindcast.ESQLTable, sem.NoColumn: hindcast.ESQLColumn,
	sem.Mismatch: hindcast.EDialect, sem.NotKnown: hindcast.EDialect, sem.NotOnEngine: hindcast.EDialect, sem.NotDecidable: hindcast.EDialect}

// instead is what to do where a refusal does not say how else to write it. There is nothing for what is wrong in the source, too.
var instead = map[sem.Reason]string{sem.NotKnown: inView, sem.NotOnEngine: inView, sem.NotDecidable: inView}

const inView = "compute it in the warehouse, in a view that the fact reads"

// refusals are in the order of the text, each once.
func refusals(sql string, all []sem.Refusal) Refusals {
	slices.SortStableFunc(all, func(a, b sem.Refusal) int { return a.At.Start - b.At.Start })
	all = slices.CompactFunc(all, func(a, b sem.Refusal) bool { return a.At == b.At && a.Why == b.Why })
	out := make(Refusals, len(all))
	at, line, column := 0, 1, 1 // counted on from place to place: a long script may be refused in many
	for i, r := range all {
		between := sql[at:r.At.Start]
		if n := strings.Count(between, "\n"); n > 0 {
			line, column, between = line+n, 1, between[strings.LastIndexByte(between, '\n')+1:]
		}
		at, column = r.At.Start, column+utf8.RuneCountInString(between)
		out[i] = Refusal{Code: codes[r.Reason], At: r.At, Line: line, Column: column, Why: r.Why, Instead: cmp.Or(r.Instead, instead[r.Reason])}
	}

	return out
}
