package pythontest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
)

// glot reads each statement with sqlglot's parser of a dialect, and says what kind of statement it takes it for and which columns it makes.
const glot = `
import json, logging, sys
import sqlglot
from sqlglot import exp

logging.disable(logging.CRITICAL)  # that it has no syntax tree for a statement is said in the answer
work = json.load(sys.stdin)
out = []
for text in work["statements"]:
    parsed = sqlglot.parse(text, dialect=work["dialect"], error_level=sqlglot.ErrorLevel.RAISE)
    assert len(parsed) == 1, text
    is_ = parsed[0]
    columns = [[c.name, c.args["kind"].sql(dialect=work["types"]).lower()] for c in is_.find_all(exp.ColumnDef)]
    out.append({"kind": type(is_).__name__, "columns": columns, "again": is_.sql(dialect=work["dialect"])})
print(json.dumps(out))
`

// Parsed is what a parser of somebody else's makes of a statement.
type Parsed struct {
	Kind    string      // Create, Alter; Command where sqlglot knows that there is such a statement, and no more of it
	Columns [][2]string // that it makes: name and type, in lower case, in the spelling that was asked for
	Again   string      // the statement, written again
}

// Parse reads statements with sqlglot's parser of a dialect, and spells types as another one does, or the same; what it cannot read fails the test.
func Parse(t testing.TB, dialect, types string, statements []string) []Parsed {
	t.Helper()
	body, err := json.Marshal(map[string]any{"dialect": dialect, "types": types, "statements": statements})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), Python(t, "sqlglot"), "-c", glot)
	command.Stdin = bytes.NewReader(body)
	out := output(t, "sqlglot, "+dialect, command)
	var list []Parsed
	if err := json.Unmarshal(out, &list); err != nil || len(list) != len(statements) {
		t.Fatalf("sqlglot says %s: %v", out, err)
	}
	return list
}
