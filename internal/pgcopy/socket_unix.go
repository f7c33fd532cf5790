//go:build unix

package pgcopy

import (
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// waitMillis is how long a read waits in the kernel before it looks whether it is still wanted.
const waitMillis = 100

// socket reads a connection by plain system calls. DuckDB's threads are not Go's: to park them for the scheduler's
// poller and wake them again for every few kilobytes costs more than the reading.
type socket struct{ raw syscall.RawConn }

// directly returns a reader of the socket itself, or the reader where there is none (TLS).
func directly(conn net.Conn, from io.Reader) io.Reader {
	switch c := conn.(type) {
	case *net.UnixConn:
		if raw, err := c.SyscallConn(); err == nil {
			return &handover{from, socket{raw}}
		}
	case *net.TCPConn:
		if raw, err := c.SyscallConn(); err == nil {
			return &handover{from, socket{raw}}
		}
	}
	return from
}

// Read reads what there is; it returns nothing when it has waited for a while.
func (s socket) Read(p []byte) (n int, err error) {
	control := s.raw.Control(func(fd uintptr) {
		if n, err = unix.Read(int(fd), p); err == unix.EAGAIN {
			_, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, waitMillis)
			if err == nil {
				n, err = unix.Read(int(fd), p)
			}
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
	return n, nil
}

// handover reads once from pgconn's own reader, which may have begun to read the answer in the background; what
// follows is read from the socket.
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
