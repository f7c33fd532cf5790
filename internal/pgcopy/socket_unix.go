//go:build unix

package pgcopy

import (
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// waitMillis is how long a read waits in the kernel before it checks whether it is still wanted.
	waitMillis = 100
	// gather is how long a read lets data accumulate: a server sends 8 KB at a time, and waking up for each costs more
	// than the reading. A server with a core to itself sends 100 KB in that time, half of what the socket holds, so it
	// never waits. Small answers are not delayed.
	gather     = 500 * time.Microsecond
	smallBytes = 64 << 10
)

// socket reads a connection by plain system calls. DuckDB's threads are not Go's: parking them for the scheduler's
// poller and waking them again costs more than the reading.
type socket struct {
	raw  syscall.RawConn
	read int // bytes so far
}

// directly returns a reader of the socket itself, or the given reader if there is none (TLS).
func directly(conn net.Conn, from io.Reader) io.Reader {
	switch c := conn.(type) {
	case *net.UnixConn:
		if raw, err := c.SyscallConn(); err == nil {
			return &handover{from, socket{raw: raw}}
		}
	case *net.TCPConn:
		if raw, err := c.SyscallConn(); err == nil {
			return &handover{from, socket{raw: raw}}
		}
	}
	return from
}

// Read reads what is there; after a while without data it returns nothing.
func (s *socket) Read(p []byte) (n int, err error) {
	control := s.raw.Control(func(fd uintptr) {
		if n, err = unix.Read(int(fd), p); err != unix.EAGAIN {
			return
		}

		if s.read > smallBytes {
			pause := unix.NsecToTimespec(int64(gather))
			_ = unix.Nanosleep(&pause, nil)
			if n, err = unix.Read(int(fd), p); err != unix.EAGAIN {
				return
			}
		}

		if _, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, waitMillis); err == nil {
			n, err = unix.Read(int(fd), p)
		}
	})

	switch {
	case control != nil:
		return 0, control
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, nil
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}

	s.read += n
	return n, nil
}

// handover reads once from pgconn's own reader, which may have begun to read the answer in the background; the rest is
// read from the socket.
type handover struct {
	first io.Reader
	then  socket
}

func (h *handover) Read(p []byte) (int, error) {
	if h.first == nil {
		return h.then.Read(p)
	}
	n, err := h.first.Read(p)
	h.first = nil
	return n, err
}
