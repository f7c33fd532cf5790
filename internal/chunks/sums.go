package chunks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// digits is the length of one checksum in hexadecimal.
const digits = 8

// DamageError says how a file differs from what was written.
type DamageError struct{ What string }

func (e *DamageError) Error() string { return e.What }

// SumFile is the CRC-32C of all bytes of a file, in hexadecimal. It is for the user's own files, whose columns have no
// separate checksums.
func SumFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // it was only read

	sum, buffer := crc32.New(castagnoli), make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}

		n, err := f.Read(buffer)
		_, _ = sum.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return hexed(sum.Sum32()), nil
		}
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", path, err)
		}
	}
}

// Sum reads a file to its end and returns its checksums, in the form of hindcast.File's CRC32C; also, if not nil, is
// given all of its bytes too. The sums are empty if the file has no layout: then only a checksum of the whole can show
// whether it is intact.
func Sum(f io.ReaderAt, size int64, also io.Writer) (sums string, err error) {
	var out []io.Writer
	layout, footer, err := layoutOf(f, size)
	switch {
	case errors.Is(err, ErrBroken):
	case err != nil:
		return "", err
	}

	var columns *summer
	if layout != nil {
		if columns = newSummer(layout, nil); columns != nil {
			out = append(out, columns)
		}
	}

	if also != nil {
		out = append(out, also)
	}
	if len(out) == 0 {
		return "", nil
	}
	if err := stream(io.MultiWriter(out...), f, Span{0, size}); err != nil || columns == nil {
		return "", err
	}

	text := []string{hexed(footer)}
	for _, sum := range columns.sums {
		text = append(text, hexed(sum))
	}

	return strings.Join(text, ""), nil
}

// Check compares a file's footer and the named columns, in any case, with its checksums; nil means all columns. It
// reads no other bytes. A DamageError says what differs; any other error comes from reading.
func Check(f io.ReaderAt, size int64, sums string, columns []string) error {
	want, err := split(sums)
	if err != nil {
		return err
	}

	layout, footer, err := layoutOf(f, size)
	switch {
	case errors.Is(err, ErrBroken), err == nil && (footer != want[0] || layout == nil || len(layout.Columns) != len(want)-1):
		return &DamageError{"the checksum of its footer differs"}
	case err != nil:
		return err
	}

	s := newSummer(layout, columns)
	if s == nil {
		return &DamageError{"the checksum of its footer differs"}
	}

	for _, run := range s.runs() {
		s.at = run.From
		if err := stream(s, f, run); err != nil {
			return err
		}
	}

	for n, c := range layout.Columns {
		if s.wanted[n] && s.sums[n] != want[n+1] {
			return &DamageError{fmt.Sprintf("the checksum of its column %q differs", c.Name)}
		}
	}

	return nil
}

func hexed(sum uint32) string { return fmt.Sprintf("%0*x", digits, sum) }

// split returns the checksums of the footer and of each column.
func split(text string) ([]uint32, error) {
	if text == "" || len(text)%digits != 0 {
		return nil, &DamageError{fmt.Sprintf("its manifest has the checksums %.20q", text)}
	}

	var list []uint32
	for ; text != ""; text = text[digits:] {
		sum, err := strconv.ParseUint(text[:digits], 16, 32)
		if err != nil {
			return nil, &DamageError{fmt.Sprintf("its manifest has the checksum %q", text[:digits])}
		}
		list = append(list, uint32(sum))
	}

	return list, nil
}

// layoutOf reads a file's layout, and the checksum of its footer.
func layoutOf(f io.ReaderAt, size int64) (layout *Layout, sum uint32, err error) {
	footer, text, err := readFooter(size, func(s Span) ([]byte, error) {
		text := make([]byte, s.bytes())
		_, err := f.ReadAt(text, s.From)
		return text, err
	})
	if err != nil || text == nil {
		return nil, 0, err
	}

	tail := make([]byte, trailer)
	if _, err := f.ReadAt(tail, size-trailer); err != nil {
		return nil, 0, err
	}

	sum = crc32.Update(crc32.Checksum(text, castagnoli), castagnoli, tail)
	layout, err = parse(footer, text)
	return layout, sum, err
}

// segment is a span that belongs to a column, by the column's number.
type segment struct {
	Span
	column int
}

// summer sums the bytes of columns, which arrive in file order. It is an io.Writer, and at is the position of its next
// byte.
type summer struct {
	at       int64
	segments []segment // disjoint, in order
	next     int
	wanted   []bool
	sums     []uint32
}

// newSummer returns a summer for the named columns, or all; nil if columns share bytes.
func newSummer(layout *Layout, columns []string) *summer {
	s := &summer{wanted: make([]bool, len(layout.Columns)), sums: make([]uint32, len(layout.Columns))}
	for n, c := range layout.Columns {
		s.wanted[n] = columns == nil || slices.ContainsFunc(columns, func(name string) bool { return strings.EqualFold(name, c.Name) })
		if !s.wanted[n] {
			continue
		}
		for _, span := range merged(c.Spans) {
			s.segments = append(s.segments, segment{span, n})
		}
	}

	slices.SortFunc(s.segments, func(a, b segment) int { return cmp.Compare(a.From, b.From) })
	for i := 1; i < len(s.segments); i++ {
		if s.segments[i].From < s.segments[i-1].To {
			return nil
		}
	}

	return s
}

// merged are the spans in order, none of them empty and none overlapping.
func merged(spans []Span) []Span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	var out []Span
	for _, s := range spans {
		switch last := len(out) - 1; {
		case s.From >= s.To:
		case last >= 0 && s.From <= out[last].To:
			out[last].To = max(out[last].To, s.To)
		default:
			out = append(out, s)
		}
	}

	return out
}

// runs are the ranges to read for the segments.
func (s *summer) runs() []Span {
	spans := make([]Span, len(s.segments))
	for i, g := range s.segments {
		spans[i] = g.Span
	}
	return merged(spans)
}

func (s *summer) Write(p []byte) (int, error) {
	end := s.at + int64(len(p))
	for s.next < len(s.segments) {
		g := s.segments[s.next]
		from, to := max(g.From, s.at), min(g.To, end)
		if from < to {
			s.sums[g.column] = crc32.Update(s.sums[g.column], castagnoli, p[from-s.at:to-s.at])
		}
		if g.To > end {
			break
		}

		s.next++
	}

	s.at = end
	return len(p), nil
}

// piece is how much is read at a time: it fits a processor's second-level cache, so that it is summed there.
const piece = 256 << 10

var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

// stream writes a span of the file to out.
func stream(out io.Writer, f io.ReaderAt, s Span) error {
	buffer, _ := pieces.Get().(*[piece]byte)
	defer pieces.Put(buffer)
	for s.From < s.To {
		p := buffer[:min(piece, s.bytes())]
		if _, err := f.ReadAt(p, s.From); err != nil {
			return err
		}
		if _, err := out.Write(p); err != nil {
			return err
		}
		s.From += int64(len(p))
	}

	return nil
}
