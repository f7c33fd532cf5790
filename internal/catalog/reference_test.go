package catalog

import (
	"cmp"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/duck"
)

var update = flag.Bool("update", false, "write docs/reference/ddl.md")

const referencePage = "../../docs/reference/ddl.md"

// shown are the types of facts and dimensions, values of each, and what is to be said of it. TestHive reads all values.
var shown = []struct {
	typ    string
	values []string
	note   string
}{
	{"BOOLEAN", []string{"true", "false"}, ""},
	{"TINYINT", []string{"-128", "127"}, ""},
	{"SMALLINT", []string{"-32768", "32767"}, ""},
	{"INTEGER", []string{"-2147483648", "2147483647"}, ""},
	{"BIGINT", []string{"-9223372036854775808", "9223372036854775807"}, ""},
	{"UTINYINT", []string{"0", "255"}, ""},
	{"USMALLINT", []string{"0", "65535"}, ""},
	{"UINTEGER", nil, "readers that take no notice of the sign's annotation show values from 2147483648 on as negative ones. `oid` of PostgreSQL is one"},
	{"UBIGINT", nil, "the same, from 9223372036854775808 on"},
	{"HUGEINT", []string{"-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"}, "as text"},
	{"UHUGEINT", []string{"340282366920938463463374607431768211455"}, "as text"},
	{"DECIMAL(9,2)", []string{"-9999999.99", "9999999.99"}, ""},
	{"DECIMAL(18,6)", []string{"-999999999999.999999", "0.000001"}, ""},
	{"DECIMAL(38,10)", []string{"-9999999999999999999999999999.9999999999", "9999999999999999999999999999.9999999999"}, "more digits than 38 no column of the lake has"},
	{"FLOAT", []string{"'NaN'", "'-Infinity'", "-0.0", "3.4028235e38"}, "bit for bit"},
	{"DOUBLE", []string{"'NaN'", "'Infinity'", "-0.0", "0.1", "5e-324"}, "bit for bit"},
	{"VARCHAR", []string{"''", "'été 日本 🦆'", "'a''b\\c'"}, "Redshift refuses, or cuts, more than 65535 bytes, as its table properties say"},
	{"JSON", []string{`'{"a": [1, null]}'`}, "the text as it is"},
	{"ENUM('a', 'it''s')", []string{"'a'", "'it''s'"}, "by label"},
	{"BLOB", []string{`'\x00\xFF'`, "''"}, ""},
	{"DATE", []string{"'0001-01-01'", "'1582-10-04'", "'1969-12-31'", "'9999-12-31'"}, "of the Gregorian calendar; infinite dates exist in none of these systems, which show some day instead"},
	{"TIMESTAMP", []string{"'0001-01-01 00:00:00'", "'1900-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"}, "as DATE; to the microsecond (Athena's engine version 3; its version 2 shows milliseconds)"},
	{"TIMESTAMP_S", []string{"'2020-02-29 12:00:00'"}, ""},
	{"TIMESTAMP_MS", []string{"'2020-02-29 12:00:00.123'"}, ""},
	{"TIMESTAMP WITH TIME ZONE", []string{"'2020-02-29 12:00:00.123456+02'", "'1883-11-18 12:03:58-05'"}, "the same instants, shown as civil times of UTC"},
	{"TIMESTAMP_NS", nil, "no system keeps nanoseconds. Spark refuses the file"},
	{"TIME", nil, "no system has a type for it"},
	{"TIME_NS", []string{"'12:00:00.123456789'"}, "as text"},
	{"TIME WITH TIME ZONE", []string{"'12:00:00.123456+02'"}, "as text"},
	{"INTERVAL", []string{"'1 year 2 months 3 days 4.000005 seconds'"}, "as text"},
	{"UUID", nil, "no system has a type for it, and its 16 bytes are not what people compare with"},
	{"BIT", []string{"'10110'"}, "as text"},
	{"BIGNUM", []string{"123456789012345678901234567890123456789012345"}, "as text"},
	{"INTEGER[]", []string{"[1, NULL]", "[]"}, "by its elements"},
	{"HUGEINT[]", []string{"[170141183460469231731687303715884105727]"}, "as lists of text"},
	{"DECIMAL(18,2)[][]", []string{"[[1.5], NULL]"}, ""},
	{"MAP(VARCHAR, BIGINT)", []string{"MAP {'a': 1, 'b': NULL}", "MAP {}"}, "by its keys, which are plain values, and its values"},
	{"STRUCT(a BIGINT, \"Date\" VARCHAR, l STRUCT(d DATE)[])", []string{"{'a': 1, 'Date': 'x', 'l': [{'d': DATE '2020-01-01'}]}"}, "by its fields, whose names are in lower case; names with other characters than letters, digits and _ are refused"},
	{"STRUCT(t TIME)", nil, "what is refused by itself is refused inside of lists, maps and structs, too"},
}

// TestReference holds the page to the code. TestHive holds the code to Spark, and TestModels to botocore and pyiceberg.
func TestReference(t *testing.T) {
	var out strings.Builder
	out.WriteString(intro)
	for _, s := range shown {
		stored, ok := duck.Carry(s.typ)
		if !ok {
			t.Errorf("the lake does not carry %s", s.typ)
		}
		stored = cmp.Or(stored, s.typ)
		if strings.HasPrefix(stored, "ENUM(") {
			stored = "VARCHAR"
		}

		cells := []string{s.typ, stored}
		for _, of := range []spelling{dataCatalogSpelling, redshiftSpelling} {
			spelled, why := of.of(stored)
			if why != "" {
				spelled = "refused"
			}
			cells = append(cells, strings.ReplaceAll(spelled, ",", ", "))
		}
		if refused := cells[2] == "refused"; refused != (s.values == nil) {
			t.Errorf("%s: refused is %t, and there are %d values to read", s.typ, refused, len(s.values))
		}
		out.WriteString("| " + strings.Join(append(cells, s.note), " | ") + " |\n")
	}
	out.WriteString(outro)

	if *update {
		if err := os.WriteFile(referencePage, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(referencePage)
	if err != nil || string(want) != out.String() {
		t.Errorf("%s is not what the code does (%v); look at the difference, then run with -update", referencePage, err)
	}
}

const intro = `# Tables in other systems

<!-- Generated by a test from internal/catalog/types.go: go test ./internal/catalog -run Reference -update -->

What ` + "`hindcast ddl`" + ` makes of facts and dimensions, and of results that the lake keeps. [Tables in Athena](../guide/athena.md) shows how it is used.

## Types

What a column of the lake is there, by its type in DuckDB's spelling: that of a DuckDB table, or "in the SQL" of
[PostgreSQL's types](types.md). Every value is the same there, or the column is refused (` + "`E-TYPE`" + `, with the names of all such columns) before
anything is made. Carry it as text (` + "`text: [column]`" + ` of the fact or dimension, then unload again), cast it in a view of the
warehouse, or leave it out of the table: ` + "`--without TABLE.COLUMN`" + `. A column of a result is cast in the SQL.

| in the lake | in its files | Data Catalog, Athena, Hive | Redshift Spectrum | notes |
|---|---|---|---|---|
`

const outro = `
## Names

- **Tables and columns** have the names of the lake in lower case, in the order of the files. Two that differ in case only, and names with
  other characters than letters without accents, digits and ` + "`_`" + `, are refused. Every name is quoted, so that reserved words do no harm:
  in backquotes in the statements for Athena and Hive, in double quotes in those for Redshift. Athena's own queries take double quotes.
- **The partition column** is called ` + "`slice`" + `, a text: the key of the fact's unit (` + "`2019-03-01`" + `). It is not in the files. Where the data has a column
  of that name it is ` + "`hindcast_slice`" + `. A fact of which each unit is longer or shorter than a slice has a partition for each unit all the same.
- **Comments** say what a column is that its type does not show (` + "`HUGEINT, as text`" + `). The warehouse's own comments are not unloaded, and not
  shown.
- **Files of different types.** If a column's type changed, old units may store it in another way than new ones. DuckDB casts;
  these systems read the bytes by one type, so that such a column is refused until those units are unloaded again. A column that only some
  units have is NULL in the others.

## Tables

| | fact | dimension | result |
|---|---|---|---|
| name | the fact's | the dimension's | the target's without its schema; with ` + "`_result`" + ` after it where a fact or a dimension has that name |
| location | the folder of all its units, from which nothing is read | the folder of the current generation | the folder of all its slices, from which nothing is read |
| partitions | one a unit that has rows, at the folder of its current generation | none | one a slice that has rows, in the same way |
| properties | ` + "`hindcast.pipeline`, `hindcast.lake`, `hindcast.table`, `classification`" + ` | the same | the same |

- **Results** are in the lake where the pipeline says ` + "`results: {keep: …}`" + `: [what is kept](lake.md#kept-results). Otherwise there are no tables of
  them. Facts and dimensions of your own files (` + "`files:`" + `) are not in the lake at all.
- **An Iceberg table** of results (` + "`results: {keep: iceberg}`" + `) is registered by ` + "`glue`" + `: the Data Catalog's table names its current metadata, and has no partitions. ` + "`athena`" + ` leaves it
  out and says so; ` + "`spectrum`" + `, ` + "`hive`" + ` and ` + "`duckdb`" + ` make tables and views of its Parquet files as above. [What its types are](lake.md#the-iceberg-table).
  Names are checked as those of other tables. Its columns are those of its metadata, for all who read it: ` + "`--without`" + ` cannot leave one out, and says so.
- **Only whole generations**: a folder is named once its catalog entry is written, after its last file, and is never written again. Before anything is
  printed or made, each folder is compared with its manifest: a file more, which readers of a whole folder would take for
  rows, and a file less are errors.
- **Partition projection** is not used. It computes a partition's location from its value by a template, and a location here has the
  generation, the run and the attempt in it, which differ from unit to unit after the first refresh. A template would show old generations, or no rows, without
  a word. It fits your own files where their paths follow a template; hindcast makes no tables of these.
- **Units without rows** have no partition if they have no file.

## What ` + "`--apply`" + ` does

| there is | then |
|---|---|
| no database | it is made |
| no table | it is made, with its partitions in calls of 100 |
| a table of this pipeline and lake, with other columns | Data Catalog: the table, then its partitions are updated. Athena: it is dropped and made again, which touches no file |
| a partition at another location | it is moved to the current generation: in calls of 100, or by Athena in a statement each |
| a partition of a unit that is gone, or empty | it is removed, last |
| a table of anybody else, another pipeline or lake | refused (` + "`E-CATALOG`" + `); nothing is changed |

A second ` + "`--apply`" + ` changes nothing. Tables whose fact or dimension is gone from the pipeline file stay, and you drop them.

Before it changes anything, ` + "`--apply`" + ` writes into the lake which generations the tables will point at, and those are kept, whatever a later run would delete as
superseded, until the next ` + "`--apply`" + ` points elsewhere. Statements that you print and run yourself leave no such record: see
[when to apply again](../guide/athena.md#when-to-apply-again).
`
