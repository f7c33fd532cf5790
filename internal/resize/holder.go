package resize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
)

// holder is a run that wants the warehouse as it is, as a tag says: the key names it, and the value has the size before
// and the one that it wants.
type holder struct {
	lake     string // a digest of its place
	pipeline string
	run      string

	tag   string // its key
	from  int
	to    int // the size that it wants; 0 in tags of old
	state state
}

// state is what a holder does with the warehouse, as its tag says.
type state string

// The states of a holder.
const (
	growing state = " - growing"  // it wants another size, or is about to look whether it has it
	loading state = ""            // whoever comes now has to take the warehouse as it is
	leaving state = " - back now" // it is about to resize back, and whoever comes now has to wait
)

const (
	tagPrefix = "hindcast:"
	longest   = 128 // of a tag's key
)

// digest is a short name of a text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// keyOf is the tag of a run: hindcast:LAKE:PIPELINE:RUN. Names that are too long are cut, with a digest of the whole.
func keyOf(lake, pipeline, run string) string {
	key := tagPrefix + lake + ":" + pipeline + ":" + run
	if len(key) > longest {
		whole := digest(key)
		key = key[:longest-len(whole)-1] + "-" + whole
	}
	return key
}

func (h holder) value() string {
	return fmt.Sprintf("resized from %d to %d%s", h.from, h.to, h.state)
}

// String names the run for people.
func (h holder) String() string { return fmt.Sprintf("run %s of pipeline %s", h.run, h.pipeline) }

// holders reads the tags of a warehouse, in the order of their keys. Tags of others are left aside.
func holders(tags map[string]string) []holder {
	var all []holder
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		rest, ours := strings.CutPrefix(key, tagPrefix)
		parts := strings.SplitN(rest, ":", 3)
		if !ours || len(parts) != 3 {
			continue
		}
		h := holder{lake: parts[0], pipeline: parts[1], run: parts[2], tag: key}
		for _, is := range []state{growing, leaving} {
			if strings.HasSuffix(tags[key], string(is)) {
				h.state = is
			}
		}
		if n, _ := fmt.Sscanf(tags[key], "resized from %d to %d", &h.from, &h.to); n > 0 {
			all = append(all, h)
		}
	}
	return all
}

func names(all []holder) []string {
	var list []string
	for _, h := range all {
		list = append(list, h.String())
	}
	return list
}

// others are the runs besides this one that want the warehouse as it is and may be alive. Another run of this pipeline and lake is
// dead: this one has its lease.
func (r *Resizer) others(ctx context.Context, now standing) ([]holder, error) {
	var living []holder
	for _, h := range holders(now.tags) {
		switch {
		case h.lake == r.me.lake && h.pipeline == r.me.pipeline:
			continue
		case h.lake == r.me.lake && r.options.Living != nil && len(h.tag) < longest: // a name that was cut is nobody's to ask for
			run, err := r.options.Living(ctx, h.pipeline)
			if err != nil {
				return nil, err
			}
			if run != h.run {
				continue
			}
		}
		living = append(living, h)
	}
	return living, nil
}

// mark writes this run's tag. While the warehouse changes, that may be refused.
func (r *Resizer) mark(ctx context.Context, now standing, s hindcast.Sizing, is state) error {
	me := r.me
	me.from, me.to, me.state = s.From, s.To, is
	if now.tags[me.tag] == me.value() {
		return nil
	}
	return r.label(ctx, "tagging "+s.Named(), func() error { return r.target.tag(ctx, now, me.tag, me.value()) })
}

// label makes a call that writes or deletes a tag until the warehouse takes it.
func (r *Resizer) label(ctx context.Context, doing string, call func() error) error {
	for n := 0; ; n++ {
		err := r.insist(ctx, call)
		if !busy(err) {
			return r.translate(doing, err)
		}
		if waiting := r.options.Pause(ctx, wait(n)); waiting != nil {
			return waiting
		}
	}
}

// inState are those of them that are in the state.
func inState(all []holder, is state) []holder {
	var some []holder
	for _, h := range all {
		if h.state == is {
			some = append(some, h)
		}
	}
	return some
}

// anyOf reports whether one of them is in the state.
func anyOf(all []holder, is state) bool {
	return len(inState(all, is)) > 0
}

// unmark takes away this run's tag, and those of dead runs of this lake if the warehouse is back.
func (r *Resizer) unmark(ctx context.Context, now standing, back bool) error {
	others, err := r.others(ctx, now)
	if err != nil {
		return err
	}
	for _, h := range holders(now.tags) {
		alive := slices.ContainsFunc(others, func(o holder) bool { return o.tag == h.tag })
		if h.tag != r.me.tag && (!back || alive) {
			continue
		}
		err := r.label(ctx, "taking hindcast's tag off "+r.named(0, 0).Named(), func() error { return r.target.untag(ctx, now, h.tag) })
		if err != nil {
			return err
		}
	}
	return nil
}
