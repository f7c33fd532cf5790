package duckdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/hindcast/hindcast/internal/duck"
)

// hashFooter adds a Parquet file's footer to a hash.
func hashFooter(f *os.File, size int64, hash hash.Hash) error {
	const trailer, header = 8, 4 // the footer's length and "PAR1"; "PAR1" again
	var end [trailer]byte
	if size < trailer+header {
		return errors.New("it is too short for a Parquet file")
	}
	if _, err := f.ReadAt(end[:], size-trailer); err != nil {
		return err
	}
	switch string(end[4:]) {
	case "PAR1":
	case "PARE":
		return errors.New("its footer is encrypted")
	default:
		return errors.New("it does not end as a Parquet file does")
	}

	length := int64(binary.LittleEndian.Uint32(end[:4]))
	if length > size-trailer-header {
		return errors.New("its footer is longer than the file")
	}
	_, err := io.Copy(hash, io.NewSectionReader(f, size-trailer-length, length))
	return err
}

// oddity is a column that DuckDB does not read as it was written.
type oddity struct {
	source string // its type, in words
	reads  string // what becomes of it
	cast   string // the type that `types:` may name to have it so; "" if its values are lost
	mend   string // what helps where no type does; "" for a type that DuckDB reads
}

const (
	cutBelow  = "is cut at microseconds"
	zonedNano = "TIMESTAMP WITH TIME ZONE"
)

// oddities finds the columns, nested ones by the column that they are in, whose values DuckDB would silently change.
func (r *Runner) oddities(ctx context.Context, s *shape) (map[string]oddity, error) {
	f, err := r.schema(ctx, s.file)
	if err != nil {
		return nil, err
	}
	polars := strings.HasSuffix(s.kind, "true")
	found := f.ambiguous(s.columns)
	for _, l := range f.leaves {
		o, is := l.odd(polars)
		if is && l.physical == "INT96" {
			if is, err = r.beyondMicroseconds(ctx, s.files); err != nil {
				return nil, err
			}
		}
		if l.column >= len(s.columns) {
			continue // not met: DuckDB describes as many columns as the footer has
		}
		c := &s.columns[l.column]
		if before, known := found[c.Name]; is && (!known || before.cast != "") {
			if o.cast != "" {
				o.cast = c.Type
			}
			found[c.Name] = o
		}
		if l.logical == "NullType()" && c.Type == "INTEGER" {
			c.Type = "NULL" // no value: any type holds it
		}
	}
	return found, nil
}

// leaf is a column of values in a footer's schema.
type leaf struct {
	column    int // which of the file's columns it is in
	physical  string
	logical   string
	length    int64
	precision int64
	scale     int64
}

func (l leaf) odd(polars bool) (oddity, bool) {
	nanos := strings.Contains(l.logical, "NANOS=NanoSeconds") && strings.HasPrefix(l.logical, "TimestampType(isAdjustedToUTC=1")
	switch {
	case l.precision > 38:
		return oddity{source: fmt.Sprintf("DECIMAL(%d,%d)", l.precision, l.scale), reads: "has more than 38 digits, which DuckDB reads as other numbers"}, true
	case nanos:
		return oddity{source: "a time with a zone in nanoseconds", reads: cutBelow, cast: zonedNano}, true
	case l.physical == "INT96":
		return oddity{source: "INT96, a time in nanoseconds", reads: cutBelow, cast: "TIMESTAMP"}, true
	case polars && l.physical == "FIXED_LEN_BYTE_ARRAY" && l.length == 16 && l.logical == "":
		return oddity{source: "a 128-bit integer of polars", reads: "is bytes for every other reader"}, true
	}
	return oddity{}, false
}

// schema reads the columns of values in a file's footer, each with the top-level column that it belongs to, and the names.
func (r *Runner) schema(ctx context.Context, path string) (schema, error) {
	var found schema
	rows, err := r.conn.QueryContext(ctx, `SELECT name, coalesce(type, ''), coalesce(logical_type, ''), coalesce(TRY_CAST(type_length AS BIGINT), 0),
		coalesce(precision, 0), coalesce(scale, 0), coalesce(num_children, 0) FROM parquet_schema(`+duck.Paths([]string{path})+`) ORDER BY column_id`)
	if err != nil {
		return found, duck.Translate(err)
	}
	defer rows.Close()
	for first := true; rows.Next(); first = false {
		var l leaf
		var name string
		var children int64
		if err := rows.Scan(&name, &l.physical, &l.logical, &l.length, &l.precision, &l.scale, &children); err != nil {
			return found, duck.Translate(err)
		}
		if first {
			continue // the root
		}
		if l.column = found.add(name, children); children == 0 {
			found.leaves = append(found.leaves, l)
		}
	}
	return found, duck.Translate(rows.Err())
}

// beyondMicroseconds reports whether INT96 times may have nanoseconds. Those that Spark wrote do not: it counts in
// microseconds.
func (r *Runner) beyondMicroseconds(ctx context.Context, files []string) (bool, error) {
	var spark int
	err := r.conn.QueryRowContext(ctx, "SELECT count(DISTINCT file_name) FROM parquet_kv_metadata("+duck.Paths(files)+
		") WHERE decode(key) LIKE 'org.apache.spark.%'").Scan(&spark)
	return spark < len(files), duck.Translate(err)
}
