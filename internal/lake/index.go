package lake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
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
	stamp   string   // of the folder of entries, when it was listed after; "" if that says nothing
	texts   []string // that several units have
	light   string   // the units, in the order of the entries' keys
	offsets []uint32 // where each begins in it
	sorted  bool     // that is the order of their keys too
	columns map[string][]hindcast.Column
	details string         // stamps and files of the units, which few ask for
	located []uint32       // see locate
	byKey   map[string]int // see search
	next    int            // the unit that is likely asked for next
	body    []byte         // all of it, as it is stored
}

// detail is what an index knows of an entry beside its manifest.
type detail struct {
	stamp string
	files []fileName
}

// fileName is the name of a file below the generation's own prefix, or the path of another one.
type fileName struct {
	below bool
	text  string
}

// detailOf is the detail of a manifest's entry.
func (l *Lake) detailOf(m *hindcast.Manifest, stamp string) detail {
	prefix, d := l.Prefix(m), detail{stamp: stamp}
	for _, f := range m.Files {
		if dir, name := path.Split(f.Path); dir == prefix {
			d.files = append(d.files, fileName{true, name})
		} else {
			d.files = append(d.files, fileName{false, f.Path})
		}
	}
	return d
}

// filesOf are the files of a manifest, of which no more than the paths are known.
func (l *Lake) filesOf(m *hindcast.Manifest, d detail) []hindcast.File {
	list, prefix := make([]hindcast.File, len(d.files)), ""
	for i, f := range d.files {
		if f.below && prefix == "" {
			prefix = l.Prefix(m)
		}
		if list[i].Path = f.text; f.below {
			list[i].Path = prefix + f.text
		}
	}
	return list
}

// indexMagic begins an index. Another version of the format has another.
const indexMagic = "hindcast index 3\n"

var errIndex = errors.New("not an index, or a damaged one")

// indexWriter packs units, in the order of their entries' keys. Texts of which many are the same go into a table.
type indexWriter struct {
	body    []byte // what is written next
	light   []byte
	details []byte
	texts   []string
	known   map[string]uint64
	units   int
	last    []hindcast.Column // of the unit before
	columns string            // the same, as text
}

func newIndexWriter() *indexWriter { return &indexWriter{known: map[string]uint64{}} }

// add packs a unit.
func (w *indexWriter) add(m *hindcast.Manifest, d detail) error {
	if len(m.Columns) == 0 || len(w.last) == 0 || &w.last[0] != &m.Columns[0] { // most share a list
		columns, err := json.Marshal(m.Columns)
		if err != nil {
			return fmt.Errorf("encoding the columns of %s %s: %w", m.Name, m.Key, err)
		}
		w.last, w.columns = m.Columns, string(columns)
	}

	w.body = w.light
	w.unit(m, w.columns)
	w.light, w.body = w.body, w.details
	w.detail(d)
	w.details, w.body = w.body, nil
	w.units++
	return nil
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
	w.shared(m.Database)
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

func (w *indexWriter) detail(d detail) {
	w.own(d.stamp)
	w.uint(uint64(len(d.files)))

	for _, f := range d.files {
		below := uint64(0)
		if f.below {
			below = 1
		}
		w.uint(below)
		w.shared(f.text)
	}
}

// index is the index of a fact's units that were packed.
func (w *indexWriter) index(fact, stamp string) []byte {
	w.body = []byte(indexMagic)
	w.own(fact)
	w.own(stamp)
	w.uint(uint64(len(w.texts)))
	for _, text := range w.texts {
		w.own(text)
	}

	w.uint(uint64(w.units))
	w.uint(uint64(len(w.light)))
	w.body = append(w.body, w.light...)
	w.uint(uint64(len(w.details)))
	w.body = append(w.body, w.details...)
	return w.sealed()
}

// sealed is what was written, with its checksum.
func (w *indexWriter) sealed() []byte {
	return binary.BigEndian.AppendUint32(w.body, crc32.Checksum(w.body, castagnoli))
}

// unsealed begins to read what was sealed after such a beginning.
func unsealed(body []byte, magic string) (*indexReader, error) {
	if len(body) <= len(magic)+crc32.Size || !bytes.HasPrefix(body, []byte(magic)) {
		return nil, errIndex
	}

	end := len(body) - crc32.Size
	if crc32.Checksum(body[:end], castagnoli) != binary.BigEndian.Uint32(body[end:]) {
		return nil, errIndex
	}

	text := body[len(magic):end]
	return &indexReader{rest: unsafe.String(&text[0], len(text))}, nil // nobody writes to it again, and it is large
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
	m.Source, m.Database, m.Time = r.shared(), r.shared(), r.shared()
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

func (r *indexReader) detail(d *detail) {
	d.stamp, d.files = r.own(), d.files[:0]
	for range r.count() {
		d.files = append(d.files, fileName{r.uint() == 1, r.shared()})
	}
}

// decodeIndex reads the index of a fact. Its units share what texts and columns they have in common.
func decodeIndex(fact string, body []byte) (*index, error) {
	r, err := unsealed(body, indexMagic)
	if err != nil {
		return nil, err
	}
	if r.own() != fact {
		return nil, errIndex
	}

	x := &index{fact: fact, stamp: r.own(), sorted: true, columns: map[string][]hindcast.Column{}, body: body}
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
func (x *index) list(r *indexReader) []hindcast.Column {
	text := r.shared()
	if columns, met := x.columns[text]; met {
		return columns
	}

	var columns []hindcast.Column
	if err := json.Unmarshal([]byte(text), &columns); err != nil {
		r.broken = true
	}
	x.columns[text] = columns
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

// find is the place of a unit by its key. Who asks in the order of the keys finds each at once.
func (x *index) find(key string) (at int, found bool) {
	if at = x.next; at >= len(x.offsets) || x.key(at) != key {
		if at, found = x.search(key); !found {
			return 0, false
		}
	}
	x.next = at + 1
	return at, true
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

// locate finds where the details of each unit begin, and reports whether all of them can be read.
func (x *index) locate() bool {
	if x.located != nil || len(x.offsets) == 0 {
		return true
	}

	r := &indexReader{rest: x.details, texts: x.texts}
	located := make([]uint32, len(x.offsets))
	var d detail
	for i := range located {
		located[i] = uint32(len(x.details) - len(r.rest))
		if r.detail(&d); r.broken {
			return false
		}
	}

	if r.rest != "" {
		return false
	}
	x.located = located
	return true
}

// detail reads the detail of a unit, once they are located.
func (x *index) detail(i int, d *detail) {
	r := &indexReader{rest: x.details[x.located[i]:], texts: x.texts}
	r.detail(d)
}
