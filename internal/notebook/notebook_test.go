package notebook

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// read is what one of the two makes of SQL: the text that runs, or that there is none.
type read struct {
	Text string `json:"text"`
	Bad  bool   `json:"bad"`
}

var params = map[string]string{"rate": "1.10", "word": "'it'", "slice_start": "DATE '2020-01-01'"}

// byHindcast binds SQL as a run does.
func byHindcast(dialect, text string) read {
	query, err := engine.Bound(dialect, text, "a.sql", params)
	if err != nil {
		return read{Bad: true}
	}
	single, _, err := query.Single()
	return read{Text: single, Bad: err != nil}
}

// byNotebook binds each text by the code of a notebook's cell.
func byNotebook(t *testing.T, dialect string, texts []string) []read {
	t.Helper()
	const script = `
import json, sys
asked = json.load(sys.stdin)
from IPython.core.interactiveshell import InteractiveShell
get_ipython = InteractiveShell.instance
exec(asked["library"])
PARAMS, DIALECT = asked["params"], asked["dialect"]
found = []
for text in asked["texts"]:
    try:
        found.append({"text": single(bind(text))})
    except SQLError:
        found.append({"bad": True})
json.dump(found, sys.stdout)
`
	asked, err := json.Marshal(map[string]any{"library": "import re\n" + library, "params": params, "dialect": dialect, "texts": texts})
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), pythontest.Python(t, "notebook"), "-c", script)
	command.Stdin = bytes.NewReader(asked)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var found []read
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// A notebook reads SQL as a run does: any text, also what is not SQL at all.
func TestANotebookBindsSQLAsARunDoes(t *testing.T) {
	parts := []string{":rate", ":word", ":nothing", ":1", "::", ":", ";", "'", "''", "\"", "`", "$", "$$", "$a$", "/*", "*/", "/*+", "--", "\n", "\r\n", "\\", "\\\n", "e'", "E'",
		"r'", "R\"", "{", "}", "[", "]", "'a':", "a", "é", "\u00a0", "\u3000", " ", "SELECT 1", ":slice_start", "[1:rate]", "x:rate", "'a;b'", "日本"}
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"", ";", "SELECT :rate", "SELECT 1; SELECT 2", "SELECT ''':rate', a[1:2], {'a':b}, x::DATE -- :rate\n; -- the end"}
	for range 3000 {
		var text strings.Builder
		for range 1 + random.IntN(12) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		texts = append(texts, text.String())
	}

	for _, dialect := range []string{"duckdb", "spark"} {
		for i, got := range byNotebook(t, dialect, texts) {
			if want := byHindcast(dialect, texts[i]); got != want {
				t.Errorf("%s: %q is %+v, want %+v", dialect, texts[i], got, want)
			}
		}
	}
}

// Whether somebody has changed a notebook is a matter of its cells: not of what they printed, nor of how JSON is written.
func TestWhatCountsAsAChange(t *testing.T) {
	now := []cell{newCell("markdown", "about", "# Costs", false), newCell("code", "sql", "%%sql a.sql\nSELECT 1\n", false)}
	text, err := encode(document{Cells: now, Format: 4, Minor: 5})
	if err != nil {
		t.Fatal(err)
	}
	later := []cell{newCell("markdown", "about", "# Other costs", false), newCell("code", "sql", "%%sql a.sql\nSELECT 2\n", false)}
	for _, is := range []struct {
		name    string
		text    string
		changed bool
	}{
		{"as it was written", string(text), false},
		{"run", strings.Replace(string(text), `"outputs": []`, `"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]`, 1), false},
		{"a source as one text", strings.Replace(string(text), "[\n    \"# Costs\"\n   ]", `"# Costs"`, 1), false},
		{"changed SQL", strings.Replace(string(text), "SELECT 1", "SELECT 3", 1), true},
		{"the SQL that is in the file by now", strings.Replace(string(text), "SELECT 1", "SELECT 2", 1), false},
		{"another cell", strings.Replace(string(text), `"cells": [`, `"cells": [{"cell_type": "code", "id": "x", "metadata": {}, "outputs": [], "source": "x = 1"},`, 1), true},
		{"no notebook", "{}", true},
		{"no JSON", "SELECT 1", true},
	} {
		if got := changed([]byte(is.text), later); got != is.changed {
			t.Errorf("%s: changed %t", is.name, got)
		}
	}
}

// Of what Spark advises a notebook shows what helps in a run too: its session is ANSI's, as a run's is.
func TestANotebookExplainsErrors(t *testing.T) {
	const script = `
from IPython.core.interactiveshell import InteractiveShell
get_ipython = InteractiveShell.instance
exec(open(0).read())
for said in (
    '[DIVIDE_BY_ZERO] Division by zero. Use try_divide to tolerate divisor being 0. If necessary set "spark.sql.ansi.enabled" to "false" to bypass this error. SQLSTATE: 22012',
    'cannot cast "DATE" to "INT" with ANSI mode on. If you have to cast "DATE" to "INT", you can set "spark.sql.ansi.enabled" as \'false\'.; line 1 pos 7;\n\'Project [x]',
    'If it is 1.5. Set "spark.sql.legacy.allowHashOnMapType" to "true".',
):
    print(explained(ValueError(said)))
`
	command := exec.CommandContext(t.Context(), pythontest.Python(t, "notebook"), "-c", script)
	command.Stdin = strings.NewReader("import re\n" + library)
	out, err := command.Output()
	const want = `ValueError: [DIVIDE_BY_ZERO] Division by zero. Use try_divide to tolerate divisor being 0. SQLSTATE: 22012
ValueError: cannot cast "DATE" to "INT" with ANSI mode on.; line 1 pos 7
ValueError: If it is 1.5. Set "spark.sql.legacy.allowHashOnMapType" to "true".
`
	if err != nil || string(out) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out, want)
	}
}
