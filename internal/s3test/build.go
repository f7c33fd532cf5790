package s3test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"

	"github.com/hindcast/hindcast/internal/checkout"
)

// build returns the server's program, built into .tools/ if it is missing: once for all processes that ask.
var build = sync.OnceValues(func() (string, error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	module, version, err := pinned(filepath.Join(root, "test"))
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".tools", "versitygw@"+version)
	program := filepath.Join(folder, "versitygw")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(folder, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // which releases the lock
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("waiting for another build: %w", err)
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	cmd := exec.Command("go", "install", module+"@"+version)
	cmd.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s@%s: %w\n%s", module, version, err, out)
	}
	return program, nil
})

var pin = regexp.MustCompile(`(?m)^versitygw=(\S+)@(\S+)$`)

// pinned reads the version: ./test pins all tools in one place.
func pinned(script string) (module, version string, err error) {
	text, err := os.ReadFile(script)
	if err != nil {
		return "", "", err
	}

	match := pin.FindSubmatch(text)
	if match == nil {
		return "", "", fmt.Errorf("%s pins no versitygw", script)
	}

	return string(match[1]), string(match[2]), nil
}
