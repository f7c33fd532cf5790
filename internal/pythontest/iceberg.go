package pythontest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// IcebergTable is an Iceberg table as pyiceberg and DuckDB's extension read it. Rows are texts in DuckDB's spelling, sorted.
type IcebergTable struct {
	PyIceberg []string
	DuckDB    []string
	Files     int // that pyiceberg reads
	Types     []string
	Snapshots []int64
	Summaries []map[string]string
}

// Iceberg reads the table in the folder root whose current metadata is named: as it is, or with --snapshot ID or --filter CONDITION. The
// environment has the endpoint and keys of a bucket.
func Iceberg(t testing.TB, env []string, root, metadata string, args ...string) (table IcebergTable) {
	t.Helper()
	args = append([]string{filepath.Join(Root(t), "internal", "pythontest", "testdata", "iceberg.py"), root, metadata}, args...)
	command := exec.CommandContext(t.Context(), Python(t, "iceberg"), args...)
	command.Env = append(append(os.Environ(), "EXTENSIONS="+t.TempDir()), env...)
	out := output(t, "reading "+metadata, command)
	var seen struct {
		PyIceberg [][]*string         `json:"pyiceberg"`
		DuckDB    [][]*string         `json:"duckdb"`
		Files     int                 `json:"files"`
		Types     []string            `json:"types"`
		Snapshots []int64             `json:"snapshots"`
		Summaries []map[string]string `json:"summaries"`
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return IcebergTable{Texts(seen.PyIceberg), Texts(seen.DuckDB), seen.Files, seen.Types, seen.Snapshots, seen.Summaries}
}

// Texts are rows as IcebergTable has them.
func Texts(rows [][]*string) (list []string) {
	for _, row := range rows {
		var cells []string
		for _, cell := range row {
			if cell == nil {
				cells = append(cells, "NULL")
				continue
			}
			cells = append(cells, strconv.Quote(*cell))
		}
		list = append(list, strings.Join(cells, " "))
	}
	slices.Sort(list)
	return list
}
