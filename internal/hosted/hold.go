package hosted

import (
	"context"
	"errors"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// heldLoads are loads whose Keep is the caller's, in another process: "hold" begins a load and answers when its
// previous rows are written, with the transaction open, or when it is over; "kept" says how the caller kept them, and
// answers when the load is over. A caller that dies takes this process with it, and so rolls back.
type heldLoads struct {
	mutex sync.Mutex
	last  int64
	loads map[int64]*loading
}

// loading is one load between hold and kept.
type loading struct {
	cancel context.CancelFunc
	kept   chan *hindcast.Error // nil: they are kept
	done   chan struct{}        // closed when what follows is set
	result hindcast.Committed
	err    error
}

// heldLoad is the answer to hold: what was committed, or which load is held and which status rows it replaces.
type heldLoad struct {
	ID        int64                `json:"id,omitempty"`
	Replaced  []hindcast.Committed `json:"replaced,omitempty"`
	Committed *hindcast.Committed  `json:"committed,omitempty"`
}

type kept struct {
	ID    int64           `json:"id"`
	Error *hindcast.Error `json:"error,omitempty"`
}

func (h *heldLoads) begin(ctx context.Context, w warehouse.Warehouse, l warehouse.Load) (heldLoad, error) {
	outlives, cancel := context.WithCancel(context.WithoutCancel(ctx)) // this call
	held := &loading{cancel: cancel, kept: make(chan *hindcast.Error), done: make(chan struct{})}
	written := make(chan []hindcast.Committed, 1)
	l.Keep = func(ctx context.Context, replaced []hindcast.Committed) error {
		written <- replaced
		select {
		case refusal := <-held.kept:
			if refusal != nil {
				return refusal
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() {
		defer close(held.done)
		held.result, held.err = w.Load(outlives, l)
	}()
	select {
	case replaced := <-written:
		return heldLoad{ID: h.add(held), Replaced: replaced}, nil
	case <-held.done:
	case <-ctx.Done():
		cancel()
		<-held.done
	}
	cancel()
	if held.err != nil {
		return heldLoad{}, held.err
	}
	return heldLoad{Committed: &held.result}, nil
}

func (h *heldLoads) end(ctx context.Context, k kept) (hindcast.Committed, error) {
	held := h.take(k.ID)
	if held == nil {
		return hindcast.Committed{}, errors.New("no such load is held")
	}
	defer held.cancel()
	select {
	case held.kept <- k.Error:
	case <-held.done:
	}
	select {
	case <-held.done:
	case <-ctx.Done():
		held.cancel()
		<-held.done
	}
	return held.result, held.err
}

func (h *heldLoads) add(held *loading) int64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.loads == nil {
		h.loads = map[int64]*loading{}
	}
	h.last++
	h.loads[h.last] = held
	return h.last
}

func (h *heldLoads) take(id int64) *loading {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	held := h.loads[id]
	delete(h.loads, id)
	return held
}
