package house

import (
	"strings"
	"testing"
)

func TestEachPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	names := map[string]string{}
	for _, file := range goFiles(t) {
		if file.test {
			continue
		}
		names[file.dir] = file.ast.Name.Name
		if file.ast.Doc != nil {
			comments[file.dir] = append(comments[file.dir], file.ast.Doc.Text())
		}
	}

	for dir, name := range names {
		switch found := comments[dir]; len(found) {
		case 0:
			t.Errorf("%s has no package comment: one idea, and what it leaves to others", dir)
		case 1:
			if fault := commentFault(dir, name, found[0]); fault != "" {
				t.Errorf("%s: %s:\n%s", dir, fault, found[0])
			}
		default:
			t.Errorf("%s has %d package comments", dir, len(found))
		}
	}
}

// commentFault returns what is wrong with a package comment; empty if nothing is.
func commentFault(dir, name, text string) string {
	start := "Package " + name + " "
	if name == "main" {
		start = "Command " + dir[strings.LastIndex(dir, "/")+1:] + " "
	}
	if !strings.HasPrefix(text, start) {
		return "the package comment does not start with " + start
	}

	sentence, _, _ := strings.Cut(strings.ReplaceAll(text, "\n", " "), ". ")
	if !strings.Contains(text, ".") || len(strings.Fields(sentence)) < 5 {
		return "the package comment is not a sentence"
	}

	return ""
}

func TestCommentFault(t *testing.T) {
	cases := []struct {
		dir, name, text string
		good            bool
	}{
		{"internal/plan", "plan", "Package plan turns a pipeline into\nwhat a run does.\n", true},
		{"cmd/hindcast", "main", "Command hindcast runs SQL over history.\n", true},
		{"internal/plan", "plan", "This is the plan package.\n", false},
		{"internal/plan", "plan", "Package plan plans.\n", false},
		{"internal/plan", "plan", "Package plan turns a pipeline into what a run does\n", false},
		{"cmd/hindcast", "main", "Package main is the program that runs.\n", false},
	}
	for _, c := range cases {
		if fault := commentFault(c.dir, c.name, c.text); (fault == "") != c.good {
			t.Errorf("%q: got fault %q, want good %t", c.text, fault, c.good)
		}
	}
}
