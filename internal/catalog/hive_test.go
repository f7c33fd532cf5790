package catalog

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// allTypes are a column of each type that is carried, and a query for rows of all their values.
func allTypes() (columns []hindcast.Column, query string) {
	var selects []string
	most := 0
	for _, s := range shown {
		most = max(most, len(s.values))
	}
	for row := range most + 1 { // the last is of NULLs
		var list []string
		for i, s := range shown {
			if s.values == nil {
				continue
			}
			value := "NULL"
			if row < len(s.values) {
				value = s.values[row]
			}
			list = append(list, fmt.Sprintf("CAST(%s AS %s) AS c%d", value, s.typ, i))
			if row == 0 {
				columns = append(columns, column(fmt.Sprintf("c%d", i), s.typ))
			}
		}
		selects = append(selects, "SELECT "+strings.Join(list, ", "))
	}
	return columns, strings.Join(selects, " UNION ALL ")
}

// What Athena is told is understood by Spark's Hive, and every table has the rows and values that DuckDB reads. Spark cannot judge
// names, which Athena is stricter about, nor what Athena does with a type.
func TestHive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	columns, query := allTypes()
	w.unit("types", "2019-03-01", 1, query, columns...)

	odd := []hindcast.Column{column("Select", "BIGINT"), column("slice", "VARCHAR"), column("date", "DATE"), column("s", `STRUCT("Order" BIGINT, "timestamp" VARCHAR)`)}
	oddRow := `SELECT %d::BIGINT AS "Select", 'own' AS slice, DATE '2020-01-01' AS date, {'Order': 1::BIGINT, 'timestamp': 'x'} AS s`
	w.unit("Table", "2019-03-01T05:00+02:00", 1, fmt.Sprintf(oddRow, 1), odd...)
	w.unit("Table", "2019-03-02T05:00+02:00", 1, fmt.Sprintf(oddRow, 2), odd...)
	w.unit("Table", "2019-03-02T05:00+02:00", 2, fmt.Sprintf(oddRow, 3), odd...) // superseded: 2 is not to be seen
	w.unit("Table", "2019-03-03T05:00+02:00", 1, "", odd...)                     // without a file
	w.unit("Table", "2019-03-04T05:00+02:00", 1, fmt.Sprintf(oddRow, 4)+", true AS more", append(odd, column("more", "BOOLEAN"))...)
	w.dim("accounts", 2, "SELECT 'a' AS name", column("name", "VARCHAR"))
	w.dim("nobody", 1, "SELECT 'a' AS name WHERE false", column("name", "VARCHAR"))

	tables := w.tables(Athena)
	for _, table := range tables {
		w.wholeOf(table)
	}
	found := w.inHive("costs", tables, w.later(t), map[string]string{
		"slices": "SELECT hindcast_slice, count(*), sum(`select`), count(more) FROM costs.`table` GROUP BY 1 ORDER BY 1",
		"later":  "SELECT count(*), sum(id) FROM costs.later",
		"one":    "SELECT count(*) FROM costs.`table` WHERE hindcast_slice >= '2019-03-02'",
	})

	if got := string(found.results["later"]); strings.ReplaceAll(got, " ", "") != "[[2,30]]" {
		t.Errorf("after what Athena is told of changes: %s", got)
	}
	for _, table := range tables {
		w.sameRows(table, found.dir)
		for i, typ := range found.types(table.Name)[:len(table.Columns)] {
			want, _ := dataCatalogSpelling.of(table.Columns[i].Stored)
			if typ[0] != table.Columns[i].Name || typ[1] != want {
				t.Errorf("%s: column %v, want %s %s", table.Name, typ, table.Columns[i].Name, want)
			}
		}
	}
	for name, want := range map[string]string{
		"slices": `[["2019-03-01T05:00+02:00",1,1,0],["2019-03-02T05:00+02:00",1,3,0],["2019-03-04T05:00+02:00",1,4,1]]`,
		"one":    "[[2]]",
	} {
		if got := string(found.results[name]); strings.ReplaceAll(got, " ", "") != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if text := string(found.results["types"]); !strings.Contains(text, "HUGEINT, as text") {
		t.Errorf("the comments are lost: %s", text)
	}
}

// later are the statements that take a table in which a unit got another generation, one is gone and one is new from one state to the
// next, and a table whose columns changed.
func (w *world) later(t *testing.T) []string {
	id := []hindcast.Column{column("id", "BIGINT")}
	in := worldIn(t, w.store, w.lake)
	in.unit("later", "2019-03-01", 1, "SELECT 1::BIGINT AS id", id...)
	in.unit("later", "2019-04-01", 1, "SELECT 2::BIGINT AS id", id...)
	table := in.tables(Athena)[0]
	list := changeStatements("costs", Change{Table: table, Make: true, Add: table.Partitions})
	list = append(list, changeStatements("costs", Change{Table: table, Alter: true})...)

	in.unit("later", "2019-04-01", 2, "SELECT 10::BIGINT AS id", id...)
	in.unit("later", "2019-05-01", 1, "SELECT 20::BIGINT AS id", id...)
	table = in.tables(Athena)[0]
	return append(list, changeStatements("costs", Change{Table: table, Add: table.Partitions[2:], Move: table.Partitions[1:2], Remove: []string{"2019-03-01", "2018-01-01"}})...)
}

// wholeOf checks a table's generations as the command does.
func (w *world) wholeOf(table Table) {
	w.Helper()
	units := w.facts[table.Source]
	if table.Of == "dimension" {
		units = []*hindcast.Manifest{w.dims[table.Source]}
	}
	if err := w.lake.Whole(w.Context(), table.Source, units); err != nil {
		w.Error(err)
	}
}

// hiveFound is what Spark found.
type hiveFound struct {
	t       testing.TB
	dir     string
	results map[string]json.RawMessage
}

func (f hiveFound) types(table string) [][2]string {
	f.t.Helper()
	var found struct{ Types [][2]string }
	if err := json.Unmarshal(f.results[table], &found); err != nil {
		f.t.Fatal(err)
	}
	return found.Types
}

// inHive makes the tables in a Hive of their own, and reads them all.
func (w *world) inHive(database string, tables []Table, later []string, queries map[string]string) hiveFound {
	w.Helper()
	dir := w.TempDir()
	var names []string
	for _, table := range tables {
		names = append(names, table.Name)
	}
	body, err := json.Marshal(map[string]any{"database": database, "statements": append(HiveStatements(database, tables), later...), "tables": names, "queries": queries})
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "statements.json"), body, 0o600); err != nil {
		w.Fatal(err)
	}

	python := pythontest.Python(w, "spark35")
	script, err := filepath.Abs("testdata/hive.py")
	if err != nil {
		w.Fatal(err)
	}
	command := exec.CommandContext(w.Context(), python, script, dir)
	command.Dir = dir // where Derby writes its log
	command.Env = append(os.Environ(), "JAVA_TOOL_OPTIONS="+pythontest.JVMOptions(python), "PYSPARK_PYTHON="+python)
	if said, err := command.CombinedOutput(); err != nil {
		w.Fatalf("Spark: %v\n%s\n%s", err, strings.Join(HiveStatements(database, tables), ";\n"), said)
	}

	found := hiveFound{t: w, dir: dir}
	if body, err = os.ReadFile(filepath.Join(dir, "found.json")); err != nil {
		w.Fatal(err)
	}
	if err := json.Unmarshal(body, &found.results); err != nil {
		w.Fatal(err)
	}
	return found
}

// sameRows compares what Spark read of a table with what DuckDB reads of the files that it is of, value by value.
func (w *world) sameRows(table Table, dir string) {
	w.Helper()
	units := w.facts[table.Source]
	if table.Of == "dimension" {
		units = []*hindcast.Manifest{w.dims[table.Source]}
	}
	var parts, names []string
	for _, m := range units {
		for _, f := range m.Files {
			parts = append(parts, "SELECT * FROM read_parquet("+duck.String(w.lake.Absolute(f.Path))+", hive_partitioning = false)")
		}
	}
	for _, c := range table.Columns {
		names = append(names, duck.Name(c.Name))
	}
	list := strings.Join(names, ", ")
	ours := "SELECT " + list + " FROM (" + strings.Join(parts, " UNION ALL BY NAME ") + ")"
	theirs := "SELECT " + list + " FROM read_parquet(" + duck.String(filepath.Join(dir, "read", table.Name, "*.parquet")) + ", hive_partitioning = false)"

	var rows, less, more int
	count := func(query string, n *int) {
		if err := w.db.QueryRow("SELECT count(*) FROM (" + query + ")").Scan(n); err != nil {
			w.Fatalf("%v\n%s", err, query)
		}
	}
	count(ours, &rows)
	count(ours+" EXCEPT ALL "+theirs, &less)
	count(theirs+" EXCEPT ALL "+ours, &more)
	if rows == 0 && table.Source != "nobody" || less+more > 0 {
		w.Errorf("%s: of %d rows %d are missing, and %d are others", table.Name, rows, less, more)
		for i, c := range table.Columns {
			var n int
			one := strings.NewReplacer("SELECT "+list, "SELECT "+names[i])
			if count(one.Replace(ours)+" EXCEPT ALL "+one.Replace(theirs), &n); n > 0 {
				w.Errorf("%s.%s (%s): %d values differ", table.Name, c.Name, c.Stored, n)
			}
		}
	}
}
