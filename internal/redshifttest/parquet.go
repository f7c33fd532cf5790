package redshifttest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// column is a column of a result or a table.
type column struct {
	name      string
	oid       uint32 // of PostgreSQL
	kind      string // of Redshift: what the type is called there
	length    int    // of CHAR and VARCHAR, 0 without
	precision int    // of DECIMAL
	scale     int
}

// Types of PostgreSQL that Redshift has too.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidOID         = 26
	oidFloat4      = 700
	oidFloat8      = 701
	oidUnknown     = 705
	oidBPChar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTime        = 1083
	oidTimestamp   = 1114
	oidTimestampTZ = 1184
	oidNumeric     = 1700
	oidName        = 19
	oidSuper       = 4000 // from here on Redshift's own numbers
	oidVarbyte     = 6551
)

var kinds = map[uint32]string{
	oidBool: "boolean", oidInt8: "bigint", oidInt2: "smallint", oidInt4: "integer", oidText: "character varying", oidFloat4: "real",
	oidFloat8: "double precision", oidUnknown: "character varying", oidBPChar: "character", oidVarchar: "character varying", oidDate: "date",
	oidTime: "time without time zone", oidTimestamp: "timestamp without time zone", oidTimestampTZ: "timestamp with time zone",
	oidNumeric: "numeric", oidName: "character varying", oidSuper: "super", oidVarbyte: "binary varying", 1266: "time with time zone",
	1186: "interval", 3000: "geometry", 3001: "geography", 2935: "hllsketch",
}

// newColumn is a column by what a result or the catalog says of its type; oid is Redshift's number where it has one.
func newColumn(name string, oid uint32, typmod int32) column {
	c := column{name: name, oid: oid, kind: kinds[oid]}
	switch {
	case oid == oidNumeric && typmod >= 4:
		c.precision, c.scale = int(typmod-4)>>16&0xffff, int(typmod-4)&0x7ff
	case (oid == oidVarchar || oid == oidBPChar) && typmod > 4:
		c.length = int(typmod - 4)
	case oid == oidText, oid == oidUnknown, oid == oidName:
		c.length = 65535
	}

	return c
}

// node is how UNLOAD writes a column; nil if it cannot write it to Parquet.
func (c *column) node() parquet.Node {
	switch c.oid {
	case oidBool:
		return parquet.Leaf(parquet.BooleanType)
	case oidInt2:
		return parquet.Int(16)
	case oidInt4:
		return parquet.Leaf(bare{parquet.Int32Type})
	case oidInt8:
		return parquet.Leaf(bare{parquet.Int64Type})
	case oidFloat4:
		return parquet.Leaf(parquet.FloatType)
	case oidFloat8:
		return parquet.Leaf(parquet.DoubleType)
	case oidText, oidVarchar, oidBPChar, oidName, oidUnknown, oidSuper:
		return parquet.String()
	case oidDate:
		return parquet.Date()
	case oidTimestamp, oidTimestampTZ:
		return parquet.Leaf(parquet.Int96Type)
	case oidTime:
		return parquet.Time(parquet.Microsecond)
	case oidNumeric:
		return parquet.Decimal(c.scale, c.precision, parquet.FixedLenByteArrayType(decimalBytes(c.precision)))
	}

	return nil
}

// bare is a type of integers without the annotation that the library would add.
type bare struct{ parquet.Type }

func (bare) LogicalType() *format.LogicalType { return nil }

// decimalBytes is the smallest length that holds all decimals of a precision.
func decimalBytes(precision int) int {
	largest := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	return (largest.Sub(largest, big.NewInt(1)).BitLen() + 8) / 8
}

// ordered is a group whose fields stay in their order; parquet.Group sorts them.
type ordered struct {
	parquet.Group
	names []string
}

func (o ordered) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, field := range o.Group.Fields() {
		byName[field.Name()] = field
	}

	out := make([]parquet.Field, len(o.names))
	for i, name := range o.names {
		out[i] = byName[name]
	}

	return out
}

// schema is the schema of UNLOAD's files: every column is optional.
func schema(columns []column) (*parquet.Schema, *failure) {
	group := ordered{Group: parquet.Group{}}
	for i := range columns {
		c := &columns[i]
		node := c.node()
		if node == nil {
			return nil, unsupported(fmt.Sprintf("UNLOAD of column %q of type %s to PARQUET is not supported", c.name, c.kind))
		}
		if group.Group[c.name] != nil {
			return nil, notHere(fmt.Sprintf("UNLOAD of two columns %q", c.name))
		}
		group.Group[c.name] = parquet.Optional(node)
		group.names = append(group.names, c.name)
	}

	return parquet.NewSchema("schema", group), nil
}

// value is a value by its text, as PostgreSQL writes it with DateStyle ISO.
func (c *column) value(text []byte) (parquet.Value, error) {
	s := string(text)
	switch c.oid {
	case oidBool:
		return parquet.BooleanValue(s == "t"), nil
	case oidInt2, oidInt4:
		n, err := strconv.ParseInt(s, 10, 32)
		return parquet.Int32Value(int32(n)), err
	case oidInt8:
		n, err := strconv.ParseInt(s, 10, 64)
		return parquet.Int64Value(n), err
	case oidFloat4:
		f, err := strconv.ParseFloat(s, 32)
		return parquet.FloatValue(float32(f)), err
	case oidFloat8:
		f, err := strconv.ParseFloat(s, 64)
		return parquet.DoubleValue(f), err
	case oidDate:
		t, err := time.Parse(time.DateOnly, s)
		return parquet.Int32Value(int32(floor(t.Unix(), secondsADay))), err
	case oidTimestamp:
		t, err := time.Parse("2006-01-02 15:04:05.999999", s)
		return parquet.Int96Value(int96(t)), err
	case oidTimestampTZ:
		t, err := parseZoned(s)
		return parquet.Int96Value(int96(t)), err
	case oidTime:
		t, err := time.Parse("15:04:05.999999", s)
		return parquet.Int64Value(t.Sub(t.Truncate(24 * time.Hour)).Microseconds()), err
	case oidNumeric:
		return c.decimal(s)
	}

	return parquet.ByteArrayValue(text), nil
}

const secondsADay = 86400

func floor(n, by int64) int64 {
	if n < 0 {
		return (n - by + 1) / by
	}
	return n / by
}

func parseZoned(s string) (t time.Time, err error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

// julianEpoch is the Julian day of 1970-01-01.
const julianEpoch = 2440588

// int96 is a time as Impala and Hive write it: nanoseconds of the day, and the Julian day.
func int96(t time.Time) deprecated.Int96 {
	day := floor(t.Unix(), secondsADay)
	nanos := uint64((t.Unix()-day*secondsADay)*int64(time.Second) + int64(t.Nanosecond()))
	return deprecated.Int96{uint32(nanos), uint32(nanos >> 32), uint32(day + julianEpoch)}
}

func timeOf(i deprecated.Int96) time.Time {
	nanos := int64(i[1])<<32 | int64(i[0])
	return time.Unix((int64(i[2])-julianEpoch)*secondsADay, nanos).UTC()
}

func (c *column) decimal(s string) (parquet.Value, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(fraction) > c.scale {
		return parquet.Value{}, fmt.Errorf("%s has more than %d digits after its point", s, c.scale)
	}

	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", c.scale-len(fraction)), 10)
	if !ok {
		return parquet.Value{}, fmt.Errorf("%s is not a decimal", s)
	}

	out := make([]byte, decimalBytes(c.precision))
	if n.BitLen() >= len(out)*8 {
		return parquet.Value{}, fmt.Errorf("%s has more than %d digits", s, c.precision)
	}
	if n.Sign() < 0 { // two's complement
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(len(out)*8)))
	}

	return parquet.FixedLenByteArrayValue(n.FillBytes(out)), nil
}

// file is one file of an UNLOAD while it is written.
type file struct {
	name  string
	body  bytes.Buffer
	rows  int64
	bytes int64 // of values since the last row group
	out   *parquet.GenericWriter[any]
}

func newFile(name string, s *parquet.Schema) *file {
	f := &file{name: name}
	f.out = parquet.NewGenericWriter[any](&f.body, s, parquet.Compression(&parquet.Snappy), parquet.DataPageVersion(1))
	return f
}

// rowGroup is the size of row groups that UNLOAD tries to write.
const rowGroup = 32 * megabyte

// write writes one row.
func (f *file) write(columns []column, values [][]byte) error {
	row := make(parquet.Row, len(columns))
	for i := range columns {
		if values[i] == nil {
			row[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}

		v, err := columns[i].value(values[i])
		if err != nil {
			return fmt.Errorf("column %s: %w", columns[i].name, err)
		}
		row[i] = v.Level(0, 1, i)
		f.bytes += int64(len(values[i]))
	}

	if _, err := f.out.WriteRows([]parquet.Row{row}); err != nil {
		return err
	}

	f.rows++
	if f.bytes >= rowGroup {
		f.bytes = 0
		return f.out.Flush()
	}

	return nil
}

// text is a value of a file as COPY of PostgreSQL reads it.
func (c *column) text(v parquet.Value) (string, error) {
	switch c.oid {
	case oidBool:
		return strconv.FormatBool(v.Boolean()), nil
	case oidInt2, oidInt4:
		return strconv.FormatInt(int64(v.Int32()), 10), nil
	case oidInt8:
		return strconv.FormatInt(v.Int64(), 10), nil
	case oidFloat4:
		return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32), nil
	case oidFloat8:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64), nil
	case oidDate:
		return postgresTime(time.Unix(int64(v.Int32())*secondsADay, 0).UTC(), time.DateOnly), nil
	case oidTimestamp, oidTimestampTZ:
		return postgresTime(timeOf(v.Int96()), "2006-01-02 15:04:05.000000"), nil
	case oidTime:
		return time.UnixMicro(v.Int64()).UTC().Format("15:04:05.000000"), nil
	case oidNumeric:
		return c.digits(v.ByteArray()), nil
	case oidVarbyte:
		return fmt.Sprintf(`\x%x`, v.ByteArray()), nil
	}

	s := string(v.ByteArray())
	if strings.ContainsRune(s, 0) {
		return "", errors.New("a NUL in a text")
	}
	return s, nil
}

// postgresTime writes a time; years before 1 are those before Christ.
func postgresTime(t time.Time, layout string) string {
	if t.Year() > 0 {
		return t.Format(layout)
	}
	return t.AddDate(1-2*t.Year(), 0, 0).Format(layout) + " BC"
}

func (c *column) digits(bytes []byte) string {
	n := new(big.Int).SetBytes(bytes)
	if len(bytes) > 0 && bytes[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(bytes)*8)))
	}

	sign, digits := "", n.String()
	if n.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	if missing := c.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if c.scale == 0 {
		return sign + digits
	}

	return sign + digits[:len(digits)-c.scale] + "." + digits[len(digits)-c.scale:]
}

// magic reports whether a file begins and ends as Parquet does.
func magic(body []byte) bool {
	return len(body) >= 12 && string(body[:4]) == "PAR1" && string(body[len(body)-4:]) == "PAR1" &&
		binary.LittleEndian.Uint32(body[len(body)-8:]) <= uint32(len(body)-12)
}
