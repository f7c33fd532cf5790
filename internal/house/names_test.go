package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNoForbiddenNames(t *testing.T) {
	t.Run("packages", func(t *testing.T) {
		vague := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "types", "manager", "managers",
			"misc", "shared"}
		for dir := range goDirs(t) {
			if slices.Contains(vague, path.Base(dir)) {
				t.Errorf("%s: a package is named after its one idea", dir)
			}
		}
	})

	t.Run("variables", func(t *testing.T) {
		for _, file := range goFiles(t) {
			for _, name := range variables(file.ast) {
				if name.Name == "slices" {
					t.Errorf("%s: a variable named slices hides the package of that name", positions.Position(name.Pos()))
				}
			}
		}
	})

	t.Run("words", func(t *testing.T) {
		if err := walk(func(path string) error { return reportWords(t, path) }); err != nil {
			t.Fatal(err)
		}
	})
}

// variables returns the identifiers that a file's declarations introduce as variables: assignments, ranges,
// var and const, parameters and results. Fields of structs are not among them; they hide nothing.
func variables(file *ast.File) []*ast.Ident {
	var found []*ast.Ident
	add := func(expressions ...ast.Expr) {
		for _, expression := range expressions {
			if name, ok := expression.(*ast.Ident); ok {
				found = append(found, name)
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		case *ast.ValueSpec:
			found = append(found, n.Names...)
		case *ast.FuncType:
			found = append(found, fieldNames(n.Params)...)
			found = append(found, fieldNames(n.Results)...)
		}
		return true
	})

	return found
}

func fieldNames(list *ast.FieldList) []*ast.Ident {
	if list == nil {
		return nil
	}

	var names []*ast.Ident
	for _, field := range list.List {
		names = append(names, field.Names...)
	}

	return names
}

func TestVariables(t *testing.T) {
	const source = `package p
import "slices"
var a, b = 1, 2
type s struct{ slices int }
func f(c int, d ...string) (e error) {
	for g, h := range d { _ = g; _ = h }
	i, j := 1, 2
	i = slices.Max([]int{i, j})
	k := func(l int) { var m int; _ = m }
	_ = k
	return e
}`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, name := range variables(file) {
		got = append(got, name.Name)
	}

	slices.Sort(got)
	if text := strings.Join(got, ""); text != "abcdeghijklm" {
		t.Errorf("got %s", text)
	}
}

// registries finds hosts of package registries, which must not appear in a published tree. The names are assembled here, so
// that this file does not contain them.
var registries = func() *regexp.Regexp {
	hosts := [][]string{
		{"proxy", "golang", "org"}, {"sum", "golang", "org"}, {"pypi", "org"}, {"files", "pythonhosted", "org"},
		{"registry", "npmjs", "org"}, {"deb", "debian", "org"}, {"index", "crates", "io"}, {"static", "crates", "io"},
	}
	var patterns []string
	for _, host := range hosts {
		patterns = append(patterns, `(^|[^A-Za-z0-9.-])`+strings.Join(host, `\.`))
	}
	return regexp.MustCompile(strings.Join(patterns, "|"))
}()

// stilted finds phrases that make a native reader stop. They are assembled here, so that this file does not contain them.
var stilted = regexp.MustCompile(`(?i)\b(` + strings.Join([]string{"a" + "new", "for" + " want of", "in good" + " order", "that is no" + " folder",
	"is for" + " its callers", "what" + " lies between"}, "|") + `)\b`)

// largestText bounds what is read as text: a working tree may contain built programs.
const largestText = 2 << 20

func reportWords(t *testing.T, path string) error {
	info, err := os.Stat(filepath.Join(root, path))
	if err != nil || info.Size() > largestText {
		return err
	}

	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil || bytes.IndexByte(content, 0) >= 0 || !registries.Match(content) && !stilted.Match(content) {
		return err
	}

	for number, line := range strings.Split(string(content), "\n") {
		if registries.MatchString(line) {
			t.Errorf("%s:%d: a registry's host: %s", path, number+1, strings.TrimSpace(line))
		}
		if m := stilted.FindString(line); m != "" {
			t.Errorf("%s:%d: %q is not what an engineer would say aloud: %s", path, number+1, m, strings.TrimSpace(line))
		}
	}

	return nil
}

func TestStilted(t *testing.T) {
	for text, want := range map[string]bool{"unloaded a" + "new": true, "For" + " want of a table": true, "a" + " newer table": false, "a" + " new table": false} {
		if stilted.MatchString(text) != want {
			t.Errorf("%q is found: %t", text, !want)
		}
	}
}

func TestRegistries(t *testing.T) {
	bad := []string{
		"https://proxy" + ".golang.org/x", "see registry" + ".npmjs.org", "pypi" + ".org",
	}
	good := []string{"https://pkg.go.dev/x", "golang.org/x/mod v0.32.0", "happypi" + ".org"}
	for _, text := range bad {
		if !registries.MatchString(text) {
			t.Errorf("%q is not found", text)
		}
	}

	for _, text := range good {
		if registries.MatchString(text) {
			t.Errorf("%q is found", text)
		}
	}
}
