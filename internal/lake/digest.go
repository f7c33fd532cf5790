package lake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hindcast/hindcast/internal/objstore"
)

// digest is what is known of the entries of one fact: an index of them, and one of those that changed since it was written. A run
// that changes few entries of a long history writes the second alone.
type digest struct {
	fact  string
	etag  string // of the index; "" if there is none
	stamp string // of the folder of entries that has just these; "" if that is not known
	base  *index
	since *index
	over  []bool // which of the index's units changed since, or are gone; nil if none did
	gone  int    // how many those are
}

// newDigest is the digest of a fact without entries.
func newDigest(fact string) *digest {
	none := &index{fact: fact, sorted: true, body: newIndexWriter().index(fact, "")}
	return &digest{fact: fact, base: none, since: none}
}

// changesMagic begins an object of changes. Another version of the format has another.
const changesMagic = "hindcast changes 1\n"

// changes are what differs from the index: they hold as long as it is the same.
func (d *digest) changes() []byte {
	w := newIndexWriter()
	w.body = []byte(changesMagic)
	w.own(d.etag)
	w.own(d.stamp)

	var deleted []string
	for at, over := range d.over {
		if !over {
			continue
		}
		if _, replaced := d.since.search(d.base.key(at)); !replaced {
			deleted = append(deleted, d.base.key(at))
		}
	}

	w.uint(uint64(len(deleted)))
	for _, key := range deleted {
		w.own(key)
	}
	w.own(string(d.since.body))
	return w.sealed()
}

// change takes what changed since the index was written. Changes of another index, and damaged ones, say nothing.
func (d *digest) change(body []byte) error {
	r, err := unsealed(body, changesMagic)
	if err != nil {
		return err
	}
	if r.own() != d.etag || d.etag == "" {
		return errIndex
	}

	stamp := r.own()
	deleted := make([]string, r.count())
	for i := range deleted {
		deleted[i] = r.own()
	}

	packed := r.own()
	if r.broken || r.rest != "" {
		return errIndex
	}
	since, err := decodeIndex(d.fact, []byte(packed))
	if err != nil {
		return err
	}

	d.stamp, d.since = stamp, since
	for at := range since.offsets {
		d.cover(since.key(at))
	}
	for _, key := range deleted {
		d.cover(key)
	}
	return nil
}

// cover notes that the index's unit of this key, if it has one, does not count any more.
func (d *digest) cover(key string) {
	if at, found := d.base.find(key); found {
		d.drop(at)
	}
}

// covered reports whether the index's unit at a place does not count any more.
func (d *digest) covered(at int) bool { return at < len(d.over) && d.over[at] }

func (d *digest) drop(at int) {
	if d.over == nil {
		d.over = make([]bool, len(d.base.offsets))
	}
	if !d.over[at] {
		d.over[at] = true
		d.gone++
	}
}

// find is the place of a unit, by its key.
func (d *digest) find(key string) (x *index, at int, found bool) {
	if len(d.since.offsets) > 0 {
		if at, found = d.since.find(key); found {
			return d.since, at, true
		}
	}
	if at, found = d.base.find(key); found && d.covered(at) {
		return d.base, 0, false
	}
	return d.base, at, found
}

// each visits the units in the order of their entries' keys, which l gives.
func (d *digest) each(l *Lake, visit func(entry string, x *index, at int)) {
	next, changed := 0, ""
	if len(d.since.offsets) > 0 {
		changed = l.factKey(d.fact, d.since.key(0))
	}
	upTo := func(entry string) {
		for next < len(d.since.offsets) && (entry == "" || changed < entry) {
			visit(changed, d.since, next)
			if next++; next < len(d.since.offsets) {
				changed = l.factKey(d.fact, d.since.key(next))
			}
		}
	}

	prefix := l.factPrefix(d.fact)
	for at := range d.base.offsets {
		if !d.covered(at) {
			entry := prefix + objstore.Escape(d.base.key(at)) + entrySuffix
			upTo(entry)
			visit(entry, d.base, at)
		}
	}
	upTo("")
}

// locate reports whether the details of all units can be read.
func (d *digest) locate() bool { return d.base.locate() && d.since.locate() }

// readDigest reads the index of a fact and what changed since it was written. What is not there, or cannot be used, says nothing:
// it is written again by the next run, and the entries tell meanwhile.
func (l *Lake) readDigest(ctx context.Context, fact string) (*digest, error) {
	d := newDigest(fact)
	body, etag, err := l.readIndex(ctx, l.indexKey(fact))
	if err != nil || body == nil {
		return d, err
	}

	base, err := decodeIndex(fact, body)
	if err != nil {
		return d, nil //nolint:nilerr // see above
	}
	d.base, d.stamp, d.etag = base, base.stamp, etag

	if body, _, err = l.readIndex(ctx, l.changesKey(fact)); err != nil || body == nil {
		return d, err
	}
	_ = d.change(body) // see above
	return d, nil
}

// readIndex reads an object of an index; nil if there is none, or a damaged one.
func (l *Lake) readIndex(ctx context.Context, key string) (body []byte, etag string, err error) {
	body, info, err := l.store.Get(ctx, key)
	if errors.Is(err, objstore.ErrNotExist) || errors.Is(err, objstore.ErrDamaged) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", broken(l.Absolute(key), "cannot be read", err)
	}
	return body, info.ETag, nil
}

// readAtOnce is how many entries are read before they are packed.
const readAtOnce = 1024

// entryAt is an entry that is not as the index has it: one that changed since, or one that is to be read.
type entryAt struct {
	since int // its place among the units that changed since
	read  *objstore.Info
}

// renew compares what is known of a fact's entries with the list of them, reads what is not known, and reports whether anything was.
func (l *Lake) renew(ctx context.Context, f folder) (now *digest, changed bool, err error) {
	was := f.digest
	if !was.locate() { // damaged in a way that the checksum does not show
		was = newDigest(f.fact)
	}

	now, list, changed := l.matched(was, f.infos)
	if !changed {
		return was, false, nil
	}

	w := newIndexWriter()
	for batch := range slices.Chunk(list, readAtOnce) {
		if err := l.pack(ctx, w, was.since, batch); err != nil {
			return nil, true, err
		}
	}

	if now.since, err = decodeIndex(f.fact, w.index(f.fact, "")); err == nil && !now.since.locate() {
		err = errIndex
	}
	if err != nil {
		return nil, true, fmt.Errorf("packing the entries of %s: %w", f.fact, err)
	}
	return now, true, nil
}

// matched finds which entries are not as the index has them, in the order of their keys, and whether any is not as it was known.
func (l *Lake) matched(was *digest, infos []objstore.Info) (now *digest, list []entryAt, changed bool) {
	now = newDigest(was.fact)
	now.base, now.etag = was.base, was.etag
	now.over, now.gone = slices.Clone(was.over), was.gone

	at := 0
	var d detail
	was.each(l, func(entry string, x *index, unit int) {
		for at < len(infos) && infos[at].Key < entry {
			list, changed = append(list, entryAt{read: &infos[at]}), true
			at++
		}

		x.detail(unit, &d)
		there := at < len(infos) && infos[at].Key == entry
		same := there && d.stamp != "" && d.stamp == infos[at].Stamp
		switch {
		case same && x == was.since:
			list = append(list, entryAt{since: unit})
		case there && !same:
			list = append(list, entryAt{read: &infos[at]})
		}
		if there {
			at++
		}

		if changed = changed || !same; !same && x == was.base {
			now.drop(unit)
		}
	})

	for ; at < len(infos); at++ {
		list, changed = append(list, entryAt{read: &infos[at]}), true
	}
	return now, list, changed
}

// pack packs entries, and reads those that are not known. What is not an entry, or is not there any more, is left out.
func (l *Lake) pack(ctx context.Context, w *indexWriter, since *index, list []entryAt) error {
	var infos []objstore.Info
	for _, e := range list {
		if e.read != nil {
			infos = append(infos, *e.read)
		}
	}

	read, err := l.readEntries(ctx, infos)
	if err != nil {
		return err
	}

	for _, e := range list {
		if e.read == nil {
			var d detail
			m := since.unit(e.since)
			if since.detail(e.since, &d); err == nil {
				err = w.add(&m, d)
			}
			continue
		}

		if m := read[0]; m != nil && err == nil {
			err = w.add(m, l.detailOf(m, e.read.Stamp))
		}
		read = read[1:]
	}
	return err
}

// whole is an index of all units.
func (d *digest) whole(l *Lake) ([]byte, error) {
	w := newIndexWriter()
	var err error
	var about detail
	d.each(l, func(_ string, x *index, at int) {
		m := x.unit(at)
		if x.detail(at, &about); err == nil {
			err = w.add(&m, about)
		}
	})
	return w.index(d.fact, d.stamp), err
}

// long reports whether so much changed that the index is to be written again.
func (d *digest) long() bool { return max(d.gone, len(d.since.offsets))*8 > len(d.base.offsets) }
