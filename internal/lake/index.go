package lake

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"path"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
)

// index is what the entries of a fact's catalog say, in one object: a long history has many, and a plan needs little of each.
// It is never the truth: an entry counts as it is indexed while its stamp is the one that it had, and is read where it is not.
type index struct {
	stamp   string              // of the folder of entries, when it was listed after; "" if that tells nothing
	units   []hindcast.Manifest // without Files, Layouts, Totals, Seconds, in the order of the entries' keys
	details string              // stamps and files of the units, which few ask for
	texts   []string
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

func (r *indexReader) unit(m *hindcast.Manifest, columns func(text string) []hindcast.Column) {
	flags := r.uint()

	m.Missing, m.Key = flags&flagMissing != 0, r.own()
	m.Interval.Start, m.Interval.End = r.time(), r.time()
	m.Source, m.Time = r.shared(), r.shared()
	m.Generation, m.Run, m.Fence, m.Attempt = int(r.uint()), r.shared(), r.int(), int(r.int())
	m.Columns = columns(r.shared())
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
	if len(body) < len(indexMagic)+crc32.Size || !bytes.HasPrefix(body, []byte(indexMagic)) {
		return nil, errIndex
	}

	end := len(body) - crc32.Size
	if crc32.Checksum(body[:end], castagnoli) != binary.BigEndian.Uint32(body[end:]) {
		return nil, errIndex
	}

	r := &indexReader{rest: string(body[len(indexMagic):end])}
	if r.own() != fact {
		return nil, errIndex
	}

	x := &index{stamp: strings.Clone(r.own())}
	r.texts = make([]string, r.count())
	for i := range r.texts {
		r.texts[i] = r.own()
	}

	x.units = make([]hindcast.Manifest, r.count())
	light := &indexReader{rest: r.own(), texts: r.texts}
	x.details, x.texts = r.own(), r.texts

	known := map[string][]hindcast.Column{}
	var wrong error
	columns := func(text string) []hindcast.Column {
		list, met := known[text]
		if !met {
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				wrong = err
			}
			known[text] = list
		}
		return list
	}

	for i := range x.units {
		x.units[i].Name = fact
		light.unit(&x.units[i], columns)
	}

	if r.broken || light.broken || wrong != nil || r.rest != "" || light.rest != "" {
		return nil, errIndex
	}

	return x, nil
}

// each tells the details of the units, in their order, and reports whether they could all be read.
func (x *index) each(l *Lake, tell func(m *hindcast.Manifest, d detail)) bool {
	r := &indexReader{rest: x.details, texts: x.texts}

	for i := range x.units {
		m := &x.units[i]
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
