// Package chunks locates the columns of a Parquet file, and compares them with the checksums that were taken when the
// file was written. It reads footers and bytes, never values; what to do about a damaged file is the caller's
// responsibility.
package chunks

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// The fields of parquet.thrift that locate a column's bytes. Others are skipped: statistics are most of a footer, and
// only the engine reads them.
type (
	fileMeta struct {
		Schema     []schemaElement `thrift:"2,required"`
		Rows       int64           `thrift:"3,optional"`
		RowGroups  []rowGroup      `thrift:"4,required"`
		Encryption *struct{}       `thrift:"8,optional"`
	}
	schemaElement struct {
		Name     string `thrift:"4,required"`
		Children int32  `thrift:"5,optional"`
	}
	rowGroup struct {
		Columns []columnChunk `thrift:"1,required"`
	}
	columnChunk struct {
		Elsewhere         string      `thrift:"1,optional"` // another file
		Meta              *columnMeta `thrift:"3,optional"`
		OffsetIndex       int64       `thrift:"4,optional"`
		OffsetIndexLength int32       `thrift:"5,optional"`
		ColumnIndex       int64       `thrift:"6,optional"`
		ColumnIndexLength int32       `thrift:"7,optional"`
	}
	columnMeta struct {
		Path        []string `thrift:"3,required"`
		Compressed  int64    `thrift:"7,required"`
		DataPage    int64    `thrift:"9,required"`
		IndexPage   int64    `thrift:"10,optional"`
		Dictionary  int64    `thrift:"11,optional"`
		Bloom       int64    `thrift:"14,optional"`
		BloomLength int32    `thrift:"15,optional"`
	}
)

const (
	trailer = 8       // a footer's length, and the magic
	magic   = "PAR1"  // ends every Parquet file
	sealed  = "PARE"  // ends one whose footer is encrypted
	slack   = 1 << 10 // bytes after a chunk whose size some writers understate
)

// ErrBroken means that a file is not a Parquet file, or not a readable one.
var ErrBroken = errors.New("not a Parquet file")

// Span is a half-open range of a file's bytes.
type Span struct{ From, To int64 }

func (s Span) bytes() int64 { return s.To - s.From }

// Layout says where everything is in a file.
type Layout struct {
	Footer  Span // including its length and the magic after it
	Columns []Column
	Rows    int64
}

// Column is a top-level column with its chunks, indexes and filters: spans in no particular order that may touch or
// overlap.
type Column struct {
	Name  string
	Spans []Span
}

// Read reads a file's layout. read returns bytes of the file; its errors are passed on. The layout is nil if the footer
// does not separate the columns: the file is encrypted, refers to other files, or gives two columns the same name.
func Read(size int64, read func(Span) ([]byte, error)) (*Layout, error) {
	footer, text, err := readFooter(size, read)
	if err != nil || text == nil {
		return nil, err
	}

	return parse(footer, text)
}

// Rows is how many rows a file has according to its footer; 0 if that does not say.
func Rows(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // it was only read

	info, err := f.Stat()
	if err != nil {
		return 0, err
	}

	layout, _, err := layoutOf(f, info.Size())
	if err != nil || layout == nil {
		return 0, err
	}

	return layout.Rows, nil
}

// readFooter returns a footer's span and its Thrift; nil if it is encrypted.
func readFooter(size int64, read func(Span) ([]byte, error)) (footer Span, text []byte, err error) {
	if size < trailer {
		return footer, nil, ErrBroken
	}

	tail, err := read(Span{size - trailer, size})
	if err != nil {
		return footer, nil, err
	}

	length := int64(binary.LittleEndian.Uint32(tail))
	switch end := string(tail[4:]); {
	case end == sealed:
		return footer, nil, nil
	case end != magic, length > size-trailer-int64(len(magic)):
		return footer, nil, ErrBroken
	}

	footer = Span{size - trailer - length, size}
	text, err = read(Span{footer.From, size - trailer})
	return footer, text, err
}

// parse reads the layout from a footer's Thrift.
func parse(footer Span, text []byte) (*Layout, error) {
	meta, err := decode(text)
	if err != nil {
		return nil, err
	}

	columns, sure := meta.columns(footer.From)
	if !sure {
		return nil, nil
	}

	return &Layout{Footer: footer, Columns: columns, Rows: meta.Rows}, nil
}

// bounded is a Thrift reader that refuses lengths beyond the remaining bytes: a damaged one would otherwise be
// allocated first.
type bounded struct {
	thrift.BytesReader
	size int
}

func (b bounded) check(n int, err error) error {
	if err == nil && (n < 0 || n > b.size-b.BytesRead()) {
		return ErrBroken
	}
	return err
}

func (b bounded) ReadList() (thrift.List, error) {
	list, err := b.BytesReader.ReadList()
	return list, b.check(int(list.Size), err)
}

func (b bounded) ReadSet() (thrift.Set, error) {
	set, err := b.BytesReader.ReadSet()
	return set, b.check(int(set.Size), err)
}

func (b bounded) ReadMap() (thrift.Map, error) {
	m, err := b.BytesReader.ReadMap()
	return m, b.check(int(m.Size), err)
}

func (b bounded) ReadLength() (int, error) {
	n, err := b.BytesReader.ReadLength()
	return n, b.check(n, err)
}

// Discard skips bytes for the decoder, which would otherwise skip those of a copy of the reader.
func (b bounded) Discard(n int) (int, error) {
	if err := b.check(n, nil); err != nil {
		return 0, err
	}

	skipper, ok := b.BytesReader.(interface{ Discard(n int) (int, error) })
	if !ok {
		return 0, errors.New("the Thrift reader cannot skip")
	}

	return skipper.Discard(n)
}

// decodeFooter reads those parts of a footer that a value has fields for.
func decodeFooter(text []byte, into any) error {
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(text)
	if err := thrift.NewDecoder(bounded{reader, len(text)}).Decode(into); err != nil {
		return fmt.Errorf("%w: reading its footer: %w", ErrBroken, err)
	}
	return nil
}

func decode(text []byte) (*fileMeta, error) {
	meta := &fileMeta{}
	if err := decodeFooter(text, meta); err != nil {
		return nil, err
	}
	if len(meta.Schema) == 0 {
		return nil, ErrBroken
	}

	return meta, nil
}

// columns are the top-level columns with their chunks, indexes and filters, which all lie before the footer. It returns
// none for files that are encrypted, refer to other files, or give two columns the same name, since engines rename one
// of them.
func (m *fileMeta) columns(footer int64) (columns []Column, sure bool) {
	if m.Encryption != nil || m.alike() {
		return nil, false
	}

	at := map[string]int{}
	for i := 1; i < len(m.Schema); i += below(m.Schema, i) {
		at[m.Schema[i].Name] = len(columns)
		columns = append(columns, Column{Name: m.Schema[i].Name})
	}

	starts := []int64{footer}
	for _, group := range m.RowGroups {
		for _, chunk := range group.Columns {
			if chunk.Elsewhere != "" || chunk.Meta == nil || len(chunk.Meta.Path) == 0 {
				return nil, false
			}

			n, known := at[chunk.Meta.Path[0]]
			parts := chunk.spans()
			for _, p := range parts {
				if !known || p.From < 0 || p.To < p.From || p.To > footer {
					return nil, false
				}
				starts = append(starts, p.From)
			}

			columns[n].Spans = append(columns[n].Spans, parts...)
		}
	}

	slices.Sort(starts)
	for _, c := range columns {
		extend(c.Spans, starts)
	}

	return columns, true
}

// alike reports whether two top-level columns have the same name to SQL.
func (m *fileMeta) alike() bool {
	seen := map[string]bool{}
	for i := 1; i < len(m.Schema); i += below(m.Schema, i) {
		name := strings.ToLower(m.Schema[i].Name)
		if seen[name] {
			return true
		}
		seen[name] = true
	}

	return false
}

func (e schemaElement) children() int32 { return e.Children }

// below counts a schema element and all elements below it.
func below[E interface{ children() int32 }](schema []E, i int) int {
	open, n := 1, 0
	for ; open > 0 && i+n < len(schema); n++ {
		open += int(max(schema[i+n].children(), 0)) - 1
	}
	return max(n, 1)
}

// spans are the ranges that a chunk names. A filter without a length ends at the next thing in the file.
func (c *columnChunk) spans() []Span {
	start := c.Meta.DataPage
	for _, page := range []int64{c.Meta.Dictionary, c.Meta.IndexPage} {
		if page > 0 {
			start = min(start, page)
		}
	}

	parts := []Span{{start, start + c.Meta.Compressed}}
	for _, p := range []Span{{c.OffsetIndex, c.OffsetIndex + int64(c.OffsetIndexLength)}, {c.ColumnIndex, c.ColumnIndex + int64(c.ColumnIndexLength)},
		{c.Meta.Bloom, c.Meta.Bloom + int64(c.Meta.BloomLength)}} {
		if p.From > 0 {
			parts = append(parts, p)
		}
	}

	return parts
}

// extend lets each span reach to the next thing in the file, but by at most slack if it has a length. starts are where
// things begin, in order.
func extend(parts []Span, starts []int64) {
	for i, p := range parts {
		at, _ := slices.BinarySearch(starts, max(p.To, p.From+1))
		if at == len(starts) {
			continue
		}
		if next := starts[at]; p.From == p.To {
			parts[i].To = next
		} else {
			parts[i].To = min(next, p.To+slack)
		}
	}
}
