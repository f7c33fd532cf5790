package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWhatIsDeclaredIsProduced: an event type, code, state or exit code that no test expects from the program may never
// be produced. Tests of packages that only show or fold what they are given prove nothing.
func TestWhatIsDeclaredIsProduced(t *testing.T) {
	e := expected(t)
	for _, set := range []struct{ file, kind, form string }{{"codes.go", "Code", "%s"}, {"run.go", "EventType", `"%s"`}, {"run.go", "State", `"state":"%s"`},
		{"error.go", "Class", `"class":"%s"`}} {
		for name, text := range constants(t, set.file, set.kind) {
			if !e.has(name, fmt.Sprintf(set.form, text)) {
				t.Errorf("no test expects %s (%s) of the program", name, text)
			}
		}
	}

	for name, code := range exitCodes(t) {
		if !e.names[name] && !e.exits[code] {
			t.Errorf("no test expects %s (%s) of the program", name, code)
		}
	}
}

// expectations are what tests and scripts expect.
type expectations struct {
	names map[string]bool // of constants
	texts string          // everything that output is compared with
	exits map[string]bool
}

func (e *expectations) has(name, text string) bool {
	return e.names[name] || regexp.MustCompile(`(^|[^a-z_A-Z-])`+regexp.QuoteMeta(text)+`($|[^a-z_A-Z-])`).MatchString(e.texts)
}

// receivers are the packages that are given events and errors: their tests make them up.
var receivers = []string{".", "internal/screen", "internal/eventschema", "internal/journal", "internal/house"}

func expected(t *testing.T) *expectations {
	t.Helper()
	e := &expectations{names: map[string]bool{}, exits: map[string]bool{}}
	var texts strings.Builder
	for _, file := range goFiles(t) {
		if file.test && !slices.Contains(receivers, file.dir) && !strings.HasPrefix(file.dir, "tests/") { // those run on demand
			names, literals := expectedIn(file.ast)
			maps.Copy(e.names, names)
			texts.WriteString(literals)
		}
	}

	if err := walk(func(path string) error {
		if strings.HasSuffix(path, ".txtar") {
			lines, exits := expectedBy(readText(t, filepath.FromSlash(path)))
			texts.WriteString(lines)
			maps.Copy(e.exits, exits)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	e.texts = texts.String()
	return e
}

// expectedIn returns the names, and the text of the literals, that a test mentions, except those in errors and events
// that it makes itself.
func expectedIn(file ast.Node) (names map[string]bool, literals string) {
	names = map[string]bool{}
	var text strings.Builder
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CompositeLit:
			return !made(n)
		case *ast.SelectorExpr:
			names[n.Sel.Name] = true
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				text.WriteString(n.Value + "\n")
			}
		}
		return true
	})

	return names, text.String()
}

// made reports whether a literal is an error or an event.
func made(literal *ast.CompositeLit) bool {
	if list, ok := literal.Type.(*ast.ArrayType); ok {
		return madeType(list.Elt)
	}
	return madeType(literal.Type)
}

func madeType(expr ast.Expr) bool {
	if pointer, ok := expr.(*ast.StarExpr); ok {
		expr = pointer.X
	}
	selector, ok := expr.(*ast.SelectorExpr)
	return ok && (selector.Sel.Name == "Error" || selector.Sel.Name == "Event")
}

var (
	matched = regexp.MustCompile(`^(?:stdout|stderr|grep|waitfor|cmp) `)
	exited  = regexp.MustCompile(`^(?:exits|ended \w+) (-?\d+)\b`)
)

// expectedBy returns what a script matches its output with, and the exit codes that it expects.
func expectedBy(script string) (lines string, exits map[string]bool) {
	exits = map[string]bool{}
	var text strings.Builder
	inFile := false
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "-- ") {
			inFile = strings.HasSuffix(strings.TrimSpace(line), ".want --")
			continue
		}

		if inFile || matched.MatchString(line) {
			text.WriteString(line)
		}
		if m := exited.FindStringSubmatch(line); m != nil && !inFile {
			exits[m[1]] = true
		}
	}

	return text.String(), exits
}

// exitCodes are the constants of error.go by their value.
func exitCodes(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^\t(Exit\w+)\s+= (\d+)`).FindAllStringSubmatch(readText(t, "error.go"), -1) {
		found[match[1]] = match[2]
	}

	if len(found) == 0 {
		t.Fatal("error.go has no exit codes")
	}

	return found
}

func TestExpectationsAreNotWhatATestMakes(t *testing.T) {
	lines, exits := expectedBy("# E-NONE\nexec hindcast run\n! stderr E-NEVER\nstdout 'E-YES'\nexits 4 hindcast\nended x 6\n-- a.yml --\nE-INPUT\n-- a.want --\nE-FILE\n")
	e := &expectations{texts: lines, exits: exits}
	for text, want := range map[string]bool{"E-YES": true, "E-FILE": true, "E-NONE": false, "E-NEVER": false, "E-INPUT": false, "E-YE": false, "E-FIL": false} {
		if got := e.has("", text); got != want {
			t.Errorf("%s is expected: %v", text, got)
		}
	}

	if !exits["4"] || !exits["6"] || len(exits) != 2 {
		t.Errorf("the exit codes are %v", exits)
	}

	names, literals := expectedIn(parsed(t, `package p
		func f() { g(&h.Error{Code: h.Made}, []h.Event{{Type: h.Told}}); if e.Code == h.Wanted { g("E-TEXT") } }`))
	if names["Made"] || names["Told"] || !names["Wanted"] || !strings.Contains(literals, "E-TEXT") {
		t.Errorf("the names are %v, the texts %s", names, literals)
	}
}

func parsed(t *testing.T, source string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
