package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// closing is how long DuckDB may take to write its log into the file. It may rewrite whole tables then, whose row groups it can
// merge: 1.5.6 took 90 seconds once for 24 M rows that another program had written in small ones. Were it killed the next close would begin
// again.
const closing = time.Hour

// Open starts the process that owns the file and proves that it can open it.
func Open(ctx context.Context, start child.Spec, o Options) (*hosted.Client, error) {
	return hosted.Open(ctx, start, o, closing)
}

// Serve is the owner's process: it answers a client until its input ends.
func Serve(in io.Reader, out io.Writer) error {
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
