package house

import (
	"regexp"
	"testing"
)

// bytesIn is a number with a unit of bytes, as people read it. What is copied into a pipeline file has no space there.
var bytesIn = regexp.MustCompile(`%[0-9.]*[a-z] [KMGT]i?B\b`)

// Two figures of one screen can be compared only if their units are of one system: numbers.Size has it.
func TestBytesAreWrittenInOnePlace(t *testing.T) {
	for _, file := range goFiles(t) {
		if file.test || apart(file.dir) {
			continue
		}
		if found := bytesIn.FindString(readText(t, file.path)); found != "" {
			t.Errorf("%s writes bytes as %q; use numbers.Size", file.path, found)
		}
	}
}
