package house

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	pageLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageMention = regexp.MustCompile(`\bdocs/[a-z/_-]+\.(?:md|json)\b`)
	codeBlock   = regexp.MustCompile("(?s)\n *```.*?\n *```")
)

// TestPagesThatAreNamedAreThere follows the links between pages, and the references in comments.
func TestPagesThatAreNamedAreThere(t *testing.T) {
	err := walk(func(file string) error {
		switch {
		case strings.HasSuffix(file, ".md"):
			for _, target := range links(readText(t, file)) {
				mustExist(t, file, path.Join(path.Dir(file), target))
			}
		case strings.HasSuffix(file, ".go"):
			for _, target := range pageMention.FindAllString(readText(t, file), -1) {
				mustExist(t, file, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustExist(t *testing.T, from, target string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, target)); err != nil {
		t.Errorf("%s points to %s, which does not exist", from, target)
	}
}

// links returns the targets of a page's links to files of this repository, without their fragments.
func links(page string) []string {
	var targets []string
	for _, match := range pageLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		target, _, _ := strings.Cut(match[1], "#")
		if target != "" && !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") {
			targets = append(targets, target)
		}
	}

	return targets
}

func TestLinks(t *testing.T) {
	page := "See [a](a.md#x), [b](https://example.org/b.md), [c](#here), ![d](../d.svg).\n```\n[e](e.md)\n```\n[f](f/g.md)\n"
	if got := strings.Join(links(page), " "); got != "a.md ../d.svg f/g.md" {
		t.Errorf("got %q", got)
	}
}
