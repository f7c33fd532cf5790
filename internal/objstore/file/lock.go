package file

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// stripes is the number of lock files. Keys share them, which is harmless: a lock is held for microseconds.
const stripes = 64

// locks are flocks on a fixed set of files, striped by key: exact between processes, and dropped by the
// kernel when a process dies. The mutexes keep goroutines from blocking a thread each.
type locks struct {
	folder string
	slots  [stripes]struct {
		sync.Mutex
		file *os.File
	}
}

// lock waits for the key's lock and returns the function that releases it.
func (s *Store) lock(key string) (unlock func(), err error) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(key)) // never fails
	n := hash.Sum32() % stripes
	slot := &s.locks.slots[n]
	slot.Lock()

	for {
		if slot.file == nil {
			name := fmt.Sprintf("%02d", n)
			if slot.file, err = s.create(s.locks.folder, name, os.O_CREATE|os.O_RDWR); err != nil {
				slot.Unlock()
				return nil, err
			}
		}

		links, err := flock(slot.file)
		if err != nil {
			slot.Unlock()
			return nil, s.fail("locking", slot.file.Name(), err)
		}

		if links > 0 {
			return func() {
				_ = syscall.Flock(int(slot.file.Fd()), syscall.LOCK_UN) // cannot fail on a lock that we hold
				slot.Unlock()
			}, nil
		}

		// Somebody deleted the file, and others may by now lock a new one.
		_ = slot.file.Close()
		slot.file = nil
		s.forget(filepath.Clean(s.locks.folder))
	}
}

// flock locks the file and returns how many names it still has.
func flock(f *os.File) (links uint64, err error) {
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR { //nolint:errorlint // a bare errno, never wrapped
			break
		}
	}

	if err != nil {
		return 0, err
	}

	info, err := f.Stat()
	if err != nil {
		return 0, err
	}

	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1, nil
	}

	return uint64(stat.Nlink), nil //nolint:unconvert // its type differs between systems
}
