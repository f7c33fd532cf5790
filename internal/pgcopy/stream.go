package pgcopy

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	bufferSize  = 256 << 10 // a buffer of the wire, which fits the processor's cache
	bufferCount = 4         // of one stream
)

// buffer holds whole CopyData messages. Its memory is outside Go's, because DuckDB's strings refer to it.
type buffer struct {
	memory []byte
	data   []byte // what of the memory is messages
}

// stream reads the answer to one COPY TO STDOUT, ahead of who decodes it.
type stream struct {
	from io.Reader
	full chan *buffer  // closed at the end
	free chan *buffer  //
	quit chan struct{} // closed by abort: the rest is thrown away
	once sync.Once
	over atomic.Bool // pump has ended, or is about to
	err  error       // the server's, or the connection's; to be read when full is closed
	idle bool        // the answer was read to its end; to be read when full is closed
}

func newStream(from io.Reader) *stream {
	s := &stream{from: from, full: make(chan *buffer, bufferCount), free: make(chan *buffer, bufferCount), quit: make(chan struct{})}
	for range bufferCount {
		s.free <- &buffer{}
	}
	go s.pump()
	return s
}

// next returns the next buffer; it is to be given back by release. io.EOF is the answer's end.
func (s *stream) next(ctx context.Context) (*buffer, error) {
	select {
	case b, ok := <-s.full:
		switch {
		case ok:
			return b, nil
		case s.err != nil:
			return nil, s.err
		}
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *stream) release(b *buffer) {
	if len(b.memory) > bufferSize { // one huge row does not keep its memory
		b.dispose()
	}
	s.free <- b
}

func (b *buffer) dispose() {
	free(b.memory)
	b.memory, b.data = nil, nil
}

// reserve gives the buffer room for n bytes; what it holds is lost.
func (b *buffer) reserve(n int) {
	if len(b.memory) < n {
		free(b.memory)
		b.memory = allocate(max(n, bufferSize))
	}
}

// close waits for the answer's end, throws away what is left of it and frees the memory. Buffers that were not
// released must not be used any more.
func (s *stream) close(held *buffer) {
	s.once.Do(func() { close(s.quit) })
	for b := range s.full {
		b.dispose()
	}
	if held != nil {
		held.dispose()
	}
	for {
		select {
		case b := <-s.free:
			b.dispose()
		default:
			return
		}
	}
}

// pump reads the answer into buffers of whole messages.
func (s *stream) pump() {
	defer close(s.full)
	r := &reading{from: s.from, buffer: s.take()}
	r.buffer.reserve(bufferSize)
	for {
		ended, err := r.fill()
		if r.server != nil {
			err = r.server
		}
		if ended || err != nil {
			s.err, s.idle = err, ended
			s.over.Store(true)
			s.deliver(r.buffer)
			return
		}
		next := s.take()
		rest := r.buffer.memory[r.whole:r.filled]
		next.reserve(max(bufferSize, r.needed))
		copy(next.memory, rest)
		s.deliver(r.buffer)
		r.buffer, r.filled, r.whole = next, len(rest), 0
	}
}

// take returns a free buffer, or one of its own when the stream is given up.
func (s *stream) take() *buffer {
	select {
	case b := <-s.free:
		return b
	case <-s.quit:
		return &buffer{}
	}
}

// deliver hands a buffer over, or disposes of it when the stream is given up.
func (s *stream) deliver(b *buffer) {
	select {
	case <-s.quit:
		b.dispose()
		return
	default:
	}
	select {
	case s.full <- b:
	case <-s.quit:
		b.dispose()
	}
}

// reading is the state of a stream's buffer while it is filled.
type reading struct {
	from   io.Reader
	buffer *buffer
	filled int   // bytes read into the buffer
	whole  int   // of them, how many are whole CopyData messages
	needed int   // what the next message needs, if it is longer than a buffer
	server error // what the server has said
}

// fill reads until the buffer is full of whole messages; ended says that the server waits for the next query.
func (r *reading) fill() (ended bool, err error) {
	r.needed = 0
	for {
		if ended, err = r.messages(); ended && err == nil {
			err = r.settle()
		}
		if ended || err != nil {
			break
		}
		if r.filled == len(r.buffer.memory) {
			break
		}
		var n int
		n, err = r.from.Read(r.buffer.memory[r.filled:])
		r.filled += n
		if err != nil && n == 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			break
		}
	}
	r.buffer.data = r.buffer.memory[:r.whole]
	return ended, err
}

// messages walks over the messages that are in the buffer, and takes out what is not CopyData.
func (r *reading) messages() (ended bool, err error) {
	for r.filled-r.whole >= frameHead {
		head := r.buffer.memory[r.whole:r.filled]
		length := binary.BigEndian.Uint32(head[1:])
		if length < 4 || length > maxMessage {
			return false, corrupt(fmt.Sprintf("a message has the length %d", length))
		}
		size := 1 + int(length)
		if size > len(head) {
			r.needed = size
			return false, nil
		}
		if head[0] == 'd' {
			r.whole += size
			continue
		}
		ended, err = r.control(head[0], head[frameHead:size])
		r.filled -= size
		copy(head, head[size:])
		if ended || err != nil {
			return ended, err
		}
	}
	return false, nil
}

// settle reads what follows the answer to the end of its message: a notification that came right behind it must
// not be cut in two.
func (r *reading) settle() error {
	rest := r.buffer.memory[r.whole:r.filled]
	r.filled = r.whole
	for len(rest) > 0 {
		head := make([]byte, frameHead)
		n := copy(head, rest)
		if _, err := io.ReadFull(r.from, head[n:]); err != nil {
			return err
		}
		body := int64(binary.BigEndian.Uint32(head[1:])) - 4
		have := int64(len(rest) - n)
		if body > have {
			_, err := io.CopyN(io.Discard, r.from, body-have)
			return err
		}
		rest = rest[n+int(max(body, 0)):]
	}
	return nil
}

// maxMessage is more than any row that PostgreSQL can send.
const maxMessage = 1<<30 + 1<<20

// control handles a message that is no row.
func (r *reading) control(kind byte, body []byte) (ended bool, err error) {
	switch kind {
	case 'Z':
		return true, nil
	case 'E':
		var said pgproto3.ErrorResponse
		if err := said.Decode(bytes.Clone(body)); err != nil {
			return false, corrupt("its error has no form")
		}
		r.server = pgconn.ErrorResponseToPgError(&said)
	case 'H', 'c', 'C', 'N', 'S', 'A': // COPY's beginning and end; notices, settings and notifications
	default:
		return false, corrupt(fmt.Sprintf("a message of type %q", kind))
	}
	return false, nil
}

// begin sends a source's COPY.
func (s Source) begin(ctx context.Context) (*stream, error) {
	from, err := readerOf(ctx, s.Conn)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.Conn.Frontend().SendQuery(&pgproto3.Query{String: s.SQL})
	if err := s.Conn.Frontend().Flush(); err != nil {
		s.drop()
		return nil, err
	}
	return newStream(from), nil
}

// abortGrace is how long a server may take to end a COPY that it was asked to cancel, before its connection is
// closed instead.
const abortGrace = 5 * time.Second

// end leaves the connection idle, or closed where that fails. A COPY that has not ended is canceled.
func (s Source) end(read *stream, held *buffer) {
	canceled := !read.over.Load()
	if canceled {
		ctx, cancel := context.WithTimeout(context.Background(), abortGrace)
		defer cancel()
		_ = s.Conn.Conn().SetReadDeadline(time.Now().Add(2 * abortGrace))
		_ = s.Conn.CancelRequest(ctx)
	}
	read.close(held)
	if !read.idle {
		s.drop()
		return
	}
	if canceled {
		_ = s.Conn.Conn().SetReadDeadline(time.Time{})
	}
	if read.err != nil { // pgconn learns from the next answer that the transaction has failed
		_, _ = s.Conn.Exec(context.Background(), "").ReadAll()
	}
}

// drop closes the connection without a word to the server, which may not listen.
func (s Source) drop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Conn.Close(ctx)
}
