package pgcopy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
)

// wire is a value's format in binary COPY.
type wire uint8

const (
	wireNone wire = iota // not carried
	wireBool
	wireInt2
	wireInt4
	wireInt8
	wireOID
	wireFloat4
	wireFloat8
	wireNumeric
	wireText   // UTF-8: text, names, enums, json, and whatever is cast to text
	wirePadded // char(n): text with the blanks that fill it up
	wireByte   // "char": one byte, 0 is the empty string
	wireBytea
	wireUUID
	wireDate
	wireTime
	wireTimeTZ
	wireTimestamp
	wireInterval
	wireJSONB // a version's byte, then text
	wireArray
	wireSkip // for sums: the value's bytes are hashed but not interpreted
)

// carrier says how one PostgreSQL type is carried. docs/reference/types.md is generated from this table.
type carrier struct {
	name   string
	oid    uint32
	column string // the type in the lake, in DuckDB's spelling
	stored string // in Parquet, if it is another
	wire   wire
	note   string
}

// carriers are the base types whose binary form is carried.
var carriers = []carrier{
	{"boolean", 16, "BOOLEAN", "", wireBool, ""},
	{"smallint", 21, "SMALLINT", "", wireInt2, ""},
	{"integer", 23, "INTEGER", "", wireInt4, ""},
	{"bigint", 20, "BIGINT", "", wireInt8, ""},
	{"oid", 26, "UINTEGER", "", wireOID, ""},
	{"numeric(p,s)", 1700, "DECIMAL(p,s)", "", wireNumeric, "up to 38 digits. NaN and infinities are refused when met. " +
		"numeric without a precision, or with more digits, is refused unless carried as text"},
	{"real", 700, "FLOAT", "", wireFloat4, "bit for bit, with NaN, infinities and -0"},
	{"double precision", 701, "DOUBLE", "", wireFloat8, "bit for bit, with NaN, infinities and -0"},
	{"text", 25, "VARCHAR", "", wireText, ""},
	{"character varying(n)", 1043, "VARCHAR", "", wireText, "a load refuses what is longer"},
	{"character(n)", 1042, "VARCHAR", "", wirePadded, "without the padding blanks, which PostgreSQL ignores; a load pads again"},
	{"name", 19, "VARCHAR", "", wireText, "a load refuses more than 63 bytes"},
	{`"char"`, 18, "VARCHAR", "", wireByte, "a byte above 127 is refused when met"},
	{"bytea", 17, "BLOB", "", wireBytea, ""},
	{"uuid", 2950, "UUID", "", wireUUID, ""},
	{"date", 1082, "DATE", "", wireDate, "with infinities"},
	{"time(p)", 1083, "TIME", "", wireTime, ""},
	{"time(p) with time zone", 1266, "TIME WITH TIME ZONE", "VARCHAR", wireTimeTZ, ""},
	{"timestamp(p)", 1114, "TIMESTAMP", "", wireTimestamp, "with infinities; a time after 294247-01-10 is refused when met"},
	{"timestamp(p) with time zone", 1184, "TIMESTAMP WITH TIME ZONE", "", wireTimestamp, "as timestamp"},
	{"interval", 1186, "INTERVAL", "VARCHAR", wireInterval, "months, days and microseconds; the infinite intervals of PostgreSQL 17 are refused when met"},
	{"json", 114, "JSON", "", wireText, "the text as is"},
	{"jsonb", 3802, "JSON", "", wireJSONB, "in jsonb's own spelling"},
}

// texts are the types that are carried as their text, which the server reads back to the same value.
var texts = []carrier{
	{"bit(n)", 1560, "VARCHAR", "", wireText, ""},
	{"bit varying(n)", 1562, "VARCHAR", "", wireText, ""},
	{"inet", 869, "VARCHAR", "", wireText, "with the length of its net: 10.0.0.1/32"},
	{"cidr", 650, "VARCHAR", "", wireText, ""},
	{"macaddr", 829, "VARCHAR", "", wireText, ""},
	{"macaddr8", 774, "VARCHAR", "", wireText, ""},
	{"xml", 142, "VARCHAR", "", wireText, ""},
	{"point", 600, "VARCHAR", "", wireText, ""},
	{"lseg", 601, "VARCHAR", "", wireText, ""},
	{"path", 602, "VARCHAR", "", wireText, ""},
	{"box", 603, "VARCHAR", "", wireText, ""},
	{"polygon", 604, "VARCHAR", "", wireText, ""},
	{"line", 628, "VARCHAR", "", wireText, ""},
	{"circle", 718, "VARCHAR", "", wireText, ""},
	{"tsvector", 3614, "VARCHAR", "", wireText, ""},
	{"tsquery", 3615, "VARCHAR", "", wireText, ""},
	{"jsonpath", 4072, "VARCHAR", "", wireText, ""},
	{"pg_lsn", 3220, "VARCHAR", "", wireText, ""},
	{"pg_snapshot", 5038, "VARCHAR", "", wireText, ""},
	{"txid_snapshot", 2970, "VARCHAR", "", wireText, ""},
	{"xid8", 5069, "VARCHAR", "", wireText, ""},
}

// extensions are types that extensions bring, under varying oids, and that are carried as their text.
var extensions = []string{"citext", "hstore", "ltree"}

const (
	oidText    = 25
	oidNumeric = 1700
	oidBit     = 1560
	oidVarbit  = 1562
	oidMoney   = 790
	oidJSONB   = 3802
)

// byOID finds a base type in a table of carriers.
func byOID(table []carrier, oid uint32) (carrier, bool) {
	i := slices.IndexFunc(table, func(c carrier) bool { return c.oid == oid })
	if i < 0 {
		return carrier{}, false
	}
	return table[i], true
}

// plain is the type below any domains.
func plain(t Type) Type {
	for t.Base != nil {
		t = *t.Base
	}
	return t
}

// native returns how the binary form of a type is carried; ok is false if it is not.
func native(t Type) (c carrier, ok bool) {
	t = plain(t)
	switch {
	case t.Kind == 'e':
		return carrier{column: "VARCHAR", wire: wireText}, true
	case t.Elem != nil:
		elem, ok := native(*t.Elem)
		if !ok || plain(*t.Elem).Elem != nil { // an array of a domain over arrays is not a single list
			return carrier{}, false
		}

		c = carrier{column: elem.column + "[]", wire: wireArray}
		if elem.stored != "" {
			c.stored = elem.stored + "[]"
		}

		return c, true
	case t.OID == oidNumeric:
		p, s, ok := decimal(t.Mod)
		return carrier{column: fmt.Sprintf("DECIMAL(%d,%d)", p, s), wire: wireNumeric}, ok
	}

	return byOID(carriers, t.OID)
}

// decimal is the DECIMAL that holds every value of numeric with this modifier; ok is false if none does. PostgreSQL 15
// and later allow a scale below 0 and above the precision.
func decimal(mod int32) (precision, scale int, ok bool) {
	if mod < 4 {
		return 0, 0, false
	}

	precision = int((mod-4)>>16) & 0xffff
	scale = int((mod-4)&0x7ff) ^ 1024 - 1024
	if scale < 0 {
		precision, scale = precision-scale, 0
	}

	precision = max(precision, scale)
	return precision, scale, precision <= maxPrecision
}

const maxPrecision = 38

// textual reports whether a type's text reads back as the same value, so that it is carried as text by default.
func textual(t Type) bool {
	t = plain(t)
	if t.Elem != nil {
		return plain(*t.Elem).Elem == nil && textual(*t.Elem)
	}
	if _, ok := byOID(texts, t.OID); ok || strings.ContainsRune("rmc", rune(t.Kind)) {
		return true
	}

	name := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
	return slices.Contains(extensions, strings.Trim(name, `"`))
}

// Carry returns how a column of the source is carried: its type in DuckDB's spelling, how Parquet stores it, and
// whether as text, which asText requests. E-TYPE names a column that cannot be carried exactly.
func Carry(name string, t Type, asText bool) (Field, error) {
	f := Field{Column: hindcast.Column{Name: name, Source: t.Name, Text: asText}, Type: t}
	c, ok := native(t)
	switch {
	case asText && !(ok && c.column == "VARCHAR"):
		f.AsText, f.Column.Type = true, "VARCHAR"
	case ok:
		f.Column.Type, f.Stored = c.column, c.stored
	case textual(t):
		f.AsText, f.Column.Type = true, "VARCHAR"
		if plain(t).Elem != nil {
			f.Column.Type = "VARCHAR[]"
		}
	default:
		e := &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("column %q has type %s, which cannot be carried exactly%s", name, t.Name, because(t)), Next: nextLeaveOut}
		if HasText(t) {
			e.Next = nextAsText(name)
		}
		return Field{}, e
	}

	return f, nil
}

// HasText reports whether a type's text means the same in every session with our Settings, so that a column may be
// carried as text. Text of money does not: see lc_monetary.
func HasText(t Type) bool {
	t = plain(t)
	if t.Elem != nil {
		return HasText(*t.Elem)
	}
	return t.OID != oidMoney
}

// nextLeaveOut and nextAsText are the ways out for a column that cannot be carried.
const nextLeaveOut = "leave it out with `columns:`, or cast it in a view and use the view"

func nextAsText(name string) string {
	return "carry it as its exact text with `text: [" + name + "]`, " + nextLeaveOut
}

func because(t Type) string {
	switch t = plain(t); {
	case t.OID == oidNumeric && t.Mod < 4:
		return ": it does not limit its digits, and 38 can be carried"
	case t.OID == oidNumeric:
		return ": 38 digits can be"
	case t.OID == oidMoney:
		return ": what it means depends on the server's lc_monetary"
	case t.Elem != nil:
		return because(*t.Elem)
	}
	return ""
}

func expression(f Field) string {
	name := duck.Name(f.Name)
	if !f.AsText {
		return name
	}
	return "CAST(" + name + " AS " + textType(f) + ") AS " + name
}

// textType is what a field that is carried as text is cast to.
func textType(f Field) string {
	if strings.HasSuffix(f.Column.Type, "[]") {
		return "text[]"
	}
	return "text"
}

// sends lists the wire formats that a staged type can be sent in. A format that cannot hold every value of the type is
// checked value by value.
var sends = map[string][]wire{
	"BOOLEAN": {wireBool}, "FLOAT": {wireFloat4, wireFloat8}, "DOUBLE": {wireFloat8},
	"TINYINT":                  {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat4, wireFloat8},
	"UTINYINT":                 {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat4, wireFloat8},
	"SMALLINT":                 {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat4, wireFloat8},
	"USMALLINT":                {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat4, wireFloat8},
	"INTEGER":                  {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat8},
	"UINTEGER":                 {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric, wireFloat8},
	"BIGINT":                   {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric},
	"UBIGINT":                  {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric},
	"HUGEINT":                  {wireInt2, wireInt4, wireInt8, wireOID, wireNumeric},
	"VARCHAR":                  {wireText, wirePadded, wireByte, wireJSONB},
	"JSON":                     {wireText, wireJSONB},
	"BLOB":                     {wireBytea},
	"UUID":                     {wireUUID},
	"DATE":                     {wireDate, wireTimestamp},
	"TIME":                     {wireTime},
	"TIME WITH TIME ZONE":      {wireTimeTZ},
	"TIMESTAMP":                {wireTimestamp},
	"TIMESTAMP WITH TIME ZONE": {wireTimestamp},
	"INTERVAL":                 {wireInterval},
}

// Receive returns how a staged column, as stored in Parquet, is sent to a target column of type t: numeric without a
// precision takes every integer and DECIMAL, and text takes JSON. E-TARGET if the type could change a value. If AsText
// is set, the load goes through Staging.
func Receive(staged hindcast.Column, t Type) (Field, error) {
	f := Field{Column: staged, Type: t}
	c, ok := wireOf(t)
	switch {
	case ok && sendable(staged.Type, c.wire, plain(t)):
		return f, nil
	case castable(staged.Type, plain(t)):
		f.AsText = true
		return f, nil
	}

	return Field{}, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("column %q is %s in the result and %s in the target, which could change it", staged.Name, staged.Type, t.Name),
		Next:    "cast it in the SQL to what the target holds, or alter the target's column"}
}

// castable reports whether the server can parse staged text as type t without changing its meaning: a length or a
// precision could round it.
func castable(typ string, t Type) bool {
	_, carried := native(t)
	limited := carried && t.Mod >= 0
	return t.OID != oidMoney && !limited && (typ == "VARCHAR" || typ == "VARCHAR[]" && t.Elem != nil)
}

// wireOf is native for a target, where numeric needs no precision.
func wireOf(t Type) (carrier, bool) {
	if p := plain(t); p.OID == oidNumeric {
		return carrier{wire: wireNumeric}, true
	}

	if p := plain(t); p.Elem != nil {
		elem, ok := wireOf(*p.Elem)
		return carrier{wire: wireArray}, ok && elem.wire != wireArray
	}

	return native(t)
}

func sendable(typ string, w wire, t Type) bool {
	if elem, ok := strings.CutSuffix(typ, "[]"); ok {
		if w != wireArray {
			return false
		}
		c, _ := wireOf(*t.Elem)
		return sendable(elem, c.wire, plain(*t.Elem))
	}

	_, scale, isDecimal := datatype.ParseDecimal(typ)
	switch {
	case strings.HasPrefix(typ, "ENUM("):
		return w == wireText
	case typ == "TIMESTAMP" || typ == "DATE" && w == wireTimestamp:
		return w == wireTimestamp && t.OID == oidTimestamp
	case typ == "TIMESTAMP WITH TIME ZONE":
		return w == wireTimestamp && t.OID == oidTimestampTZ
	case w == wireNumeric && (isDecimal || slices.Contains(sends[typ], w)):
		_, most, limited := scaleOf(t.Mod)
		return !limited || most >= leastScale && scale <= max(most, 0)
	case isDecimal:
		return scale == 0 && slices.Contains(sends["HUGEINT"], w)
	}

	return slices.Contains(sends[typ], w)
}

// leastScale is how far before the point a target may round: numeric(3,-18) holds multiples of 10^18, which fit in 64
// bits.
const leastScale = -18

const (
	oidTimestamp   = 1114
	oidTimestampTZ = 1184
)

// scaleOf is numeric's declared precision and scale.
func scaleOf(mod int32) (precision, scale int, ok bool) {
	if mod < 4 {
		return 0, 0, false
	}
	return int((mod-4)>>16) & 0xffff, int((mod-4)&0x7ff) ^ 1024 - 1024, true
}

func staging(fields []Field) (columns, selected string) {
	needed := false
	made, read := make([]string, len(fields)), make([]string, len(fields))
	for i, f := range fields {
		name := duck.Name(f.Name)
		made[i], read[i] = name+" "+f.Type.Name, name
		if f.AsText {
			needed = true
			made[i], read[i] = name+" "+textType(f), "CAST("+name+" AS "+unlimited(f.Type)+")"
		}
	}

	if !needed {
		return "", ""
	}

	return strings.Join(made, ", "), strings.Join(read, ", ")
}

// rounding returns, for each field that the server would round when casting it from text, the condition on a staged row
// for that. Only a numeric with more digits than can be carried comes here with a scale: Receive refuses the rest.
func rounding(fields []Field) map[string]string {
	conditions := map[string]string{}
	for _, f := range fields {
		t := plain(f.Type)
		for t.Elem != nil {
			t = plain(*t.Elem)
		}
		if f.AsText && t.OID == oidNumeric && (t.Mod >= 4 || f.Type.Mod >= 4) {
			name := duck.Name(f.Name)
			conditions[f.Name] = "CAST(" + name + " AS " + unlimited(f.Type) + ") <> CAST(" + name + " AS " + plain(f.Type).Name + ")"
		}
	}

	return conditions
}

// unlimited writes a type without its length: an explicit cast to bit(3) would truncate a value silently, where the
// assignment to the column refuses it. A cast to numeric with a scale rounds: see rounding.
func unlimited(t Type) string {
	switch t = plain(t); {
	case t.OID == oidBit:
		return `"bit"`
	case t.OID == oidVarbit:
		return "bit varying"
	case t.OID == oidNumeric:
		return "numeric"
	case t.Elem != nil:
		return unlimited(*t.Elem) + "[]"
	}
	return t.Name
}

func names(fields []Field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = duck.Name(f.Name)
	}
	return list
}
