package spark

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/sparksql"
)

//go:embed script.py
var library string

var _ engine.Scripter = (*Binder)(nil)

// Script opens the tables in the Spark of PyPI, on one machine whatever the master is, by the code that the driver makes its
// views with.
func (b *Binder) Script(q engine.Query) (engine.Script, error) {
	if err := sparksql.Unreachable(q.Tables); err != nil {
		return engine.Script{}, err
	}
	spark := b.engine.options.Spark
	start := b.engine.submissionTo("local[*]", engine.Limits{Memory: max(spark.ExecutorMemory, sessionMemory)})

	var open strings.Builder
	fmt.Fprintf(&open, "spark = connect(\n    %s,\n    {\n", engine.PythonText(start.master))
	for _, key := range sorted(start.set) {
		fmt.Fprintf(&open, "        %s: %s,\n", engine.PythonText(key), engine.PythonText(start.set[key]))
	}
	for _, key := range sorted(spark.ConfWritten) {
		if written := spark.ConfWritten[key]; strings.Contains(written, "${") { // a secret, which the notebook's environment has to have
			fmt.Fprintf(&open, "        %s: expand(%s),\n", engine.PythonText(key), engine.PythonText(written))
		}
	}
	open.WriteString("    },\n    [")
	for i, name := range start.packages {
		open.WriteString(strings.Repeat(", ", min(i, 1)) + engine.PythonText(name))
	}
	open.WriteString("],\n)\nsame_version(\"pyspark\", spark.version, " + engine.PythonText(b.engine.options.Version) + ")\n\n# A session of its own, with the settings that decide what values are. Functions of time give `now`, as they do in a run.\n")
	fmt.Fprintf(&open, "request = {\n    \"now\": %s,\n    \"conf\": json.loads(\n        %s\n    ),\n    \"tables\": [\n", engine.PythonText(sparksql.Now(q)),
		engine.PythonText(string(asJSON(sparksql.Conf(q.TimeZone)))))
	for _, t := range sparksql.Tables(q) {
		open.WriteString("        json.loads(\n            " + engine.PythonText(string(asJSON(t))) + "\n        ),\n")
	}
	open.WriteString("    ],\n}\ntables = Tables(spark, request)\ntables.views(False)\nspark = tables.spark\n")
	return engine.Script{Words: sparksql.Words(q), Packages: []string{"pyspark==" + b.engine.options.Version}, Library: strings.TrimRight(string(sparksql.Modules()[0].Text), "\n") + "\n\n\n" + library, Open: open.String(),
		Session: "`spark`, a session of Spark"}, nil
}
