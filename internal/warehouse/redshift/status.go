package redshift

import (
	"context"
	"fmt"
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

// Committed returns the pipeline's status rows. If resolved is set, it waits for publications in flight: each holds the lock on
// hindcast_lease to its end.
func (w *Owner) Committed(ctx context.Context, pipeline string, resolved bool, keys ...string) ([]hindcast.Committed, error) {
	condition := ""
	if len(keys) > 0 {
		condition = " AND slice IN " + literals(keys)
	}

	read := func(s *session) (all []hindcast.Committed, err error) {
		h, err := s.ours(ctx)
		if err != nil || !h.status {
			return nil, err
		}
		return s.committed(ctx, h, " WHERE pipeline = "+literal(pipeline)+condition)
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
		defer s.rollback(ctx) // it has read only
		if err := w.lock(ctx, s, h); err != nil {
			return err
		}
		return look(s)
	})
	return all, err
}

// committed reads the status rows of a condition.
func (s *session) committed(ctx context.Context, h home, condition string) ([]hindcast.Committed, error) {
	rows, err := s.ask(ctx, "SELECT "+warehouse.StatusColumns+" FROM "+h.table(statusTable)+condition+" ORDER BY slice_start, target")
	if err != nil {
		return nil, err
	}
	return statusRows.Rows(rows)
}

// ofTarget are the pipeline's status rows for the target, of these slices if any are named.
func (w *Owner) ofTarget(ctx context.Context, pipeline, target string, keys ...string) (all []hindcast.Committed, err error) {
	condition := " WHERE pipeline = " + literal(pipeline) + " AND target = " + literal(target)
	if len(keys) > 0 {
		condition += " AND slice IN " + literals(keys)
	}
	err = w.reading(ctx, func(s *session) error {
		h, err := s.ours(ctx)
		if err != nil || !h.status {
			return err
		}
		all, err = s.committed(ctx, h, condition)
		return err
	})
	return all, err
}

// Overview lists the status rows without their details.
func (w *Owner) Overview(ctx context.Context, pipeline, target string) (warehouse.Overview, error) {
	all, err := w.ofTarget(ctx, pipeline, target)
	var packer warehouse.Packer
	for i := range all {
		packer.Add(&all[i])
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

// together is how many slices one statement sums.
const together = 50

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
		for some := range slices.Chunk(p.Intervals, together) {
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
		queries[i] = fmt.Sprintf("SELECT %d AS slice, summed.* FROM (%s) summed", i, sumsQuery(columns, target.within(p.Target.Time, in, p.TimeZone), true))
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
func (r *relation) within(column string, in hindcast.Interval, zone string) string {
	c := r.column(column)
	if c == nil {
		return r.name.SQL() + " WHERE false"
	}
	return r.name.SQL() + " WHERE " + window(c.Name, c.Type, in, zone)
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
