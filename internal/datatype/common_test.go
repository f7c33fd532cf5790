package datatype_test

import (
	"cmp"
	"os"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
)

// pairs are types that two files may give one column, and the type that holds both; "" if each would lose something.
var pairs = [][3]string{
	{"INTEGER", "INTEGER", "INTEGER"},
	{"TINYINT", "BIGINT", "BIGINT"},
	{"UTINYINT", "TINYINT", "SMALLINT"},
	{"UINTEGER", "SMALLINT", "BIGINT"},
	{"UINTEGER", "INTEGER", "BIGINT"},
	{"UBIGINT", "BIGINT", "HUGEINT"},
	{"UBIGINT", "TINYINT", "HUGEINT"},
	{"USMALLINT", "UBIGINT", "UBIGINT"},
	{"SMALLINT", "FLOAT", "FLOAT"},
	{"INTEGER", "FLOAT", "DOUBLE"}, // 16777217
	{"INTEGER", "DOUBLE", "DOUBLE"},
	{"UINTEGER", "DOUBLE", "DOUBLE"},
	{"BIGINT", "DOUBLE", ""}, // 9007199254740993
	{"UBIGINT", "DOUBLE", ""},
	{"BIGINT", "FLOAT", ""},
	{"HUGEINT", "DECIMAL(38,0)", ""},
	{"FLOAT", "DOUBLE", "DOUBLE"},
	{"DECIMAL(38,2)", "DECIMAL(38,10)", ""},
	{"DECIMAL(21,2)", "DECIMAL(12,10)", "DECIMAL(29,10)"},
	{"DECIMAL(18,6)", "DECIMAL(18,2)", "DECIMAL(22,6)"},
	{"DECIMAL(21,2)", "DOUBLE", ""},
	{"DECIMAL(5,2)", "FLOAT", ""},
	{"BIGINT", "DECIMAL(18,2)", "DECIMAL(21,2)"},
	{"UBIGINT", "DECIMAL(38,19)", ""},
	{"TINYINT", "DECIMAL(18,2)", "DECIMAL(18,2)"},
	{"DATE", "TIMESTAMP", "TIMESTAMP"},
	{"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_NS"},
	{"DATE", "TIMESTAMP_NS", "TIMESTAMP_NS"},
	{"DATE", "TIMESTAMP WITH TIME ZONE", ""},
	{"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", ""},
	{"TIME", "TIME_NS", "TIME_NS"},
	{"TIMESTAMP", "BIGINT", ""},
	{"VARCHAR", "BIGINT", ""},
	{"VARCHAR", "DATE", ""},
	{"VARCHAR", "BLOB", ""},
	{"VARCHAR", "UUID", ""},
	{"VARCHAR", "JSON", "VARCHAR"},
	{"BOOLEAN", "INTEGER", ""},
	{"NULL", "DECIMAL(5,2)", "DECIMAL(5,2)"},
	{"INTEGER[]", "BIGINT[]", "BIGINT[]"},
	{"BIGINT[]", "DOUBLE[]", ""},
	{"INTEGER[]", "INTEGER", ""},
	{"MAP(VARCHAR, INTEGER)", "MAP(VARCHAR, UINTEGER)", "MAP(VARCHAR, BIGINT)"},
	{"MAP(VARCHAR, INTEGER)", "MAP(BIGINT, INTEGER)", ""},
	{"STRUCT(a INTEGER, b VARCHAR)", "STRUCT(B VARCHAR, a BIGINT, c DATE)", "STRUCT(a BIGINT, b VARCHAR, c DATE)"},
	{"STRUCT(a BIGINT)", "STRUCT(a DOUBLE)", ""},
	{`STRUCT("x, (y" INTEGER, l STRUCT(m DECIMAL(3,1))[])`, `STRUCT("x, (y" TINYINT, l STRUCT(m DECIMAL(4,2))[])`,
		`STRUCT("x, (y" INTEGER, l STRUCT(m DECIMAL(4,2))[])`},
	{"STRUCT(a INTEGER)", "INTEGER", ""},
}

func TestCommonTypeHoldsBoth(t *testing.T) {
	reference, err := os.ReadFile("../../docs/reference/parquet.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pairs {
		if row := "| " + p[0] + " | " + p[1] + " | " + cmp.Or(p[2], "refused") + " |\n"; !strings.Contains(string(reference), row) {
			t.Errorf("docs/reference/parquet.md does not say %s", row)
		}
		for _, order := range [][2]string{{p[0], p[1]}, {p[1], p[0]}} {
			got, ok := datatype.Common(order[0], order[1])
			if !strings.HasPrefix(p[2], "STRUCT") && ok != (p[2] != "") || ok && !strings.HasPrefix(p[2], "STRUCT") && got != p[2] {
				t.Errorf("%s and %s: %q, %v; want %q", order[0], order[1], got, ok, p[2])
			}
		}
		if got, ok := datatype.Common(p[0], p[1]); ok && got != p[2] {
			t.Errorf("%s and %s: %q; want %q", p[0], p[1], got, p[2])
		}
	}
}

// Values cast to their common type come back unchanged, in the DuckDB that is linked in.
func TestCommonTypesCastAndComeBack(t *testing.T) {
	db, err := duck.Open(t.Context(), duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, c := range []struct{ value, from, to string }{
		{"16777217", "INTEGER", "FLOAT"}, {"2147483647", "INTEGER", "DOUBLE"}, {"4294967295", "UINTEGER", "DOUBLE"},
		{"-32768", "SMALLINT", "FLOAT"}, {"18446744073709551615", "UBIGINT", "BIGINT"}, {"-9223372036854775808", "BIGINT", "DECIMAL(18,2)"},
		{"'2262-04-11 23:47:16.854775'", "TIMESTAMP", "TIMESTAMP_NS"}, {"'infinity'", "DATE", "TIMESTAMP"}, {"'-infinity'", "TIMESTAMP", "TIMESTAMP_NS"},
		{"'23:59:59.999999'", "TIME", "TIME_NS"}, {"9999999999999999999.99", "DECIMAL(21,2)", "DECIMAL(12,10)"},
		{"{'a': 2147483647, 'b': 'x'}", "STRUCT(a INTEGER, b VARCHAR)", "STRUCT(B VARCHAR, a BIGINT, c DATE)"},
		{"[4294967295]", "UINTEGER[]", "INTEGER[]"}, {"MAP {'k': 1}", "MAP(VARCHAR, INTEGER)", "MAP(VARCHAR, UINTEGER)"},
	} {
		common, ok := datatype.Common(c.from, c.to)
		if !ok {
			t.Errorf("%s and %s have no common type", c.from, c.to)
			continue
		}
		var same bool
		query := "SELECT CAST(CAST(v AS " + common + ") AS " + c.from + ") = v FROM (SELECT CAST(" + c.value + " AS " + c.from + ") AS v)"
		if err := db.QueryRow(query).Scan(&same); err != nil || !same {
			t.Errorf("%s of %s by way of %s: same is %v, %v", c.value, c.from, common, same, err)
		}
	}
}
