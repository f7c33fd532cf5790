package redshift

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// What COPY takes is what UNLOAD writes: columns by their position, times as INT96, decimals as fixed-length bytes of the least
// length that their precision needs, Snappy, pages of version 1, everything optional. COPY casts nothing: files that other writers
// make of the same types it refuses, or reads as other values.

// shape is how a column's values are written: the node of the schema, and what makes one value of another file's.
type shape struct {
	node    parquet.Node
	convert func(parquet.Value) (parquet.Value, error)
}

var errFit = errors.New("it does not fit")

// shapeFor is the shape of a staging table's column, which a file has as from.
func shapeFor(c hindcast.Column, from parquet.Node) (shape, error) {
	fails := func() (shape, error) {
		return shape{}, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("column %q is staged as %s, which cannot be made the %s of the target", c.Name, from.Type(), c.Source),
			Next:    "cast it in the SQL, or leave it out"}
	}
	if !from.Leaf() || from.Repeated() {
		return fails()
	}

	same := func(v parquet.Value) (parquet.Value, error) { return v, nil }
	kind := from.Type().Kind()
	integer := kind == parquet.Int32 || kind == parquet.Int64
	precision, scale, decimal := datatype.ParseDecimal(c.Type)
	switch {
	case decimal:
		convert := decimals(from, precision, scale)
		return shape{parquet.Decimal(scale, precision, parquet.FixedLenByteArrayType(widthOf(precision))), convert}, convertible(convert, fails)
	case c.Type == "BOOLEAN" && kind == parquet.Boolean:
		return shape{parquet.Leaf(parquet.BooleanType), same}, nil
	case c.Type == "SMALLINT" && integer:
		return shape{parquet.Int(16), wholes(16)}, nil
	case c.Type == "INTEGER" && integer:
		return shape{parquet.Leaf(bare{parquet.Int32Type}), wholes(32)}, nil
	case c.Type == "BIGINT" && integer:
		return shape{parquet.Leaf(bare{parquet.Int64Type}), wholes(64)}, nil
	case c.Type == "FLOAT" && kind == parquet.Float:
		return shape{parquet.Leaf(parquet.FloatType), same}, nil
	case c.Type == "DOUBLE" && kind == parquet.Double:
		return shape{parquet.Leaf(parquet.DoubleType), same}, nil
	case c.Type == "DATE" && kind == parquet.Int32:
		return shape{parquet.Date(), same}, nil
	case strings.HasPrefix(c.Type, "TIMESTAMP"):
		convert := times(from)
		return shape{parquet.Leaf(parquet.Int96Type), convert}, convertible(convert, fails)
	case c.Type == "TIME" && kind == parquet.Int64:
		return shape{parquet.String(), clock}, nil
	case (c.Type == "VARCHAR" || c.Type == "JSON" || c.Type == "TIME") && kind == parquet.ByteArray:
		return shape{parquet.String(), same}, nil
	}
	return fails()
}

// bare is a type without an annotation, as UNLOAD writes integers.
type bare struct{ parquet.Type }

func (bare) LogicalType() *format.LogicalType         { return nil }
func (bare) ConvertedType() *deprecated.ConvertedType { return nil }

func convertible(convert func(parquet.Value) (parquet.Value, error), fails func() (shape, error)) error {
	if convert == nil {
		_, err := fails()
		return err
	}
	return nil
}

// wholes makes integers of so many bits.
func wholes(bits int) func(parquet.Value) (parquet.Value, error) {
	return func(v parquet.Value) (parquet.Value, error) {
		n := whole(v)
		switch {
		case bits == 64:
			return parquet.Int64Value(n), nil
		case n>>(bits-1) != 0 && n>>(bits-1) != -1:
			return v, errFit
		}
		return parquet.Int32Value(int32(n)), nil
	}
}

// widthOf is the least number of bytes that hold every decimal of a precision.
func widthOf(precision int) int {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	return most.BitLen()/8 + 1
}

// decimals makes fixed-length bytes of decimals however a file has them, or of integers; nil if it has none.
func decimals(from parquet.Node, precision, scale int) func(parquet.Value) (parquet.Value, error) {
	filePrecision, fileScale := 0, 0
	if logical := from.Type().LogicalType(); logical != nil {
		if decimal, is := logical.Value.(*format.DecimalType); is {
			filePrecision, fileScale = int(decimal.Precision), int(decimal.Scale)
		}
	}
	kind := from.Type().Kind()
	if fileScale > scale || !slices.Contains([]parquet.Kind{parquet.Int32, parquet.Int64, parquet.FixedLenByteArray, parquet.ByteArray}, kind) {
		return nil
	}

	width, factor := widthOf(precision), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-fileScale)), nil)
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	switch {
	case scale != fileScale:
	case kind == parquet.FixedLenByteArray && from.Type().Length() == width && filePrecision == precision:
		return func(v parquet.Value) (parquet.Value, error) { return v, nil }
	case (kind == parquet.Int32 || kind == parquet.Int64) && width <= 8:
		return smallDecimals(width, limit.Int64())
	}
	return func(v parquet.Value) (parquet.Value, error) {
		n := unscaled(v)
		n.Mul(n, factor)
		if n.CmpAbs(limit) >= 0 {
			return v, errFit
		}
		return parquet.FixedLenByteArrayValue(twosComplement(n, width)), nil
	}
}

// smallDecimals writes integers, whose absolutes are below the limit, in so many bytes.
func smallDecimals(width int, limit int64) func(parquet.Value) (parquet.Value, error) {
	var room []byte // for the next values: what was written stays as it is
	return func(v parquet.Value) (parquet.Value, error) {
		n := whole(v)
		if n >= limit || n <= -limit {
			return v, errFit
		}
		if len(room) < width {
			room = make([]byte, 1024*width)
		}
		out := room[:width:width]
		room = room[width:]
		for i := width - 1; i >= 0; i-- {
			out[i] = byte(n)
			n >>= 8
		}
		return parquet.FixedLenByteArrayValue(out), nil
	}
}

// unscaled is a decimal's integer.
func unscaled(v parquet.Value) *big.Int {
	if kind := v.Kind(); kind == parquet.Int32 || kind == parquet.Int64 {
		return big.NewInt(whole(v))
	}
	bytes := v.ByteArray()
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
	}
	return n
}

// whole is an integer of either length.
func whole(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func twosComplement(n *big.Int, width int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return n.FillBytes(make([]byte, width))
}

const (
	dayMicros   = int64(24 * time.Hour / time.Microsecond)
	julianEpoch = 2440588 // the Julian day of 1970-01-01
)

// times makes INT96 of times however a file has them; nil if it has none.
func times(from parquet.Node) func(parquet.Value) (parquet.Value, error) {
	switch kind := from.Type().Kind(); {
	case kind == parquet.Int96:
		return func(v parquet.Value) (parquet.Value, error) { return v, nil }
	case kind == parquet.Int32: // a date
		return func(v parquet.Value) (parquet.Value, error) { return int96(int64(v.Int32()) * dayMicros), nil }
	case kind != parquet.Int64:
		return nil
	}

	logical := from.Type().LogicalType()
	if logical == nil {
		return nil
	}
	timestamp, is := logical.Value.(*format.TimestampType)
	if !is {
		return nil
	}
	unit := timestamp.Unit.Value.Duration()
	return func(v parquet.Value) (parquet.Value, error) {
		n := v.Int64()
		switch {
		case unit == time.Millisecond && (n > math.MaxInt64/1000 || n < math.MinInt64/1000), unit == time.Nanosecond && n%1000 != 0:
			return v, errFit // Redshift has microseconds
		case unit == time.Millisecond:
			n *= 1000
		case unit == time.Nanosecond:
			n /= 1000
		}
		return int96(n), nil
	}
}

// int96 is a time as Impala once wrote it: the nanoseconds of the day, and the Julian day.
func int96(micros int64) parquet.Value {
	day, rest := micros/dayMicros, micros%dayMicros
	if rest < 0 {
		day, rest = day-1, rest+dayMicros
	}
	n := uint64(rest * 1000)
	return parquet.Int96Value(deprecated.Int96{uint32(n), uint32(n >> 32), uint32(day + julianEpoch)})
}

// clock is the text of a time of the day in microseconds.
func clock(v parquet.Value) (parquet.Value, error) {
	n := v.Int64()
	second := n / 1e6
	return parquet.ByteArrayValue(fmt.Appendf(nil, "%02d:%02d:%02d.%06d", second/3600, second/60%60, second%60, n%1e6)), nil
}

// ordered is a group whose columns keep their order, which COPY goes by; parquet.Group sorts them by name.
type ordered struct {
	parquet.Group
	names []string
}

func (o ordered) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int { return slices.Index(o.names, a.Name()) - slices.Index(o.names, b.Name()) })
	return fields
}

func (o ordered) GoType() reflect.Type { return o.Group.GoType() }

const rowsAtOnce = 256

// reshape writes the rows of a Parquet file as COPY takes them, into a table of these columns, which the file has by name.
func reshape(path string, to io.Writer, columns []hindcast.Column, memory int64) (rows int64, err error) {
	file, done, err := open(path)
	if err != nil {
		return 0, err
	}
	defer done()

	r, err := newReshaper(file, to, columns, memory)
	if err != nil {
		return 0, err
	}
	for _, group := range file.RowGroups() {
		n, err := r.group(group)
		if err != nil {
			return 0, r.explain(path, err)
		}
		rows += n
	}
	if err := r.writer.Close(); err != nil {
		return 0, broken(path, err)
	}
	return rows, nil
}

// open opens a Parquet file. Done closes it.
func open(path string) (file *parquet.File, done func(), err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, nil, broken(path, err)
	}
	done = func() { _ = in.Close() } // it is only read

	info, err := in.Stat()
	if err == nil {
		file, err = parquet.OpenFile(in, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	}
	if err != nil {
		done()
		return nil, nil, broken(path, err)
	}
	return file, done, nil
}

func broken(path string, err error) error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Message: "the file " + path + " cannot be read: " + firstLine(err.Error()), Cause: err}
}

// reshaper is reshape under way.
type reshaper struct {
	columns []hindcast.Column
	shapes  []shape
	places  []int // of each column, in the file's rows
	writer  *parquet.GenericWriter[any]
	read    []parquet.Row
	write   []parquet.Row
}

func newReshaper(file *parquet.File, to io.Writer, columns []hindcast.Column, memory int64) (*reshaper, error) {
	r := &reshaper{columns: columns}
	fields := file.Root().Columns()
	group := ordered{Group: parquet.Group{}}
	for _, c := range columns {
		i := slices.IndexFunc(fields, func(f *parquet.Column) bool { return strings.EqualFold(f.Name(), c.Name) })
		if i < 0 {
			return nil, &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("the staged files have no column %q", c.Name)}
		}
		s, err := shapeFor(c, fields[i])
		if err != nil {
			return nil, err
		}
		r.shapes, r.places = append(r.shapes, s), append(r.places, fields[i].Index())
		group.Group[c.Name], group.names = parquet.Optional(s.node), append(group.names, c.Name)
	}

	rowsEach := int64(1_000_000)
	if memory > 0 {
		rowsEach = max(10_000, min(rowsEach, memory/4/int64(32*len(columns))))
	}
	r.writer = parquet.NewGenericWriter[any](to, parquet.NewSchema("hindcast", group), parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1),
		parquet.MaxRowsPerRowGroup(rowsEach), parquet.CreatedBy("hindcast", "1", ""))
	r.read, r.write = make([]parquet.Row, rowsAtOnce), make([]parquet.Row, rowsAtOnce)
	for i := range r.write {
		r.write[i] = make(parquet.Row, len(columns))
	}
	return r, nil
}

// group copies one row group.
func (r *reshaper) group(from parquet.RowGroup) (rows int64, err error) {
	reader := from.Rows()
	defer func() { err = errors.Join(err, reader.Close()) }()
	for {
		n, err := reader.ReadRows(r.read)
		for i, row := range r.read[:n] {
			if err := r.row(row, r.write[i]); err != nil {
				return rows, err
			}
		}
		if n > 0 {
			if _, err := r.writer.WriteRows(r.write[:n]); err != nil {
				return rows, err
			}
			rows += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

// row makes one row of another.
func (r *reshaper) row(from, to parquet.Row) error {
	for i, place := range r.places {
		v := from[min(place, len(from)-1)]
		if v.Column() != place { // what stands before it is nested, and has several values or none
			v = find(from, place)
		}
		if v.IsNull() {
			to[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		converted, err := r.shapes[i].convert(v)
		if err != nil {
			return fmt.Errorf("column %q: %s: %w", r.columns[i].Name, v, err)
		}
		to[i] = converted.Level(0, 1, i)
	}
	return nil
}

// find is the value of a column among others that may have many.
func find(row parquet.Row, column int) parquet.Value {
	for _, v := range row {
		if v.Column() == column {
			return v
		}
	}
	return parquet.NullValue()
}

// explain gives an error of reshaping its code.
func (r *reshaper) explain(path string, err error) error {
	if errors.Is(err, errFit) {
		text := strings.TrimSuffix(err.Error(), ": "+errFit.Error())
		return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Message: text + " does not fit the target's column",
			Next: "bound the value in the SQL, or widen the target's column"}
	}
	return broken(path, err)
}

// contents are what a file's own rows say: how many there are, the sums of those columns whose type is exact, and which of the facts hold.
func contents(path string, columns []hindcast.Column, totals map[string]*big.Int, facts map[string]hindcast.Facts) (rows int64, err error) {
	file, done, err := open(path)
	if err != nil {
		return 0, err
	}
	defer done()

	fields := file.Root().Columns()
	if len(fields) != len(columns) {
		return 0, inTransit("%s has %d columns, and %d were unloaded", path, len(fields), len(columns))
	}
	for i, c := range columns {
		if fields[i].Name() != c.Name {
			return 0, inTransit("column %d of %s is %q, and %q was unloaded", i+1, path, fields[i].Name(), c.Name)
		}
		var look func([]parquet.Value)
		if total, wanted := totals[c.Name]; wanted {
			look = addUp(total)
		}
		held, wanted := facts[c.Name]
		if wanted {
			look = lookAt(&held)
		}
		if look == nil {
			continue
		}
		for _, group := range file.RowGroups() {
			if err := eachOf(group.ColumnChunks()[fields[i].Index()], look); err != nil {
				return 0, broken(path, err)
			}
		}
		if wanted {
			facts[c.Name] = held
		}
	}
	return file.NumRows(), nil
}

// addUp adds values to a sum.
func addUp(total *big.Int) func([]parquet.Value) {
	return func(values []parquet.Value) {
		small := int64(0)
		for _, v := range values {
			switch {
			case v.IsNull():
			case v.Kind() == parquet.Int32:
				small += int64(v.Int32())
			default:
				total.Add(total, unscaled(v))
			}
		}
		total.Add(total, big.NewInt(small))
	}
}

// lookAt finds what of the facts does not hold for texts.
func lookAt(facts *hindcast.Facts) func([]parquet.Value) {
	return func(values []parquet.Value) {
		for _, v := range values {
			if v.IsNull() {
				continue
			}
			text := v.ByteArray()
			if n := len(text); n > 0 && text[n-1] == ' ' {
				facts.NoBlanks = false
			}
			facts.ASCII = facts.ASCII && !slices.ContainsFunc(text, func(b byte) bool { return b >= utf8.RuneSelf })
		}
	}
}

// eachOf reads a column's values, some at a time.
func eachOf(chunk parquet.ColumnChunk, look func([]parquet.Value)) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]parquet.Value, 1024)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		reader := page.Values()
		for {
			n, err := reader.ReadValues(values)
			look(values[:n])
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		parquet.Release(page)
	}
}
