package pgcopy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
)

// rowGroup is how many bytes of rows a thread gathers before it writes them, at most.
const rowGroup = 32 << 20

func unload(ctx context.Context, fields []Field, from Source, o Options) ([]hindcast.File, hindcast.Sums, error) {
	if err := distinct(fields); err != nil {
		return nil, hindcast.Sums{}, err
	}
	if o.Threads == 0 {
		o.Threads = max(len(from.Conns), 1)
	}

	path := filepath.Join(o.Dir, "part-0.parquet")
	run, err := write(ctx, fields, from, o, path, dictionary)
	if err == nil && run.twins.Load() {
		run, err = write(ctx, fields, from, o, path, noDictionary)
	}
	if err != nil {
		return nil, hindcast.Sums{}, err
	}

	sums := sumsOf(run.decoders)
	factsOf(run.decoders, o.Facts)
	files, err := finish(o.Dir, path, sums.Rows)
	return files, sums, err
}

// factsOf looks at what the decoders have met.
func factsOf(decoders []*decoder, facts map[string]hindcast.Facts) {
	if facts == nil {
		return
	}
	blank, wide := map[string]bool{}, map[string]bool{}
	for _, d := range decoders {
		for i := range d.columns {
			if c := &d.columns[i]; c.asText {
				blank[c.name], wide[c.name] = blank[c.name] || c.blank, wide[c.name] || c.wide
			}
		}
	}
	for name := range blank {
		facts[name] = hindcast.Facts{NoBlanks: !blank[name], ASCII: !wide[name]}
	}
}

// write writes the source's rows with dictionaries of up to that many values. If the run has twins at the end, the file
// must be discarded.
func write(ctx context.Context, fields []Field, from Source, o Options, path string, dictionary int) (*unloading, error) {
	in, err := takeInstance(ctx, duck.Options{Memory: o.Memory, Threads: o.Threads})
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	run := &unloading{ctx: ctx, cancel: cancel, fields: fields, source: from, plain: dictionary == noDictionary}
	function := fmt.Sprintf("hindcast_copy_%d", in.uses) // a name can be used only once
	release, err := register(in.conn, function, run)
	if err != nil {
		in.close()
		return nil, err
	}

	rows, err := in.exec(ctx, writeStatement(function, path, rowGroupFor(o), dictionary))
	run.end()
	in.done(err)
	release()

	switch sent := sumsOf(run.decoders).Rows; {
	case run.failure() != nil:
		return nil, run.failure()
	case err != nil:
		return nil, err
	case rows != sent && !run.twins.Load():
		return nil, fmt.Errorf("writing Parquet: %d rows were sent and %d written", sent, rows)
	}

	return run, nil
}

const (
	// Dictionaries of more values are expensive to try and save nothing (measured: an eighth of the writing).
	dictionary   = 8192
	noDictionary = 0
)

// writeStatement writes the source's rows. Nobody needs Bloom filters.
func writeStatement(function, path string, group int64, dictionary int) string {
	return fmt.Sprintf("COPY (SELECT * FROM %s()) TO %s (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE_BYTES %d, "+
		"DICTIONARY_SIZE_LIMIT %d, WRITE_BLOOM_FILTER false)", function, duck.String(path), group, dictionary)
}

// rowGroupFor bounds what all threads gather to a share of the memory: DuckDB does not count it before it is written.
func rowGroupFor(o Options) int64 {
	if o.Memory == 0 {
		return rowGroup
	}
	return min(rowGroup, max(1<<20, o.Memory/int64(8*o.Threads)))
}

// finish makes the file durable and takes its checksum; a file without rows is removed.
func finish(dir, path string, rows int64) ([]hindcast.File, error) {
	if rows == 0 {
		return nil, duck.Translate(os.Remove(path))
	}

	synced := make(chan error, 1)
	go func() { synced <- duck.Sync(dir, path) }()
	sum, size, err := checksum(path) // while that waits for the disk

	if failed := <-synced; failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, duck.Translate(err)
	}

	return []hindcast.File{{Path: path, Rows: rows, Bytes: size, SHA256: sum}}, nil
}

// checksum is the file's SHA-256. Computing it while writing costs more than it saves: it competes with the server.
func checksum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }() // it was only read

	hash := sha256.New()
	size, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// distinct refuses names that Parquet's readers consider equal.
func distinct(fields []Field) error {
	seen := map[string]string{}
	for _, f := range fields {
		folded := strings.ToLower(f.Name)
		if other, twice := seen[folded]; twice {
			return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("columns %q and %q differ only in case, and the SQL could not distinguish them", other, f.Name),
				Next:    "leave one out with `columns:`, or rename it in a view and use the view"}
		}

		seen[folded] = f.Name
	}

	return nil
}

// unloading is the producer of the source's rows.
type unloading struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	fields   []Field
	source   Source
	plain    bool            // no dictionaries are written
	twins    atomic.Bool     // some values would be equal in a dictionary: the file is discarded and written again without
	mutex    sync.Mutex      // guards what follows
	claimed  int             // of the statements
	reading  []*sourceReader // one per connection
	decoders []*decoder
	err      error // the first
}

func (u *unloading) columns() (names []string, types []bindings.LogicalType) {
	for _, f := range u.fields {
		names, types = append(names, f.Name), append(types, logicalType(f.inParquet()))
	}
	return names, types
}

// inParquet is the field's type in the file.
func (f Field) inParquet() string {
	if f.Stored != "" {
		return f.Stored
	}
	return f.Column.Type
}

func (u *unloading) workers() int { return len(u.source.Conns) }

func (u *unloading) worker() (filler, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if len(u.reading) == len(u.source.Conns) { // DuckDB has at least one thread
		return nobody{}, nil
	}

	r := &sourceReader{all: u, conn: u.source.Conns[len(u.reading)], decoder: newDecoder(u.fields)}
	u.reading, u.decoders = append(u.reading, r), append(u.decoders, r.decoder)
	return r, nil
}

// nobody reads nothing: there is no connection left for it.
type nobody struct{}

func (nobody) fill(bindings.DataChunk) (int, error) { return 0, nil }

// claim returns a statement that no connection has run yet.
func (u *unloading) claim() (sql string, more bool) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.claimed == len(u.source.SQL) {
		return "", false
	}

	u.claimed++
	return u.source.SQL[u.claimed-1], true
}

// fail keeps the first error and stops the other threads.
func (u *unloading) fail(err error) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.err == nil {
		u.err = err
	}

	u.cancel(err)
	return err
}

func (u *unloading) failure() error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if errors.Is(u.err, context.Canceled) || errors.Is(u.err, context.DeadlineExceeded) {
		return duck.Translate(u.err)
	}
	return u.err
}

// end ends what was begun, once DuckDB no longer calls.
func (u *unloading) end() {
	for _, r := range u.reading {
		r.end()
	}
}

func newDecoder(fields []Field) *decoder {
	d := &decoder{}
	for _, f := range fields {
		c := newColumn(f)
		c.twins = &d.twins
		if c.elem != nil {
			c.elem.twins = c.twins
		}
		d.columns = append(d.columns, c)
	}

	return d
}

// sourceReader supplies the rows of one statement after the other, over one connection.
type sourceReader struct {
	all     *unloading
	conn    *pgconn.PgConn
	decoder *decoder
	stream  *stream // nil between statements
	fills   int
}

// giveWay is how many chunks, taking some milliseconds, a thread fills before it lets Go's scheduler run. If the
// scheduler has seen nothing of a thread for 10 ms, its monitor wakes up every 20 µs, which on two cores gets in the
// server's way.
const giveWay = 4

func (r *sourceReader) fill(chunk bindings.DataChunk) (int, error) {
	if r.fills++; r.fills%giveWay == 0 {
		runtime.Gosched()
	}

	vectors := make([]vector, len(r.decoder.columns))
	for i := range vectors {
		vectors[i] = duckVector(bindings.DataChunkGetVector(chunk, bindings.IdxT(i)))
	}

	rows, err := r.rows(int(bindings.VectorSize()), vectors)
	if err != nil {
		return 0, r.all.fail(err)
	}

	return rows, nil
}

// rows decodes at least one row; 0 is the end of all statements. All rows come from one piece of the stream, so that
// strings may refer to it.
func (r *sourceReader) rows(capacity int, vectors []vector) (int, error) {
	for {
		for len(r.decoder.data) == 0 {
			more, err := r.advance()
			if err != nil || !more {
				return 0, err
			}
		}

		r.decoder.reset(vectors)
		rows, err := r.decoder.fill(capacity)
		if r.decoder.twins && !r.all.plain {
			r.all.twins.Store(true)
		}

		if r.all.twins.Load() {
			r.decoder.data = nil
			continue
		}

		if rows > 0 || err != nil {
			return rows, err
		}
	}
}

// advance gets the next piece, of the next statement if necessary; more is false at the end of all.
func (r *sourceReader) advance() (more bool, err error) {
	if r.stream == nil {
		sql, more := r.all.claim()
		if !more {
			return false, nil
		}
		r.decoder.begun, r.decoder.ended = false, false
		if r.stream, err = begin(r.all.ctx, r.conn, sql); err != nil {
			return false, err
		}
	}

	switch r.decoder.data, err = r.stream.next(r.all.ctx); {
	case errors.Is(err, io.EOF) && !r.decoder.ended && !r.all.twins.Load():
		return false, corrupt("the stream ended early")
	case errors.Is(err, io.EOF):
		r.end()
	case err != nil:
		return false, err
	}

	return true, nil
}

func (r *sourceReader) end() {
	if r.stream != nil {
		end(r.conn, r.stream)
		r.stream = nil
	}
}

// logicalType is DuckDB's own representation of a type's name.
func logicalType(typ string) bindings.LogicalType {
	if elem, ok := strings.CutSuffix(typ, "[]"); ok {
		child := logicalType(elem)
		defer bindings.DestroyLogicalType(&child)
		return bindings.CreateListType(child)
	}

	if precision, scale, ok := datatype.ParseDecimal(typ); ok {
		return bindings.CreateDecimalType(uint8(precision), uint8(scale))
	}

	t := bindings.CreateLogicalType(typeIDs[typ])
	if typ == "JSON" {
		bindings.LogicalTypeSetAlias(t, "JSON")
	}

	return t
}

var typeIDs = map[string]bindings.Type{
	"BOOLEAN": bindings.TypeBoolean, "TINYINT": bindings.TypeTinyInt, "SMALLINT": bindings.TypeSmallInt, "INTEGER": bindings.TypeInteger,
	"BIGINT": bindings.TypeBigInt, "UTINYINT": bindings.TypeUTinyInt, "USMALLINT": bindings.TypeUSmallInt,
	"UINTEGER": bindings.TypeUInteger, "UBIGINT": bindings.TypeUBigInt, "HUGEINT": bindings.TypeHugeInt, "FLOAT": bindings.TypeFloat,
	"DOUBLE": bindings.TypeDouble, "VARCHAR": bindings.TypeVarchar, "JSON": bindings.TypeVarchar, "BLOB": bindings.TypeBlob,
	"UUID": bindings.TypeUUID, "DATE": bindings.TypeDate, "TIME": bindings.TypeTime, "TIME WITH TIME ZONE": bindings.TypeTimeTZ,
	"TIMESTAMP": bindings.TypeTimestamp, "TIMESTAMP WITH TIME ZONE": bindings.TypeTimestampTZ, "INTERVAL": bindings.TypeInterval,
}

// sum reads over all connections in parallel, decoding only what has totals.
func sum(ctx context.Context, fields []Field, from Source) (hindcast.Sums, error) {
	return hashed(ctx, fields, from, func(c *column) bool { return c.sum != nil })
}

// stored reads what sum does and decodes nothing.
func stored(ctx context.Context, fields []Field, from Source) (hindcast.Sums, error) {
	return hashed(ctx, fields, from, func(*column) bool { return false })
}

// hashed takes the sums of all rows, decoding only the given columns.
func hashed(ctx context.Context, fields []Field, from Source, decoded func(*column) bool) (hindcast.Sums, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	run := &unloading{ctx: ctx, cancel: cancel, fields: fields, source: from, plain: true}
	var group sync.WaitGroup
	for _, conn := range from.Conns {
		r := &sourceReader{all: run, conn: conn, decoder: newDecoder(fields)}
		r.decoder.skip(decoded)
		run.decoders = append(run.decoders, r.decoder)

		group.Go(func() {
			defer r.end()
			if err := r.discard(); err != nil {
				_ = run.fail(err)
			}
		})
	}

	group.Wait()
	return sumsOf(run.decoders), run.failure()
}

// discard decodes all rows for their sums.
func (r *sourceReader) discard() error {
	const capacity = 2048
	vectors := make([]vector, len(r.decoder.columns))
	for i := range vectors {
		vectors[i] = heapVector(capacity)
	}

	for {
		if rows, err := r.rows(capacity, vectors); rows == 0 || err != nil {
			return err
		}
	}
}

// skip makes the decoder ignore the values of columns that need no decoding.
func (d *decoder) skip(decoded func(*column) bool) {
	for i := range d.columns {
		if c := &d.columns[i]; !decoded(c) {
			c.codec, c.elem, c.sum = codecs[wireSkip], nil, nil
		}
	}
}
