package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/hindcast/hindcast/internal/supervisor"
)

// interruptible is a context that Ctrl-C or SIGTERM ends, so that a command cleans up behind itself; the second
// one ends the program as it is.
func interruptible(ctx context.Context) context.Context {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// signals turns Ctrl-C and SIGTERM into requests: the first stops in good order, the second at once.
func signals() (<-chan supervisor.StopRequest, func()) {
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	stop := make(chan supervisor.StopRequest)
	quit := make(chan struct{})
	go func() {
		count := 0
		for {
			select {
			case s := <-caught:
				count++
				select {
				case stop <- supervisor.StopRequest{By: signalName(s), Now: count > 1}:
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
	if s == os.Interrupt {
		return "Ctrl-C"
	}
	return "SIGTERM"
}
