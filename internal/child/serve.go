package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"github.com/hindcast/hindcast"
)

// Handler answers one call. ctx ends when the caller cancels.
type Handler func(ctx context.Context, params json.RawMessage) (any, error)

// Handle makes a Handler of a function with decoded parameters.
func Handle[P, R any](f func(context.Context, P) (R, error)) Handler {
	return func(ctx context.Context, params json.RawMessage) (any, error) {
		var p P
		if err := json.Unmarshal(params, &p); err != nil {
			return nil, fmt.Errorf("decoding parameters: %w", err)
		}

		return f(ctx, p)
	}
}

// last marks an error after which the process is unusable.
type last struct{ error }

func (l last) Unwrap() error { return l.error }

// Last returns an error for a Handler that the caller gets like any other, and after which the process ends: its parent
// starts another.
func Last(err error) error { return last{err} }

// Serve answers calls, in parallel, until in ends: the parent has let go, or is dead. Calls in progress are then
// abandoned; the caller of Serve is expected to exit.
func Serve(in io.Reader, out io.Writer, handlers map[string]Handler) error {
	s := &server{out: out, handlers: handlers, cancels: map[int64]context.CancelFunc{}}
	lines := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading calls: %w", err)
		}

		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			return fmt.Errorf("decoding a call: %w", err)
		}

		if m.Env != nil {
			take(m.Env)
			continue
		}

		s.take(m)
	}
}

type server struct {
	handlers map[string]Handler
	write    sync.Mutex // held while an answer is written to out; never together with mutex, or a full pipe would block calls too
	out      io.Writer
	mutex    sync.Mutex // guards what follows
	cancels  map[int64]context.CancelFunc
}

func (s *server) take(m message) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if m.Cancel {
		if cancel := s.cancels[m.ID]; cancel != nil {
			cancel()
		}
		return
	}

	ctx, cancel := context.WithCancel(context.Background())
	s.cancels[m.ID] = cancel
	go s.answer(ctx, m)
}

func (s *server) answer(ctx context.Context, m message) {
	reply := message{ID: m.ID}
	result, err := s.call(ctx, m)
	if err == nil {
		reply.Result, err = json.Marshal(result)
	}
	if err != nil {
		reply.Error = hindcast.AsError(err)
	}

	_, reply.Last = errors.AsType[last](err)
	line := encoded(reply)

	s.mutex.Lock()
	s.cancels[m.ID]()
	delete(s.cancels, m.ID)
	s.mutex.Unlock()
	s.write.Lock()
	_, _ = s.out.Write(append(line, '\n'))
	s.write.Unlock()

	if reply.Last {
		os.Exit(1)
	}
}

// encoded is an answer as a line. A result is JSON already, and may be large: it is not encoded again.
func encoded(reply message) []byte {
	if reply.Error == nil {
		return append(append(fmt.Appendf(nil, `{"id":%d,"result":`, reply.ID), reply.Result...), '}')
	}
	line, err := json.Marshal(reply)
	if err != nil {
		line, _ = json.Marshal(message{ID: reply.ID, Error: hindcast.AsError(err)})
	}
	return line
}

// call turns a panic into an error: a fault in one call must not take down the others.
func (s *server) call(ctx context.Context, m message) (result any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &hindcast.Error{Code: hindcast.EInternal, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("%s failed: %v", m.Method, r), Detail: []string{string(debug.Stack())}}
		}
	}()

	handler := s.handlers[m.Method]
	if handler == nil {
		return nil, fmt.Errorf("no method %q", m.Method)
	}

	return handler(ctx, m.Params)
}
