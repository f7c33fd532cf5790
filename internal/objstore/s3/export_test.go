package s3

import (
	"testing"
	"time"
)

// Hasten makes the waits between tries short, for tests.
func Hasten() { shortest = time.Millisecond }

// CloneInParts has larger objects copied in parts of that size, until the test ends.
func CloneInParts(t testing.TB, whole, part int64) {
	wasWhole, wasPart := cloneWhole, clonePart
	cloneWhole, clonePart = whole, part
	t.Cleanup(func() { cloneWhole, clonePart = wasWhole, wasPart })
}
