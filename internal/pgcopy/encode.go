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
)

// shape is how DuckDB keeps a staged value.
type shape uint8

const (
	shapeNone shape = iota
	shapeInt8
	shapeInt16
	shapeInt32
	shapeInt64
	shapeUint8
	shapeUint16
	shapeUint32
	shapeUint64
	shapeInt128
	shapeFloat
	shapeDouble
	shapeString
	shapeOther // what its wire alone decides
	shapeList
)

var shapes = map[string]shape{
	"TINYINT": shapeInt8, "SMALLINT": shapeInt16, "INTEGER": shapeInt32, "BIGINT": shapeInt64,
	"UTINYINT": shapeUint8, "USMALLINT": shapeUint16, "UINTEGER": shapeUint32, "UBIGINT": shapeUint64, "HUGEINT": shapeInt128,
	"FLOAT": shapeFloat, "DOUBLE": shapeDouble, "VARCHAR": shapeString, "JSON": shapeString, "BLOB": shapeString, "DATE": shapeInt32,
	"BOOLEAN": shapeOther, "UUID": shapeOther, "TIME": shapeOther, "TIME WITH TIME ZONE": shapeOther, "TIMESTAMP": shapeOther,
	"TIMESTAMP WITH TIME ZONE": shapeOther, "INTERVAL": shapeOther,
}

// sender encodes one column of a vector for COPY.
type sender struct {
	name     string
	typ      string // the target's, for errors
	shape    shape
	wire     wire
	vector   vector
	limit    int   // of characters; 0 is none
	octets   int   // of bytes; 0 is none
	scale    int   // of the staged DECIMAL
	shown    int   // digits after the point that numeric is shown with
	unit     int64 // what an integer must be a multiple of; 0 and 1 are no condition
	interval int32 // an interval's modifier
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
	return s
}

func senderOf(staged string, t Type) sender {
	t = plain(t)
	if elem, ok := strings.CutSuffix(staged, "[]"); ok {
		child := senderOf(elem, *t.Elem)
		return sender{shape: shapeList, wire: wireArray, elem: &child, elemOID: t.Elem.OID}
	}
	carried, _ := wireOf(t)
	s := sender{wire: carried.wire, shape: shapes[staged], interval: t.Mod}
	if precision, scale, ok := decimalOf(staged); ok {
		s.shape, s.scale = decimalShape(precision), scale
	}
	if strings.HasPrefix(staged, "ENUM(") {
		s.shape = shapeString
	}
	s.bound(t)
	return s
}

// bound sets what a target's length or precision demands, which the server would otherwise round or cut to.
func (s *sender) bound(t Type) {
	s.shown = s.scale
	switch s.wire {
	case wireText, wirePadded:
		if t.OID == oidName {
			s.octets = maxName
		} else if t.Mod > 4 {
			s.limit = int(t.Mod - 4)
		}
	case wireTime, wireTimeTZ, wireTimestamp:
		if t.Mod >= 0 && t.Mod < 6 {
			s.unit = int64(powers[6-t.Mod].low)
		}
	case wireNumeric:
		_, scale, limited := scaleOf(t.Mod)
		if limited {
			s.shown = max(scale, 0)
			s.unit = int64(powers[max(-scale, 0)].low)
		}
	default:
	}
}

const (
	oidName = 19
	maxName = 63
)

func decimalShape(precision int) shape {
	switch {
	case precision <= 4:
		return shapeInt16
	case precision <= 9:
		return shapeInt32
	case precision <= 18:
		return shapeInt64
	}
	return shapeInt128
}

// encoder turns the rows of chunks into binary COPY.
type encoder struct {
	columns []sender
	out     []byte
	rows    int64
	content content
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
		if out, err = c.append(out, row); err != nil {
			return err
		}
	}
	e.out = out
	e.rows++
	e.content.add(xxh3.Hash128(out[start:]))
	return nil
}

// append appends a value with its length. The order is that of how often the types are met.
func (s *sender) append(out []byte, row int) ([]byte, error) {
	switch s.wire {
	case wireText:
		b := bytesAt(&s.vector, row)
		if err := s.checkText(b); err != nil {
			return out, err
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
		return append(out, b...), nil
	case wireInt4:
		x, err := s.integer(row, math.MinInt32, math.MaxInt32)
		return append4(out, uint32(x)), err
	case wireInt8:
		x, err := s.integer(row, math.MinInt64, math.MaxInt64)
		return append8(out, uint64(x)), err
	case wireNumeric:
		return s.numeric(out, row)
	case wireDate:
		x, err := s.date(row)
		return append4(out, uint32(x)), err
	case wireTimestamp:
		x, err := s.timestamp(row)
		return append8(out, uint64(x)), err
	case wireArray:
		return s.array(out, row)
	default:
		return s.appendOther(out, row)
	}
}

func (s *sender) appendOther(out []byte, row int) ([]byte, error) {
	switch s.wire {
	case wireBool:
		return append(out, 0, 0, 0, 1, get[byte](&s.vector, row)), nil
	case wireInt2:
		x, err := s.integer(row, math.MinInt16, math.MaxInt16)
		return binary.BigEndian.AppendUint16(append(out, 0, 0, 0, 2), uint16(x)), err
	case wireOID:
		x, err := s.integer(row, 0, math.MaxUint32)
		return append4(out, uint32(x)), err
	case wireFloat4:
		return append4(out, s.single(row)), nil
	case wireFloat8:
		return append8(out, s.double(row)), nil
	case wireUUID:
		x := get[wide](&s.vector, row)
		out = binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 16), uint64(x.high)^1<<63)
		return binary.BigEndian.AppendUint64(out, x.low), nil
	case wireTime:
		x := get[int64](&s.vector, row)
		return append8(out, uint64(x)), s.multiple(x)
	case wireTimeTZ:
		return s.timeTZ(out, row)
	case wireInterval:
		return s.span(out, row)
	default:
		return s.bytes(out, row)
	}
}

// bytes appends the types that are kept as strings.
func (s *sender) bytes(out []byte, row int) ([]byte, error) {
	b := bytesAt(&s.vector, row)
	if s.wire == wireBytea {
		return append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...), nil
	}
	if s.wire == wirePadded {
		b = bytes.TrimRight(b, " ")
	}
	if err := s.checkText(b); err != nil {
		return out, err
	}
	switch s.wire {
	case wirePadded:
		blanks := max(0, s.limit-utf8.RuneCount(b))
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(b)+blanks)), b...)
		for range blanks {
			out = append(out, ' ')
		}
	case wireJSONB:
		out = append(append(binary.BigEndian.AppendUint32(out, uint32(len(b)+1)), 1), b...)
	case wireByte:
		if len(b) > 1 || len(b) == 1 && b[0] > 127 {
			return out, s.misfit(fmt.Sprintf("a text of %d bytes", len(b)))
		}
		out = append(append(out, 0, 0, 0, 1), append(b, 0)[0])
	default:
		return out, s.misfit("a value of an unknown type")
	}
	return out, nil
}

func append4(out []byte, x uint32) []byte {
	return binary.BigEndian.AppendUint32(append(out, 0, 0, 0, 4), x)
}

func append8(out []byte, x uint64) []byte {
	return binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 8), x)
}

// checkText refuses what the server would cut or cannot hold.
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

// integer reads a whole number of any shape, between the bounds.
func (s *sender) integer(row int, low, high int64) (x int64, err error) {
	v := &s.vector
	switch s.shape {
	case shapeInt8:
		x = int64(get[int8](v, row))
	case shapeInt16:
		x = int64(get[int16](v, row))
	case shapeInt32:
		x = int64(get[int32](v, row))
	case shapeInt64:
		x = get[int64](v, row)
	case shapeUint8:
		x = int64(get[uint8](v, row))
	case shapeUint16:
		x = int64(get[uint16](v, row))
	case shapeUint32:
		x = int64(get[uint32](v, row))
	case shapeUint64:
		if u := get[uint64](v, row); u <= math.MaxInt64 {
			x = int64(u)
		} else {
			return 0, s.misfit(fmt.Sprint(u))
		}
	default:
		w := get[wide](v, row)
		if x = int64(w.low); w.high != x>>63 {
			return 0, s.misfit(signedText(w))
		}
	}
	if x < low || x > high {
		return 0, s.misfit(fmt.Sprint(x))
	}
	return x, nil
}

// wideInteger reads a whole number of any shape.
func (s *sender) wideInteger(row int) wide {
	switch s.shape {
	case shapeInt128:
		return get[wide](&s.vector, row)
	case shapeUint64:
		return wide{low: get[uint64](&s.vector, row)}
	default:
		x, _ := s.integer(row, math.MinInt64, math.MaxInt64) // these shapes fit
		return wide{uint64(x), x >> 63}
	}
}

func signedText(w wide) string {
	t := total{low: w.low, middle: uint64(w.high), high: uint64(w.high >> 63)}
	return t.text(0)
}

func (s *sender) single(row int) uint32 {
	if s.shape == shapeFloat {
		return get[uint32](&s.vector, row)
	}
	x, _ := s.integer(row, math.MinInt64, math.MaxInt64)
	return math.Float32bits(float32(x))
}

func (s *sender) double(row int) uint64 {
	switch s.shape {
	case shapeDouble:
		return get[uint64](&s.vector, row)
	case shapeFloat:
		return math.Float64bits(float64(get[float32](&s.vector, row)))
	default:
		x, _ := s.integer(row, math.MinInt64, math.MaxInt64)
		return math.Float64bits(float64(x))
	}
}

// The first day that PostgreSQL knows, counted from its epoch.
const earliestDay = -2451545

func (s *sender) date(row int) (int32, error) {
	x := get[int32](&s.vector, row)
	switch {
	case x == math.MaxInt32:
	case x == -math.MaxInt32:
		x = math.MinInt32
	case x < earliestDay+epochDays:
		return 0, s.misfit("a date before 4714 BC")
	default:
		x -= epochDays
	}
	return x, nil
}

func (s *sender) timestamp(row int) (int64, error) {
	var x int64
	if s.shape == shapeInt32 { // a DATE
		switch day := get[int32](&s.vector, row); {
		case day == math.MaxInt32:
			x = math.MaxInt64
		case day == -math.MaxInt32:
			x = -math.MaxInt64
		case int64(day) > math.MaxInt64/microsPerDay-1 || int64(day) < earliestDay+epochDays:
			return 0, s.misfit("a date too far away")
		default:
			x = int64(day) * microsPerDay
		}
	} else {
		x = get[int64](&s.vector, row)
	}
	switch {
	case x == math.MaxInt64:
		return x, nil
	case x == -math.MaxInt64:
		return math.MinInt64, nil
	case x < earliestMicros+epochMicros:
		return 0, s.misfit("a time before 4714 BC")
	}
	return x - epochMicros, s.multiple(x)
}

// multiple refuses what a target with fewer digits would round.
func (s *sender) multiple(x int64) error {
	if s.unit > 1 && x%s.unit != 0 {
		return s.misfit("a time with more digits after the second")
	}
	return nil
}

// timeTZ splits DuckDB's bits: 40 of microseconds, 24 of how far the zone is below the easternmost one.
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

func (s *sender) span(out []byte, row int) ([]byte, error) {
	x := get[span](&s.vector, row)
	if x != cut(x, s.interval) {
		return out, s.misfit("an interval with more fields or digits")
	}
	out = binary.BigEndian.AppendUint64(append(out, 0, 0, 0, 16), uint64(x.micros))
	out = binary.BigEndian.AppendUint32(out, uint32(x.days))
	return binary.BigEndian.AppendUint32(out, uint32(x.months)), nil
}

// The bits of an interval's modifier that name its fields, and its precision below them.
const (
	fieldMonth, fieldYear, fieldDay       = 1 << 1, 1 << 2, 1 << 3
	fieldHour, fieldMinute                = 1 << 10, 1 << 11
	allFields                             = 0x7fff
	fullPrecision                         = 0xffff
	microsPerMinute, microsPerHour  int64 = 60_000_000, 3_600_000_000
)

// cut is what the server would store of an interval in a column with this modifier.
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
		if out, err = s.elem.append(out, i); err != nil {
			return out, err
		}
	}
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out, nil
}

// misfit is the error for a value that the target cannot hold as it is.
func (s *sender) misfit(what string) error {
	return &hindcast.Error{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("column %q: %s does not fit %s", s.name, what, s.typ),
		Next:    "bound the value in the SQL, or widen the target's column with ALTER TABLE"}
}
