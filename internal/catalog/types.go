package catalog

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast/internal/datatype"
)

// spelling is how a system writes the type of a column, by what the files store it as, in DuckDB's spelling. A type that is missing
// cannot be read exactly there: the files have an annotation that readers take no notice of, or no such type exists.
type spelling struct {
	plain map[string]string
	quote func(string) string // of the names of a struct's fields
}

// hiveTypes are the plain types of Hive, which the Data Catalog, Athena and Spark have.
//
// A column of UINTEGER or UBIGINT is stored in as many bits as its signed counterpart, so that readers which take no notice of the
// annotation show values beyond the sign bit as negative numbers. The shorter ones are stored in 32 bits, where all of their values
// are positive whoever reads them.
var hiveTypes = map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "int", "BIGINT": "bigint", "UTINYINT": "smallint", "USMALLINT": "int",
	"FLOAT": "float", "DOUBLE": "double", "VARCHAR": "string", "JSON": "string", "BLOB": "binary", "DATE": "date", "TIMESTAMP": "timestamp",
	"TIMESTAMP WITH TIME ZONE": "timestamp",
}

var (
	dataCatalogSpelling = spelling{hiveTypes, bare}       // in the calls of the Data Catalog
	hiveSpelling        = spelling{hiveTypes, backQuoted} // in statements
)

// redshiftSpelling is that of external tables in Redshift, which have no type of one byte.
var redshiftSpelling = spelling{quote: bare, plain: map[string]string{
	"BOOLEAN": "boolean", "TINYINT": "smallint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint", "UTINYINT": "smallint", "USMALLINT": "integer",
	"FLOAT": "real", "DOUBLE": "double precision", "VARCHAR": "varchar(65535)", "JSON": "varchar(65535)", "BLOB": "varbyte(1024000)", "DATE": "date",
	"TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp",
}}

// mostDigits is how many digits a decimal of all these systems has.
const mostDigits = 38

// unknown is why a type is refused about which there is nothing more to be said.
const unknown = "cannot be read exactly there"

// of returns the type, or why the system has none.
func (s spelling) of(typ string) (spelled, why string) {
	if spelled = s.plain[typ]; spelled != "" {
		return spelled, ""
	}

	if precision, scale, ok := datatype.ParseDecimal(typ); ok {
		if precision > mostDigits {
			return "", "has more than 38 digits"
		}
		return fmt.Sprintf("decimal(%d,%d)", precision, scale), ""
	}

	if element, ok := datatype.Element(typ); ok {
		spelled, why = s.of(element)
		return "array<" + spelled + ">", why
	}
	if key, value, ok := datatype.Entry(typ); ok {
		return s.ofMap(key, value)
	}
	if fields, ok := datatype.Fields(typ); ok {
		return s.ofStruct(fields)
	}
	return "", unknown
}

func (s spelling) ofMap(key, value string) (spelled, why string) {
	if strings.ContainsAny(key, "[ (") && !strings.HasPrefix(key, "DECIMAL(") {
		return "", "has keys that are not plain values"
	}
	k, why := s.of(key)
	if why != "" {
		return "", why
	}
	v, why := s.of(value)
	return "map<" + k + "," + v + ">", why
}

func (s spelling) ofStruct(fields []datatype.Field) (spelled, why string) {
	var list []string
	known := map[string]bool{}
	for _, f := range fields {
		name := strings.ToLower(f.Name)
		of, why := s.of(f.Type)
		switch {
		case why != "":
			return "", why
		case !ordinary.MatchString(name):
			return "", fmt.Sprintf("has the field %q, whose name has other characters than letters, digits and _", f.Name)
		case known[name]:
			return "", fmt.Sprintf("has two fields %s, whose names differ in case only", name)
		}
		known[name] = true
		list = append(list, s.quote(name)+":"+of)
	}
	return "struct<" + strings.Join(list, ",") + ">", ""
}

// ordinary are the names, in lower case, that all these systems take in every place.
var ordinary = regexp.MustCompile(`^[a-z0-9_]+$`)

// longest is how many bytes the Data Catalog has for a name.
const longest = 255

func bare(name string) string { return name }

func backQuoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func doubleQuoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// hiveText is a literal for Hive's parser, where a backslash escapes.
func hiveText(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// redshiftText is a literal for Redshift, where a backslash escapes as well.
func redshiftText(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(text) + "'"
}
