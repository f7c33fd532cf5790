package duck

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/hindcast/hindcast"
)

// Copied is what a COPY wrote.
type Copied struct {
	Files   []hindcast.File
	Columns map[string]Range // by name; a column that Parquet keeps no statistics of is not there
}

// Rows is how many were written.
func (c Copied) Rows() int64 {
	var n int64
	for _, f := range c.Files {
		n += f.Rows
	}
	return n
}

// Range is what the statistics of a Parquet file say of a column.
type Range struct {
	Min, Max string // as DuckDB renders the values, instants in UTC; "" if all are NULL
	Nulls    string // how many are NULL
}

// Copy writes a query's rows to one new Parquet file in dir, which must exist, and makes it durable. No rows
// give no file.
func Copy(ctx context.Context, conn *sql.Conn, query, dir string) (Copied, error) {
	path := filepath.Join(dir, "part-0.parquet")
	file := hindcast.File{Path: path}
	var name, footer, keys any
	var columns duckdb.OrderedMap
	row := conn.QueryRowContext(ctx, CopyStatement(query, path))
	if err := row.Scan(&name, &file.Rows, &file.Bytes, &footer, &columns, &keys); err != nil {
		return Copied{}, Translate(err)
	}
	if file.Rows == 0 {
		return Copied{}, removeEmpty(path)
	}
	return Copied{Files: []hindcast.File{file}, Columns: ranges(columns)}, Sync(dir, path)
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
		if path := SplitTable(name); len(path) == 1 { // a nested column has statistics of its leaves only
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

// CopyPrefix is how many bytes stand before the query in a CopyStatement, for places in errors.
const CopyPrefix = len("COPY (")

// CopyStatement is the statement by which Copy writes.
func CopyStatement(query, path string) string {
	return "COPY (" + query + ") TO " + String(path) + " (FORMAT parquet, COMPRESSION snappy, RETURN_STATS)"
}

func removeEmpty(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return Translate(err)
	}
	return nil
}
