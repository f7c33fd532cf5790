// Package driverstest lets test binaries be the workers of what their tests open.
package driverstest

import (
	"os"
	"testing"

	"github.com/hindcast/hindcast/internal/drivers"
)

// Main is the TestMain of a package whose tests open warehouses or engines by package drivers: the workers are the test
// binary itself, started again.
func Main(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "worker" {
		if err := drivers.ServeWorker(os.Args[2], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
