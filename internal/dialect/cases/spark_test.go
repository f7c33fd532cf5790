package cases_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/dialect/cases"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/sparksql"
)

// onSpark runs SQL over the tables in one session of the Spark that tests/python/NAME.txt lists. Over tables in memory, where it reads no file, Spark
// computes expressions without a job.
func onSpark(t *testing.T, name string, tables []table, zone string, memory bool) (run func(query string) cases.Ran) {
	t.Helper()
	python := pythontest.Python(t, name)
	asked, err := json.Marshal(map[string]any{"conf": sparkConf(python, zone), "tables": sparkTables(tables), "memory": memory})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "session.py"), string(asked))
	command.Env = append(os.Environ(), "PYSPARK_PYTHON="+python, "SPARK_LOCAL_IP=127.0.0.1", "JAVA_TOOL_OPTIONS=")
	var said bytes.Buffer
	command.Stderr = &said
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = input.Close(), command.Wait() })

	lines, queries := bufio.NewReader(output), json.NewEncoder(input)
	return func(query string) cases.Ran {
		if err := queries.Encode(query); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said.String())
		}
		line, err := lines.ReadBytes('\n')
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, said.String())
		}
		return ranOf(t, line)
	}
}

func sparkConf(python, zone string) map[string]string {
	conf := sparksql.Conf(zone)
	conf["spark.driver.extraJavaOptions"] = pythontest.JVMOptions(python)
	conf["spark.ui.enabled"] = "false"
	conf["spark.sql.shuffle.partitions"], conf["spark.sql.adaptive.enabled"] = "1", "false"
	conf["spark.sql.codegen.wholeStage"], conf["spark.sql.codegen.factoryMode"] = "false", "NO_CODEGEN" // compiling costs more than such small tables
	return conf
}

func sparkTables(tables []table) []map[string]string {
	types := strings.NewReplacer("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ", "TIMESTAMP", "TIMESTAMP_NTZ", "VARCHAR", "STRING", "INTEGER", "INT")
	var all []map[string]string
	for _, b := range tables {
		var columns []string
		for _, c := range b.columns {
			columns = append(columns, "`"+c.name+"` "+types.Replace(c.carried))
		}
		all = append(all, map[string]string{"name": b.name, "file": b.file, "schema": strings.Join(columns, ", ")})
	}
	return all
}

func ranOf(t *testing.T, line []byte) cases.Ran {
	t.Helper()
	var said struct {
		Raised string
		Rows   [][]*string
	}
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	ran := cases.Ran{Raised: said.Raised}
	for _, values := range said.Rows {
		row := make([]cases.Value, len(values))
		for i, v := range values {
			if row[i].Null = v == nil; v != nil {
				row[i].Text = *v
			}
		}
		ran.Result.Rows = append(ran.Result.Rows, row)
	}
	return ran
}
