package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/hindcast/hindcast"
)

// goFile is one parsed Go file of the repository.
type goFile struct {
	path string // slash-separated, from the repository's root
	dir  string // of path; "." for the root package
	test bool
	ast  *ast.File
}

var positions = token.NewFileSet()

// goFiles returns every Go file of the repository. The files are parsed here rather than listed by `go list`, so that
// the go command sees what the tests depend on and caches their results correctly.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	files, err := parsedTree()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var parsedTree = sync.OnceValues(func() ([]goFile, error) {
	var files []goFile
	err := walk(func(path string) error {
		if !strings.HasSuffix(path, ".go") || strings.Contains(path, "testdata/") {
			return nil
		}
		parsed, err := parser.ParseFile(positions, filepath.Join(root, path), nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		files = append(files, goFile{path: path, dir: dir, test: strings.HasSuffix(path, "_test.go"), ast: parsed})
		return nil
	})
	return files, err
})

// walk calls visit with every file of the repository, except those that tools keep for themselves.
func walk(visit func(path string) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}

		if entry.IsDir() {
			switch entry.Name() {
			case ".git", ".tools":
				return filepath.SkipDir
			}
			return nil
		}

		if !entry.Type().IsRegular() {
			return nil
		}

		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}

		return visit(filepath.ToSlash(rel))
	})
}

// goDirs returns the folders that hold Go files, each once.
func goDirs(t *testing.T) map[string]bool {
	t.Helper()
	dirs := map[string]bool{}
	for _, file := range goFiles(t) {
		dirs[file.dir] = true
	}
	return dirs
}

// constants returns the string constants of the given type in one file of the root package: value by name.
func constants(t *testing.T, path, typeName string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range goFiles(t) {
		if file.path != path {
			continue
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}

			name, ok := spec.Type.(*ast.Ident)
			if !ok || name.Name != typeName || len(spec.Values) != 1 {
				return false
			}
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				found[spec.Names[0].Name] = unquote(t, literal.Value)
			}

			return false
		})
	}

	if len(found) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, path)
	}

	return found
}

func unquote(t *testing.T, literal string) string {
	t.Helper()
	text, err := strconv.Unquote(literal)
	if err != nil {
		t.Fatalf("unquoting %s: %v", literal, err)
	}
	return text
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
