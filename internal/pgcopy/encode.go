package pgcopy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/zeebo/xxh3"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
)

// whole reads a whole number, or a DECIMAL's, from a vector as 128 bits.
type whole func(v *vector, row int) wide

func signedAt[T int8 | int16 | int32 | int64](v *vector, row int) wide {
	x := int64(get[T](v, row))
	return wide{uint64(x), x >> 63}
}

func unsignedAt[T uint8 | uint16 | uint32 | uint64](v *vector, row int) wide {
	return wide{low: uint64(get[T](v, row))}
}

var wholes = map[string]whole{
	"TINYINT": signedAt[int8], "SMALLINT": signedAt[int16], "INTEGER": signedAt[int32], "BIGINT": signedAt[int64], "HUGEINT": get[wide],
	"UTINYINT": unsignedAt[uint8], "USMALLINT": unsignedAt[uint16], "UINTEGER": unsignedAt[uint32], "UBIGINT": unsignedAt[uint64],
}

// decimals reads a DECIMAL of a precision.
func decimals(precision int) whole {
	switch {
	case precision <= 4:
		return signedAt[int16]
	case precision <= 9:
		return signedAt[int32]
	case precision <= 18:
		return signedAt[int64]
	}
	return get[wide]
}

// sender encodes one column of a vector for COPY.
type sender struct {
	name     string
	typ      string // the target's, for errors
	staged   string // the type in the vector
	codec    codec
	whole    whole // of a whole number or DECIMAL
	vector   vector
	limit    int    // in characters; 0 is none
	octets   int    // in bytes; 0 is none
	scale    int    // of the staged DECIMAL
	shown    int    // digits after the point that numeric is written with
	unit     int64  // a number must be a multiple of it; 0 and 1 require nothing
	interval int32  // an interval's modifier
	sum      *total // of an exact number
	elem     *sender
	elemOID  uint32
}

// newSender makes the encoder of a field.
func newSender(f Field) sender {
	t, staged := plain(f.Type), f.Column.Type
	if f.AsText {
		t = Type{OID: oidText, Mod: -1}
		if strings.HasSuffix(staged, "[]") {
			t = Type{Elem: &Type{OID: oidText, Mod: -1}, Mod: -1}
		}
	}

	s := senderOf(staged, t)
	s.name, s.typ = f.Name, f.Type.Name
	if s.elem != nil {
		s.elem.name, s.elem.typ = s.name, s.typ
	}
	if s.whole != nil {
		s.sum = new(total)
	}

	return s
}

func senderOf(staged string, t Type) sender {
	t = plain(t)
	if elem, ok := strings.CutSuffix(staged, "[]"); ok {
		child := senderOf(elem, *t.Elem)
		return sender{codec: codecs[wireArray], elem: &child, elemOID: t.Elem.OID}
	}

	carried, _ := wireOf(t)
	s := sender{codec: codecs[carried.wire], staged: staged, whole: wholes[staged]}
	if precision, scale, ok := datatype.ParseDecimal(staged); ok {
		s.whole, s.scale = decimals(precision), scale
	}

	s.bound(t)
	return s
}

// bound sets the limits of the target's length or precision, to which the server would otherwise round or truncate.
func (s *sender) bound(t Type) {
	s.shown, s.interval = s.scale, t.Mod
	if precision, scale, limited := scaleOf(t.Mod); limited && t.OID == oidNumeric && precision > 0 {
		s.shown, s.unit = max(scale, 0), int64(powers[max(-scale, 0)].low)
	}

	switch t.OID {
	case oidName:
		s.octets = maxName
	case oidVarchar, oidChar:
		s.limit = max(int(t.Mod)-4, 0)
	case oidTime, oidTimeTZ, oidTimestamp, oidTimestampTZ:
		if t.Mod >= 0 && t.Mod < 6 {
			s.unit = int64(powers[6-t.Mod].low)
		}
	}
}

const (
	oidName    = 19
	oidVarchar = 1043
	oidChar    = 1042
	oidTime    = 1083
	oidTimeTZ  = 1266

	maxName = 63
)

// encoder turns the rows of chunks into binary COPY.
type encoder struct {
	columns []sender
	out     []byte
	rows    int64
	content content
}

// sums are those of the rows so far.
func (e *encoder) sums() hindcast.Sums {
	sums := hindcast.Sums{Rows: e.rows, Content: e.content.text()}
	for i := range e.columns {
		if c := &e.columns[i]; c.sum != nil {
			sums.Totals = c.sum.into(sums.Totals, c.name, c.scale)
		}
	}

	return sums
}

// row appends one row of the vectors.
func (e *encoder) row(row int) (err error) {
	start := len(e.out)
	out := binary.BigEndian.AppendUint16(e.out, uint16(len(e.columns)))
	for i := range e.columns {
		c := &e.columns[i]
		if c.vector.isNull(row) {
			out = binary.BigEndian.AppendUint32(out, math.MaxUint32)
			continue
		}

		if out, err = c.codec.encode(c, out, row); err != nil {
			return err
		}
		if c.sum != nil {
			x := c.whole(&c.vector, row)
			c.sum.add(x.low, x.high)
		}
	}

	e.out = out
	e.rows++
	e.content.add(xxh3.Hash128(out[start:]))
	return nil
}

func (s *sender) bool(out []byte, row int) ([]byte, error) {
	return append(out, 0, 0, 0, 1, get[byte](&s.vector, row)), nil
}

func (s *sender) int2(out []byte, row int) ([]byte, error) {
	x, err := s.integer(row, math.MinInt16, math.MaxInt16)
	return binary.BigEndian.AppendUint16(append(out, 0, 0, 0, 2), uint16(x)), err
}

func (s *sender) int4(out []byte, row int) ([]byte, error) {
	x, err := s.integer(row, math.MinInt32, math.MaxInt32)
	return append4(out, uint32(x)), err
}

func (s *sender) int8(out []byte, row int) ([]byte, error) {
	x, err := s.integer(row, math.MinInt64, math.MaxInt64)
	return append8(out, uint64(x)), err
}

func (s *sender) oid(out []byte, row int) ([]byte, error) {
	x, err := s.integer(row, 0, math.MaxUint32)
	return append4(out, uint32(x)), err
}

func (s *sender) float4(out []byte, row int) ([]byte, error) {
	if s.whole != nil { // at most 16 bits
		return append4(out, math.Float32bits(float32(int64(s.whole(&s.vector, row).low)))), nil
	}
	return append4(out, get[uint32](&s.vector, row)), nil
}

func (s *sender) float8(out []byte, row int) ([]byte, error) {
	switch {
	case s.whole != nil: // at most 32 bits
		return append8(out, math.Float64bits(float64(int64(s.whole(&s.vector, row).low)))), nil
	case s.staged == "FLOAT":
		return append8(out, math.Float64bits(float64(get[float32](&s.vector, row)))), nil
	}
	return append8(out, get[uint64](&s.vector, row)), nil
}

func (s *sender) uuid(out []byte, row int) ([]byte, error) {
	x := get[wide](&s.vector, row)
	out = binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 16), uint64(x.high)^1<<63)
	return binary.BigEndian.AppendUint64(out, x.low), nil
}

func (s *sender) bytea(out []byte, row int) ([]byte, error) {
	b := bytesAt(&s.vector, row)
	return append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...), nil
}

func (s *sender) text(out []byte, row int) ([]byte, error) {
	b := bytesAt(&s.vector, row)
	if err := s.checkText(b); err != nil {
		return out, err
	}
	return append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...), nil
}

func (s *sender) padded(out []byte, row int) ([]byte, error) {
	b := bytes.TrimRight(bytesAt(&s.vector, row), " ")
	if err := s.checkText(b); err != nil {
		return out, err
	}

	blanks := max(0, s.limit-utf8.RuneCount(b))
	out = append(binary.BigEndian.AppendUint32(out, uint32(len(b)+blanks)), b...)
	for range blanks {
		out = append(out, ' ')
	}

	return out, nil
}

func (s *sender) jsonb(out []byte, row int) ([]byte, error) {
	b := bytesAt(&s.vector, row)
	if err := s.checkText(b); err != nil {
		return out, err
	}
	return append(append(binary.BigEndian.AppendUint32(out, uint32(len(b)+1)), 1), b...), nil
}

func (s *sender) byte(out []byte, row int) ([]byte, error) {
	switch b := bytesAt(&s.vector, row); {
	case len(b) == 0:
		return append(out, 0, 0, 0, 1, 0), nil
	case len(b) == 1 && b[0] != 0 && b[0] < utf8.RuneSelf:
		return append(out, 0, 0, 0, 1, b[0]), nil
	default:
		return out, s.misfit(fmt.Sprintf("a text of %d bytes", len(b)))
	}
}

func append4(out []byte, x uint32) []byte {
	return binary.BigEndian.AppendUint32(append(out, 0, 0, 0, 4), x)
}

func append8(out []byte, x uint64) []byte {
	return binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 8), x)
}

// checkText refuses what the server would truncate or cannot hold.
func (s *sender) checkText(b []byte) error {
	if bytes.IndexByte(b, 0) >= 0 {
		return s.misfit("a text with a zero byte")
	}
	if s.octets > 0 && len(b) > s.octets {
		return s.misfit(fmt.Sprintf("a text of %d bytes", len(b)))
	}

	if s.limit > 0 && len(b) > s.limit {
		if n := utf8.RuneCount(b); n > s.limit {
			return s.misfit(fmt.Sprintf("a text of %d characters", n))
		}
	}

	return nil
}

// integer reads a whole number between the bounds.
func (s *sender) integer(row int, low, high int64) (int64, error) {
	w := s.whole(&s.vector, row)
	x := int64(w.low)
	if w.high != x>>63 || x < low || x > high {
		return 0, s.misfit(signedText(w))
	}
	return x, nil
}

func signedText(w wide) string {
	t := total{low: w.low, middle: uint64(w.high), high: uint64(w.high >> 63)}
	return t.text(0)
}

// earliestDay is PostgreSQL's earliest date, counted from its epoch.
const earliestDay = -2451545

func (s *sender) date(out []byte, row int) ([]byte, error) {
	x := get[int32](&s.vector, row)
	switch {
	case x == math.MaxInt32:
	case x == -math.MaxInt32:
		x = math.MinInt32
	case x < earliestDay+epochDays:
		return out, s.misfit("a date before 4714 BC")
	default:
		x -= epochDays
	}

	return append4(out, uint32(x)), nil
}

func (s *sender) timestamp(out []byte, row int) ([]byte, error) {
	x, err := s.micros(row)
	switch {
	case err != nil:
		return out, err
	case x == math.MaxInt64:
		return append8(out, uint64(x)), nil
	case x == -math.MaxInt64:
		return append8(out, 1<<63), nil
	case x < earliestMicros+epochMicros:
		return out, s.misfit("a time before 4714 BC")
	}

	return append8(out, uint64(x-epochMicros)), s.multiple(x)
}

// micros reads a TIMESTAMP, or a DATE as its midnight.
func (s *sender) micros(row int) (int64, error) {
	if s.staged != "DATE" {
		return get[int64](&s.vector, row), nil
	}
	switch day := get[int32](&s.vector, row); {
	case day == math.MaxInt32:
		return math.MaxInt64, nil
	case day == -math.MaxInt32:
		return -math.MaxInt64, nil
	case int64(day) > math.MaxInt64/microsPerDay-1 || int64(day) < earliestDay+epochDays:
		return 0, s.misfit("a date too far away")
	default:
		return int64(day) * microsPerDay, nil
	}
}

func (s *sender) time(out []byte, row int) ([]byte, error) {
	x := get[int64](&s.vector, row)
	return append8(out, uint64(x)), s.multiple(x)
}

// multiple refuses what a target with fewer digits would round.
func (s *sender) multiple(x int64) error {
	if s.unit > 1 && x%s.unit != 0 {
		return s.misfit("a time with more digits after the second")
	}
	return nil
}

// timeTZ splits DuckDB's bits: 40 of microseconds, 24 of the zone's offset below the easternmost one.
func (s *sender) timeTZ(out []byte, row int) ([]byte, error) {
	const easternmost = 16*60*60 - 1
	x := get[uint64](&s.vector, row)
	micros, east := int64(x>>24), easternmost-int32(x&0xffffff)
	out = binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 12), uint64(micros))
	return binary.BigEndian.AppendUint32(out, uint32(-east)), s.multiple(micros)
}

// span is DuckDB's INTERVAL.
type span struct {
	months, days int32
	micros       int64
}

func (s *sender) intervals(out []byte, row int) ([]byte, error) {
	x := get[span](&s.vector, row)
	if x != cut(x, s.interval) {
		return out, s.misfit("an interval with more fields or digits")
	}

	out = binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 16), uint64(x.micros))
	out = binary.BigEndian.AppendUint32(out, uint32(x.days))
	return binary.BigEndian.AppendUint32(out, uint32(x.months)), nil
}

// The bits of an interval's modifier that name its fields, with the precision below them.
const (
	fieldMonth, fieldYear, fieldDay       = 1 << 1, 1 << 2, 1 << 3
	fieldHour, fieldMinute                = 1 << 10, 1 << 11
	allFields                             = 0x7fff
	fullPrecision                         = 0xffff
	microsPerMinute, microsPerHour  int64 = 60_000_000, 3_600_000_000
)

// cut returns what the server would store of an interval in a column with this modifier.
func cut(x span, mod int32) span {
	if mod < 0 {
		return x
	}

	fields, precision := mod>>16&allFields, mod&fullPrecision
	switch fields {
	case fieldYear:
		return span{months: x.months / 12 * 12}
	case fieldMonth, fieldYear | fieldMonth:
		return span{months: x.months}
	case fieldDay:
		x.micros = 0
	case fieldHour, fieldDay | fieldHour:
		x.micros -= x.micros % microsPerHour
	case fieldMinute, fieldHour | fieldMinute, fieldDay | fieldHour | fieldMinute:
		x.micros -= x.micros % microsPerMinute
	}

	if precision < 6 {
		x.micros -= x.micros % int64(powers[6-precision].low)
	}

	return x
}

// array appends a list as a one-dimensional array that counts from 1.
func (s *sender) array(out []byte, row int) ([]byte, error) {
	l := get[list](&s.vector, row)
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	dimensions := uint32(min(l.length, 1))
	out = binary.BigEndian.AppendUint32(out, dimensions)
	nulls := len(out)
	out = binary.BigEndian.AppendUint32(append(out, 0, 0, 0, 0), s.elemOID)
	if dimensions == 1 {
		if l.length > math.MaxInt32 {
			return out, s.misfit("a list that is too long")
		}
		out = binary.BigEndian.AppendUint32(out, uint32(l.length))
		out = binary.BigEndian.AppendUint32(out, 1)
	}

	var err error
	for i := int(l.offset); i < int(l.offset+l.length); i++ {
		if s.elem.vector.isNull(i) {
			out[nulls+3] = 1
			out = binary.BigEndian.AppendUint32(out, math.MaxUint32)
			continue
		}
		if out, err = s.elem.codec.encode(s.elem, out, i); err != nil {
			return out, err
		}
	}

	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out, nil
}

// misfit is the error for a value that the target cannot hold exactly.
func (s *sender) misfit(what string) error {
	return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("column %q: %s does not fit %s", s.name, what, s.typ),
		Next:    "bound the value in the SQL, or widen the target's column with ALTER TABLE"}
}
