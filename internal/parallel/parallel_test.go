package parallel_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/hindcast/hindcast/internal/parallel"
)

// Everything is done, also after an error, never more at once than asked for; the error is that of the lowest number.
func TestDo(t *testing.T) {
	for _, count := range []int{0, 1, 5, 100} {
		var done, now, most atomic.Int64
		err := parallel.Do(count, 4, func(n int) error {
			if at := now.Add(1); at > most.Load() {
				most.Store(at)
			}
			defer now.Add(-1)
			done.Add(1)
			if n%3 == 2 {
				return fmt.Errorf("number %d", n)
			}
			return nil
		})
		if int(done.Load()) != count || most.Load() > 4 {
			t.Errorf("of %d: %d done, %d at once", count, done.Load(), most.Load())
		}
		if want := count > 2; want != (err != nil) || want && err.Error() != "number 2" {
			t.Errorf("of %d: got %v", count, err)
		}
	}
}
