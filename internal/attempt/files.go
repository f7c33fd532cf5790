package attempt

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/chunks"
	"github.com/hindcast/hindcast/internal/plan"
)

// own are the user's own files that a slice reads: of its facts' units, and of dimensions.
func (s *Steps) own(item plan.Item) []*hindcast.Manifest {
	var list []*hindcast.Manifest
	for _, need := range item.Units {
		if s.fact(need.Fact).Files != "" {
			list = append(list, s.manifests(need.Fact, need.Keys)...)
		}
	}
	for _, d := range s.plan.Pipeline.Dims {
		if d.Files != "" {
			list = append(list, s.dim(d.Name))
		}
	}
	return list
}

// unchanged holds the user's own files to what the plan saw of them: the fingerprint is of that.
func unchanged(own []*hindcast.Manifest) error {
	for _, m := range own {
		for _, f := range m.Files {
			info, err := os.Stat(f.Path)
			what := ""
			switch {
			case err != nil:
				what = err.Error()
			case info.Size() != f.Bytes:
				what = fmt.Sprintf("it has %d bytes, and had %d", info.Size(), f.Bytes)
			case f.Modified != 0 && info.ModTime().UnixNano() != f.Modified:
				what = "it was written again at " + info.ModTime().UTC().Format("2006-01-02 15:04:05")
			}
			if what != "" {
				return &hindcast.Error{Code: hindcast.ESource, Class: hindcast.ClassPermanent, Message: fmt.Sprintf("%s changed since the plan was made: %s", f.Path, what),
					Next: "hindcast run, which plans again"}
			}
		}
	}
	return nil
}

// evidence is what is taken down of one state of a unit of the user's own files, once for all slices that read it.
type evidence struct {
	content string
	mutex   sync.Mutex
	files   []hindcast.File // with their checksums, once these were taken
	kept    bool            // there is a record
}

// take takes the checksums of files, unless that is done.
func (e *evidence) take(ctx context.Context, m *hindcast.Manifest) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.kept || e.files != nil {
		return
	}
	files := slices.Clone(m.Files)
	for i, f := range files {
		files[i].CRC32C, _ = chunks.SumFile(ctx, f.Path) // without one it is not compared
	}
	if ctx.Err() == nil { // else another slice takes them
		e.files = files
	}
}

// forget has the checksums taken again, unless there is a record of them.
func (e *evidence) forget() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.files = nil
}

// testimony takes down what a slice is made of, while it is made.
type testimony struct {
	own  []*hindcast.Manifest
	done chan struct{}
}

// witness begins to take the checksums of the user's own files that the slice reads, once for each state of them: later
// they tell a file that was replaced by one of the same size and time.
func (s *Steps) witness(ctx context.Context, own []*hindcast.Manifest) *testimony {
	t := &testimony{own: own, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for _, m := range own {
			s.evidenceOf(m).take(ctx, m)
			s.straysOfFiles(ctx, m)
		}
	}()
	return t
}

func (s *Steps) evidenceOf(m *hindcast.Manifest) *evidence {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	key := unitKey{m.Name, m.Key}
	e := s.evidence[key]
	if e == nil || e.content != m.Sums.Content {
		e = &evidence{content: m.Sums.Content}
		s.evidence[key] = e
	}
	return e
}

// record sees to it that all that a transform read is on record, if the transform went well: no slice relies on another,
// which may fail. What one that failed has seen is taken again.
func (s *Steps) record(ctx context.Context, t *testimony, failed error) error {
	<-t.done
	for _, m := range t.own {
		e := s.evidenceOf(m)
		if failed == nil {
			failed = s.recordOnce(ctx, e, m)
		}
		if failed != nil {
			e.forget()
		}
	}
	return failed
}

// recordOnce records a unit's files, unless that is done.
func (s *Steps) recordOnce(ctx context.Context, e *evidence, m *hindcast.Manifest) error {
	e.take(ctx, m) // if the slice failed that took it first
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.kept {
		return nil
	}
	copied := *m
	copied.Files, copied.Run, copied.CreatedAt = e.files, s.plan.Run, s.now().UTC()
	copied.Strays = s.counts(m)
	err := s.lake.Record(ctx, &copied)
	e.kept = err == nil
	return err
}

// accept takes down an accepted loss of files that no slice reads now: a lookback does not have to have them, or the
// slice is skipped without them.
func (s *Steps) accept(ctx context.Context, records []*hindcast.Manifest) error {
	if !s.plan.AcceptLoss {
		return nil
	}
	read := map[unitKey]bool{} // its slice records it
	for _, item := range s.plan.Items {
		for _, need := range item.Units {
			for _, key := range need.Keys {
				read[unitKey{need.Fact, key}] = read[unitKey{need.Fact, key}] || item.Reason.Runs()
			}
		}
	}
	for _, c := range s.plan.Changes(records, true) {
		r := *c.Record
		if _, isDim := s.dims[r.Name]; c.Lost == "" || isDim || read[unitKey{r.Name, r.Key}] {
			continue
		}
		r.Files, r.Layouts, r.Bytes, r.Sums, r.Run, r.CreatedAt = nil, nil, 0, hindcast.Sums{}, s.plan.Run, s.now().UTC()
		if err := s.lake.Record(ctx, &r); err != nil {
			return err
		}
	}
	return nil
}
