package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hindcast/hindcast"
)

// broken is a stream whose use is a fault of the program.
type broken struct{}

func (broken) Read([]byte) (int, error) { panic("a fault") }

// A fault of hindcast itself has a code and an exit code of its own, and no other's.
func TestFaultsHaveAnExitCode(t *testing.T) {
	var said bytes.Buffer
	code := Main(context.Background(), []string{"worker", "engine"}, broken{}, io.Discard, &said)
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

// A reader that does not read on holds up a run, and no run that is to stop.
func TestAReaderThatDoesNotReadIsNotWaitedForWithoutEnd(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = reader.Close(), writer.Close() }()
	o := newOutput(writer)
	text := bytes.Repeat([]byte("x"), 1<<20) // more than a pipe holds
	written := make(chan struct{})
	go func() {
		_, _ = o.Write(text)
		_, _ = o.Write(text)
		close(written)
	}()
	if _, err := io.ReadFull(reader, make([]byte, 1<<16)); err != nil {
		t.Fatal(err)
	}
	if o.hurry(time.Millisecond); !errors.Is(o.failure(), errUnread) {
		t.Errorf("the output says %v", o.failure())
	}
	<-written
}
