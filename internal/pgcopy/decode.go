package pgcopy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/hindcast/hindcast"
)

// column decodes one column of a COPY into a vector.
type column struct {
	name      string
	typ       string // PostgreSQL's, for errors
	codec     codec
	precision int // of a DECIMAL
	scale     int
	vector    vector
	sum       *total  // of an exact number
	elem      *column // of an array
	elemOID   uint32
	used      int   // elements in the child so far
	room      int   // capacity of the child
	twins     *bool // the decoder's
	asText    bool  // values are text as the server sends it
	blank     bool  // one of them ends in a blank
	wide      bool  // one of them has other characters than ASCII's
	spelled   [80]byte
}

// newColumn makes the decoder of a field.
func newColumn(f Field) column {
	t := plain(f.Type)
	if f.AsText {
		t = Type{OID: oidText}
		if f.Column.Type == "VARCHAR[]" {
			t = Type{Elem: &Type{OID: oidText}}
		}
	}

	c := columnOf(t)
	c.name, c.typ = f.Name, f.Type.Name
	if c.elem != nil {
		c.elem.name, c.elem.typ = c.name, c.typ
	}
	if c.codec.sums {
		c.sum = new(total)
	}

	return c
}

func columnOf(t Type) column {
	t = plain(t)
	carried, _ := native(t)
	c := column{codec: codecs[carried.wire], asText: carried.wire == wireText || carried.wire == wirePadded}
	if carried.wire == wireNumeric {
		c.precision, c.scale, _ = decimal(t.Mod)
	}

	if t.Elem != nil {
		elem := columnOf(*t.Elem)
		c.elem, c.elemOID = &elem, t.Elem.OID
	}

	return c
}

// decoder turns the frames of one COPY stream into rows.
type decoder struct {
	columns []column
	data    []byte // whole CopyData messages, with their heads
	begun   bool   // the stream's head was read
	ended   bool   // its trailer was
	twins   bool   // a number equals another one in different bits: -0, or a NaN with another payload
	rows    int64
	content content
}

// reset points the columns at the vectors of a new chunk.
func (d *decoder) reset(vectors []vector) {
	for i := range d.columns {
		c := &d.columns[i]
		c.vector, c.used, c.room = vectors[i], 0, 0
	}
}

// frameHead is the length of a message's header: its type and its length.
const frameHead = 5

// signature begins every binary COPY; flags and the length of an extension follow.
var signature = []byte("PGCOPY\n\377\r\n\000")

const streamHead = 11 + 4 + 4

// fill decodes rows into the vectors, up to the capacity or the end of data.
func (d *decoder) fill(capacity int) (rows int, err error) {
	for rows < capacity && len(d.data) > 0 {
		size := 1 + int(binary.BigEndian.Uint32(d.data[1:frameHead]))
		message := d.data[frameHead:size]
		d.data = d.data[size:]

		if !d.begun {
			if message, err = d.head(message); err != nil {
				return rows, err
			}
			if len(message) == 0 {
				continue
			}
		}

		more, err := d.row(message, rows)
		if err != nil {
			return rows, err
		}
		if !more {
			break
		}

		rows++
	}

	d.rows += int64(rows)
	for i := range d.columns {
		if c := &d.columns[i]; c.elem != nil {
			c.vector.memory.length(c.used)
		}
	}

	return rows, nil
}

// head checks the stream's header and returns what follows it.
func (d *decoder) head(message []byte) ([]byte, error) {
	d.begun = true
	if len(message) < streamHead || !bytes.Equal(message[:len(signature)], signature) {
		return nil, corrupt("it does not begin as a binary COPY")
	}

	flags := binary.BigEndian.Uint32(message[11:])
	extension := binary.BigEndian.Uint32(message[15:])
	message = message[streamHead:]
	if flags != 0 || uint64(extension) > uint64(len(message)) {
		return nil, corrupt("its header has unknown flags or an unknown extension")
	}

	return message[extension:], nil
}

// row decodes one tuple; more is false at the trailer.
func (d *decoder) row(message []byte, row int) (more bool, err error) {
	if d.ended || len(message) < 2 {
		return false, corrupt("there is more after its end, or an empty message")
	}

	switch count := int16(binary.BigEndian.Uint16(message)); {
	case count == -1 && len(message) == 2:
		d.ended = true
		return false, nil
	case int(count) != len(d.columns):
		return false, corrupt(fmt.Sprintf("a row has %d columns instead of %d", count, len(d.columns)))
	}

	rest := message[2:]
	for i := range d.columns {
		c := &d.columns[i]
		if len(rest) < 4 {
			return false, c.corrupt("is cut off")
		}

		size := binary.BigEndian.Uint32(rest)
		rest = rest[4:]
		if size == math.MaxUint32 {
			c.setNull(row)
			continue
		}

		if uint64(size) > uint64(len(rest)) {
			return false, c.corrupt("is cut off")
		}
		if err := c.value(row, rest[:size]); err != nil {
			return false, err
		}

		rest = rest[size:]
	}

	if len(rest) != 0 {
		return false, corrupt("a row is longer than its columns")
	}

	d.content.add(xxh3.Hash128(message))
	return true, nil
}

func (c *column) setNull(row int) {
	if c.codec.skip {
		return
	}

	c.vector.setNull(row)
	if c.elem != nil {
		put(&c.vector, row, list{})
	}
}

// value decodes one value.
func (c *column) value(row int, b []byte) error {
	if c.codec.size != 0 && len(b) != c.codec.size {
		return c.corrupt("has the wrong length")
	}
	return c.codec.decode(c, row, b)
}

func (c *column) bool(row int, b []byte) error {
	if b[0] > 1 {
		return c.corrupt("is neither true nor false")
	}
	put(&c.vector, row, b[0])
	return nil
}

func (c *column) int2(row int, b []byte) error {
	x := int16(binary.BigEndian.Uint16(b))
	put(&c.vector, row, x)
	c.count(int64(x))
	return nil
}

func (c *column) int4(row int, b []byte) error {
	x := int32(binary.BigEndian.Uint32(b))
	put(&c.vector, row, x)
	c.count(int64(x))
	return nil
}

func (c *column) int8(row int, b []byte) error {
	x := int64(binary.BigEndian.Uint64(b))
	put(&c.vector, row, x)
	c.count(x)
	return nil
}

func (c *column) oid(row int, b []byte) error {
	x := binary.BigEndian.Uint32(b)
	put(&c.vector, row, x)
	c.count(int64(x))
	return nil
}

func (c *column) float4(row int, b []byte) error {
	x := binary.BigEndian.Uint32(b)
	put(&c.vector, row, x)
	if x == 1<<31 || x&0x7fffffff > 0x7f800000 && x != 0x7fc00000 {
		*c.twins = true
	}
	return nil
}

func (c *column) float8(row int, b []byte) error {
	x := binary.BigEndian.Uint64(b)
	put(&c.vector, row, x)
	if x == 1<<63 || x&(1<<63-1) > 0x7ff<<52 && x != 0x7ff8<<48 {
		*c.twins = true
	}
	return nil
}

// uuid decodes a UUID: DuckDB keeps it as a signed number, in the order of its text.
func (c *column) uuid(row int, b []byte) error {
	put(&c.vector, row, wide{binary.BigEndian.Uint64(b[8:]), int64(binary.BigEndian.Uint64(b) ^ 1<<63)})
	return nil
}

func (c *column) bytea(row int, b []byte) error {
	put(&c.vector, row, textOf(b))
	return nil
}

func (c *column) padded(row int, b []byte) error { return c.text(row, bytes.TrimRight(b, " ")) }

func (c *column) byte(row int, b []byte) error {
	if b[0] == 0 {
		b = nil
	}
	return c.text(row, b)
}

func (c *column) jsonb(row int, b []byte) error {
	if len(b) == 0 || b[0] != 1 {
		return c.corrupt("has an unknown version of jsonb")
	}
	return c.text(row, b[1:])
}

func (c *column) time(row int, b []byte) error {
	x := binary.BigEndian.Uint64(b)
	if x > microsPerDay {
		return c.corrupt("is not a time of day")
	}
	put(&c.vector, row, x)
	return nil
}

func (c *column) count(x int64) {
	if c.sum != nil {
		c.sum.add(uint64(x), x>>63)
	}
}

func (c *column) text(row int, b []byte) error {
	if !ascii(b) {
		if !utf8.Valid(b) {
			return c.refused("text that is not UTF-8", "correct the text at the source, or cast the column to bytea in a view and use the view")
		}
		c.wide = true
	}
	if len(b) > 0 && b[len(b)-1] == ' ' {
		c.blank = true
	}
	put(&c.vector, row, textOf(b))
	return nil
}

// ascii reports whether all bytes are ASCII, eight at a time, the last eight overlapping: most texts are ASCII and
// short, and for those utf8.Valid takes three times as long.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	switch n := len(b); {
	case n >= 8:
		bits := binary.LittleEndian.Uint64(b[n-8:])
		for rest := b; len(rest) > 8; rest = rest[8:] {
			bits |= binary.LittleEndian.Uint64(rest)
		}
		return bits&high == 0
	case n >= 4:
		return (binary.LittleEndian.Uint32(b)|binary.LittleEndian.Uint32(b[n-4:]))&(high>>32) == 0
	}

	var bits byte
	for _, x := range b {
		bits |= x
	}

	return bits < utf8.RuneSelf
}

// Days and microseconds from DuckDB's epoch, 1970, to PostgreSQL's, 2000.
const (
	epochDays    = 10957
	microsPerDay = 24 * 60 * 60 * 1_000_000
	epochMicros  = epochDays * microsPerDay
)

func (c *column) date(row int, b []byte) error {
	x := int32(binary.BigEndian.Uint32(b))
	switch {
	case x == math.MinInt32:
		x = -math.MaxInt32 // DuckDB's own -infinity
	case x == math.MaxInt32:
	case x > math.MaxInt32-1-epochDays || x < -math.MaxInt32+1:
		return c.refused("a date that DATE cannot hold", "")
	default:
		x += epochDays
	}

	put(&c.vector, row, x)
	return nil
}

func (c *column) timestamp(row int, b []byte) error {
	x := int64(binary.BigEndian.Uint64(b))
	switch {
	case x == math.MinInt64:
		x = -math.MaxInt64
	case x == math.MaxInt64:
	case x > math.MaxInt64-1-epochMicros || x < earliestMicros:
		return c.refused("a time after 294247-01-10, which TIMESTAMP cannot hold", "")
	default:
		x += epochMicros
	}

	put(&c.vector, row, x)
	return nil
}

// earliestMicros is PostgreSQL's earliest timestamp, in the year 4714 BC.
const earliestMicros = -211813488000000000

func (c *column) timeTZ(row int, b []byte) error {
	micros, west := binary.BigEndian.Uint64(b), int32(binary.BigEndian.Uint32(b[8:]))
	if micros > microsPerDay || west <= -16*3600 || west >= 16*3600 {
		return c.corrupt("is not a time of day with a zone")
	}
	c.vector.memory.assign(row, appendTimeTZ(c.spelled[:0], micros, -west))
	return nil
}

// appendTimeTZ writes a time with its offset from UTC in seconds, as DuckDB does.
func appendTimeTZ(to []byte, micros uint64, east int32) []byte {
	to = fmt.Appendf(to, "%02d:%02d:%02d", micros/3_600_000_000, micros/60_000_000%60, micros/1_000_000%60)
	if part := micros % 1_000_000; part != 0 {
		to = fmt.Appendf(to, ".%06d", part)
	}

	sign := '+'
	if east < 0 {
		sign, east = '-', -east
	}

	to = fmt.Appendf(to, "%c%02d", sign, east/3600)
	if east%3600 != 0 {
		to = fmt.Appendf(to, ":%02d", east/60%60)
	}
	if east%60 != 0 {
		to = fmt.Appendf(to, ":%02d", east%60)
	}

	return to
}

func (c *column) interval(row int, b []byte) error {
	micros := int64(binary.BigEndian.Uint64(b))
	days, months := int32(binary.BigEndian.Uint32(b[8:])), int32(binary.BigEndian.Uint32(b[12:]))
	if micros == math.MaxInt64 && days == math.MaxInt32 && months == math.MaxInt32 ||
		micros == math.MinInt64 && days == math.MinInt32 && months == math.MinInt32 {
		return c.refused("an infinite interval, which INTERVAL cannot hold", "")
	}

	c.vector.memory.assign(row, appendInterval(c.spelled[:0], months, days, micros))
	return nil
}

// appendInterval writes an interval so that DuckDB reads the same three numbers, even the extreme ones.
func appendInterval(to []byte, months, days int32, micros int64) []byte {
	to = append(strconv.AppendInt(to, int64(months), 10), " months "...)
	to = append(strconv.AppendInt(to, int64(days), 10), " days "...)
	if micros == math.MinInt64 { // DuckDB reads the digits before the sign
		micros++
		to = append(to, "-1 microseconds "...)
	}

	return append(strconv.AppendInt(to, micros, 10), " microseconds"...)
}

// array decodes a one-dimensional array into a list.
func (c *column) array(row int, b []byte) error {
	if len(b) < 12 {
		return c.corrupt("is cut off")
	}

	dimensions, oid := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[8:])
	b = b[12:]
	switch {
	case oid != c.elemOID:
		return c.corrupt("is an array of another type")
	case dimensions == 0 && len(b) == 0:
		put(&c.vector, row, list{offset: uint64(c.used)})
		return nil
	case dimensions != 1:
		return c.refused(fmt.Sprintf("an array of %d dimensions, only one can be carried", dimensions), "")
	case len(b) < 8:
		return c.corrupt("is cut off")
	}

	count, first := binary.BigEndian.Uint32(b), int32(binary.BigEndian.Uint32(b[4:]))
	b = b[8:]
	if first != 1 {
		return c.refused(fmt.Sprintf("an array that counts from %d, only arrays counting from 1 can be carried", first), "")
	}
	if uint64(count)*4 > uint64(len(b)) {
		return c.corrupt("is cut off")
	}

	return c.elements(row, int(count), b)
}

func (c *column) elements(row, count int, b []byte) error {
	c.makeRoom(count)
	put(&c.vector, row, list{uint64(c.used), uint64(count)})
	for range count {
		if len(b) < 4 {
			return c.corrupt("is cut off")
		}

		size := binary.BigEndian.Uint32(b)
		b = b[4:]
		if size == math.MaxUint32 {
			c.elem.setNull(c.used)
			c.used++
			continue
		}

		if uint64(size) > uint64(len(b)) {
			return c.corrupt("is cut off")
		}
		if err := c.elem.value(c.used, b[:size]); err != nil {
			return err
		}

		b = b[size:]
		c.used++
	}

	if len(b) != 0 {
		return c.corrupt("is longer than its elements")
	}

	return nil
}

// makeRoom grows the child by at least half, so that long lists are not copied again and again.
func (c *column) makeRoom(count int) {
	if need := c.used + count; need > c.room {
		c.room = 1 << bits.Len(uint(need+63))
		c.elem.vector = c.vector.memory.grow(c.room)
	}
}

func (c *column) corrupt(what string) error {
	return corrupt(fmt.Sprintf("a value of column %q %s", c.name, what))
}

// corrupt is the error for a stream that is not a COPY of the fields.
func corrupt(what string) error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient,
		Message: "the server's COPY cannot be understood: " + what, Next: "it is tried again; if that fails too, please report this with the run's log"}
}

// refused is the error for a value that cannot be carried exactly.
func (c *column) refused(what, next string) error {
	if next == "" {
		next = nextAsText(c.name)
	}
	return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("column %q (%s) holds %s", c.name, c.typ, what), Next: next}
}
