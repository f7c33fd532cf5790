package duck

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
)

// Copied is what a COPY wrote.
type Copied struct {
	Files   []hindcast.File
	Columns map[string]Range // by name; a column without Parquet statistics is missing
}

// Rows is how many were written.
func (c Copied) Rows() int64 {
	var n int64
	for _, f := range c.Files {
		n += f.Rows
	}
	return n
}

// Range is what a Parquet file's statistics say about a column.
type Range struct {
	Min, Max string // as DuckDB renders the values, instants in UTC; "" if all are NULL
	Nulls    string // how many are NULL
}

// Copy writes a query's rows to one new Parquet file in dir, which must exist, and makes it durable. No rows give no
// file.
func Copy(ctx context.Context, conn *sql.Conn, query, dir string, args ...any) (Copied, error) {
	out, err := CopyFleeting(ctx, conn, query, dir, args...)
	if err != nil || len(out.Files) == 0 {
		return out, err
	}
	return out, Sync(dir, out.Files[0].Path)
}

// CopyFleeting is Copy of a file that a loss of power may take.
func CopyFleeting(ctx context.Context, conn *sql.Conn, query, dir string, args ...any) (Copied, error) {
	path := filepath.Join(dir, "part-0.parquet")
	file := hindcast.File{Path: path}
	var columns duckdb.OrderedMap
	if err := written(ctx, conn, CopyStatement(query, path), args, map[string]any{"count": &file.Rows, "file_size_bytes": &file.Bytes,
		"column_statistics": &columns}); err != nil {
		return Copied{}, Translate(err)
	}
	if file.Rows == 0 {
		return Copied{}, removeEmpty(path)
	}
	return Copied{Files: []hindcast.File{file}, Columns: ranges(columns)}, nil
}

// written runs a COPY and reads the row that it returns, by the names of its columns: later versions return more.
func written(ctx context.Context, conn *sql.Conn, statement string, args []any, into map[string]any) error {
	rows, err := conn.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	dest := make([]any, len(names))
	found := 0
	for i, name := range names {
		if dest[i] = into[name]; dest[i] == nil {
			dest[i] = new(any)
			continue
		}
		found++
	}
	if found < len(into) {
		return fmt.Errorf("COPY returns %s", strings.Join(names, ", "))
	}
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Err()
}

// ranges reads the column_statistics of a COPY: a map of maps. The names in it are quoted as in SQL.
func ranges(columns duckdb.OrderedMap) map[string]Range {
	out := make(map[string]Range, columns.Len())
	values := columns.Values()
	for i, key := range columns.Keys() {
		name, isName := key.(string)
		statistics, isMap := values[i].(duckdb.OrderedMap)
		if !isName || !isMap {
			continue
		}
		if path := SplitTable(name); len(path) == 1 { // a nested column has statistics only for its leaves
			out[path[0]] = Range{Min: text(statistics, "min"), Max: text(statistics, "max"), Nulls: text(statistics, "null_count")}
		}
	}
	return out
}

func text(m duckdb.OrderedMap, key string) string {
	value, _ := m.Get(key)
	s, _ := value.(string)
	return s
}

// CopyPrefix is how many bytes precede the query in a CopyStatement, for positions in errors.
var CopyPrefix = len(copyHead(Version))

// CopyStatement is the statement that Copy runs. The file gets no Bloom filters: in DuckDB 1.5 they hide rows, see
// FromParquet, even when it reads the file by the lake's views.
func CopyStatement(query, path string) string { return copyStatement(Version, query, path) }

// copyStatement is the COPY for a version of DuckDB. From 2.0 on its result has another column, whose type the Go
// driver cannot read; but there a COPY can be in a WITH, and its columns selected.
func copyStatement(version, query, path string) string {
	tail := ") TO " + String(path) + " (FORMAT parquet, COMPRESSION snappy, WRITE_BLOOM_FILTER false, RETURN_STATS)"
	if copyHead(version) != "COPY (" {
		tail += ") SELECT count, file_size_bytes, column_statistics FROM written"
	}
	return copyHead(version) + query + tail
}

func copyHead(version string) string {
	if strings.HasPrefix(version, "v0.") || strings.HasPrefix(version, "v1.") {
		return "COPY ("
	}
	return "WITH written AS (COPY ("
}

func removeEmpty(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return Translate(err)
	}
	return nil
}
