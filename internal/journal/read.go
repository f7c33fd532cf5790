package journal

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// version is of a journal's layout and of its events, which changes with either.
const version = hindcast.EventVersion

// header is the first line of a fence's file.
type header struct {
	V      int      `json:"v"`
	Fence  int64    `json:"fence"`
	Closes []closed `json:"closes,omitempty"` // in the order of their fences
}

// closed is a lower fence's file and how much of it counts: its first Bytes, or its first Segments.
type closed struct {
	Name     string `json:"name"` // below the journal's prefix
	Bytes    int64  `json:"bytes,omitempty"`
	Segments int    `json:"segments,omitempty"`
}

const stem = "journal-"

func fileName(fence int64) string { return fmt.Sprintf("%s%012d.jsonl", stem, fence) }

func folderName(fence int64) string { return fmt.Sprintf("%s%012d", stem, fence) }

func segmentName(fence int64, n int) string {
	return fmt.Sprintf("%s/%08d.jsonl", folderName(fence), n)
}

// fenceFile is one fence's file, or folder of segments, as listed.
type fenceFile struct {
	fence     int64
	name      string
	segmented bool
	segments  int   // how many there are, numbered from 1 without gap
	end       int64 // bytes of good lines, once scanned
	lines     [][]byte
}

// chain is the valid journal: the closed files, then the head, which is the file of the highest fence. The zero chain
// is a journal that has not begun.
type chain struct {
	prefix string
	fence  int64
	header header
	head   fenceFile
	key    string // of the head, for errors
	closed []fenceFile
}

// Read returns all events of the run whose journal is below prefix, in order. No journal means no events. Events may
// share what their manifests point to. A torn end is left out; anything bad before it is E-JOURNAL.
func Read(ctx context.Context, store objstore.Store, prefix string) (events []hindcast.Event, err error) {
	defer func() { err = placed(store, err) }()
	c, err := load(ctx, store, prefix)
	if err != nil {
		return nil, err
	}
	return c.events()
}

// HighestFence is the highest fence that a journal below prefix was written, or begun, under, by the names of its files; 0 if there
// is none.
func HighestFence(ctx context.Context, store objstore.Store, prefix string) (highest int64, err error) {
	infos, err := store.List(ctx, prefix+stem)
	if err != nil {
		return 0, fmt.Errorf("listing the journal: %w", err)
	}

	for _, info := range infos {
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
		if p, ok := parse(name); ok {
			highest = max(highest, p.fence)
		}
	}
	return highest, nil
}

// load reads the lines of the valid journal.
func load(ctx context.Context, store objstore.Store, prefix string) (*chain, error) {
	files, err := list(ctx, store, prefix)
	if err != nil {
		return nil, err
	}

	c := &chain{prefix: prefix}
	for _, p := range files { // the highest fence first
		if err := p.read(ctx, store, prefix, nil); err != nil {
			return nil, err
		}
		if len(p.lines) == 0 {
			continue // not begun: its writer died, or is about to write, before the first line was durable
		}
		if err := json.Unmarshal(p.lines[0], &c.header); err != nil || c.header.Fence != p.fence {
			return nil, corrupt(prefix+p.name, 1, "it does not begin with its header")
		}
		if c.header.V > version {
			return nil, newer(prefix+p.name, 1, c.header.V)
		}

		p.lines = p.lines[1:]
		c.fence, c.head, c.key = p.fence, p, prefix+p.name
		break
	}

	for _, limit := range c.header.Closes {
		p, ok := parse(limit.Name)
		if !ok {
			return nil, corrupt(c.key, 1, "it names "+strconv.Quote(limit.Name)+", which is not a journal")
		}
		if err := p.read(ctx, store, prefix, &limit); err != nil {
			return nil, err
		}

		p.lines = p.lines[min(1, len(p.lines)):]
		c.closed = append(c.closed, p)
	}

	return c, nil
}

// closes is what the next fence's header must hold.
func (c *chain) closes() []closed {
	if c.fence == 0 {
		return nil
	}

	last := closed{Name: c.head.name, Segments: c.head.segments}
	if !c.head.segmented {
		last.Bytes = c.head.end
	}
	return append(c.header.Closes, last)
}

// events decodes all lines and checks that no event is missing.
func (c *chain) events() ([]hindcast.Event, error) {
	var events []hindcast.Event
	for _, p := range append(c.closed, c.head) {
		more, err := decode(p.lines, c.prefix+p.name, 2)
		if err != nil {
			return nil, err
		}
		if events == nil {
			events = more
		} else {
			events = append(events, more...)
		}
	}

	for i, e := range events {
		if e.Seq != int64(i)+1 {
			return nil, corrupt(c.key, 0, fmt.Sprintf("event %d stands where event %d should", e.Seq, i+1))
		}
	}

	return events, nil
}

// list returns the files that exist, the highest fence first.
func list(ctx context.Context, store objstore.Store, prefix string) ([]fenceFile, error) {
	infos, err := store.List(ctx, prefix+stem)
	if err != nil {
		return nil, fmt.Errorf("listing the journal: %w", err)
	}

	byName := map[string]*fenceFile{}
	for _, info := range infos {
		name := strings.TrimPrefix(info.Key, prefix)
		folder, _, _ := strings.Cut(name, "/")
		p, ok := parse(folder)
		if !ok || p.segmented != (folder != name) {
			continue
		}

		known := byName[folder]
		if known == nil {
			known = &p
			byName[folder] = known
		}

		if !p.segmented {
			continue
		}

		known.segments++
		if name != segmentName(p.fence, known.segments) {
			return nil, corrupt(info.Key, 0, fmt.Sprintf("segment %d before it is missing", known.segments))
		}
	}

	files := make([]fenceFile, 0, len(byName))
	for _, p := range byName {
		files = append(files, *p)
	}

	sort.Slice(files, func(a, b int) bool {
		if files[a].fence != files[b].fence {
			return files[a].fence > files[b].fence
		}
		return files[b].segmented
	})

	return files, nil
}

// parse reads a file's name; ok is false for anything that this package does not write.
func parse(name string) (p fenceFile, ok bool) {
	number, isFile := strings.CutSuffix(strings.TrimPrefix(name, stem), ".jsonl")
	fence, err := strconv.ParseInt(number, 10, 64)
	p = fenceFile{fence: fence, name: name, segmented: !isFile}

	if err != nil || fence < 1 || isFile && name != fileName(fence) || !isFile && name != folderName(fence) {
		return fenceFile{}, false
	}

	return p, true
}

// read fills in the file's lines: all good ones or, given a limit, exactly those within it.
func (p *fenceFile) read(ctx context.Context, store objstore.Store, prefix string, limit *closed) error {
	if p.segmented {
		if limit != nil {
			p.segments = limit.Segments
		}
		return p.readSegments(ctx, store, prefix, 1)
	}

	key := prefix + p.name
	body, err := readFrom(ctx, store, key, 0)
	if err != nil {
		return missing(key, err)
	}

	if limit != nil {
		if int64(len(body)) < limit.Bytes {
			return corrupt(key, 0, fmt.Sprintf("it has %d bytes now and had %d", len(body), limit.Bytes))
		}
		body = body[:limit.Bytes]
	}

	lines, end, err := scan(body, key, 1, limit != nil)
	p.lines, p.end = lines, int64(end)
	return err
}

// readSegments appends the lines of the segments from the given one on. A segment is always written whole.
func (p *fenceFile) readSegments(ctx context.Context, store objstore.Store, prefix string, from int) error {
	bodies := make([][]byte, max(0, p.segments-from+1))
	err := parallel.Do(len(bodies), 64, func(i int) error { // most of the time is waiting
		key := prefix + segmentName(p.fence, from+i)
		body, _, err := objstore.Find(ctx, store, key)
		bodies[i] = body
		return missing(key, err)
	})
	if err != nil {
		return err
	}

	for i, body := range bodies {
		lines, _, err := scan(body, prefix+segmentName(p.fence, from+i), 1, true)
		if err != nil {
			return err
		}
		p.lines = append(p.lines, lines...)
	}

	return nil
}

// readFrom returns an object's bytes from the offset on; of a plain file it reads only those.
func readFrom(ctx context.Context, store objstore.Store, key string, offset int64) ([]byte, error) {
	local, ok := store.(objstore.Local)
	if !ok || offset == 0 {
		body, _, err := objstore.Find(ctx, store, key)
		if err != nil || int64(len(body)) < offset {
			return nil, err
		}
		return body[offset:], nil
	}

	f, err := os.Open(local.File(key))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read

	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, err
	}

	return io.ReadAll(f)
}

// scan cuts the body into the JSON of its good lines; end is where the last of them ends. Bad lines after the beginning
// of the last batch are a torn end, unless the body must be whole; others are corruption.
func scan(body []byte, key string, number int, whole bool) (lines [][]byte, end int, err error) {
	lines = make([][]byte, 0, bytes.Count(body, []byte{'\n'}))
	for pos, bad := 0, 0; pos < len(body); number++ {
		next := bytes.IndexByte(body[pos:], '\n') + 1
		line := body[pos:]
		if next > 0 {
			line = line[:next-1]
		} else {
			next = len(line)
		}

		pos += next
		first, ok := check(line)
		ok = ok && body[pos-1] == '\n'
		switch {
		case ok && bad == 0:
			lines, end = append(lines, line[sumLength+1:]), pos
		case bad != 0 && ok && first:
			return nil, 0, corrupt(key, bad, "the line's checksum does not fit it")
		case bad == 0:
			bad = number
		}

		if bad != 0 && whole {
			return nil, 0, corrupt(key, bad, "the line's checksum does not fit it")
		}
	}

	return lines, end, nil
}

// check reports whether a line's checksum matches, and whether the line begins a batch.
func check(line []byte) (first, ok bool) {
	if len(line) <= sumLength || line[sumLength] != markFirst && line[sumLength] != markMore {
		return false, false
	}

	var sum [sumLength / 2]byte
	if _, err := hex.Decode(sum[:], line[:sumLength]); err != nil {
		return false, false
	}

	want := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	return line[sumLength] == markFirst, crc32.Checksum(line[sumLength+1:], castagnoli) == want
}

// decode turns lines into events; number is the first one's, for errors. Decoding dominates a reader's time, so it uses
// all cores.
func decode(lines [][]byte, key string, number int) ([]hindcast.Event, error) {
	const chunk = 2048
	events := make([]hindcast.Event, len(lines))
	err := parallel.Do((len(lines)+chunk-1)/chunk, runtime.GOMAXPROCS(0), func(n int) error {
		d := newDecoder()
		for i := n * chunk; i < min(len(lines), (n+1)*chunk); i++ {
			if err := d.event(lines[i], &events[i]); err != nil {
				return corrupt(key, number+i, "the line is not an event: "+err.Error())
			}
			if v := events[i].V; v > version {
				return newer(key, number+i, v)
			}
		}

		return nil
	})
	if err != nil {
		return nil, err
	}

	return events, nil
}

func missing(key string, err error) error {
	if errors.Is(err, objstore.ErrNotExist) {
		return corrupt(key, 0, "it is missing")
	}
	if errors.Is(err, objstore.ErrDamaged) {
		return corrupt(key, 0, objstore.ErrDamaged.Error())
	}
	if err != nil {
		return fmt.Errorf("reading the journal %s: %w", key, err)
	}

	return nil
}

// placed sets the place of an E-JOURNAL, a key of the store, to something a person can open.
func placed(store objstore.Store, err error) error {
	e, ok := errors.AsType[*hindcast.Error](err)
	if ok && (e.Code == hindcast.EJournal || e.Code == hindcast.EFormat) && e.Place.File != "" {
		e.Place.File = objstore.Location(store, e.Place.File)
	}
	return err
}

// newer refuses what a later version of hindcast wrote: it may mean what this one would not see.
func newer(key string, line, found int) error {
	return &hindcast.Error{Code: hindcast.EFormat, Class: hindcast.ClassPermanent,
		Message: fmt.Sprintf("the journal has version %d, of a newer hindcast: this one reads versions up to %d", found, version),
		Place:   hindcast.Place{File: key, Line: line}, Next: "use the hindcast that made the run, or a newer one"}
}

func corrupt(key string, line int, what string) error {
	return &hindcast.Error{Code: hindcast.EJournal, Class: hindcast.ClassPermanent,
		Message: "the journal is corrupt: " + what, Place: hindcast.Place{File: key, Line: line},
		Next: "restore the file from a backup, or start a new run: what is committed in the warehouse is kept and not run again"}
}
