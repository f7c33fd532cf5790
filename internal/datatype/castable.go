package datatype

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var widths = map[string]int{ // bits, to see which fit a floating-point number exactly
	"TINYINT": 8, "UTINYINT": 8, "SMALLINT": 16, "USMALLINT": 16, "INTEGER": 32, "UINTEGER": 32,
	"BIGINT": 64, "UBIGINT": 64, "HUGEINT": 128, "UHUGEINT": 128,
}

// Castable says whether a checked cast from one type to the other keeps every value that it lets through.
func Castable(from, to string) bool {
	if from == to || from == `"NULL"` || from == "NULL" {
		return true
	}
	fromBits, fromInt := widths[from]
	_, toInt := widths[to]
	_, fromScale, fromDecimal := ParseDecimal(from)
	_, toScale, toDecimal := ParseDecimal(to)
	switch {
	case fromInt && (toInt || toDecimal):
		return true
	case fromDecimal && toDecimal:
		return toScale >= fromScale
	case fromDecimal && toInt:
		return fromScale == 0
	case fromInt && to == "DOUBLE":
		return fromBits <= 32
	case fromInt && to == "FLOAT":
		return fromBits <= 16
	case from == "FLOAT" && to == "DOUBLE":
		return true
	case from == "DATE" && to == "TIMESTAMP":
		return true
	case from == "VARCHAR":
		return to == "JSON" || to == "UUID" || strings.HasPrefix(to, "ENUM(") || strings.HasPrefix(to, "VARCHAR")
	case to == "VARCHAR":
		return from == "JSON" || strings.HasPrefix(from, "ENUM(")
	}
	return false
}

// declarable are the types that a pipeline may declare a column as, by their spellings.
var declarable = map[string]string{"BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN", "SMALLINT": "SMALLINT", "INTEGER": "INTEGER", "INT": "INTEGER", "BIGINT": "BIGINT",
	"FLOAT": "FLOAT", "REAL": "FLOAT", "DOUBLE": "DOUBLE", "DOUBLE PRECISION": "DOUBLE", "VARCHAR": "VARCHAR", "TEXT": "VARCHAR", "STRING": "VARCHAR",
	"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP WITH TIME ZONE"}

var decimalType = regexp.MustCompile(`^(?:DECIMAL|NUMERIC) ?\( ?([0-9]{1,2}) ?, ?([0-9]{1,2}) ?\)$`)

// Declarable is DuckDB's spelling of a type that a pipeline may declare a column as, in any case; false if it may not.
func Declarable(text string) (typ string, ok bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	if typ, ok = declarable[text]; ok {
		return typ, true
	}
	m := decimalType.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	precision, _ := strconv.Atoi(m[1])
	scale, _ := strconv.Atoi(m[2])
	return fmt.Sprintf("DECIMAL(%d,%d)", precision, scale), precision >= 1 && precision <= 38 && scale <= precision
}

// Becomes says whether a column of one type can be declared as another: a checked cast loses nothing, and whole numbers may be texts.
func Becomes(from, to string) bool {
	_, whole := widths[from]
	return Castable(from, to) || whole && to == "VARCHAR"
}

var decimalText = regexp.MustCompile(`^-?([0-9]+)(?:\.([0-9]+))?$`)

// Written says whether a text is a value of a type that Declarable knows, in a spelling that all engines read alike.
func Written(text, typ string) bool {
	var err error
	switch typ {
	case "VARCHAR":
	case "BOOLEAN":
		return text == "true" || text == "false"
	case "SMALLINT", "INTEGER", "BIGINT":
		_, err = strconv.ParseInt(text, 10, widths[typ])
	case "FLOAT", "DOUBLE":
		return decimalText.MatchString(text)
	case "DATE":
		_, err = time.Parse(time.DateOnly, text)
	case "TIMESTAMP":
		_, err = time.Parse(time.DateTime, text)
	case "TIMESTAMP WITH TIME ZONE":
		_, err = time.Parse("2006-01-02 15:04:05-07:00", text)
	default:
		precision, scale, _ := ParseDecimal(typ)
		m := decimalText.FindStringSubmatch(text)
		return len(m) > 2 && len(strings.TrimLeft(m[1], "0")) <= precision-scale && len(m[2]) <= scale
	}
	return err == nil
}
