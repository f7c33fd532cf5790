package sparksql

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// carried is how Spark sees a type of facts and dimensions.
type carried struct {
	file string // the type to read it from Parquet as
	view string // the type that the SQL sees
}

// plain are the types that are neither parametrized nor nested. TIME, UUID, INTERVAL, BIT and the like are missing: Spark 3.5
// and 4.0 have no such types, and refuse Parquet files for their columns unless an explicit schema leaves them out.
var plain = map[string]carried{
	"BOOLEAN": {"boolean", "boolean"}, "TINYINT": {"tinyint", "tinyint"}, "SMALLINT": {"smallint", "smallint"},
	"INTEGER": {"int", "int"}, "BIGINT": {"bigint", "bigint"}, "UTINYINT": {"smallint", "smallint"}, "USMALLINT": {"int", "int"},
	"UINTEGER": {"bigint", "bigint"}, "UBIGINT": {"decimal(20,0)", "decimal(20,0)"}, "FLOAT": {"float", "float"}, "DOUBLE": {"double", "double"},
	"VARCHAR": {"string", "string"}, "JSON": {"string", "string"}, "BLOB": {"binary", "binary"}, "DATE": {"date", "date"},
	"TIMESTAMP": {"timestamp_ntz", "timestamp_ntz"}, "TIMESTAMP_S": {"timestamp_ntz", "timestamp_ntz"}, "TIMESTAMP_MS": {"timestamp_ntz", "timestamp_ntz"},
	"TIMESTAMP WITH TIME ZONE": {"timestamp_ltz", "timestamp_ltz"},
	"HUGEINT":                  {"string", "decimal(38,0)"}, "UHUGEINT": {"string", "decimal(38,0)"}, // an error for the few that are larger
}

var decimal = regexp.MustCompile(`^DECIMAL\((\d+),(\d+)\)$`)

// see is how Spark sees a type in DuckDB's spelling; ok is false if it cannot.
func see(typ string) (c carried, ok bool) {
	if c, ok = plain[typ]; ok {
		return c, true
	}
	if decimal.MatchString(typ) {
		same := strings.ToLower(typ)
		return carried{same, same}, true
	}
	if strings.HasPrefix(typ, "ENUM(") {
		return plain["VARCHAR"], true
	}
	nested, ok := nest(typ)
	return carried{nested, nested}, ok
}

// seen is how Spark sees a column of files that hindcast wrote: a time that is stored as its text is read as that.
func seen(c hindcast.Column) (is carried, ok bool) {
	is, ok = see(c.Type)
	if ok && c.Stored == "VARCHAR" {
		is.file = "string"
	}
	return is, ok
}

// nest is Spark's spelling of a list, struct or map, if what is in it is read as it is.
func nest(typ string) (string, bool) {
	element := func(typ string) (string, bool) {
		c, ok := see(strings.TrimSpace(typ))
		return c.file, ok && c.file == c.view
	}
	if list, ok := strings.CutSuffix(typ, "[]"); ok {
		of, ok := element(list)
		return "array<" + of + ">", ok
	}
	if k, v, ok := datatype.Entry(typ); ok {
		key, ok1 := element(k)
		value, ok2 := element(v)
		return "map<" + key + "," + value + ">", ok1 && ok2
	}

	members, ok := datatype.Fields(typ)
	var fields []string
	for _, m := range members {
		of, known := element(m.Type)
		if !known {
			return "", false
		}
		fields = append(fields, quote(m.Name)+":"+of)
	}
	return "struct<" + strings.Join(fields, ",") + ">", ok
}

// unsigned are the types of targets that Spark's hold among others: what they are staged as, and the values that they do not have.
var unsigned = map[string]struct{ stored, misfit string }{
	"UTINYINT": {"SMALLINT", "%s NOT BETWEEN 0 AND 255"}, "USMALLINT": {"INTEGER", "%s NOT BETWEEN 0 AND 65535"},
	"UINTEGER": {"BIGINT", "%s NOT BETWEEN 0 AND 4294967295"}, "UBIGINT": {"DECIMAL(20,0)", "%s NOT BETWEEN 0 AND 18446744073709551615"},
	"HUGEINT": {"DECIMAL(38,0)", ""}, "UHUGEINT": {"DECIMAL(38,0)", "%s < 0"},
}

// staged are the result's columns with what their files store them as, and what Spark is told of them.
func staged(columns []hindcast.Column) (stored []hindcast.Column, told []column, err error) {
	for _, c := range columns {
		is := column{Name: c.Name, Type: c.Type}
		u, whole := unsigned[c.Type]
		switch {
		case whole && u.misfit != "":
			is.Misfit = fmt.Sprintf(u.misfit, quote(c.Name))
			c.Stored = u.stored
		case whole:
			c.Stored = u.stored
		case c.Type == "JSON":
			c.Stored = "VARCHAR"
		case c.Type == "UUID":
			is.Misfit = "NOT " + quote(c.Name) + " RLIKE '^(" + sqltext.UUID + ")$'"
			c.Stored = "VARCHAR"
		case strings.HasPrefix(c.Type, "ENUM("):
			is.Type, is.Misfit = "the ENUM", quote(c.Name)+" NOT IN ("+strings.Join(labels(c.Type), ", ")+")"
			c.Stored = "VARCHAR"
		}
		if carried, ok := see(cmp.Or(c.Stored, c.Type)); !ok || carried.file != carried.view {
			return nil, nil, &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of the result has type %s, which Spark cannot write", c.Name, c.Type), Next: "cast it in the SQL"}
		}
		stored, told = append(stored, c), append(told, is)
	}
	return stored, told, nil
}

// stagedSchema is Spark's of the result's files.
func stagedSchema(columns []hindcast.Column) string {
	list := make([]hindcast.Column, len(columns))
	for i, c := range columns {
		list[i] = hindcast.Column{Name: c.Name, Type: cmp.Or(c.Stored, c.Type)}
	}
	return schemaOf(list)
}

// labels are an ENUM's, as Spark's literals.
func labels(typ string) (list []string) {
	for rest := typ; ; {
		_, after, found := strings.Cut(rest, "'")
		if !found {
			return list
		}
		var label strings.Builder
		for {
			text, behind, _ := strings.Cut(after, "'")
			label.WriteString(text)
			if rest = behind; !strings.HasPrefix(behind, "'") {
				break
			}
			label.WriteByte('\'')
			after = behind[1:]
		}
		list = append(list, literal(label.String()))
	}
}

// quote is Spark's spelling of a name.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal is Spark's spelling of a text, whatever spark.sql.parser.escapedStringLiterals says of other characters.
func literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// atoms are Spark's types in DuckDB's spelling, by their names in the JSON of a schema.
var atoms = map[string]string{
	"boolean": "BOOLEAN", "byte": "TINYINT", "short": "SMALLINT", "integer": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE",
	"string": "VARCHAR", "binary": "BLOB", "date": "DATE", "timestamp_ntz": "TIMESTAMP", "timestamp": "TIMESTAMP WITH TIME ZONE",
}

var sparkDecimal = regexp.MustCompile(`^decimal\((\d+),(-?\d+)\)$`)

// unspoken is the error of a type that the result must not have.
type unspoken struct{ typ string }

func (u unspoken) Error() string { return "no type of Parquet is " + u.typ }

// told is the type of a schema's JSON in DuckDB's spelling; unspoken if hindcast cannot carry it.
func told(schema json.RawMessage) (string, error) {
	var name string
	if json.Unmarshal(schema, &name) == nil {
		return toldAtom(name)
	}
	var nested struct {
		Type        string          `json:"type"`
		ElementType json.RawMessage `json:"elementType"`
		KeyType     json.RawMessage `json:"keyType"`
		ValueType   json.RawMessage `json:"valueType"`
		Fields      []struct {
			Name string          `json:"name"`
			Type json.RawMessage `json:"type"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(schema, &nested); err != nil {
		return "", fmt.Errorf("reading Spark's schema: %w", err)
	}
	switch nested.Type {
	case "array":
		of, err := told(nested.ElementType)
		return of + "[]", err
	case "map":
		key, err := told(nested.KeyType)
		if err != nil {
			return "", err
		}
		value, err := told(nested.ValueType)
		return "MAP(" + key + ", " + value + ")", err
	case "struct":
		var fields []string
		for _, f := range nested.Fields {
			of, err := told(f.Type)
			if err != nil {
				return "", err
			}
			fields = append(fields, bare(f.Name)+" "+of)
		}
		return "STRUCT(" + strings.Join(fields, ", ") + ")", nil
	}
	return "", unspoken{nested.Type}
}

func toldAtom(name string) (string, error) {
	if typ, known := atoms[name]; known {
		return typ, nil
	}
	if m := sparkDecimal.FindStringSubmatch(name); m != nil {
		precision, _ := strconv.Atoi(m[1])
		scale, _ := strconv.Atoi(m[2])
		if scale < 0 { // of spark.sql.legacy.allowNegativeScaleOfDecimal
			return "", unspoken{name}
		}
		return fmt.Sprintf("DECIMAL(%d,%d)", precision, scale), nil
	}
	if strings.HasPrefix(name, "varchar(") || strings.HasPrefix(name, "char(") || strings.HasPrefix(name, "string collate") {
		return "VARCHAR", nil
	}
	return "", unspoken{name}
}

var ordinary = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// bare is a field's name as DuckDB writes it in a type.
func bare(name string) string {
	if ordinary.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// columnOf finds a column by its name, in any case.
func columnOf(columns []hindcast.Column, name string) (hindcast.Column, bool) {
	for _, c := range columns {
		if strings.EqualFold(c.Name, name) {
			return c, true
		}
	}
	return hindcast.Column{}, false
}
