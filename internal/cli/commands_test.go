package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const commandsPage = "../../docs/reference/commands.md"

// The page of commands is what --help prints; -update writes it.
func TestCommandsPageIsWhatHelpPrints(t *testing.T) {
	var page bytes.Buffer
	page.WriteString("# Commands\n\nWritten by `go test ./internal/cli -run TestCommandsPage -update` from what `--help` prints.\n")
	root := (&app{out: &page, err: &page}).root()
	section(t, &page, root)
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "completion" && c.Name() != "help" {
			if c.Example == "" {
				t.Errorf("%s has no example", c.Name())
			}
			section(t, &page, c)
		}
	}
	if *update {
		if err := os.WriteFile(commandsPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	was, err := os.ReadFile(commandsPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(was, page.Bytes()) {
		t.Error("docs/reference/commands.md is not what --help prints: run this test with -update")
	}
}

func section(t *testing.T, page *bytes.Buffer, c *cobra.Command) {
	t.Helper()
	var help bytes.Buffer
	c.SetOut(&help)
	if err := c.Help(); err != nil {
		t.Fatal(err)
	}
	page.WriteString("\n## " + c.CommandPath() + "\n\n```\n" + strings.TrimRight(help.String(), "\n") + "\n```\n")
}
