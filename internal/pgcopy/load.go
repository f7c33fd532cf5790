package pgcopy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
)

func load(ctx context.Context, fields []Field, files []string, o Options, to Target) (sent hindcast.Sums, stored int64, err error) {
	sent, err = send(ctx, fields, files, o, func(rows io.Reader) error {
		own := &lent{rows: rows}
		defer own.takeBack()
		tag, err := to.Conn.CopyFrom(ctx, own, to.SQL)
		stored = tag.RowsAffected()
		return err
	})
	return sent, stored, err
}

// lent is a reader that is given away for a time: CopyFrom returns while it still reads, if the connection is lost, and what it reads
// is memory that is freed then.
type lent struct {
	mutex sync.Mutex
	rows  io.Reader // nil once it was taken back
}

// Read reads, unless the reader was taken back.
func (l *lent) Read(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.rows == nil {
		return 0, io.ErrClosedPipe
	}
	return l.rows.Read(p)
}

// takeBack waits for the read under way, and ends those to come.
func (l *lent) takeBack() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.rows = nil
}

// encoded returns what a load of the files sends, without a server.
func encoded(ctx context.Context, fields []Field, files []string, o Options) (hindcast.Sums, error) {
	return send(ctx, fields, files, o, func(rows io.Reader) error {
		_, err := io.Copy(io.Discard, rows)
		return err
	})
}

// send passes the files' rows, as binary COPY, to take.
func send(ctx context.Context, fields []Field, files []string, o Options, to func(io.Reader) error) (sums hindcast.Sums, err error) {
	in, err := takeInstance(ctx, duck.Options{Memory: o.Memory, Threads: max(o.Threads, 1)})
	if err != nil {
		return hindcast.Sums{}, err
	}
	defer func() { in.done(err) }()

	rows, err := in.stream(ctx, duck.FromParquet(staged(fields), files))
	if err != nil {
		return hindcast.Sums{}, err
	}
	defer rows.close()

	if err := rows.check(fields); err != nil {
		return hindcast.Sums{}, err
	}

	r := newParquetReader(rows, fields)
	err = to(r)
	switch {
	case r.err != nil && !errors.Is(r.err, io.EOF):
		return hindcast.Sums{}, r.err // the server's error says only that we gave up
	case ctx.Err() != nil:
		return hindcast.Sums{}, duck.Translate(ctx.Err())
	case err != nil:
		return hindcast.Sums{}, err
	}

	return r.sums(), nil
}

// staged are the columns to read; an ENUM is read as the text that it is stored as.
func staged(fields []Field) []hindcast.Column {
	columns := make([]hindcast.Column, len(fields))
	for i, f := range fields {
		columns[i] = f.Column
		if strings.HasPrefix(f.Column.Type, "ENUM(") {
			columns[i].Type, columns[i].Stored = "VARCHAR", ""
		}
	}

	return columns
}

// check compares the types of the files with those of the columns: from here on they are read as memory.
func (c *chunks) check(fields []Field) error {
	for i, column := range staged(fields) {
		t := bindings.ColumnLogicalType(&c.result, bindings.IdxT(i))
		is := same(t, column.Type)
		bindings.DestroyLogicalType(&t)

		if !is {
			return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of the staged files is not %s", column.Name, column.Type),
				Next:    "`hindcast run --slices` writes them again"}
		}
	}
	return nil
}

// same reports whether a DuckDB type is the one named.
func same(t bindings.LogicalType, name string) bool {
	id := bindings.GetTypeId(t)
	if elem, ok := strings.CutSuffix(name, "[]"); ok {
		if id != bindings.TypeList {
			return false
		}
		child := bindings.ListTypeChildType(t)
		defer bindings.DestroyLogicalType(&child)
		return same(child, elem)
	}

	if precision, scale, ok := datatype.ParseDecimal(name); ok {
		return id == bindings.TypeDecimal && int(bindings.DecimalWidth(t)) == precision && int(bindings.DecimalScale(t)) == scale
	}

	want, known := typeIDs[name]
	return known && id == want
}

// parquetReader reads the binary COPY of a query's rows.
type parquetReader struct {
	encoder
	chunks *chunks
	size   int // rows of the chunk
	next   int // of them, the next to encode
	sent   int // bytes of out that were already read
	err    error
}

func newParquetReader(rows *chunks, fields []Field) *parquetReader {
	r := &parquetReader{chunks: rows}
	for _, f := range fields {
		r.columns = append(r.columns, newSender(f))
	}
	r.out = append(append(r.out, signature...), make([]byte, streamHead-len(signature))...)
	return r
}

// piece is how many bytes are encoded at a time.
const piece = 64 << 10

// Read returns the stream's next bytes.
func (r *parquetReader) Read(p []byte) (n int, err error) {
	for r.sent == len(r.out) {
		if r.err != nil {
			return 0, r.err
		}
		if cap(r.out) > 16*piece { // one huge row must not keep its memory
			r.out = nil
		}
		r.out, r.sent = r.out[:0], 0
		r.err = r.encode()
	}

	n = copy(p, r.out[r.sent:])
	r.sent += n
	return n, nil
}

// encode encodes rows until there is a piece, or the end; then the error is io.EOF.
func (r *parquetReader) encode() error {
	for len(r.out) < piece {
		if r.next == r.size {
			if more, err := r.fetch(); err != nil {
				r.out = r.out[:0]
				return err
			} else if !more {
				r.out = append(r.out, 0xff, 0xff)
				return io.EOF
			}
		}

		if err := r.row(r.next); err != nil {
			r.out = r.out[:0]
			return err
		}

		r.next++
	}
	return nil
}

// fetch gets the next chunk and points the columns to its vectors.
func (r *parquetReader) fetch() (more bool, err error) {
	chunk, size, err := r.chunks.next()
	if err != nil || size == 0 {
		return false, err
	}

	r.size, r.next = size, 0
	for i := range r.columns {
		r.columns[i].look(bindings.DataChunkGetVector(chunk, bindings.IdxT(i)))
	}

	return true, nil
}

// look points a column, and its elements, at a vector.
func (s *sender) look(vec bindings.Vector) {
	s.vector = duckVector(vec)
	s.vector.mask = bindings.VectorGetValidity(vec)
	if s.elem != nil {
		s.elem.look(bindings.ListVectorGetChild(vec))
	}
}
