package pgcopy

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// vector is a column in a chunk, in DuckDB's layout: values side by side, and a bit for each that is not NULL. Readers
// and writers keep the index below its capacity.
type vector struct {
	data   unsafe.Pointer
	mask   unsafe.Pointer // nil: no NULLs so far
	memory memory
}

// memory is what a vector's bytes come from: DuckDB, or Go if only sums are wanted.
type memory interface {
	// mask returns the vector's bits, creating them all set.
	mask() unsafe.Pointer
	// grow makes room for n elements in a list's child and returns where its values are now.
	grow(n int) vector
	// length sets how many elements a list's child holds.
	length(n int)
	// assign stores a string that is not kept in memory elsewhere.
	assign(i int, b []byte)
}

func put[T any](v *vector, i int, x T) {
	*(*T)(unsafe.Add(v.data, uintptr(i)*unsafe.Sizeof(x))) = x
}

func get[T any](v *vector, i int) T {
	var x T
	return *(*T)(unsafe.Add(v.data, uintptr(i)*unsafe.Sizeof(x)))
}

func (v *vector) setNull(i int) {
	if v.mask == nil {
		v.mask = v.memory.mask()
	}
	*(*uint64)(unsafe.Add(v.mask, i>>6<<3)) &^= 1 << (i & 63)
}

func (v *vector) isNull(i int) bool {
	return v.mask != nil && *(*uint64)(unsafe.Add(v.mask, i>>6<<3))>>(i&63)&1 == 0
}

// text is DuckDB's string: its length, then up to 12 bytes inline, or the first 4 and a pointer to all of them.
type text struct{ head, tail uint64 }

const inline = 12

// textOf refers to b's memory if b does not fit inline.
func textOf(b []byte) text {
	n := uint64(len(b))
	if n > inline {
		return text{n | uint64(binary.LittleEndian.Uint32(b))<<32, uint64(uintptr(unsafe.Pointer(&b[0])))}
	}

	var place [16]byte
	copy(place[4:], b)
	return text{n | binary.LittleEndian.Uint64(place[:]), binary.LittleEndian.Uint64(place[8:])}
}

// bytesAt returns a string's bytes without copying.
func bytesAt(v *vector, i int) []byte {
	t := (*text)(unsafe.Add(v.data, uintptr(i)*unsafe.Sizeof(text{})))
	n := uint32(t.head)
	if n <= inline {
		return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(t), 4)), n)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t.tail)), n)
}

// list is a list's range in its child.
type list struct{ offset, length uint64 }

// wide is a 128-bit integer as DuckDB stores it.
type wide struct {
	low  uint64
	high int64
}

// duckMemory is a vector of a DuckDB chunk.
type duckMemory struct{ vec bindings.Vector }

func duckVector(vec bindings.Vector) vector {
	return vector{data: bindings.VectorGetData(vec), memory: duckMemory{vec}}
}

func (m duckMemory) mask() unsafe.Pointer {
	bindings.VectorEnsureValidityWritable(m.vec)
	return bindings.VectorGetValidity(m.vec)
}

func (m duckMemory) grow(n int) vector {
	bindings.ListVectorReserve(m.vec, bindings.IdxT(n))
	child := duckVector(bindings.ListVectorGetChild(m.vec))
	child.mask = bindings.VectorGetValidity(bindings.ListVectorGetChild(m.vec))
	return child
}

func (m duckMemory) length(n int) { bindings.ListVectorSetSize(m.vec, bindings.IdxT(n)) }

func (m duckMemory) assign(i int, b []byte) {
	bindings.VectorAssignStringElementLen(m.vec, bindings.IdxT(i), b)
}

// heap is a vector in Go memory, for capacity values of at most 16 bytes.
type heap struct {
	capacity int
	bits     []uint64
	child    *heap
	values   []wide
	kept     [][]byte // memory that strings refer to
}

func heapVector(capacity int) vector {
	h := &heap{capacity: capacity, values: make([]wide, capacity)}
	return h.vector()
}

func (h *heap) vector() vector {
	v := vector{data: unsafe.Pointer(unsafe.SliceData(h.values)), memory: h}
	if h.bits != nil {
		v.mask = unsafe.Pointer(&h.bits[0])
	}
	return v
}

func (h *heap) mask() unsafe.Pointer {
	h.bits = append(h.bits, make([]uint64, (h.capacity+63)/64-len(h.bits))...)
	for i := range h.bits {
		h.bits[i] = ^uint64(0)
	}
	return unsafe.Pointer(&h.bits[0])
}

func (h *heap) grow(n int) vector {
	if h.child == nil {
		h.child = &heap{}
	}

	c := h.child
	for c.capacity < n {
		c.values = append(c.values, make([]wide, max(n, 64))...)
		c.capacity = len(c.values)
		if c.bits != nil {
			for len(c.bits) < (c.capacity+63)/64 {
				c.bits = append(c.bits, ^uint64(0))
			}
		}
	}

	return c.vector()
}

func (h *heap) length(int) {}

func (h *heap) assign(i int, b []byte) {
	b = bytes.Clone(b)
	h.kept = append(h.kept, b)
	v := h.vector()
	put(&v, i, textOf(b))
}
