package cache

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// errBusy means that a lock was not released in time.
var errBusy = errors.New("another process holds the cache's lock")

// lock takes a flock, waiting until ctx or patience ends. After an error the file is closed, or will be once the kernel
// lets go of it.
func lock(ctx context.Context, f *os.File, how int, patience time.Duration) error {
	err := flock(f, how|syscall.LOCK_NB)
	if err == nil {
		return nil
	}

	if !errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close() // it was not locked
		return err
	}

	got, left := make(chan error), make(chan struct{})
	go func() {
		err := flock(f, how)
		select {
		case got <- err:
		case <-left:
			_ = f.Close() // which releases the lock
		}
	}()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err = <-got:
		if err != nil {
			_ = f.Close() // it was not locked
		}
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errBusy
	}

	close(left)
	return err
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// isAt reports whether the open file is the one that has this name now.
func isAt(f *os.File, path string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}

// allocated is what a file takes on disk in bytes: holes take nothing.
func allocated(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}
