// Package pgcopy moves rows between PostgreSQL's binary COPY and Parquet files: exactly, in bounded memory, with
// nothing between the wire and the file but DuckDB's vectors. The warehouse driver is responsible for connections,
// transactions and what is moved when.
package pgcopy

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
)

// Settings are the SET statements that a session needs before it copies: with them the text of every value carried as
// text reads back as the same value, and all text is UTF-8.
var Settings = []string{
	"SET client_encoding = 'UTF8'", "SET DateStyle = 'ISO, YMD'", "SET IntervalStyle = 'postgres'", "SET TimeZone = 'UTC'",
	"SET extra_float_digits = 1", "SET bytea_output = 'hex'",
}

// Type is a column's type according to PostgreSQL's catalogue; Resolve reads it.
type Type struct {
	OID  uint32
	Mod  int32  // atttypmod; -1 is none
	Name string // as format_type() spells it, with its length or precision
	Kind byte   // pg_type.typtype: b(ase) c(omposite) d(omain) e(num) m(ultirange) r(ange)
	Base *Type  // of a domain, with the domain's own Mod
	Elem *Type  // of an array
}

// Field is one column of a copy.
type Field struct {
	hindcast.Column // as it is in Parquet
	// Type is PostgreSQL's: of the source's column in an unload, of the target's in a load.
	Type Type
	// AsText says that the value is carried as its text: Expression casts it to text, and a load must cast it back.
	AsText bool
}

// Expression is what COPY (SELECT …) must select for the field: the column, or its text.
func (f Field) Expression() string { return expression(f) }

// Source is a set of COPY … TO STDOUT (FORMAT binary) statements over the fields' Expressions, in their order. Each is
// run once, by the next free connection, so that all connections are busy to the end. The connections must be idle, in
// transactions that see the same snapshot, and used by nobody else until the copy has ended. After an error they are
// idle again, or closed; ask IsClosed.
type Source struct {
	Conns []*pgconn.PgConn
	SQL   []string
}

// One is a Source of one connection and one statement.
func One(conn *pgconn.PgConn, sql string) Source {
	return Source{[]*pgconn.PgConn{conn}, []string{sql}}
}

// Target is one COPY … FROM STDIN (FORMAT binary) over the fields, in their order. The connection must be idle, in the
// transaction that the caller wants. After an error it is idle again with its transaction failed, or closed.
type Target struct {
	Conn *pgconn.PgConn
	SQL  string
}

// Options bound a copy.
type Options struct {
	Dir     string // of an unload: an existing empty folder for the files
	Memory  int64  // bytes that the whole process may hold; 0 means no limit
	Threads int    // of DuckDB; 0 is one per connection, and one for a load
	// Facts gets, of an unload, what holds for all values of each text column; nil if nobody asks.
	Facts map[string]hindcast.Facts
}

// Unload runs the source to its end and writes its rows to Parquet files in o.Dir, which are durable when it returns;
// no rows give no file. The sums are taken in passing: Content is a hash over what the server sent, which Sum
// reproduces for the same rows and fields. Columns whose Stored is set have that type in the files. A value that cannot
// be carried is E-TYPE and names its column.
func Unload(ctx context.Context, fields []Field, from Source, o Options) ([]hindcast.File, hindcast.Sums, error) {
	return unload(ctx, fields, from, o)
}

// Sum runs the source and computes the sums that an Unload of the same rows would return. It writes nothing.
func Sum(ctx context.Context, fields []Field, from Source) (hindcast.Sums, error) {
	return sum(ctx, fields, from)
}

// Load sends the rows of Parquet files, which hindcast wrote with these columns, to the target. The sums are those of
// the rows as sent: Sum over the target's columns returns the same Content unless the server changed values as it
// stored them (a trigger, jsonb's own spelling). Stored is how many rows the server says that it took: a trigger may
// drop some, or redirect them. A value that does not fit the target's type is E-OVERFLOW and names its column; errors
// of the server are *pgconn.PgError.
func Load(ctx context.Context, fields []Field, files []string, o Options, to Target) (sent hindcast.Sums, stored int64, err error) {
	return load(ctx, fields, files, o, to)
}

// Verbatim are the fields of a load whose values the server returns in the bytes in which they were sent: all but those
// that it parses from text, and those that it spells in its own way.
func Verbatim(fields []Field) []Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f Field) bool {
		t := plain(f.Type)
		if t.Elem != nil {
			t = plain(*t.Elem)
		}
		return f.AsText || t.OID == oidJSONB
	})
}

// Encoded returns the sums of what a Load of these fields of the files would send. Nothing is sent.
func Encoded(ctx context.Context, fields []Field, files []string, o Options) (hindcast.Sums, error) {
	return encoded(ctx, fields, files, o)
}

// Stored returns Rows and Content of what the source sends, without looking at values: for Verbatim fields they equal
// those of the Load that stored the rows, unless the rows have changed since.
func Stored(ctx context.Context, fields []Field, from Source) (hindcast.Sums, error) {
	return stored(ctx, fields, from)
}

// CopyOut is the statement of a Source: it selects the fields from a FROM clause ("sales WHERE day >= …").
func CopyOut(fields []Field, from string) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Expression()
	}
	return "COPY (SELECT " + strings.Join(list, ", ") + " FROM " + from + ") TO STDOUT (FORMAT binary)"
}

// CopyIn is the statement of a Target: it fills the fields of a table, whose name is already quoted.
func CopyIn(fields []Field, table string) string {
	return copyIn(fields, table, "FORMAT binary")
}

// CopyInFrozen is CopyIn for a table that was made in the same transaction: its rows are frozen, so that whoever sees the table sees them,
// with whatever snapshot.
func CopyInFrozen(fields []Field, table string) string {
	return copyIn(fields, table, "FORMAT binary, FREEZE")
}

func copyIn(fields []Field, table, options string) string {
	return "COPY " + table + " (" + strings.Join(names(fields), ", ") + ") FROM STDIN (" + options + ")"
}

// Staging returns what a load needs if the target has columns that only the server's own text input can fill (their
// AsText is set): the columns of a temporary table, to be created and copied into first, and the select list that reads
// it into the target. Both are empty if all fields are copied straight into the target.
func Staging(fields []Field) (columns, selected string) { return staging(fields) }

// Rounding returns, by column, the condition on the temporary table's rows under which the target would round a value.
// Check it before reading the table. Most loads have none.
func Rounding(fields []Field) map[string]string { return rounding(fields) }
