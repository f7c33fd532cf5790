package chunks

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// pageHeader is what precedes a page's bytes.
type pageHeader struct {
	Compressed int32 `thrift:"3,required"`
	CRC        int32 `thrift:"4,optional"` // of the bytes; 0 where the writer gives none
}

// How many bytes a page's header has: usually some dozens, more with statistics of long texts.
const (
	usualHeader = 4 << 10
	mostHeader  = 4 << 20
)

// CheckPages compares the pages of a file with the checksums that their writer put before them, as Spark does and DuckDB does not.
// Pages without one are passed over. A DamageError says what differs; any other error comes from reading.
func CheckPages(f io.ReaderAt, size int64) error {
	footer, text, err := readFooter(size, func(s Span) ([]byte, error) {
		text := make([]byte, s.bytes())
		_, err := f.ReadAt(text, s.From)
		return text, err
	})
	if errors.Is(err, ErrBroken) {
		return &DamageError{"it is not a Parquet file"}
	}
	if err != nil || text == nil {
		return err
	}
	meta, err := decode(text)
	if err != nil {
		return &DamageError{"its footer cannot be read"}
	}

	for _, group := range meta.RowGroups {
		for _, chunk := range group.Columns {
			if chunk.Elsewhere != "" || chunk.Meta == nil || len(chunk.Meta.Path) == 0 {
				continue
			}
			span := chunk.spans()[0]
			if span.From < 0 || span.To < span.From || span.To > footer.From {
				return &DamageError{"its footer cannot be read"}
			}
			if err := checkPages(f, span, chunk.Meta.Path[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPages compares the pages of one chunk of a column.
func checkPages(f io.ReaderAt, chunk Span, column string) error {
	for chunk.From < chunk.To {
		header, length, err := readHeader(f, chunk)
		if errors.Is(err, ErrBroken) {
			return &DamageError{fmt.Sprintf("a page of its column %q has no header", column)}
		}
		if err != nil {
			return err
		}

		page := Span{chunk.From + length, chunk.From + length + int64(header.Compressed)}
		if header.Compressed < 0 || page.To > chunk.To {
			return &DamageError{fmt.Sprintf("a page of its column %q does not fit into it", column)}
		}
		sum := crc32.NewIEEE()
		if err := stream(sum, f, page); err != nil {
			return err
		}
		if header.CRC != 0 && sum.Sum32() != uint32(header.CRC) {
			return &DamageError{fmt.Sprintf("the checksum of a page of its column %q differs", column)}
		}
		chunk.From = page.To
	}
	return nil
}

// readHeader reads the header of the page with which the span begins, and its length.
func readHeader(f io.ReaderAt, s Span) (header pageHeader, length int64, err error) {
	for most := int64(usualHeader); ; most *= 4 {
		text := make([]byte, min(most, s.bytes()))
		if _, err := f.ReadAt(text, s.From); err != nil {
			return header, 0, err
		}

		reader, header := new(thrift.CompactProtocol).NewReaderFromBytes(text), pageHeader{}
		if err := thrift.NewDecoder(bounded{reader, len(text)}).Decode(&header); err == nil {
			return header, int64(reader.BytesRead()), nil
		}
		if most >= s.bytes() || most >= mostHeader {
			return header, 0, ErrBroken
		}
	}
}
