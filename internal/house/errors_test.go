package house

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const errorsPage = "docs/reference/errors.md"

// sections splits a page at its third-level headings: text by heading.
func sections(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, part := range strings.Split("\n"+text, "\n### ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		heading = strings.Trim(strings.TrimSpace(heading), "`")
		if _, twice := found[heading]; twice {
			t.Errorf("%s is documented twice", heading)
		}

		found[heading] = body
	}

	return found
}

func TestEveryCodeIsDocumented(t *testing.T) {
	documented := sections(t, readText(t, errorsPage))
	known := map[string]bool{}
	for name, code := range constants(t, "codes.go", "Code") {
		if known[code] {
			t.Errorf("two constants have the code %s", code)
		}

		known[code] = true
		body, ok := documented[code]
		if !ok {
			t.Errorf("%s lacks %s (%s)", errorsPage, code, name)
			continue
		}

		for _, fault := range sectionFaults(body) {
			t.Errorf("%s, %s: %s", errorsPage, code, fault)
		}
	}

	for code := range documented {
		if !known[code] {
			t.Errorf("%s lists %s, which is not a code", errorsPage, code)
		}
	}
}

var (
	classLine = regexp.MustCompile(`(?m)^- \*\*Class:\*\* (\w+)`)
	exitLine  = regexp.MustCompile(`(?m)^- \*\*Exit:\*\* ([1-6]|70)\b`)
	nextLine  = regexp.MustCompile(`(?m)^- \*\*Next:\*\* \S+ \S+`)
)

// sectionFaults returns what the text of one code lacks.
func sectionFaults(body string) []string {
	var faults []string
	class := classLine.FindStringSubmatch(body)
	if class == nil || !slices.Contains([]string{"permanent", "transient", "resource", "check", "canceled"}, class[1]) {
		faults = append(faults, "no class")
	}
	if !exitLine.MatchString(body) {
		faults = append(faults, "no exit code")
	}
	if !nextLine.MatchString(body) {
		faults = append(faults, "no next step")
	}

	meaning, _, _ := strings.Cut(body, "\n- **")
	if len(strings.Fields(meaning)) < 8 {
		faults = append(faults, "no meaning")
	}

	return faults
}

func TestSectionFaults(t *testing.T) {
	const good = "\nThe file that you named cannot be found anywhere.\n\n- **Class:** permanent\n- **Exit:** 1, in a run 2\n" +
		"- **Next:** look for it.\n"
	if faults := sectionFaults(good); len(faults) != 0 {
		t.Errorf("got %v for a good section", faults)
	}

	for _, broken := range []string{"permanent", "1, in", "**Next:**", "The file that you named cannot be found"} {
		if faults := sectionFaults(strings.Replace(good, broken, "", 1)); len(faults) == 0 {
			t.Errorf("nothing is wrong without %q", broken)
		}
	}
}

func TestEveryCodeIsUsed(t *testing.T) {
	unused := constants(t, "codes.go", "Code")
	for _, file := range goFiles(t) {
		if file.test || file.path == "codes.go" {
			continue
		}
		ast.Inspect(file.ast, func(node ast.Node) bool {
			if name, ok := node.(*ast.Ident); ok {
				delete(unused, name.Name)
			}
			return true
		})
	}

	for name, code := range unused {
		t.Errorf("%s (%s) is used nowhere: an error that cannot occur needs no page", name, code)
	}
}
