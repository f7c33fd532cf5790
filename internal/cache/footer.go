package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// What of parquet.thrift tells where a column's bytes are. Other fields are skipped: statistics are most of a footer,
// and only the engine reads them.
type (
	fileMeta struct {
		Schema     []schemaElement `thrift:"2,required"`
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

// errBroken means that a file is no Parquet file, or not one that can be understood.
var errBroken = errors.New("not a Parquet file")

// wanted says which of a file's bytes a reader of these top-level columns needs: the footer, and of each column that
// is there its chunks, indexes and filters. Nil columns, and whatever makes it unsure, give the whole file. read
// returns bytes of the file.
func wanted(size int64, columns []string, read func(span) ([]byte, error)) (spans, error) {
	all := spans{{0, size}}
	if columns == nil || size < trailer {
		return all, nil
	}
	tail, err := read(span{size - trailer, size})
	if err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	switch end := string(tail[4:]); {
	case end == sealed:
		return all, nil
	case end != magic, length > size-trailer-int64(len(magic)):
		return nil, errBroken
	}
	footer := span{size - trailer - length, size}
	text, err := read(span{footer.from, size - trailer})
	if err != nil {
		return nil, err
	}
	meta, err := decode(text)
	if err != nil {
		return nil, err
	}
	chunks, sure := meta.spans(columns, footer.from)
	if !sure {
		return all, nil
	}
	return union(append(chunks, footer)...), nil
}

// bounded is a Thrift reader that believes no length which the bytes cannot hold: a damaged one would otherwise be
// allocated first.
type bounded struct {
	thrift.BytesReader
	size int
}

func (b bounded) check(n int, err error) error {
	if err == nil && (n < 0 || n > b.size-b.BytesRead()) {
		return errBroken
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

// Discard is what the decoder skips bytes with; without it, it would skip those of a copy of the reader.
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

func decode(text []byte) (*fileMeta, error) {
	meta := &fileMeta{}
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(text)
	if err := thrift.NewDecoder(bounded{reader, len(text)}).Decode(meta); err != nil {
		return nil, fmt.Errorf("%w: reading its footer: %w", errBroken, err)
	}
	if len(meta.Schema) == 0 {
		return nil, errBroken
	}
	return meta, nil
}

// spans are the bytes of the columns' chunks, indexes and filters, which all lie before the footer. It is not sure of
// files that are encrypted, refer to other files, or name two columns alike: engines rename one of them.
func (m *fileMeta) spans(columns []string, footer int64) (found []span, sure bool) {
	if m.Encryption != nil || m.alike() {
		return nil, false
	}
	var mine []span
	var starts []int64
	for _, group := range m.RowGroups {
		for _, chunk := range group.Columns {
			if chunk.Elsewhere != "" || chunk.Meta == nil || len(chunk.Meta.Path) == 0 {
				return nil, false
			}
			parts := chunk.spans()
			for _, p := range parts {
				if p.from < 0 || p.to < p.from || p.to > footer {
					return nil, false
				}
				starts = append(starts, p.from)
			}
			if slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, chunk.Meta.Path[0]) }) {
				mine = append(mine, parts...)
			}
		}
	}
	return extend(mine, append(starts, footer)), true
}

// alike reports whether two top-level columns have names that SQL takes for the same.
func (m *fileMeta) alike() bool {
	seen := map[string]bool{}
	for i := 1; i < len(m.Schema); i += m.below(i) {
		name := strings.ToLower(m.Schema[i].Name)
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// below counts an element of the schema and all elements below it.
func (m *fileMeta) below(i int) int {
	open, n := 1, 0
	for ; open > 0 && i+n < len(m.Schema); n++ {
		open += int(max(m.Schema[i+n].Children, 0)) - 1
	}
	return max(n, 1)
}

// spans are the places that a chunk names. A filter without a length ends at the next thing in the file.
func (c *columnChunk) spans() []span {
	start := c.Meta.DataPage
	for _, page := range []int64{c.Meta.Dictionary, c.Meta.IndexPage} {
		if page > 0 {
			start = min(start, page)
		}
	}
	parts := []span{{start, start + c.Meta.Compressed}}
	for _, p := range []span{{c.OffsetIndex, c.OffsetIndex + int64(c.OffsetIndexLength)}, {c.ColumnIndex, c.ColumnIndex + int64(c.ColumnIndexLength)},
		{c.Meta.Bloom, c.Meta.Bloom + int64(c.Meta.BloomLength)}} {
		if p.from > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// extend lets each part reach to the next thing in the file, but by slack only if it has a length.
func extend(parts []span, starts []int64) []span {
	slices.Sort(starts)
	for i, p := range parts {
		at, _ := slices.BinarySearch(starts, max(p.to, p.from+1))
		if at == len(starts) {
			continue
		}
		if next := starts[at]; p.from == p.to {
			parts[i].to = next
		} else {
			parts[i].to = min(next, p.to+slack)
		}
	}
	return parts
}
