package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// closing is how long the connections may take to end.
const closing = 30 * time.Second

// Open starts the process that holds the connections, and proves that it can connect.
func Open(ctx context.Context, start child.Spec, o Options) (*hosted.Client, error) {
	return hosted.Open(ctx, start, o, closing)
}

// cores are what this process may use.
var cores = runtime.GOMAXPROCS(0)

// Serve is that process: it answers a client until its input ends. Go gets one processor more than there are cores, so that one
// is idle while DuckDB's threads occupy all others: otherwise the scheduler would take theirs away in the middle of each call.
func Serve(in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(cores + 1)
	go pgcopy.Warm() // while the run is planned
	return hosted.Serve(in, out, hosted.Driver{Open: open, Fatal: duck.Fatal})
}

func open(ctx context.Context, options json.RawMessage) (warehouse.Warehouse, error) {
	var o Options
	if err := json.Unmarshal(options, &o); err != nil {
		return nil, fmt.Errorf("decoding the warehouse's options: %w", err)
	}

	w, err := NewOwner(ctx, o)
	if err != nil {
		return nil, err // and not an *Owner that is nil
	}

	return w, nil
}
