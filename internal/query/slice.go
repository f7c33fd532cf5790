package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/engine"
	"github.com/hindcast/hindcast/internal/plan"
	"github.com/hindcast/hindcast/internal/session"
)

// Ask is what a program other than hindcast wants to read of one slice.
type Ask struct {
	Slice  string  // "" is the latest
	Sample float64 // per cent of each fact's rows; 0 is all
	All    bool    // every column of each table, also those that no SQL of the pipeline reads
	Dir    string  // the folder for what is not in a lake on this machine; it is made when it is needed
}

// Opened is a slice whose files such a program can read for as long as they lie where they are: those of a lake on this machine
// until the lake removes them.
type Opened struct {
	Slice  hindcast.Slice
	Label  string         // the slice's key as people see it
	Tables []engine.Table // as the transform sees them
	Copied []string       // names of the tables of which rows are in Dir
}

// Open finds a slice's facts and dimensions. The session's engine is open. What is not in the lake is read from the warehouse,
// which is opened for it, into the folder; what lies in a lake elsewhere, or in one whose place is a secret, is copied there.
func Open(ctx context.Context, s *session.Session, a Ask, now time.Time) (*Opened, error) {
	for i := range s.Pipeline.Outputs {
		if err := Alone(s.Pipeline, &s.Pipeline.Outputs[i]); err != nil {
			return nil, err
		}
	}
	p, err := fromLake(ctx, s, a.Slice, now)
	if err == nil && !(a.All && narrows(s.Pipeline)) {
		opened, err := open(ctx, s, p, a, now)
		if !elsewhere(err) {
			return opened, err
		}
	}
	if err := s.Reach(ctx); err != nil {
		return nil, err
	}
	if p, err = planAny(ctx, s, a.Slice, now); err != nil {
		return nil, err
	}
	return open(ctx, s, p, a, now)
}

// open finds the tables of the last of the plan's slices.
func open(ctx context.Context, s *session.Session, p *plan.Plan, a Ask, now time.Time) (*Opened, error) {
	item := p.Items[len(p.Items)-1]
	r := &reader{Session: s, plan: p, item: item, scratch: a.Dir, sample: a.Sample}
	defer r.release()
	if narrows(s.Pipeline) && !a.All {
		var err error
		if r.reads, err = readByOutputs(ctx, s, p, item, now); err != nil && s.Warehouse == nil && hindcast.AsError(err).Code == hindcast.ESQLColumn {
			return nil, err
		}
	}

	tables, err := r.tables(ctx)
	if err != nil {
		return nil, err
	}
	if s.Lake.Remote() || s.Pipeline.Lake.Hidden() {
		for i := range tables {
			copied, err := keep(&tables[i], filepath.Join(a.Dir, fmt.Sprintf("lake-%d", i)), a.Dir)
			if err != nil {
				return nil, err
			}
			if copied && !slices.Contains(r.fetched, tables[i].Name) {
				r.fetched = append(r.fetched, tables[i].Name)
			}
		}
	}
	return &Opened{Slice: item.Slice, Label: p.Label(item.Slice.Key), Tables: tables, Copied: r.fetched}, nil
}

// readByOutputs are the columns of tables with `columns: used` that the outputs' SQL reads, by table. A table that is not in
// it is read whole.
func readByOutputs(ctx context.Context, s *session.Session, p *plan.Plan, item plan.Item, now time.Time) (map[string][]string, error) {
	var all map[string][]string
	survey, tables := s.Survey(session.Choice{}, now), seen(s, p, item)
	for _, o := range s.Pipeline.Outputs {
		query, err := survey.Written(p, item.Slice, o.Text, o.SQLFile, tables)
		if err != nil {
			return nil, err
		}
		reads, err := s.Binder.Used(ctx, query, nil)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = reads
			continue
		}
		maps.DeleteFunc(all, func(name string, _ []string) bool { return reads[name] == nil })
		for name := range all {
			all[name] = append(slices.Clone(all[name]), reads[name]...)
		}
	}
	for _, f := range s.Pipeline.Facts {
		if !f.Used {
			delete(all, f.Name)
		}
	}
	for _, d := range s.Pipeline.Dims {
		if !d.Used {
			delete(all, d.Name)
		}
	}
	return all, nil
}

// keep copies a table's files into a folder, unless they are the user's own or lie below there already.
func keep(t *engine.Table, dir, there string) (copied bool, err error) {
	if len(t.Layouts) > 0 {
		return false, nil
	}
	n := 0
	move := func(files []string) error {
		for i, file := range files {
			if strings.HasPrefix(file, there+string(filepath.Separator)) {
				continue
			}
			n++
			to := filepath.Join(dir, fmt.Sprintf("%d.parquet", n))
			if err := copyFile(file, to); err != nil {
				return err
			}
			files[i] = to
		}
		return nil
	}

	t.Files = slices.Clone(t.Files)
	err = move(t.Files)
	for i := range t.Groups {
		t.Groups[i].Files = slices.Clone(t.Groups[i].Files)
		err = errors.Join(err, move(t.Groups[i].Files))
	}
	return n > 0, err
}

func copyFile(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("making a folder for a copy: %w", err)
	}
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying a file of the lake: %w", err)
	}
	defer func() { _ = in.Close() }() // only read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copying a file of the lake: %w", err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
