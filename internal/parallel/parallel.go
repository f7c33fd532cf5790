// Package parallel does many small things side by side. What each of them is, and how many the machine or the network takes, is
// the caller's matter.
package parallel

import (
	"maps"
	"slices"
	"sync"
)

// Do calls do for 0 to count-1, at most width at a time, and returns the first error by number: which one that is does not
// depend on what finishes first.
func Do(count, width int, do func(n int) error) error {
	errs := make(map[int]error)
	var mu sync.Mutex
	var group sync.WaitGroup
	tickets := make(chan int)
	for range min(width, count) {
		group.Go(func() {
			for n := range tickets {
				if err := do(n); err != nil {
					mu.Lock()
					errs[n] = err
					mu.Unlock()
				}
			}
		})
	}

	for n := range count {
		tickets <- n
	}
	close(tickets)
	group.Wait()

	if len(errs) == 0 {
		return nil
	}
	return errs[slices.Min(slices.Collect(maps.Keys(errs)))]
}
