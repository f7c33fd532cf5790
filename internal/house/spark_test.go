package house

import (
	"go/ast"
	"strconv"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/config"
)

// What every session of Spark fixes would silently go before a pipeline file's value: the file refuses it.
func TestSettingsThatTheEngineFixesAreRefusedInAPipelineFile(t *testing.T) {
	found := 0
	for _, file := range goFiles(t) {
		if file.dir != "internal/sparksql" && file.dir != "internal/engine/spark" || file.test {
			continue
		}
		ast.Inspect(file.ast, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			literal, ok := pair.Key.(*ast.BasicLit)
			if !ok {
				return true
			}
			name, err := strconv.Unquote(literal.Value)
			if err != nil || !strings.HasPrefix(name, "spark.sql.") {
				return true
			}
			found++
			if _, reserved := config.Reserved(name); !reserved {
				t.Errorf("%s sets %s, and the pipeline file may set it too: add it to internal/config/sparkconf.go", file.path, name)
			}
			return true
		})
	}
	if found < 10 {
		t.Errorf("found only %d settings", found)
	}
}
