package pgcopy

/*
#include <stdlib.h>

void hindcast_copy_bind(void *);
void hindcast_copy_init(void *);
void hindcast_copy_worker(void *);
void hindcast_copy_fill(void *, void *);
*/
import "C"

import (
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// producer supplies a table function's rows, from several threads at a time. DuckDB calls it on its own threads.
type producer interface {
	columns() (names []string, types []bindings.LogicalType) // the types are destroyed by the caller
	workers() int
	worker() (filler, error)
}

// filler supplies the rows of one thread.
type filler interface {
	// fill writes rows into the chunk and returns how many; 0 ends this thread's share. Strings in the chunk may refer
	// to memory that lives until the next fill.
	fill(chunk bindings.DataChunk) (rows int, err error)
}

// callbacks connects a producer to DuckDB. C may hold only handles of Go values; they live until release.
type callbacks struct {
	producer producer
	mutex    sync.Mutex // guards what follows
	handles  []cgo.Handle
	pinner   runtime.Pinner
}

// register makes the producer a table function without arguments. release must follow once no statement calls it any
// more.
func register(conn bindings.Connection, name string, p producer) (release func(), err error) {
	c := &callbacks{producer: p}
	function := bindings.CreateTableFunction()
	defer bindings.DestroyTableFunction(&function)
	bindings.TableFunctionSetName(function, name)
	bindings.TableFunctionSetExtraInfo(function, c.handle(c), nil)
	bindings.TableFunctionSetBind(function, C.hindcast_copy_bind)
	bindings.TableFunctionSetInit(function, C.hindcast_copy_init)
	bindings.TableFunctionSetLocalInit(function, C.hindcast_copy_worker)
	bindings.TableFunctionSetFunction(function, C.hindcast_copy_fill)

	if bindings.RegisterTableFunction(conn, function) == bindings.StateError {
		c.release()
		return nil, fmt.Errorf("registering the table function %s failed", name)
	}

	return c.release, nil
}

// handle returns a pointer that C may keep: to a pinned number that stands for the value.
func (c *callbacks) handle(value any) unsafe.Pointer {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	h := new(cgo.Handle)
	*h = cgo.NewHandle(value)
	c.handles = append(c.handles, *h)
	c.pinner.Pin(h)
	return unsafe.Pointer(h)
}

func (c *callbacks) release() {
	for _, h := range c.handles {
		h.Delete()
	}
	c.pinner.Unpin()
}

func valueAt[T any](p unsafe.Pointer) T {
	v, _ := (*cgo.Handle)(p).Value().(T)
	return v
}

//export hindcast_copy_bind
func hindcast_copy_bind(p unsafe.Pointer) {
	info := bindings.BindInfo{Ptr: p}
	c := valueAt[*callbacks](bindings.BindGetExtraInfo(info))
	names, types := c.producer.columns()
	for i := range names {
		bindings.BindAddResultColumn(info, names[i], types[i])
		bindings.DestroyLogicalType(&types[i])
	}
}

//export hindcast_copy_init
func hindcast_copy_init(p unsafe.Pointer) {
	info := bindings.InitInfo{Ptr: p}
	c := valueAt[*callbacks](bindings.InitGetExtraInfo(info))
	bindings.InitSetMaxThreads(info, bindings.IdxT(c.producer.workers()))
}

//export hindcast_copy_worker
func hindcast_copy_worker(p unsafe.Pointer) {
	info := bindings.InitInfo{Ptr: p}
	c := valueAt[*callbacks](bindings.InitGetExtraInfo(info))
	worker, err := c.producer.worker()
	if err != nil {
		bindings.InitSetError(info, err.Error())
		return
	}

	bindings.InitSetInitData(info, c.handle(worker), nil)
}

//export hindcast_copy_fill
func hindcast_copy_fill(p, chunk unsafe.Pointer) {
	info := bindings.FunctionInfo{Ptr: p}
	defer func() { // a panic must not unwind through DuckDB's frames
		if fault := recover(); fault != nil {
			bindings.FunctionSetError(info, fmt.Sprint("decoding: ", fault))
		}
	}()

	worker := valueAt[filler](bindings.FunctionGetLocalInitData(info))
	out := bindings.DataChunk{Ptr: chunk}
	rows, err := worker.fill(out)
	if err != nil {
		bindings.FunctionSetError(info, err.Error())
		rows = 0
	}

	bindings.DataChunkSetSize(out, bindings.IdxT(rows))
}

// allocate returns memory outside the Go heap, so that DuckDB may refer to it.
func allocate(size int) []byte {
	return unsafe.Slice((*byte)(C.malloc(C.size_t(size))), size)
}

func free(b []byte) {
	if b != nil {
		C.free(unsafe.Pointer(unsafe.SliceData(b)))
	}
}
