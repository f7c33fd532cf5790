package pythontest

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

var running = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// Moto starts moto's server, which answers as Amazon's Data Catalog does, without its limits, and as Athena does, which runs no
// statement there. It returns the server's URL.
func Moto(t testing.TB) (endpoint string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), Python(t, "aws"), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0")
	command.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	said, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = command.Process.Kill(), command.Wait() })

	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if found := running.FindStringSubmatch(lines.Text()); found != nil {
			go func() {
				for lines.Scan() { // it goes on to say something, and would wait for a reader
				}
			}()
			return found[1]
		}
	}
	t.Fatalf("moto's server does not start: %v", lines.Err())
	return ""
}
