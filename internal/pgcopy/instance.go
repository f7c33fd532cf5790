package pgcopy

import (
	"context"
	"errors"
	"sync"
	"time"

	bindings "github.com/duckdb/duckdb-go-bindings"

	"github.com/hindcast/hindcast/internal/duck"
)

// instance is an in-memory DuckDB with one connection, through DuckDB's C interface: database/sql hides its vectors.
type instance struct {
	db   bindings.Database
	conn bindings.Connection
	uses int
}

// idle are instances that wait for their next copy: opening one costs 12 ms, more than a small slice takes. Each keeps
// what it has registered, so it is closed after some uses.
var idle struct {
	mutex     sync.Mutex
	instances []*instance
}

const (
	mostIdle = 2
	mostUses = 500
)

// takeInstance returns an idle instance, reset, or opens one. It ends with giveBack, or with close after an error.
func takeInstance(ctx context.Context, o duck.Options) (*instance, error) {
	idle.mutex.Lock()
	n := len(idle.instances)
	if n == 0 {
		idle.mutex.Unlock()
		return openInstance(ctx, o)
	}

	in := idle.instances[n-1]
	idle.instances = idle.instances[:n-1]
	idle.mutex.Unlock()

	for _, set := range o.Settings() {
		if _, err := in.exec(ctx, set); err != nil {
			in.close()
			return nil, err
		}
	}

	return in, nil
}

// Warm opens an instance ahead of the first copy, which then need not wait for it. The copy reports any failure.
func Warm() {
	if in, err := openInstance(context.Background(), duck.Options{}); err == nil {
		in.giveBack()
	}
}

// giveBack keeps the instance for the next copy, or closes it.
func (in *instance) giveBack() {
	in.uses++
	idle.mutex.Lock()
	defer idle.mutex.Unlock()

	if in.uses < mostUses && len(idle.instances) < mostIdle {
		idle.instances = append(idle.instances, in)
		return
	}

	in.close()
}

// done returns the instance to the pool, or closes it if its copy failed: its state is then unknown.
func (in *instance) done(err error) {
	if err != nil {
		in.close()
		return
	}
	in.giveBack()
}

func openInstance(ctx context.Context, o duck.Options) (*instance, error) {
	in := &instance{}
	if bindings.Open("", &in.db) == bindings.StateError {
		return nil, errors.New("opening DuckDB in memory failed")
	}

	if bindings.Connect(in.db, &in.conn) == bindings.StateError {
		in.close()
		return nil, errors.New("connecting to DuckDB in memory failed")
	}

	for _, set := range o.Settings() {
		if _, err := in.exec(ctx, set); err != nil {
			in.close()
			return nil, err
		}
	}

	return in, nil
}

func (in *instance) close() {
	bindings.Disconnect(&in.conn)
	bindings.Close(&in.db)
}

// exec runs a statement and returns the number of rows that it wrote. It ends with the context.
func (in *instance) exec(ctx context.Context, statement string) (rows int64, err error) {
	stop := context.AfterFunc(ctx, func() { bindings.Interrupt(in.conn) })
	defer stop()
	var prepared bindings.PreparedStatement
	defer bindings.DestroyPrepare(&prepared)

	if bindings.Prepare(in.conn, statement, &prepared) == bindings.StateError {
		return 0, in.translate(ctx, bindings.PrepareError(prepared))
	}

	var pending bindings.PendingResult
	defer bindings.DestroyPending(&pending)
	if bindings.PendingPrepared(prepared, &pending) == bindings.StateError {
		return 0, in.translate(ctx, bindings.PendingError(pending))
	}

	work(pending)
	var result bindings.Result
	defer bindings.DestroyResult(&result)

	if bindings.ExecutePending(pending, &result) == bindings.StateError {
		return 0, in.translate(ctx, bindings.ResultError(&result))
	}

	return int64(bindings.RowsChanged(&result)), nil
}

// idleWait is how long this thread sleeps when the other threads have all the work.
const idleWait = 200 * time.Microsecond

// work takes part in the statement to its end. DuckDB's own waiting polls for work without a pause, which takes a third
// of two cores from the server and the thread that still reads.
func work(pending bindings.PendingResult) {
	for {
		switch state := bindings.PendingExecuteTask(pending); {
		case bindings.PendingExecutionIsFinished(state):
			return
		case state == bindings.PendingStateNoTasksAvailable:
			time.Sleep(idleWait)
		}
	}
}

// translate turns DuckDB's error into ours; once the context has ended, its error counts.
func (in *instance) translate(ctx context.Context, text string) error {
	if err := ctx.Err(); err != nil {
		return duck.Translate(err)
	}
	return duck.Translate(errors.New(text))
}

// stream runs a query whose chunks are fetched one by one.
func (in *instance) stream(ctx context.Context, query string) (*chunks, error) {
	c := &chunks{in: in, ctx: ctx}
	c.stop = context.AfterFunc(ctx, func() { bindings.Interrupt(in.conn) })
	var statement bindings.PreparedStatement
	defer bindings.DestroyPrepare(&statement)

	if bindings.Prepare(in.conn, query, &statement) == bindings.StateError {
		c.close()
		return nil, in.translate(ctx, bindings.PrepareError(statement))
	}

	if bindings.ExecutePreparedStreaming(statement, &c.result) == bindings.StateError {
		defer c.close()
		return nil, in.translate(ctx, bindings.ResultError(&c.result))
	}

	return c, nil
}

// chunks is a query's result, streamed.
type chunks struct {
	in     *instance
	ctx    context.Context
	stop   func() bool
	result bindings.Result
	chunk  bindings.DataChunk
}

// next fetches the next chunk, which lives until the one after; rows is 0 at the end.
func (c *chunks) next() (chunk bindings.DataChunk, rows int, err error) {
	bindings.DestroyDataChunk(&c.chunk)
	if err := c.ctx.Err(); err != nil {
		return c.chunk, 0, duck.Translate(err)
	}

	c.chunk = bindings.FetchChunk(c.result)
	if c.chunk.Ptr != nil {
		return c.chunk, int(bindings.DataChunkGetSize(c.chunk)), nil
	}
	if text := bindings.ResultError(&c.result); text != "" {
		return c.chunk, 0, c.in.translate(c.ctx, text)
	}

	return c.chunk, 0, nil
}

func (c *chunks) close() {
	c.stop()
	bindings.DestroyDataChunk(&c.chunk)
	bindings.DestroyResult(&c.result)
}
