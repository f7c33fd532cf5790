package attempt

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/hindcast/hindcast"
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

// testimony takes down what a slice is made of, while it is made.
type testimony struct {
	own  []*hindcast.Manifest // with the checksums of their files
	done chan struct{}
}

// witness begins to take the checksums of the user's own files that the slice reads, once for each state of them: later
// they tell a file that was replaced by one of the same size and time.
func (s *Steps) witness(ctx context.Context, own []*hindcast.Manifest) *testimony {
	t := &testimony{done: make(chan struct{})}
	s.mutex.Lock()
	for _, m := range own {
		key := unitKey{m.Name, m.Key}
		if s.recorded[key] != m.Sums.Content {
			s.recorded[key] = m.Sums.Content
			t.own = append(t.own, m)
		}
	}
	s.mutex.Unlock()
	go func() {
		defer close(t.done)
		for i, m := range t.own {
			copied := *m
			copied.Files = make([]hindcast.File, len(m.Files))
			for j, f := range m.Files {
				f.CRC32C = checksum(ctx, f.Path)
				copied.Files[j] = f
			}
			t.own[i] = &copied
		}
	}()
	return t
}

// checksum is of all bytes of a file; "" if it cannot be read.
func checksum(ctx context.Context, path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	buffer := make([]byte, 1<<20)
	for ctx.Err() == nil {
		n, err := f.Read(buffer)
		_, _ = sum.Write(buffer[:n])
		if err == io.EOF {
			return fmt.Sprintf("%08x", sum.Sum32())
		}
		if err != nil {
			return ""
		}
	}
	return ""
}

// record keeps the testimony of a transform that went well. One that failed is taken again.
func (s *Steps) record(ctx context.Context, t *testimony, failed error) error {
	<-t.done
	for _, m := range t.own {
		if failed == nil {
			m.Run, m.CreatedAt = s.plan.Run, s.now().UTC()
			failed = s.lake.Record(ctx, m)
		}
		if failed != nil {
			s.mutex.Lock()
			delete(s.recorded, unitKey{m.Name, m.Key})
			s.mutex.Unlock()
		}
	}
	return failed
}

// accept takes down an accepted loss of files that a lookback had and does not have to have: no slice reads them now.
func (s *Steps) accept(ctx context.Context, records []*hindcast.Manifest) error {
	if !s.plan.AcceptLoss {
		return nil
	}
	for _, c := range s.plan.Changes(records, true) {
		r := *c.Record
		if _, isDim := s.dims[r.Name]; c.Lost == "" || isDim || s.units[unitKey{r.Name, r.Key}] != nil {
			continue
		}
		r.Files, r.Layouts, r.Bytes, r.Sums, r.Run, r.CreatedAt = nil, nil, 0, hindcast.Sums{}, s.plan.Run, s.now().UTC()
		if err := s.lake.Record(ctx, &r); err != nil {
			return err
		}
	}
	return nil
}
