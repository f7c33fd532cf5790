package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/supervisor"
)

// stopSignals are the signals that ask for an end. One that is ignored stays so: `nohup hindcast run` outlives its terminal.
func stopSignals() []os.Signal {
	list := []os.Signal{syscall.SIGTERM, syscall.SIGQUIT}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// interruptible is a context that the first signal ends, so that a command cleans up behind itself; the second one ends
// the program as it is. While deaf is true signals are somebody else's.
func interruptible(ctx context.Context, deaf *atomic.Bool) context.Context {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that is gone is an error of writing, and not our end
	ctx, cancel := context.WithCancel(ctx)
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, stopSignals()...)
	go func() {
		for range caught {
			switch {
			case deaf.Load():
			case ctx.Err() != nil:
				os.Exit(hindcast.ExitStopped)
			default:
				cancel()
			}
		}
	}()
	return ctx
}

// signals turns signals into requests: the first stops gracefully, the second at once, as SIGQUIT does.
func signals() (<-chan supervisor.StopRequest, func()) {
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, stopSignals()...)
	stop := make(chan supervisor.StopRequest)
	quit := make(chan struct{})
	go func() {
		count := 0
		for {
			select {
			case s := <-caught:
				count++
				select {
				case stop <- supervisor.StopRequest{By: signalName(s), Now: count > 1 || s == syscall.SIGQUIT}:
				case <-quit:
					return
				}
			case <-quit:
				return
			}
		}
	}()
	return stop, func() { signal.Stop(caught); close(quit) }
}

func signalName(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "Ctrl-C"
	case syscall.SIGHUP:
		return "SIGHUP"
	case syscall.SIGQUIT:
		return "SIGQUIT"
	}
	return "SIGTERM"
}

// abortOnFaults has a fault that nothing can recover from end the program by SIGABRT: Go's own exit code for it is 2, which
// is that of a slice that failed for good. What was in memory, passwords among it, is not written into a core file, unless
// GOTRACEBACK=crash asks for one.
func abortOnFaults() {
	debug.SetTraceback("crash")
	if os.Getenv("GOTRACEBACK") == "crash" {
		return
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
}
