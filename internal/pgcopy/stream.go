package pgcopy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// bufferSize is how much of the wire is read at a time; it fits the processor's cache. The server fills the socket's
// own buffer in the meantime.
const bufferSize = 256 << 10

// stream reads the answer to one COPY TO STDOUT. Its memory is outside the Go heap, because DuckDB's strings refer to
// it.
type stream struct {
	from   io.Reader
	memory []byte
	whole  int    // bytes at the front that are whole CopyData messages
	filled int    // bytes that were read
	needed int    // length of the message after the whole ones, as far as known
	server error  // the server's error
	idle   bool   // the answer was read to its end: the server waits for the next query
	detach func() // stops the context from interrupting
}

func newStream(from io.Reader) *stream { return &stream{from: from, memory: allocate(bufferSize)} }

func (s *stream) close() {
	free(s.memory)
	s.memory = nil
}

// next returns more whole CopyData messages, with their headers; what it returned before is invalid. io.EOF is the
// answer's end.
func (s *stream) next(ctx context.Context) ([]byte, error) {
	if s.idle {
		return nil, s.end()
	}

	s.makeRoom()
	for {
		ended, err := s.messages()
		if err == nil && ended {
			err = cutOff(s.drain())
			s.idle = err == nil
		}

		switch {
		case err != nil:
			return nil, s.said(err)
		case s.whole > 0 && (ended || s.filled == len(s.memory)):
			return s.memory[:s.whole], nil
		case ended:
			return nil, s.end()
		case s.filled == len(s.memory): // one message is longer than the memory
			s.makeRoom()
		}

		if err := s.read(ctx); err != nil {
			return nil, s.said(err)
		}
	}
}

// end is the outcome of the whole answer.
func (s *stream) end() error {
	if s.server != nil {
		return s.server
	}
	return io.EOF
}

// said prefers the server's error to how its connection then ended.
func (s *stream) said(err error) error {
	if s.server != nil {
		return s.server
	}
	return err
}

// makeRoom moves the incomplete message to the front, into memory that is large enough for it.
func (s *stream) makeRoom() {
	rest := s.memory[s.whole:s.filled]
	if size := max(bufferSize, s.needed); size != len(s.memory) {
		old := s.memory
		s.memory = allocate(size)
		copy(s.memory, rest)
		free(old)
	} else {
		copy(s.memory, rest)
	}

	s.whole, s.filled, s.needed = 0, len(rest), 0
}

// read reads what is there, at least one byte.
func (s *stream) read(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.from.Read(s.memory[s.filled:])
		s.filled += n
		switch {
		case n > 0:
			return nil
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return cutOff(err)
		}
	}
}

// cutOff turns a closed connection into an error that cannot be mistaken for the answer's end.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// messages walks over the messages that have arrived, and takes out all but CopyData.
func (s *stream) messages() (ended bool, err error) {
	for s.filled-s.whole >= frameHead {
		head := s.memory[s.whole:s.filled]
		length := binary.BigEndian.Uint32(head[1:])
		if length < 4 || length > maxMessage {
			return false, corrupt(fmt.Sprintf("a message has the length %d", length))
		}

		size := 1 + int(length)
		if size > len(head) {
			s.needed = size
			return false, nil
		}

		if head[0] == 'd' {
			s.whole += size
			continue
		}

		ended, err = s.control(head[0], head[frameHead:size])
		s.filled -= size
		copy(head, head[size:])

		if ended || err != nil {
			return ended, err
		}
	}
	return false, nil
}

// maxMessage is more than any row that PostgreSQL can send.
const maxMessage = 1<<30 + 1<<20

// control handles a message that is not a row.
func (s *stream) control(kind byte, body []byte) (ended bool, err error) {
	switch kind {
	case 'Z':
		return true, nil
	case 'E':
		var said pgproto3.ErrorResponse
		if err := said.Decode(bytes.Clone(body)); err != nil {
			return false, corrupt("its error message is malformed")
		}
		s.server = pgconn.ErrorResponseToPgError(&said)
	case 'H', 'c', 'C', 'N', 'S', 'A': // COPY's beginning and end; notices, settings and notifications
	default:
		return false, corrupt(fmt.Sprintf("a message of type %q", kind))
	}
	return false, nil
}

// drain reads what follows the answer to the end of its message: a notification right after it must not be cut in two.
func (s *stream) drain() error {
	rest := s.memory[s.whole:s.filled]
	s.filled = s.whole
	for len(rest) > 0 {
		head := make([]byte, frameHead)
		n := copy(head, rest)
		if _, err := io.ReadFull(s.from, head[n:]); err != nil {
			return err
		}

		body := int64(binary.BigEndian.Uint32(head[1:])) - 4
		have := int64(len(rest) - n)
		if body > have {
			_, err := io.CopyN(io.Discard, s.from, body-have)
			return err
		}

		rest = rest[n+int(max(body, 0)):]
	}

	return nil
}

// begin sends a COPY. The end of the context interrupts waiting for the answer.
func begin(ctx context.Context, conn *pgconn.PgConn, sql string) (*stream, error) {
	from, err := readerOf(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}

	conn.Frontend().SendQuery(&pgproto3.Query{String: sql})
	if err := conn.Frontend().Flush(); err != nil {
		drop(conn)
		return nil, err
	}

	read := newStream(from)
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = conn.Conn().SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	read.detach = func() {
		if !stop() {
			<-interrupted
		}
	}

	return read, nil
}

// abortGrace is how long a server may take to end a COPY that it was asked to cancel, before its connection is
// closed instead.
const abortGrace = 10 * time.Second

// end leaves the connection idle, or closed if that fails. An unfinished COPY is cancelled.
func end(conn *pgconn.PgConn, read *stream) {
	defer read.close()
	read.detach()
	if !read.idle {
		ctx, cancel := context.WithTimeout(context.Background(), abortGrace)
		defer cancel()
		_ = conn.Conn().SetReadDeadline(time.Now().Add(abortGrace))
		ended := make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() { cancelUntil(ctx, conn, ended) })

		for err := error(nil); err == nil; {
			_, err = read.next(ctx)
		}

		close(ended)
		asking.Wait() // no request may hit the next statement
	}

	if !read.idle {
		drop(conn)
		return
	}

	_ = conn.Conn().SetReadDeadline(time.Time{})
	if read.server != nil { // pgconn learns from the next answer that the transaction has failed
		_, _ = conn.Exec(context.Background(), "").ReadAll()
	}
}

// askAgain is how long a cancelled statement may go on before it is cancelled again: the server ignores a request that
// arrives before the statement has begun.
const askAgain = time.Second

// cancelUntil cancels what the server does for the connection, until that has ended.
func cancelUntil(ctx context.Context, conn *pgconn.PgConn, ended <-chan struct{}) {
	for {
		_ = conn.CancelRequest(ctx)
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-time.After(askAgain):
		}
	}
}

// drop closes the connection without notifying the server, which may not be listening.
func drop(conn *pgconn.PgConn) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = conn.Close(ctx)
}
