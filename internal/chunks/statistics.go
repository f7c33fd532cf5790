package chunks

import (
	"cmp"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The fields of parquet.thrift that say something about a column's values.
type (
	statsMeta struct {
		Schema    []statsElement `thrift:"2,required"`
		Rows      int64          `thrift:"3,optional"`
		RowGroups []statsGroup   `thrift:"4,required"`
	}
	statsElement struct {
		Type       thrift.Null[int32] `thrift:"1,optional"`
		Repetition int32              `thrift:"3,optional"`
		Name       string             `thrift:"4,required"`
		Children   int32              `thrift:"5,optional"`
		Converted  thrift.Null[int32] `thrift:"6,optional"`
		Scale      int32              `thrift:"7,optional"`
		Logical    *logicalType       `thrift:"10,optional"`
	}
	logicalType struct { // a union
		Decimal   *decimalType `thrift:"5,optional"`
		Time      *timeType    `thrift:"7,optional"`
		Timestamp *timeType    `thrift:"8,optional"`
	}
	decimalType struct {
		Scale int32 `thrift:"1,optional"`
	}
	timeType struct {
		Unit timeUnit `thrift:"2,optional"`
	}
	timeUnit struct { // a union
		Micros *struct{} `thrift:"2,optional"`
	}
	statsGroup struct {
		Columns []statsChunk `thrift:"1,required"`
	}
	statsChunk struct {
		Meta *statsColumn `thrift:"3,optional"`
	}
	statsColumn struct {
		Path       []string `thrift:"3,required"`
		Values     int64    `thrift:"5,optional"`
		Compressed int64    `thrift:"7,optional"`
		DataPage   int64    `thrift:"9,optional"`
		Dictionary int64    `thrift:"11,optional"`
		Statistics *statsOf `thrift:"12,optional"`
	}
	statsOf struct {
		Nulls thrift.Null[int64] `thrift:"3,optional"`
		Max   []byte             `thrift:"5,optional"`
		Min   []byte             `thrift:"6,optional"`
	}
)

// Physical is how Parquet stores a value.
type Physical int32

// How Parquet stores values, by its own numbers.
const (
	Boolean Physical = iota
	Int32
	Int64
	Int96
	Float
	Double
	ByteArray
	FixedBytes
)

// Statistics is what a file's footer says of its values.
type Statistics struct {
	Rows    int64
	Starts  []int64 // where its row groups begin
	Columns []ColumnStatistics
}

// ColumnStatistics are of a top-level column that is not nested.
type ColumnStatistics struct {
	Name     string
	Physical Physical
	Micros   bool  // a time or timestamp in microseconds
	Scale    int32 // of a decimal
	Bytes    int64 // that it takes in the file
	Values   int64 // NULLs included
	Nulls    int64 // -1 if that is not known

	Bounds    []Bounds // of row groups that have values
	Unbounded bool     // some row groups that may have values have no bounds
}

// Bounds are not beyond any value of a row group, in Parquet's plain encoding. They need not be among the values.
type Bounds struct{ Min, Max []byte }

// Converted types of earlier writers.
const (
	convertedTimeMicros      = 8
	convertedTimestampMicros = 10
)

// ReadStatistics reads them, after it has compared the footer with the file's checksums, in the form of hindcast.File's CRC32C; "" if there
// are none. A DamageError says that they differ. read returns bytes of the file; its errors are passed on. An encrypted file has none.
func ReadStatistics(size int64, sums string, read func(Span) ([]byte, error)) (*Statistics, error) {
	footer, text, err := readFooter(size, read)
	if err != nil || text == nil {
		return nil, err
	}
	if sums != "" {
		tail, err := read(Span{size - trailer, size})
		if err != nil {
			return nil, err
		}
		want, err := split(sums)
		if err != nil {
			return nil, err
		}
		if crc32.Update(crc32.Checksum(text, castagnoli), castagnoli, tail) != want[0] {
			return nil, &DamageError{"the checksum of its footer differs"}
		}
	}

	meta := &statsMeta{}
	if err := decodeFooter(text, meta); err != nil {
		return nil, err
	}
	return meta.statistics(footer.From), nil
}

func (m *statsMeta) statistics(footer int64) *Statistics {
	s := &Statistics{Rows: m.Rows}
	at := map[string]int{}
	for i := 1; i < len(m.Schema); i += below(m.Schema, i) {
		if e := &m.Schema[i]; e.Children == 0 && e.Type.Valid && e.Repetition != repeated {
			at[e.Name] = len(s.Columns)
			s.Columns = append(s.Columns, e.column())
		}
	}

	for _, group := range m.RowGroups {
		start := footer
		for _, chunk := range group.Columns {
			if chunk.Meta == nil || len(chunk.Meta.Path) == 0 {
				continue
			}
			start = min(start, chunk.Meta.DataPage)
			if d := chunk.Meta.Dictionary; d > 0 {
				start = min(start, d)
			}
			if n, flat := at[chunk.Meta.Path[0]]; flat && len(chunk.Meta.Path) == 1 {
				s.Columns[n].add(chunk.Meta)
			}
		}
		s.Starts = append(s.Starts, start)
	}
	return s
}

// repeated is a field that is a list by itself.
const repeated = 2

func (e *statsElement) column() ColumnStatistics {
	c := ColumnStatistics{Name: e.Name, Physical: Physical(e.Type.V), Scale: e.Scale}
	c.Micros = e.Converted.Valid && (e.Converted.V == convertedTimeMicros || e.Converted.V == convertedTimestampMicros)
	if l := e.Logical; l != nil {
		switch {
		case l.Decimal != nil:
			c.Scale = l.Decimal.Scale
		case l.Time != nil:
			c.Micros = l.Time.Unit.Micros != nil
		case l.Timestamp != nil:
			c.Micros = l.Timestamp.Unit.Micros != nil
		}
	}
	return c
}

func (e statsElement) children() int32 { return e.Children }

// add joins those of a row group to those of the ones before.
func (c *ColumnStatistics) add(chunk *statsColumn) {
	c.Bytes += chunk.Compressed
	c.Values += chunk.Values
	s := cmp.Or(chunk.Statistics, &statsOf{})

	switch {
	case !s.Nulls.Valid:
		c.Nulls = -1
	case c.Nulls >= 0:
		c.Nulls += s.Nulls.V
	}

	switch {
	case s.Min != nil && s.Max != nil:
		c.Bounds = append(c.Bounds, Bounds{s.Min, s.Max})
	case !s.Nulls.Valid || s.Nulls.V != chunk.Values: // there are values
		c.Unbounded = true
	}
}
