package preflight

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What a page leaves to whoever has an account is in the doctor's list, and the other way around.
func TestEveryOpenPointHasAProbe(t *testing.T) {
	var asked []string
	for _, page := range []struct{ file, from, to, item string }{
		{"guide/glue.md", "## What only an account can tell", "", `(?m)^- .*(\n  .*)*`},
		{"reference/redshift-stand-in.md", "## What is not known", "\n## ", `(?m)^\| [^-q|].*`},
		{"guide/aws.md", "**What only an account can tell.**", "\n\n## ", `(?m)^- .*(\n  .*)*`},
		{"guide/athena.md", "What only an account can tell:", "\n\n", `[^,]+`},
	} {
		body, err := os.ReadFile("../../docs/" + page.file)
		if err != nil {
			t.Fatal(err)
		}
		_, text, found := strings.Cut(string(body), page.from)
		if page.to != "" {
			text, _, _ = strings.Cut(text, page.to)
		}
		items := regexp.MustCompile(page.item).FindAllString(text, -1)
		if !found || len(items) < 4 {
			t.Fatalf("%s: %d open points", page.file, len(items))
		}
		if page.file == "guide/athena.md" {
			items = []string{text} // a sentence
		}
		asked = append(asked, items...)
	}

	used := make([]bool, len(asked))
	for _, p := range open {
		for _, phrase := range p.pages {
			found := false
			for i, item := range asked {
				if strings.Contains(strings.Join(strings.Fields(item), " "), phrase) {
					found, used[i] = true, true
				}
			}
			if !found {
				t.Errorf("no page says: %s", phrase)
			}
		}
	}
	for i, item := range asked {
		if !used[i] {
			t.Errorf("the doctor does not say how to find out: %s", item)
		}
	}
}
