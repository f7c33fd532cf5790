package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
)

// broken is a stream whose use is a fault of the program.
type broken struct{}

func (broken) Write([]byte) (int, error) { panic("a fault") }

// A fault of hindcast itself has a code and an exit code of its own, and no other's.
func TestFaultsHaveAnExitCode(t *testing.T) {
	var said bytes.Buffer
	code := Main(context.Background(), []string{"version"}, nil, broken{}, &said)
	if code != hindcast.ExitInternal || !strings.HasPrefix(said.String(), "E-INTERNAL  hindcast failed: a fault\n") {
		t.Errorf("exit code %d, said %s", code, said.String())
	}
}

// What data holds cannot command a terminal.
func TestLinesOfDataAreHarmless(t *testing.T) {
	a := &app{}
	if got := a.plain("a\x1b]0;b\x07\nc"); got != "a?]0;b? c" {
		t.Errorf("%q", got)
	}
}
