package house

import (
	"go/ast"
	"testing"
)

const longest = 80 // lines, from func to the closing brace

// longFunctions are those that may be longer, by file and name, each with the reason.
var longFunctions = map[string]string{}

func TestFunctionsAreShort(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range goFiles(t) {
		if file.test {
			continue
		}
		for _, declaration := range file.ast.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}

			name := file.path + " " + function.Name.Name
			lines := positions.Position(function.End()).Line - positions.Position(function.Pos()).Line + 1
			if lines <= longest {
				continue
			}

			seen[name] = true
			if longFunctions[name] == "" {
				t.Errorf("%s has %d lines: shorten it below %d, or list it with a reason", name, lines, longest)
			}
		}
	}

	for name := range longFunctions {
		if !seen[name] {
			t.Errorf("%s is listed as long and is not: take it off the list", name)
		}
	}
}
