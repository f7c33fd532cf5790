package hosted

import (
	"context"
	"errors"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// publications are those whose Keep is the caller's, in another process: "hold" begins one and answers when its previous rows
// are written, with the transaction open, or when it is over; "kept" says how the caller kept them, and answers when it is
// over. A caller that dies takes this process with it, which rolls back.
type publications struct {
	mutex sync.Mutex
	last  int64
	held  map[int64]*publishing
}

// publishing is one publication between hold and kept.
type publishing struct {
	cancel context.CancelFunc
	kept   chan *hindcast.Error // nil: they are kept
	done   chan struct{}        // closed when what follows is set
	result []hindcast.Committed
	err    error
}

// held is the answer to hold: which publication is held and what it takes out, or, if ID is 0, what was committed.
type held struct {
	ID        int64                `json:"id,omitempty"`
	Kept      []warehouse.Kept     `json:"kept,omitempty"`
	Committed []hindcast.Committed `json:"committed,omitempty"`
}

type kept struct {
	ID    int64           `json:"id"`
	Error *hindcast.Error `json:"error,omitempty"`
}

func (h *publications) begin(ctx context.Context, w warehouse.Warehouse, p warehouse.Publication) (held, error) {
	outlives, cancel := context.WithCancel(context.WithoutCancel(ctx)) // this call
	under := &publishing{cancel: cancel, kept: make(chan *hindcast.Error), done: make(chan struct{})}
	written := make(chan []warehouse.Kept, 1)
	p.Keep = func(ctx context.Context, kept []warehouse.Kept) error {
		written <- kept
		select {
		case refusal := <-under.kept:
			if refusal != nil {
				return refusal
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() {
		defer close(under.done)
		under.result, under.err = w.Publish(outlives, p)
	}()

	select {
	case kept := <-written:
		return held{ID: h.add(under), Kept: kept}, nil
	case <-under.done:
	case <-ctx.Done():
		cancel()
		<-under.done
	}
	cancel()
	return held{Committed: under.result}, under.err
}

func (h *publications) end(ctx context.Context, k kept) ([]hindcast.Committed, error) {
	under := h.take(k.ID)
	if under == nil {
		return nil, errors.New("no such publication is held")
	}
	defer under.cancel()
	select {
	case under.kept <- k.Error:
	case <-under.done:
	}

	select {
	case <-under.done:
	case <-ctx.Done():
		under.cancel()
		<-under.done
	}
	return under.result, under.err
}

func (h *publications) add(under *publishing) int64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.held == nil {
		h.held = map[int64]*publishing{}
	}
	h.last++
	h.held[h.last] = under
	return h.last
}

func (h *publications) take(id int64) *publishing {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	under := h.held[id]
	delete(h.held, id)
	return under
}
