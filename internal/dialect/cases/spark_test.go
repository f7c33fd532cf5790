package cases_test

import (
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

// onSpark runs all queries, each once, in one session of the Spark that tests/python/NAME.txt lists.
func onSpark(t *testing.T, name string, tables []table, queries map[string]bool) map[string]cases.Ran {
	t.Helper()
	python := pythontest.Python(t, name)
	asked, err := json.Marshal(map[string]any{"conf": sparkConf(python), "tables": sparkTables(tables)})
	if err != nil {
		t.Fatal(err)
	}
	var input, said bytes.Buffer
	lines := json.NewEncoder(&input)
	for query := range queries {
		if err := lines.Encode(query); err != nil {
			t.Fatal(err)
		}
	}

	command := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "session.py"), string(asked))
	command.Env = append(os.Environ(), "PYSPARK_PYTHON="+python, "SPARK_LOCAL_IP=127.0.0.1", "JAVA_TOOL_OPTIONS=")
	command.Stdin, command.Stderr = &input, &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, said.String())
	}
	return answers(t, out)
}

func sparkConf(python string) map[string]string {
	conf := sparksql.Conf("UTC")
	conf["spark.driver.extraJavaOptions"] = pythontest.JVMOptions(python)
	conf["spark.ui.enabled"] = "false"
	conf["spark.sql.shuffle.partitions"], conf["spark.sql.adaptive.enabled"] = "1", "false"
	conf["spark.sql.codegen.wholeStage"], conf["spark.sql.codegen.factoryMode"] = "false", "NO_CODEGEN" // compiling costs more than such small tables
	return conf
}

func sparkTables(tables []table) []map[string]string {
	types := strings.NewReplacer("TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "TIMESTAMP", "TIMESTAMP_NTZ", "VARCHAR", "STRING", "INTEGER", "INT")
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

func answers(t *testing.T, out []byte) map[string]cases.Ran {
	t.Helper()
	all := map[string]cases.Ran{}
	for line := range bytes.Lines(out) {
		var said struct {
			SQL    string
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
		all[said.SQL] = ran
	}
	return all
}
