package cli

import (
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/screen"
	"github.com/hindcast/hindcast/internal/verify"
)

// What verify prints fits the terminal, and loses no word there.
func TestWhatWasComparedFitsTheTerminal(t *testing.T) {
	r := &verify.Result{Units: 1500, Files: 1500, Slices: 1500, Rows: 2_000_000,
		Findings: []verify.Finding{{What: "target", Name: "monthly", Label: "2024-02", Next: "hindcast run --slices 2024-02",
			Text: "the rows are not those that r1 committed: v sums to 99, 20 before; w sums to 1234567, 7654321 before"}},
		Notes: []string{"rows and the sums of exact numbers were compared with the source; texts and other values were not: verify --deep"}}
	whole := comparedText(r, screen.Options{File: "pipelines/every-store/monthly.yml"})
	wrapped := comparedText(r, screen.Options{File: "pipelines/every-store/monthly.yml", Width: 80})
	for line := range strings.Lines(wrapped) {
		if len(line) > len("\n")+80 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	if strings.Join(strings.Fields(wrapped), " ") != strings.Join(strings.Fields(whole), " ") {
		t.Errorf("got\n%swant the words of\n%s", wrapped, whole)
	}
	if lines := strings.Count(whole, "\n"); lines != 4 || strings.Count(wrapped, "\n") <= lines || !strings.HasPrefix(whole, "verified 1,500 units at the source (2,000,000 rows), 1,500 files, 1,500 slices of the target\n") {
		t.Errorf("got\n%s", whole)
	}
}
