package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/hindcast/hindcast/internal/cli"
)

// mark is in the environment of every process of a trial, and of nobody else: by it a process is found, and by
// it the test binary knows that it is to be hindcast.
const mark = "HINDCAST_CHAOS_TRIAL"

func TestMain(m *testing.M) {
	if os.Getenv(mark) != "" {
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

var (
	seedFlag  = flag.Uint64("chaos.seed", 0, "the seed of the first trial; alone, without -chaos.kills, of the only one")
	killsFlag = flag.Int("chaos.kills", 0, "go on until so many processes were killed (default 16)")
)

const (
	shortForm = 16 // kills in every test run
	atOnce    = 2  // trials
	enough    = 5  // failed trials
)

// TestChaos is trial after trial, each with a seed of its own. The short form is part of every test run. The
// long form:
//
//	go test ./tests/chaos -run TestChaos -chaos.kills 1000 -timeout 80m -v
//
// A seed repeats a trial's choices and its instants, as parts of an undisturbed run; what exactly each process has
// done by then is up to the machine.
func TestChaos(t *testing.T) {
	seed, kills := *seedFlag, *killsFlag
	alone := seed != 0 && kills == 0
	if seed == 0 {
		seed = rand.Uint64N(1_000_000_000)*1_000 + 1
	}
	if kills == 0 {
		kills = shortForm
	}
	prepared := prepare(t)
	tally := newTally(kills)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for {
				trial, more := tally.next()
				if !more || alone && trial > 0 {
					return
				}
				one, ran := seed+uint64(trial), false
				t.Run(fmt.Sprintf("seed=%d", one), func(t *testing.T) {
					ran = true
					newTrial(t, prepared, tally, one).run()
				})
				if !ran { // -run asks for something else
					return
				}
			}
		})
	}
	workers.Go(func() {
		t.Run("zombie", func(t *testing.T) { newTrial(t, prepared, tally, seed).zombie() })
	})
	workers.Wait()
	t.Log(tally)
}
