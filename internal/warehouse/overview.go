package warehouse

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// Overviewer says of a long history what a plan needs, without handing over all that is known.
type Overviewer interface {
	// Digests sums up the pipeline's status rows for the target by the range that their slices begin in, without reading each to
	// whoever asks; without a Hashing if the warehouse cannot.
	Digests(ctx context.Context, pipeline, target string, ranges hindcast.Ranges) (Digests, error)
	// Overview lists the pipeline's status rows for the target whose slices begin within one of the intervals, of which nil are all,
	// in the order of time and without their details.
	Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (Overview, error)
	// Details returns the whole status rows of some of its slices, by key.
	Details(ctx context.Context, pipeline, target string, keys []string) ([]hindcast.Committed, error)
	// Edited names the slices whose rows in the target may not be those that were committed: Published shows whether they are. No others
	// were edited. The Intervals are not looked at: the status rows have them.
	Edited(ctx context.Context, pipeline string, p Published) ([]string, error)
}

// Overview has the status rows of a long history, packed: a hundred thousand of them cross from process to process in two
// megabytes, and are unpacked one at a time.
type Overview struct {
	Rows   int      `json:"rows"`
	Packed []byte   `json:"packed,omitempty"` // see Pack
	Runs   []string `json:"runs,omitempty"`   // which committed them, once each
}

// Packer packs status rows. Of each it writes in what it differs from the row before: in a long history that is little.
type Packer struct {
	overview Overview
	runs     map[string]int
	end, at  int64  // of the row before
	key      string // the same
}

// Add packs the next status row. Its Parts, its Sums and what says where it came from are left out.
func (p *Packer) Add(c *hindcast.Committed) {
	run, known := p.runs[c.Run]
	if !known {
		if p.runs == nil {
			p.runs = map[string]int{}
		}
		run = len(p.runs)
		p.runs[c.Run], p.overview.Runs = run, append(p.overview.Runs, c.Run)
	}

	to := p.overview.Packed
	start, end, at := c.Slice.Start.UnixMicro(), c.Slice.End.UnixMicro(), c.CommittedAt.UnixMicro()
	to = binary.AppendVarint(to, start-p.end)
	to = binary.AppendVarint(to, end-start)
	to = binary.AppendVarint(to, at-p.at)
	to = binary.AppendUvarint(to, uint64(run))
	head, tail := shared(p.key, c.Slice.Key)
	to = binary.AppendUvarint(binary.AppendUvarint(to, uint64(head)), uint64(tail))
	to = text(to, c.Slice.Key[head:len(c.Slice.Key)-tail])
	to = fingerprint(to, c.Fingerprint)
	p.overview.Packed = to
	p.overview.Rows++
	p.end, p.at, p.key = end, at, c.Slice.Key
}

// Overview is what was packed.
func (p *Packer) Overview() Overview { return p.overview }

// shared is how many bytes both begin with, and how many of the rest both end with.
func shared(a, b string) (head, tail int) {
	most := min(len(a), len(b))
	for head < most && a[head] == b[head] {
		head++
	}
	for tail < most-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, tail
}

func text(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// fingerprint packs what is lower-case hexadecimal as bytes, after twice their number, and any other text as it is.
func fingerprint(to []byte, print string) []byte {
	if len(print)%2 == 0 && strings.Trim(print, "0123456789abcdef") == "" {
		to = binary.AppendUvarint(to, uint64(len(print)))
		to, _ = hex.AppendDecode(to, []byte(print)) // nothing else is in it
		return to
	}
	return append(binary.AppendUvarint(to, uint64(len(print))<<1|1), print...)
}

var errOverview = errors.New("the overview of the status rows is damaged")

// Committed unpacks the status rows, without their Parts, their Sums and what says where they came from.
func (o Overview) Committed(pipeline, target string) (iter.Seq[hindcast.Committed], error) {
	u := unpacker{rest: o.Packed}
	for range o.Rows {
		u.next(len(o.Runs))
	}
	if u.broken || len(u.rest) > 0 {
		return nil, errOverview
	}

	return func(yield func(hindcast.Committed) bool) {
		u := unpacker{rest: o.Packed}
		c := hindcast.Committed{Pipeline: pipeline, Target: target}
		for range o.Rows {
			u.next(len(o.Runs))
			c.Slice.Start, c.Slice.End, c.CommittedAt = time.UnixMicro(u.start).UTC(), time.UnixMicro(u.end).UTC(), time.UnixMicro(u.at).UTC()
			c.Slice.Key = c.Slice.Key[:u.head] + string(u.middle) + c.Slice.Key[len(c.Slice.Key)-u.tail:]
			c.Run, c.Fingerprint = o.Runs[u.run], string(u.print)
			if u.packed {
				c.Fingerprint = hex.EncodeToString(u.print)
			}
			if !yield(c) {
				return
			}
		}
	}, nil
}

// unpacker takes rows off an overview: what follows is of the last one. What does not fit makes it broken, and all that
// follows empty.
type unpacker struct {
	rest           []byte
	broken         bool
	start, end, at int64
	run            int
	length         int // of the key
	head, tail     int // how much of it the key before begins with too, and ends with
	middle         []byte
	print          []byte
	packed         bool // the fingerprint
}

func (u *unpacker) next(runs int) {
	u.start = u.end + u.int()
	u.end = u.start + u.int()
	u.at += u.int()
	u.run = u.below(runs)
	u.head = u.below(u.length + 1)
	u.tail = u.below(u.length - u.head + 1)
	u.middle = u.bytes(u.uint())
	u.length = u.head + len(u.middle) + u.tail
	length := u.uint()
	u.print, u.packed = u.bytes(length>>1), length&1 == 0
}

func (u *unpacker) int() int64 {
	n, size := binary.Varint(u.rest)
	u.take(size)
	return n
}

func (u *unpacker) uint() uint64 {
	n, size := binary.Uvarint(u.rest)
	u.take(size)
	return n
}

func (u *unpacker) take(size int) {
	if size <= 0 {
		u.broken, u.rest = true, nil
		return
	}
	u.rest = u.rest[size:]
}

func (u *unpacker) below(limit int) int {
	n := u.uint()
	if n >= uint64(limit) {
		u.broken, u.rest = true, nil
		return 0
	}
	return int(n)
}

func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.broken, u.rest = true, nil
		return nil
	}
	taken := u.rest[:n]
	u.rest = u.rest[n:]
	return taken
}
