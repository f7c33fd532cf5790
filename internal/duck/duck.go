// Package duck is what all users of DuckDB here share: opening an instance with bounded memory, quoting names and
// values, carrying types through Parquet, sums over rows, and turning DuckDB's errors into ours. What is run in DuckDB,
// and why, is the caller's responsibility.
package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// Options open an instance.
type Options struct {
	Path     string   // "" is in memory
	ReadOnly bool     //
	Memory   int64    // resident bytes that the whole process may use; 0 leaves DuckDB's default
	Threads  int      // 0 leaves DuckDB's default
	Spill    string   // folder to spill to; "" beside the database
	Allowed  []string // the only folders that SQL may access, besides Path; nil does not restrict it
	TimeZone string   // of the sessions
	Session  []string // the user's SET statements, run on each connection
}

// memoryShare is DuckDB's share of the memory that its process may use: it overshoots its limit by about 30 %
// (measured, see docs/decisions/duckdb.md).
const memoryShare = 0.7

// idleConnections is how many connections are kept for the next use: opening one costs more than a small statement.
const idleConnections = 16

// Open opens an instance and proves that it works. Errors are translated.
func Open(ctx context.Context, o Options) (*sql.DB, error) {
	if o.Spill != "" {
		if err := os.MkdirAll(o.Spill, 0o700); err != nil {
			return nil, Translate(err)
		}
	}
	if _, err := url.Parse(o.Path); err != nil || strings.Contains(o.Path, "?") {
		return nil, &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent,
			Message: "DuckDB's driver cannot open " + o.Path + ": it parses the path as a URL, and what follows a ? as options",
			Next:    "rename the file or folder whose name holds the ? or %"}
	}
	dsn := o.Path
	if o.ReadOnly {
		dsn += "?access_mode=read_only"
	}
	connector, err := duckdb.NewConnector(dsn, func(conn driver.ExecerContext) error {
		return prepareSession(conn, o)
	})
	if err != nil {
		return nil, foreign(o.Path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(idleConnections)
	if err := prepareInstance(ctx, db, o); err != nil {
		_ = db.Close()
		return nil, foreign(o.Path, err)
	}
	return db, nil
}

func prepareInstance(ctx context.Context, db *sql.DB, o Options) error {
	for _, set := range o.instance() {
		if _, err := db.ExecContext(ctx, set); err != nil {
			return err
		}
	}
	return nil
}

// Version is the DuckDB that is linked in.
const Version = "v1.5.6"

// Settings are the SET statements that Open runs, for callers that open an instance by other means.
func (o Options) Settings() []string { return append(o.instance(), o.session()...) }

// instance returns the settings of the whole instance; access is restricted last, and cannot be widened after that.
func (o Options) instance() []string {
	sets := []string{
		"SET autoinstall_known_extensions=false", "SET autoload_known_extensions=false",
		"SET preserve_insertion_order=false",
	}
	if o.Memory > 0 {
		sets = append(sets, fmt.Sprintf("SET memory_limit='%dB'", MemoryLimit(o.Memory)))
	}
	if o.Threads > 0 {
		sets = append(sets, fmt.Sprintf("SET threads=%d", o.Threads))
	}
	if o.Spill != "" {
		sets = append(sets, "SET temp_directory="+String(o.Spill))
	}
	if o.Allowed != nil {
		allowed := make([]string, 0, len(o.Allowed)+1)
		for _, dir := range append(o.Allowed, o.Spill) {
			if dir == "" {
				continue
			}
			dir = strings.TrimSuffix(dir, "/") + "/"
			allowed = append(allowed, String(dir))
			if escaped := Literal(dir); escaped != dir {
				allowed = append(allowed, String(escaped)) // paths are compared as written
			}
		}
		sets = append(sets, "SET allowed_directories=["+strings.Join(allowed, ",")+"]", "SET enable_external_access=false")
	}
	return sets
}

// MemoryLimit is the memory_limit for an instance whose process may use that many bytes.
func MemoryLimit(resident int64) int64 { return int64(float64(resident) * memoryShare) }

// session returns the settings of one session.
func (o Options) session() []string {
	zone := o.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	return append([]string{"SET errors_as_json=true", "SET TimeZone=" + String(zone)}, o.Session...)
}

func prepareSession(conn driver.ExecerContext, o Options) error {
	for _, set := range o.session() {
		if _, err := conn.ExecContext(context.Background(), set, nil); err != nil {
			return err
		}
	}
	return nil
}

// Name quotes an identifier.
func Name(name string) string { return sqltext.Identifier(name) }

// Table quotes a possibly qualified table name: sales.cost_summary, "odd.name".x.
func Table(name string) string {
	parts := SplitTable(name)
	for i, part := range parts {
		parts[i] = Name(part)
	}
	return strings.Join(parts, ".")
}

// SplitTable splits a possibly qualified name at the dots outside double quotes, and unquotes the components.
func SplitTable(name string) []string {
	var parts []string
	var part strings.Builder
	quoted := false
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '"' && quoted && i+1 < len(name) && name[i+1] == '"':
			part.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case c == '.' && !quoted:
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	return append(parts, part.String())
}

// String quotes a string literal.
func String(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Strings quotes a list of strings.
func Strings(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = String(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Sync makes the files and their folder's entries durable. DuckDB never fsyncs what COPY writes.
func Sync(dir string, files ...string) error { return SyncFiles(append(files, dir)...) }

// SyncFiles makes what is in files durable, but not their names.
func SyncFiles(files ...string) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return Translate(err)
		}
		err = f.Sync()
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return Translate(err)
		}
	}
	return nil
}
