package pythontest

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// TPC is the data of TPC-H or TPC-DS as DuckDB's extension makes it, and the queries as it has them.
type TPC struct {
	Tables  []TPCTable
	Queries []string // the first is number 1
}

// TPCTable is a table: its file of Parquet, and the names and DuckDB's types of its columns.
type TPCTable struct {
	Name, File string
	Columns    [][2]string
}

// MakeTPC makes the data of both at a scale; 1 is a gigabyte.
func MakeTPC(t testing.TB, scale float64) (h, ds TPC) {
	t.Helper()
	command := exec.CommandContext(t.Context(), Python(t, "tpc"), filepath.Join(Root(t), "internal", "pythontest", "testdata", "tpc.py"), t.TempDir(), fmt.Sprint(scale))
	var made struct{ TPCH, TPCDS TPC }
	if err := json.Unmarshal(output(t, "making the data of TPC", command), &made); err != nil {
		t.Fatal(err)
	}
	if len(made.TPCH.Queries) != 22 || len(made.TPCDS.Queries) != 99 {
		t.Fatalf("there are %d and %d queries", len(made.TPCH.Queries), len(made.TPCDS.Queries))
	}
	return made.TPCH, made.TPCDS
}
