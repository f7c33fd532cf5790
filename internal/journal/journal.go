// Package journal is the durable record of one run's events: an event is on disk before its effect is reported (promise
// 1). Many appends share one fsync. It stores events and returns them in order; hindcast.RunState knows what they mean,
// and package lease who may write.
//
// Every fence has its own file (docs/reference/journal.md). Its first line closes off the files of all lower fences at
// their current length, so that what a zombie appends later is never read.
package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
)

// Options are what a journal is opened with. The zero Options are usable.
type Options struct {
	// Run is set in events that do not name their run.
	Run string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Strike, if set, strikes the pipeline's secrets out of an event before it is stored (promise 7).
	Strike func(hindcast.Event) hindcast.Event
	// Each, if set, gets every event once and in order: during Open those that the journal holds, later each new one
	// when it is durable and before its Append returns. It is never called in parallel, must not block for long, and
	// must not append.
	Each func(hindcast.Event)
}

// Journal is open for appending. Safe for use by many goroutines.
type Journal struct {
	options Options
	sink    sink
	wake    chan struct{} // holds one token when there may be something to write
	ended   chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	seq     int64
	pending *batch // not yet given to the sink
	writing *batch // being written now, or the last that was
	err     error  // sticky
	closed  bool
	timed   bool // nobody waits for the pending batch; a timer wakes the writer for it
}

// patience is how long events that nobody waits for are held back to share an fsync.
const patience = 20 * time.Millisecond

// batch is what one write and one fsync make durable.
type batch struct {
	lines  bytes.Buffer
	events []hindcast.Event
	done   chan struct{} // closed when the batch is durable, or has failed for err
	err    error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// Open reads the run's journal below prefix, closes off the files of all lower fences and opens this fence's file for
// appending. It returns E-FENCED if a higher fence has begun one, and E-JOURNAL if the journal is corrupt. A torn end,
// which a crash leaves, is dropped.
func Open(ctx context.Context, store objstore.Store, prefix string, fence int64, options Options) (_ *Journal, err error) {
	defer func() { err = placed(store, err) }()
	if options.Now == nil {
		options.Now = time.Now
	}

	c, err := load(ctx, store, prefix)
	if err != nil {
		return nil, err
	}
	if c.fence > fence {
		return nil, fenced(prefix, fence, c.fence)
	}

	j := &Journal{options: options, pending: newBatch(), wake: make(chan struct{}, 1), ended: make(chan struct{})}
	j.writing = &batch{done: make(chan struct{})}
	close(j.writing.done)
	events, err := c.events()
	if err != nil {
		return nil, err
	}

	for _, e := range events {
		j.seq = e.Seq
		if options.Each != nil {
			options.Each(e)
		}
	}

	if j.sink, err = openSink(ctx, store, prefix, fence, c); err != nil {
		return nil, err
	}

	go j.write()
	return j, nil
}

// Append gives the events their Seq, Time and version, strikes the secrets out of them, and returns when they are
// durable: the caller's slice then holds what is stored. If ctx ends first they may still become durable. After one
// error every further Append fails with it.
func (j *Journal) Append(ctx context.Context, events ...hindcast.Event) error {
	b, err := j.add(events)
	if err != nil {
		return err
	}
	j.signal()
	return b.wait(ctx)
}

// AppendAsync is Append without the wait, for events whose loss in a crash is harmless: they are written with the next
// Append, or shortly. The next Append, Flush or Close returns any error of writing them.
func (j *Journal) AppendAsync(events ...hindcast.Event) error {
	_, err := j.add(events)
	if err != nil {
		return err
	}

	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.timed {
		j.timed = true
		time.AfterFunc(patience, j.signal)
	}

	return nil
}

// Flush returns when everything appended is durable.
func (j *Journal) Flush(ctx context.Context) error {
	j.mu.Lock()
	b := j.pending
	if len(b.events) == 0 {
		b = j.writing
	}

	err := j.err
	j.mu.Unlock()
	if err != nil {
		return err
	}

	j.signal()
	return b.wait(ctx)
}

// Seq is the sequence number of the last appended event, durable or not.
func (j *Journal) Seq() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// Close makes everything appended durable and closes the journal. Safe to repeat.
func (j *Journal) Close() error {
	j.mu.Lock()
	again := j.closed
	j.closed = true
	j.mu.Unlock()

	if !again {
		j.signal()
	}

	<-j.ended
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

func (b *batch) wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add encodes the events into the pending batch: all of them or, if one cannot be encoded, none.
func (j *Journal) add(events []hindcast.Event) (*batch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return nil, j.err
	}
	if j.closed {
		return nil, fmt.Errorf("appending to the journal of run %s: it is closed", j.options.Run)
	}

	b := j.pending
	size, count := b.lines.Len(), len(b.events)
	for i, e := range events {
		e = j.stamp(e, j.seq+int64(i)+1)
		if err := appendLine(&b.lines, e); err != nil {
			b.lines.Truncate(size)
			b.events = b.events[:count]
			return nil, fmt.Errorf("encoding an event %s: %w", e.Type, err)
		}

		b.events = append(b.events, e)
	}

	copy(events, b.events[count:])
	j.seq += int64(len(events))
	return b, nil
}

func (j *Journal) stamp(e hindcast.Event, seq int64) hindcast.Event {
	e.V, e.Seq = hindcast.EventVersion, seq
	e.Time = j.options.Now().UTC().Truncate(time.Microsecond)
	if e.Run == "" {
		e.Run = j.options.Run
	}
	if j.options.Strike != nil {
		e = j.options.Strike(e)
	}
	return e
}

func (j *Journal) signal() {
	select {
	case j.wake <- struct{}{}:
	default: // the token is already there
	}
}

// write is the only writer: it makes everything that is waiting durable in one batch, then looks again.
func (j *Journal) write() {
	defer close(j.ended)
	for range j.wake {
		b, closed := j.take()
		if len(b.events) > 0 {
			b.err = j.sink.write(b.lines.Bytes())
		}

		j.finish(b)
		if !closed {
			continue
		}

		err := j.sink.close()
		j.mu.Lock()
		if j.err == nil && err != nil {
			j.err = fmt.Errorf("closing the journal: %w", err)
		}
		j.mu.Unlock()
		return
	}
}

// take turns the pending batch into the one being written. After an error, a batch gets that error.
func (j *Journal) take() (b *batch, closed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b = j.pending
	j.pending, j.writing, j.timed = newBatch(), b, false

	if j.err != nil {
		b.err, b.events = j.err, nil
	}
	return b, j.closed
}

// finish reports a batch's outcome to everyone who waits for it.
func (j *Journal) finish(b *batch) {
	if b.err != nil {
		j.mu.Lock()
		if j.err == nil {
			j.err = fmt.Errorf("writing the journal: %w", b.err)
		}
		b.err = j.err
		j.mu.Unlock()
	} else if j.options.Each != nil {
		for _, e := range b.events {
			j.options.Each(e)
		}
	}
	close(b.done)
}

// A line is the CRC-32C of its JSON in 8 hexadecimal digits, a mark, the JSON and a newline. The mark says whether the
// line begins a batch. Everything before a batch was durable when it was written, so a bad line before it is
// corruption, not a torn end.
const (
	markFirst = ' '
	markMore  = '+'
	sumLength = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine adds v to a batch's lines.
func appendLine(b *bytes.Buffer, v any) error {
	mark := byte(markMore)
	if b.Len() == 0 {
		mark = markFirst
	}

	start := b.Len()
	b.WriteString("00000000")
	b.WriteByte(mark)
	encoder := json.NewEncoder(b) // ends with a newline
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(v); err != nil {
		return err
	}

	line := b.Bytes()[start:]
	copy(line, fmt.Sprintf("%08x", crc32.Checksum(line[sumLength+1:len(line)-1], castagnoli)))
	return nil
}

func fenced(prefix string, fence, higher int64) error {
	return &hindcast.Error{Code: hindcast.EFenced, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("another process took over the run below %s (its fence is %d, ours %d)", prefix, higher, fence),
		Next:    "`hindcast status` says who runs it"}
}
