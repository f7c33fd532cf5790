package lake

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/parallel"
)

// Holding is what the lake has below one of hindcast's own prefixes, or in a few of its own files.
type Holding struct {
	Prefix  string   // "" where Keys name all of it
	Keys    []string // in the order in which they are to be deleted
	Objects int
	Bytes   int64
	Linked  int64 // of the Bytes, those that another pipeline has too, and that stay
}

func (h *Holding) add(info objstore.Info) {
	h.Objects++
	h.Bytes += info.Bytes
	if info.Linked {
		h.Linked += info.Bytes
	}
	if h.Prefix == "" {
		h.Keys = append(h.Keys, info.Key)
	}
}

// RunHoldings is what the lake has of one run, by what it is for. What nobody knows, because somebody else put it there, is in none of it.
type RunHoldings struct {
	Run      string
	Planned  bool    // there is a plan.json, or the claim of one
	Records  Holding // the plan, first of all, the journal, and the request to stop
	Log      Holding
	Spill    Holding    // of processes that died
	Staging  []Holding  // one an attempt
	Previous []Previous // one a load, of each output
}

// Previous is what a load of the run keeps, or kept, of the rows that it replaced.
type Previous struct {
	Holding
	Slice   string
	Attempt string // the prefix of the attempt that the load is of
	Kept    *Kept  // nil if it has no manifest: its load died, or was of an earlier hindcast

	manifest string // its key; "" if there is none
}

// takes takes in a file of it.
func (p *Previous) takes(info objstore.Info) {
	p.add(info)
	switch info.Key {
	case p.Prefix + manifestName:
		p.manifest = info.Key
	case p.Prefix + earlierManifestName:
		p.manifest = cmp.Or(p.manifest, info.Key)
	}
}

var (
	journalForm = regexp.MustCompile(`^journal-[0-9]{12}(\.jsonl|/[0-9]{8}\.jsonl)$`)
	ownAttempt  = regexp.MustCompile(`^(f[1-9][0-9]*-)?a[1-9][0-9]*/$`)
)

// Holdings lists what the lake has of a run, and reads the manifests of what its loads replaced.
func (l *Lake) Holdings(ctx context.Context, run string) (*RunHoldings, error) {
	below := l.RunPrefix(run)
	infos, err := l.store.List(ctx, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}

	h := &RunHoldings{Run: run, Spill: Holding{Prefix: below + "spill/"}}
	var plan, others []objstore.Info
	for _, info := range infos {
		switch name := strings.TrimPrefix(info.Key, below); {
		case name == "plan.json":
			plan = append(plan, info)
		case name == "stop.json", journalForm.MatchString(name):
			others = append(others, info)
		case name == "log":
			h.Log.add(info)
		case strings.HasPrefix(name, "spill/"):
			h.Spill.add(info)
		case strings.HasPrefix(name, "staging/") && h.stages(below, name, info):
		case strings.HasPrefix(name, "previous/") && h.replaces(below, name, info):
		}
	}
	h.Planned = len(plan) > 0
	for _, info := range append(plan, others...) { // without its plan a run is not there any more, whatever else is left of it
		h.Records.add(info)
	}

	return h, parallel.Do(len(h.Previous), l.area.width(), func(n int) error {
		p := &h.Previous[n]
		if p.manifest == "" {
			return nil
		}
		kept, err := l.kept(ctx, p.manifest)
		kept.Prefix, kept.Slice = p.Prefix, p.Slice
		p.Kept = &kept
		return err
	})
}

// attemptIn is the prefix of the attempt that a file below staging or previous is of; "" if it is of none.
func attemptIn(below, name string) (prefix, slice string) {
	levels := strings.SplitAfterN(name, "/", 4) // staging/<slice>/<attempt>/…
	if len(levels) < 4 || !ownAttempt.MatchString(levels[2]) {
		return "", ""
	}
	slice, err := objstore.Unescape(strings.TrimSuffix(levels[1], "/"))
	if err != nil {
		return "", ""
	}
	return below + levels[0] + levels[1] + levels[2], slice
}

func (h *RunHoldings) stages(below, name string, info objstore.Info) bool {
	attempt, _ := attemptIn(below, name)
	if attempt == "" {
		return false
	}
	if n := len(h.Staging); n == 0 || h.Staging[n-1].Prefix != attempt {
		h.Staging = append(h.Staging, Holding{Prefix: attempt})
	}
	h.Staging[len(h.Staging)-1].add(info)
	return true
}

// replaces takes in a file of what a load replaced: of one of several outputs it is a folder further down.
func (h *RunHoldings) replaces(below, name string, info objstore.Info) bool {
	attempt, slice := attemptIn(below, name)
	if attempt == "" {
		return false
	}
	prefix := info.Key[:strings.LastIndexByte(info.Key, '/')+1]
	for i := len(h.Previous) - 1; i >= 0 && h.Previous[i].Attempt == attempt; i-- { // in the order of keys, files are between folders
		if h.Previous[i].Prefix == prefix {
			h.Previous[i].takes(info)
			return true
		}
	}
	p := Previous{Holding: Holding{Prefix: prefix}, Slice: slice, Attempt: attempt}
	p.takes(info)
	h.Previous = append(h.Previous, p)
	return true
}

// Unload is one generation of a fact's unit, of a dimension, or of a slice's result, that nothing leads to any more.
type Unload struct {
	Holding
	Name, Key  string
	Run        string
	Unfinished bool // it has no manifest: its attempt died. Otherwise it is superseded
}

// Superseded lists the generations that are neither current nor the one before, nor pinned, and those that were not finished, under this fence or a
// lower one, but for those of runs that still may go on. Of kept results it lists what was not finished: the rest is for the end of a run to
// prune. A finished generation whose unit is not in the catalog stays.
func (l *Lake) Superseded(ctx context.Context, fence int64, goesOn func(run string) bool) ([]Unload, error) {
	pinned, err := l.pinned(ctx)
	if err != nil {
		return nil, err
	}
	known, dims, err := l.Paths(ctx)
	if err != nil {
		return nil, err
	}
	current := func(u *Unload, kind string) *hindcast.Manifest {
		if kind == "dimensions" {
			return dims[u.Name]
		}
		if m, found := known.WithPaths(u.Name, u.Key); found {
			return &m
		}
		return nil
	}

	var gone []Unload
	for _, kind := range []string{"facts", "dimensions", "results"} {
		all, err := l.generationsBelow(ctx, kind)
		if err != nil {
			return nil, err
		}
		for i := range all {
			u := &all[i]
			folder := strings.TrimSuffix(u.Prefix, "/")
			if fenceOf(folder) > fence || pinned[u.Prefix] || goesOn(u.Run) {
				continue
			}
			if u.Unfinished || kind != "results" && l.supersedes(current(u, kind), u) {
				gone = append(gone, *u)
			}
		}
	}
	return gone, nil
}

// supersedes reports whether the current generation leaves nothing for another one to serve for.
func (l *Lake) supersedes(current *hindcast.Manifest, u *Unload) bool {
	if current == nil || l.Prefix(current) == u.Prefix {
		return false
	}
	for _, f := range current.Files {
		if strings.HasPrefix(f.Path, u.Prefix) {
			return false
		}
	}
	folder := strings.TrimSuffix(u.Prefix, "/")
	n := generationOf(folder[strings.LastIndexByte(folder, '/')+1:])
	return n <= current.Generation && n != current.Generation-1
}

// generationsBelow are the folders of generations of a kind, each with what is in it.
func (l *Lake) generationsBelow(ctx context.Context, kind string) (all []Unload, err error) {
	below := objstore.Escape(l.pipeline) + "/" + kind + "/"
	infos, err := l.store.List(ctx, below)
	if err != nil {
		return nil, broken(l.Absolute(below), "cannot be listed", err)
	}

	depth := 3 // <name>/<key>/<generation>/…
	if kind == "dimensions" {
		depth = 2
	}
	for _, info := range infos {
		levels := strings.SplitN(strings.TrimPrefix(info.Key, below), "/", depth+1)
		if len(levels) <= depth || generationOf(levels[depth-1]) == 0 {
			continue // not ours
		}
		prefix := below + strings.Join(levels[:depth], "/") + "/"
		if len(all) == 0 || all[len(all)-1].Prefix != prefix {
			u := Unload{Holding: Holding{Prefix: prefix}, Run: runOf(levels[depth-1]), Key: allRows, Unfinished: true}
			if u.Name, err = objstore.Unescape(levels[0]); err == nil && depth == 3 {
				u.Key, err = objstore.Unescape(levels[1])
			}
			if err != nil {
				continue // not ours
			}
			all = append(all, u)
		}
		u := &all[len(all)-1]
		u.add(info)
		if name := levels[depth]; name == manifestName || name == earlierManifestName {
			u.Unfinished = false
		}
	}
	return all, nil
}

// Delete deletes a holding whole, and the folders that it was in, where nothing else is there.
func (l *Lake) Delete(ctx context.Context, h *Holding) error {
	for _, key := range h.Keys {
		if err := l.store.Delete(ctx, key); err != nil {
			return broken(l.Absolute(key), "cannot be deleted", err)
		}
	}
	if h.Prefix == "" {
		return nil
	}
	if err := l.store.DeleteAll(ctx, h.Prefix); err != nil {
		return broken(l.Absolute(h.Prefix), "cannot be deleted", err)
	}
	local, ok := l.store.(objstore.Local)
	for up := h.Prefix; ok && strings.Count(up, "/") > runDepth+1; {
		up = up[:strings.LastIndexByte(strings.TrimSuffix(up, "/"), '/')+1]
		local.Abandon(up)
	}
	return nil
}

// runDepth is how deep the folder of a run is, which is not removed before the run is.
const runDepth = 4

// Forget removes the empty folders that are left where a run was, whose holdings were deleted.
func (l *Lake) Forget(ctx context.Context, run string) error {
	below := l.RunPrefix(run)
	infos, err := l.store.List(ctx, below)
	if err != nil {
		return broken(l.Absolute(below), "cannot be listed", err)
	}
	if len(infos) > 0 { // somebody else's
		return nil
	}
	if err := l.store.DeleteAll(ctx, below); err != nil {
		return broken(l.Absolute(below), "cannot be deleted", err)
	}
	return nil
}

// EachCurrent visits the manifests of all current generations: of facts, of which those of long histories are not whole, of dimensions, and of
// kept results.
func (l *Lake) EachCurrent(ctx context.Context, visit func(*hindcast.Manifest)) error {
	g, dims, err := l.Generations(ctx)
	if err != nil {
		return err
	}
	for _, m := range dims {
		visit(m)
	}
	for _, units := range g.facts {
		for _, m := range units.byKey {
			visit(m)
		}
		if units.digest != nil {
			units.digest.each(l, func(_ string, x *index, at int) {
				m := x.unit(at)
				visit(&m)
			})
		}
	}

	infos, err := l.store.List(ctx, l.catalogPrefix()+"results/")
	if err != nil {
		return broken("the catalog", "cannot be listed", err)
	}
	kept, err := l.readEntries(ctx, infos)
	if err != nil {
		return err
	}
	for _, m := range kept {
		if m != nil {
			visit(m)
		}
	}
	return nil
}
