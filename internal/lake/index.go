package lake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"path"
	"sort"
	"time"
	"unsafe"

	"github.com/hindcast/hindcast"
)

// index is what the entries of a fact's catalog say, in one object: a long history has many, and a plan needs little of each.
// It is never the truth: an entry counts as it is indexed while its stamp is the one that it had, and is read where it is not.
type index struct {
	fact    string
	stamp   string   // of the folder of entries, when it was listed after; "" if that tells nothing
	texts   []string // that several units have
	light   string   // the units, in the order of the entries' keys
	offsets []uint32 // where each begins in it
	sorted  bool     // that is the order of their keys too
	columns map[string][]hindcast.Column
	details string              // stamps and files of the units, which few ask for
	units   []hindcast.Manifest // see all
	byKey   map[string]int      // see find
	next    int                 // the unit that is likely asked for next
}

// detail is what an index knows of an entry beside its manifest.
type detail struct {
	stamp string
	files []string // paths
}

// indexMagic begins an index. Another version of the format has another.
const indexMagic = "hindcast index 2\n"

var errIndex = errors.New("not an index, or a damaged one")

// indexWriter puts texts, of which many are the same, into a table.
type indexWriter struct {
	body  []byte
	texts []string
	known map[string]uint64
}

func (w *indexWriter) uint(n uint64) { w.body = binary.AppendUvarint(w.body, n) }
func (w *indexWriter) int(n int64)   { w.body = binary.AppendVarint(w.body, n) }
func (w *indexWriter) own(s string)  { w.uint(uint64(len(s))); w.body = append(w.body, s...) }
func (w *indexWriter) time(t time.Time) {
	w.int(t.Unix())
	w.uint(uint64(t.Nanosecond()))
}

func (w *indexWriter) shared(s string) {
	n, known := w.known[s]
	if !known {
		n = uint64(len(w.texts))
		w.known[s], w.texts = n, append(w.texts, s)
	}
	w.uint(n)
}

// Flags of a unit in an index.
const (
	flagMissing = 1 << iota
	flagMark
	flagStrays
)

func (w *indexWriter) unit(m *hindcast.Manifest, columns string) {
	flags := uint64(0)
	if m.Missing {
		flags |= flagMissing
	}
	if m.Mark != nil {
		flags |= flagMark
	}
	if m.Strays != nil {
		flags |= flagStrays
	}

	w.uint(flags)

	w.own(m.Key)
	w.time(m.Interval.Start)
	w.time(m.Interval.End)
	w.shared(m.Source)
	w.shared(m.Time)
	w.uint(uint64(m.Generation))
	w.shared(m.Run)
	w.int(m.Fence)
	w.int(int64(m.Attempt))
	w.shared(columns)
	w.int(m.Bytes)
	w.int(m.Sums.Rows)
	w.own(m.Sums.Content)

	if m.Mark != nil {
		w.int(m.Mark.Inserted)
		w.int(m.Mark.Updated)
		w.int(m.Mark.Deleted)
		w.shared(m.Mark.Stored)
	}

	if m.Strays != nil {
		w.time(m.Strays.Within.Start)
		w.time(m.Strays.Within.End)
		w.int(m.Strays.NoTime)
		w.int(m.Strays.Outside)
	}

	w.time(m.CreatedAt)
}

// detail writes a path below the generation's own prefix as its name alone.
func (w *indexWriter) detail(prefix string, d detail) {
	w.own(d.stamp)
	w.uint(uint64(len(d.files)))

	for _, file := range d.files {
		dir, name := path.Split(file)
		if dir == prefix {
			w.uint(1)
			w.shared(name)
			continue
		}
		w.uint(0)
		w.shared(file)
	}
}

// encodeIndex writes an index of a fact's units and what else is known of their entries.
func (l *Lake) encodeIndex(fact, stamp string, units []*hindcast.Manifest, details []detail) ([]byte, error) {
	w := &indexWriter{known: map[string]uint64{}}
	var last []hindcast.Column
	var columns []byte

	for _, m := range units {
		if len(m.Columns) == 0 || len(last) == 0 || &last[0] != &m.Columns[0] {
			var err error
			if columns, err = json.Marshal(m.Columns); err != nil {
				return nil, err
			}
			last = m.Columns
		}
		w.unit(m, string(columns))
	}

	light := w.body
	w.body = nil
	for i, m := range units {
		w.detail(l.Prefix(m), details[i])
	}

	heavy := w.body

	w.body = []byte(indexMagic)
	w.own(fact)
	w.own(stamp)
	w.uint(uint64(len(w.texts)))
	for _, text := range w.texts {
		w.own(text)
	}

	w.uint(uint64(len(units)))
	w.own(string(light))
	w.own(string(heavy))

	return binary.BigEndian.AppendUint32(w.body, crc32.Checksum(w.body, castagnoli)), nil
}

// indexReader takes values off an index. What does not fit makes it broken, and all further values empty.
type indexReader struct {
	rest   string
	texts  []string
	broken bool
}

func (r *indexReader) uint() uint64 {
	var n uint64
	for i, shift := 0, 0; i < len(r.rest) && shift < 64; i, shift = i+1, shift+7 {
		b := r.rest[i]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}

	r.broken, r.rest = true, ""
	return 0
}

func (r *indexReader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (r *indexReader) own() string {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.broken, r.rest = true, ""
		return ""
	}

	text := r.rest[:n]
	r.rest = r.rest[n:]
	return text
}

func (r *indexReader) shared() string {
	n := r.uint()
	if n >= uint64(len(r.texts)) {
		r.broken = true
		return ""
	}
	return r.texts[n]
}

func (r *indexReader) time() time.Time {
	seconds := r.int()
	return time.Unix(seconds, int64(r.uint())).UTC()
}

// count is a number of things of which each takes a byte at least.
func (r *indexReader) count() int {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.broken = true
		return 0
	}
	return int(n)
}

// unit reads a manifest without Files, Layouts, Totals and Seconds.
func (r *indexReader) unit(m *hindcast.Manifest, x *index) {
	flags := r.uint()

	m.Missing, m.Key = flags&flagMissing != 0, r.own()
	m.Interval.Start, m.Interval.End = r.time(), r.time()
	m.Source, m.Time = r.shared(), r.shared()
	m.Generation, m.Run, m.Fence, m.Attempt = int(r.uint()), r.shared(), r.int(), int(r.int())
	m.Columns = x.list(r)
	m.Bytes, m.Sums.Rows, m.Sums.Content = r.int(), r.int(), r.own()

	if flags&flagMark != 0 {
		m.Mark = &hindcast.Mark{Inserted: r.int(), Updated: r.int(), Deleted: r.int(), Stored: r.shared()}
	}
	if flags&flagStrays != 0 {
		m.Strays = &hindcast.Strays{Within: hindcast.Interval{Start: r.time(), End: r.time()}, NoTime: r.int(), Outside: r.int()}
	}

	m.CreatedAt = r.time()
}

// decodeIndex reads the index of a fact. Its units share what texts and columns they have in common.
func decodeIndex(fact string, body []byte) (*index, error) {
	if len(body) <= len(indexMagic)+crc32.Size || !bytes.HasPrefix(body, []byte(indexMagic)) {
		return nil, errIndex
	}

	end := len(body) - crc32.Size
	if crc32.Checksum(body[:end], castagnoli) != binary.BigEndian.Uint32(body[end:]) {
		return nil, errIndex
	}

	text := body[len(indexMagic):end]
	r := &indexReader{rest: unsafe.String(&text[0], len(text))} // nobody writes to it again, and it is large
	if r.own() != fact {
		return nil, errIndex
	}
	x := &index{fact: fact, stamp: r.own(), sorted: true, columns: map[string][]hindcast.Column{}}
	x.texts = make([]string, r.count())
	for i := range x.texts {
		x.texts[i] = r.own()
	}
	x.offsets = make([]uint32, r.count())
	x.light, x.details = r.own(), r.own()
	if r.broken || r.rest != "" || !x.scan() {
		return nil, errIndex
	}

	return x, nil
}

// list reads a list of columns, of which units share one that is the same.
func (x *index) list(r *indexReader) (columns []hindcast.Column) {
	text := r.shared()
	columns, met := x.columns[text]
	if !met {
		if err := json.Unmarshal([]byte(text), &columns); err != nil {
			r.broken = true
		}
		x.columns[text] = columns
	}
	return columns
}

// scan finds where each unit begins, and reports whether all of them can be read.
func (x *index) scan() bool {
	r := &indexReader{rest: x.light, texts: x.texts}
	var m hindcast.Manifest
	last := ""
	for i := range x.offsets {
		x.offsets[i] = uint32(len(x.light) - len(r.rest))
		r.unit(&m, x)
		if r.broken {
			return false
		}
		x.sorted = x.sorted && (i == 0 || last < m.Key)
		last = m.Key
	}
	return r.rest == ""
}

// unit is the manifest of a unit by its place.
func (x *index) unit(i int) (m hindcast.Manifest) {
	r := &indexReader{rest: x.light[x.offsets[i]:], texts: x.texts}
	m.Name = x.fact
	r.unit(&m, x)
	return m
}

// find is the manifest of a unit by its key. Who asks in the order of the keys finds each at once.
func (x *index) find(key string) (m hindcast.Manifest, found bool) {
	at := x.next
	if at >= len(x.offsets) || x.key(at) != key {
		if at, found = x.search(key); !found {
			return m, false
		}
	}
	x.next = at + 1
	return x.unit(at), true
}

func (x *index) key(i int) string {
	r := &indexReader{rest: x.light[x.offsets[i]:]}
	r.uint()
	return r.own()
}

func (x *index) search(key string) (at int, found bool) {
	if x.sorted {
		at = sort.Search(len(x.offsets), func(i int) bool { return x.key(i) >= key })
		return at, at < len(x.offsets) && x.key(at) == key
	}
	if x.byKey == nil {
		x.byKey = make(map[string]int, len(x.offsets))
		for i := range x.offsets {
			x.byKey[x.key(i)] = i
		}
	}
	at, found = x.byKey[key]
	return at, found
}

// all are the manifests of all units.
func (x *index) all() []hindcast.Manifest {
	if x.units == nil {
		x.units = make([]hindcast.Manifest, len(x.offsets))
		for i := range x.units {
			x.units[i] = x.unit(i)
		}
	}
	return x.units
}

// each tells the details of the units, in their order, and reports whether they could all be read.
func (x *index) each(l *Lake, tell func(m *hindcast.Manifest, d detail)) bool {
	r := &indexReader{rest: x.details, texts: x.texts}

	units := x.all()
	for i := range units {
		m := &units[i]
		d := detail{stamp: r.own(), files: make([]string, r.count())}
		prefix := ""

		for n := range d.files {
			below := r.uint() == 1
			if d.files[n] = r.shared(); !below {
				continue
			}
			if prefix == "" {
				prefix = l.Prefix(m)
			}
			d.files[n] = prefix + d.files[n]
		}

		tell(m, d)
	}
	return !r.broken && r.rest == ""
}
