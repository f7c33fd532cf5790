package cases

import "fmt"

// conditions are the names that PostgreSQL's documentation gives the states of errors that cases expect.
var conditions = map[string]string{
	"21000": "cardinality_violation",
	"22001": "string_data_right_truncation",
	"22003": "numeric_value_out_of_range",
	"22007": "invalid_datetime_format",
	"22008": "datetime_field_overflow",
	"22011": "substring_error",
	"22012": "division_by_zero",
	"22013": "invalid_preceding_or_following_size",
	"22019": "invalid_escape_character",
	"22023": "invalid_parameter_value",
	"22025": "invalid_escape_sequence",
	"2201B": "invalid_regular_expression",
	"2201E": "invalid_argument_for_logarithm",
	"2201F": "invalid_argument_for_power_function",
	"2201W": "invalid_row_count_in_limit_clause",
	"22P02": "invalid_text_representation",
	"23502": "not_null_violation",
	"42601": "syntax_error",
	"42702": "ambiguous_column",
	"42703": "undefined_column",
	"42803": "grouping_error",
	"42804": "datatype_mismatch",
	"42846": "cannot_coerce",
	"42883": "undefined_function",
	"42P01": "undefined_table",
	"42P07": "duplicate_table",
	"42P10": "invalid_column_reference",
	"42P18": "indeterminate_datatype",
	"42P20": "windowing_error",
}

// Condition is the name of an error by its SQLSTATE; one that no case may expect stays a number.
func Condition(state string) string {
	if name, ok := conditions[state]; ok {
		return name
	}
	return state
}

// AtRun reports whether the data decide on the error: a translation may raise it in the run. All others are the statement's own.
func AtRun(condition string) bool {
	for state, name := range conditions {
		if name == condition {
			return state[:2] != "42"
		}
	}
	return false
}

// oids are the types of PostgreSQL that cases may return.
var oids = map[uint32]string{
	16: "boolean", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 700: "real", 701: "double", 1042: "char", 1043: "varchar",
	1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1186: "interval", 1700: "numeric",
}

// TypeOf is the type of a column as PostgreSQL describes it.
func TypeOf(oid uint32, modifier int32) (Type, error) {
	name, ok := oids[oid]
	if !ok {
		return Type{}, fmt.Errorf("no case may return a column of type %d", oid)
	}
	t := Type{Name: name}
	const header = 4
	switch {
	case modifier < header:
	case name == "numeric":
		t.Args = []int{int(modifier-header) >> 16, int(modifier-header) & 0x7ff}
	case name == "char" || name == "varchar":
		t.Args = []int{int(modifier - header)}
	}
	return t, nil
}
