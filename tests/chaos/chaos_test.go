package chaos_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/hindcast/hindcast/internal/cli"
)

// mark is in the environment of every process of a trial, and of no others: it identifies the processes, and tells the
// test binary to act as hindcast.
const mark = "HINDCAST_CHAOS_TRIAL"

func TestMain(m *testing.M) {
	if os.Getenv(mark) != "" {
		if name := os.Getenv(hostname); name != "" {
			if err := rename(name); err != nil {
				panic(err)
			}
		}
		os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

var (
	seedFlag  = flag.Uint64("chaos.seed", 0, "the seed of the first trial; alone, without -chaos.kills and -chaos.seeds, of the only one")
	atOnce    = flag.Int("chaos.at-once", 2, "trials in parallel: each spends much of its time waiting")
	killsFlag = flag.Int("chaos.kills", 0, "TestChaos: go on until this many processes were killed (default 16)")
	seedsFlag = flag.Int("chaos.seeds", 0, "TestMachines: number of trials (default 5)")
)

// enough is how many failed trials end the test.
const enough = 5

// TestChaos is trial after trial of the embedded default, each with a seed of its own. The short form is part of every
// test run. The long form:
//
//	go test ./tests/chaos -run TestChaos -chaos.kills 1000 -timeout 80m -v
//
// A seed repeats a trial's choices and its instants, as parts of an undisturbed run; what exactly each process has
// done by then is up to the machine.
func TestChaos(t *testing.T) {
	worlds := prepare(t, newEmbedded(t, t.TempDir()))
	tally := newTally()
	tally.kills = cmp.Or(*killsFlag, 16)
	var zombie sync.WaitGroup
	zombie.Go(func() {
		t.Run("zombie", func(t *testing.T) { newTrial(t, worlds, tally, cmp.Or(*seedFlag, 1), 0).zombie() })
	})
	trials(t, worlds, tally, *seedFlag != 0 && *killsFlag == 0, (*trial).run)
	zombie.Wait()
	t.Log(tally)
}

// TestMachines is TestChaos for PostgreSQL and S3, with two machines that share nothing else: the run is gone on with on
// either, sessions are ended and PostgreSQL dies in the middle, S3 fails, and a machine that was suspended wakes up when
// another has taken its run over. The long form:
//
//	go test ./tests/chaos -run TestMachines -chaos.seeds 1000 -chaos.at-once 4 -timeout 180m -v
func TestMachines(t *testing.T) {
	s := newRemote(t, t.TempDir())
	worlds := prepare(t, s)
	s.share(t)
	tally := newTally()
	tally.seeds = cmp.Or(*seedsFlag, 5)
	trials(t, worlds, tally, *seedFlag != 0 && *seedsFlag == 0, (*trial).run)
	t.Log(tally)
}

// trials makes trials until the tally has enough, or one if the seed stands alone.
func trials(t *testing.T, worlds map[string]*world, tally *tally, alone bool, do func(*trial)) {
	seed := cmp.Or(*seedFlag, tally.first, rand.Uint64N(1_000_000_000)*1_000+1)
	var workers sync.WaitGroup
	for slot := range *atOnce {
		workers.Go(func() {
			for {
				trial, more := tally.next()
				if !more || alone && trial > 0 {
					return
				}

				one, ran := seed+uint64(trial), false
				t.Run(fmt.Sprintf("seed=%d", one), func(t *testing.T) {
					ran = true
					do(newTrial(t, worlds, tally, one, slot))
				})

				if !ran { // -run excludes it
					return
				}
			}
		})
	}

	workers.Wait()
}
