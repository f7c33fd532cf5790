package redshift

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	leaseTable  = "hindcast_lease"
	statusTable = "hindcast_status"
)

// makes is the DDL of our tables. Redshift enforces no key: whoever writes takes the lock on hindcast_lease first.
var makes = map[string]string{
	leaseTable: " (name varchar(1024) NOT NULL, n bigint NOT NULL)",
	statusTable: ` (pipeline varchar(1024) NOT NULL, target varchar(1024) NOT NULL, slice varchar(1024) NOT NULL, slice_start timestamptz NOT NULL,
  slice_end timestamptz NOT NULL, run varchar(1024) NOT NULL, attempt integer NOT NULL, fingerprint varchar(1024) NOT NULL, parts varchar(65535) NOT NULL,
  "rows" bigint NOT NULL, content varchar(1024) NOT NULL, totals varchar(65535) NOT NULL, previous varchar(4096) NOT NULL, committed_at timestamptz NOT NULL,
  publication varchar(1024) NOT NULL)`,
}

// statusRows are the rows of hindcast_status as Redshift has them.
var statusRows = pgclient.Status{Text: literal, Instant: func(t time.Time) string { return bound(instant, t) }, Read: readTime, Longest: longest}

// home is where our tables are: where the search path has them, otherwise its first schema.
type home struct {
	schema        string
	lease, status bool // which of them are there
}

func (h home) table(name string) string { return sqltext.Identifier(h.schema) + "." + name }

// ours finds our tables.
func (s *session) ours(ctx context.Context) (h home, err error) {
	rows, err := s.ask(ctx, "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND c.relname IN "+
		literals([]string{leaseTable, statusTable})+" AND pg_table_is_visible(c.oid) ORDER BY c.relname DESC")
	if err != nil {
		return h, err
	}
	for _, r := range rows { // that of the status first
		if h.schema == "" {
			h.schema = r.Text(0)
		}
		if r.Text(0) == h.schema {
			h.lease, h.status = h.lease || r.Text(1) == leaseTable, h.status || r.Text(1) == statusTable
		}
	}
	if h.schema == "" {
		r, err := s.one(ctx, "SELECT current_schema()")
		if err != nil {
			return h, err
		}
		h.schema = r.Text(0)
	}
	if h.schema == "" {
		return h, permanent("no schema of the user's search path is there", "name one in the URL: ?search_path=SCHEMA")
	}
	return h, nil
}

// readColumns are these as they are read: times as their text.
var readColumns = strings.NewReplacer("slice_start, slice_end,", "CAST(slice_start AS varchar) AS starts, CAST(slice_end AS varchar) AS ends,",
	"committed_at,", "CAST(committed_at AS varchar) AS at,").Replace(warehouse.StatusColumns)

// Committed returns the pipeline's status rows. If resolved is set, it waits for publications in flight: each holds the lock on
// hindcast_lease to its end.
func (w *Owner) Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error) {
	read := func(s *session) (all []hindcast.Committed, err error) {
		h, err := s.ours(ctx)
		if err != nil || !h.status {
			return nil, err
		}
		return s.committed(ctx, h, " WHERE pipeline = "+literal(pipeline), keys...)
	}
	var all []hindcast.Committed
	look := func(s *session) (err error) { all, err = read(s); return err }
	if !resolved || w.options.ReadOnly {
		err := w.reading(ctx, look)
		return all, err
	}

	err := w.with(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil {
			return err
		}
		if !h.lease {
			return look(s)
		}
		mark := h.table(stagingName(pipeline, 0, "", rand.Text()))
		return s.marked(ctx, mark, func() error {
			if err := w.lock(ctx, s, h, patience, mark); err != nil {
				return err
			}
			return look(s)
		})
	})
	return all, err
}

// committed reads the status rows of a condition, of these slices if any are named.
func (s *session) committed(ctx context.Context, h home, condition string, keys ...string) (all []hindcast.Committed, err error) {
	if len(keys) == 0 {
		return s.rowsOf(ctx, h, condition)
	}
	for some := range s.portions(keys) {
		rows, err := s.rowsOf(ctx, h, condition+" AND slice IN "+literals(some))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b hindcast.Committed) int {
		return cmp.Or(a.Slice.Start.Compare(b.Slice.Start), cmp.Compare(a.Target, b.Target))
	})
	return all, nil
}

// portions are keys as many as half a statement may hold.
func (s *session) portions(keys []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for len(keys) > 0 {
			n, bytes := 0, 0
			for n < len(keys) && (n == 0 || bytes < s.link.longest()/2) {
				bytes += len(literal(keys[n])) + len(", ")
				n++
			}
			if !yield(keys[:n]) {
				return
			}
			keys = keys[n:]
		}
	}
}

func (s *session) rowsOf(ctx context.Context, h home, condition string) ([]hindcast.Committed, error) {
	rows, err := s.ask(ctx, "SELECT "+readColumns+" FROM "+h.table(statusTable)+condition+" ORDER BY slice_start, target")
	if err != nil {
		return nil, err
	}
	return statusRows.Rows(rows)
}

// ofTarget are the pipeline's status rows for the target, of these slices if any are named.
func (w *Owner) ofTarget(ctx context.Context, pipeline, target string, keys ...string) (all []hindcast.Committed, err error) {
	condition := " WHERE pipeline = " + literal(pipeline) + " AND target = " + literal(target)
	err = w.reading(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil || !h.status {
			return err
		}
		all, err = s.committed(ctx, h, condition, keys...)
		return err
	})
	return all, err
}

// Digests says nothing: sums of hashes are not made here.
func (w *Owner) Digests(context.Context, string, string, hindcast.Ranges) (warehouse.Digests, error) {
	return warehouse.Digests{Hashing: warehouse.HashNone}, nil
}

// Overview lists the status rows without their details. All are read in any case.
func (w *Owner) Overview(ctx context.Context, pipeline, target string, within []hindcast.Interval) (warehouse.Overview, error) {
	all, err := w.ofTarget(ctx, pipeline, target)
	var packer warehouse.Packer
	for i := range all {
		begins := func(in hindcast.Interval) bool {
			return !all[i].Slice.Start.Before(in.Start) && all[i].Slice.Start.Before(in.End)
		}
		if within == nil || slices.ContainsFunc(within, begins) {
			packer.Add(&all[i])
		}
	}
	return packer.Overview(), err
}

// Details returns the whole rows of some slices.
func (w *Owner) Details(ctx context.Context, pipeline, target string, keys []string) ([]hindcast.Committed, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return w.ofTarget(ctx, pipeline, target, keys...)
}

// Edited compares every slice's rows with what was committed, at the cluster. Redshift has nothing that says which rows a
// transaction wrote: each value is read and hashed.
func (w *Owner) Edited(ctx context.Context, pipeline string, p warehouse.Published) (keys []string, err error) {
	all, err := w.ofTarget(ctx, pipeline, p.Target.Table)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p.Intervals = nil
	for _, c := range all {
		p.Intervals = append(p.Intervals, c.Slice.Interval)
	}
	sums, err := w.Published(ctx, p)
	for i, s := range sums {
		if !s.Agrees(all[i].Sums) {
			keys = append(keys, all[i].Slice.Key)
		}
	}
	return keys, err
}

// mostTogether is how many slices one statement sums at most.
const mostTogether = 50

// together is how many of them a statement has room for.
func (s *session) together(target *relation, p warehouse.Published, columns []hindcast.Column) int {
	if len(p.Intervals) == 0 {
		return 1
	}
	one := len(publishedQuery(0, target, p, columns, p.Intervals[0])) + len(" UNION ALL ")
	return max(1, min(mostTogether, s.link.longest()*9/10/one))
}

func publishedQuery(n int, target *relation, p warehouse.Published, columns []hindcast.Column, in hindcast.Interval) string {
	return fmt.Sprintf("SELECT %d AS slice, summed.* FROM (%s) summed", n, sumsQuery(columns, target.within(p.Target, in, p.TimeZone), true))
}

// Published sums the target's rows in each interval.
func (w *Owner) Published(ctx context.Context, p warehouse.Published) (all []hindcast.Sums, err error) {
	err = w.reading(ctx, func(s *session) error {
		found, err := s.findNames(ctx, p.Target.Table)
		if err != nil {
			return err
		}
		target, there := found[p.Target.Table]
		if !there {
			return &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: "the target " + p.Target.Table + " is not there",
				Next: "hindcast run makes it again"}
		}
		columns := target.spelled(p.Columns)
		for some := range slices.Chunk(p.Intervals, s.together(&target, p, columns)) {
			sums, err := s.published(ctx, &target, p, columns, some)
			if err != nil {
				return err
			}
			all = append(all, sums...)
		}
		return nil
	})
	return all, err
}

func (s *session) published(ctx context.Context, target *relation, p warehouse.Published, columns []hindcast.Column, intervals []hindcast.Interval) ([]hindcast.Sums, error) {
	queries := make([]string, len(intervals))
	for i, in := range intervals {
		queries[i] = publishedQuery(i, target, p, columns, in)
	}
	rows, err := s.ask(ctx, strings.Join(queries, " UNION ALL "))
	if err != nil {
		return nil, err
	}
	sums := make([]hindcast.Sums, len(intervals))
	for _, r := range rows {
		sums[r.Number(0)] = named(readSums(r[1:], columns, true), columns, p.Columns)
	}
	return sums, nil
}

// within is a FROM clause of the relation's rows whose time lies in the interval.
func (r *relation) within(t hindcast.Target, in hindcast.Interval, zone string) string {
	c := r.column(t.Time)
	if c == nil {
		return r.name.SQL() + " WHERE false"
	}
	return r.name.SQL() + " WHERE " + window(c.Name, hindcast.Column{Type: c.Type, Format: t.Format}.TimeType(), in, zone)
}

// column finds a column by its name, in any case.
func (r *relation) column(name string) *hindcast.Column {
	for i := range r.columns {
		if strings.EqualFold(r.columns[i].Name, name) {
			return &r.columns[i]
		}
	}
	return nil
}

// spelled are columns of a result as the relation has them, with the types of the result: sums are of those.
func (r *relation) spelled(columns []hindcast.Column) []hindcast.Column {
	out := slices.Clone(columns)
	for i := range out {
		if c := r.column(out[i].Name); c != nil {
			out[i].Name, out[i].Source = c.Name, c.Source
		}
	}
	return out
}

// named gives the totals the names that whoever asked has for the columns.
func named(sums hindcast.Sums, as, asked []hindcast.Column) hindcast.Sums {
	totals := sums.Totals
	for i := range as {
		if total, some := totals[as[i].Name]; some && as[i].Name != asked[i].Name {
			delete(totals, as[i].Name)
			totals[asked[i].Name] = total
		}
	}
	return sums
}
