package duckdb

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// inspect proves that the staged rows lie in the slice and that the key holds, and runs the checks over them. What the
// statistics of the staged file prove is not read again.
func (r *Runner) inspect(ctx context.Context, work engine.Work, staged duck.Copied) error {
	totals, err := r.inspectRows(ctx, work, staged)
	if err != nil || len(work.Checks) == 0 {
		return err
	}
	for _, c := range work.Checks {
		if readsResult(c, work.Columns) {
			if err := r.viewResult(ctx, work.Columns, paths(staged)); err != nil {
				return err
			}
		}
	}

	for _, t := range work.Query.Tables {
		if t.Time != "" && !t.Own.Equal(t.Window) {
			if err := r.view(ctx, t, true); err != nil {
				return err
			}
		}
	}

	sums := hindcast.Sums{Rows: staged.Rows(), Totals: totals}
	atOnce := small(work) && r.holdAtOnce(ctx, work, sums)
	for _, c := range work.Checks {
		if atOnce && c.Rows == nil {
			continue
		}
		if err := r.check(ctx, work, c, sums); err != nil {
			return err
		}
	}
	return nil
}

func paths(staged duck.Copied) []string {
	list := make([]string, len(staged.Files))
	for i, f := range staged.Files {
		list[i] = f.Path
	}
	return list
}

// inspectRows is what holds for every pipeline, in one pass over the columns that need one: the key's, and those whose
// totals the checks compare, which it returns. Only a fault needs the view of the result: making one costs a tiny
// slice as much as the pass.
func (r *Runner) inspectRows(ctx context.Context, work engine.Work, staged duck.Copied) (map[string]string, error) {
	if len(staged.Files) == 0 {
		return nil, nil
	}
	summed := exactTotals(work)
	p := pass{list: []string{"0", "0", "0"}, rows: staged.Rows()}
	if !within(staged.Columns, work) {
		p.list[0] = "count(*) FILTER (WHERE (" + window(work) + ") IS NOT TRUE)"
	}
	if keys := keyNames(work); len(keys) > 0 {
		p.list[2] = "count(DISTINCT hash(" + strings.Join(keys, ", ") + "))"
		p.keyed = true
		if !filled(staged.Columns, work.Target.Key) {
			p.list[1] = "count(*) FILTER (WHERE " + strings.Join(keys, " IS NULL OR ") + " IS NULL)"
		}
	}

	for _, c := range summed {
		p.list = append(p.list, "CAST(sum("+duck.Name(c.Name)+") AS VARCHAR)")
	}
	if strings.Join(p.list, "") == "000" { // nothing is left to be read
		return nil, nil
	}
	if err := p.take(ctx, r.conn, work.Columns, paths(staged)); err != nil {
		return nil, err
	}
	if err := r.judge(ctx, work, staged, p); err != nil {
		return nil, err
	}
	return p.totals(summed), nil
}

// pass is one query over the staged rows: how many lie outside the slice, have a NULL in the key, and how many different
// keys there are, and the sums after these.
type pass struct {
	list                    []string
	rows                    int64
	keyed                   bool
	outside, null, distinct int64
	sums                    []sql.NullString
}

func (p *pass) take(ctx context.Context, conn *sql.Conn, columns []hindcast.Column, files []string) error {
	p.sums = make([]sql.NullString, len(p.list)-3)
	dest := []any{&p.outside, &p.null, &p.distinct}
	for i := range p.sums {
		dest = append(dest, &p.sums[i])
	}
	query := "SELECT " + strings.Join(p.list, ", ") + " FROM (" + duck.FromGivenParquet(columns, len(files)) + ")"
	return duck.Translate(conn.QueryRowContext(ctx, query, duck.Given(files)).Scan(dest...))
}

func (p *pass) totals(columns []hindcast.Column) map[string]string {
	totals := map[string]string{}
	for i, c := range columns {
		if p.sums[i].Valid {
			totals[c.Name] = p.sums[i].String
		}
	}
	return totals
}

func (r *Runner) judge(ctx context.Context, work engine.Work, staged duck.Copied, p pass) error {
	if p.outside == 0 && p.null == 0 && (!p.keyed || p.distinct == p.rows) {
		return nil
	}
	if err := r.viewResult(ctx, work.Columns, paths(staged)); err != nil {
		return err
	}
	keys := keyNames(work)
	switch {
	case p.outside > 0:
		return work.Outside(p.outside, r.sample(ctx, "SELECT * FROM result WHERE ("+window(work)+") IS NOT TRUE"))
	case p.null > 0:
		return work.NullKey(p.null, r.sample(ctx, "SELECT * FROM result WHERE "+strings.Join(keys, " IS NULL OR ")+" IS NULL"))
	default:
		return r.unique(ctx, work, keys) // or two keys have one hash
	}
}

func keyNames(work engine.Work) []string {
	keys := make([]string, len(work.Target.Key))
	for i, k := range work.Target.Key {
		keys[i] = duck.Name(k)
	}
	return keys
}

// exactTotals are the result's columns whose sums the checks compare and that have exact ones.
func exactTotals(work engine.Work) []hindcast.Column {
	var list []hindcast.Column
	for _, c := range work.Columns {
		for _, check := range work.Checks {
			if check.Total != nil && strings.EqualFold(check.Total.Of, c.Name) && datatype.Exact(c.Type) {
				list = append(list, c)
				break
			}
		}
	}
	return list
}

// timeColumn is the result's column that decides a row's slice.
func timeColumn(work engine.Work) (hindcast.Column, bool) {
	for _, c := range work.Columns {
		if strings.EqualFold(c.Name, work.Target.Time) {
			return c, true
		}
	}
	return hindcast.Column{}, false
}

// window is the condition that a row lies in the slice. A text that is not a date could lie in another slice in the target's own order.
func window(work engine.Work) string {
	if c, found := timeColumn(work); found {
		inside := duck.Window(c.Name, c.TimeType(), work.Slice.Interval, work.Query.TimeZone)
		if pattern := c.Format.Pattern(); pattern != "" && c.Type == "VARCHAR" {
			inside += " AND regexp_matches(" + duck.Name(c.Name) + ", " + duck.String(pattern) + ")"
		}
		return inside
	}
	return "false"
}

// within reports whether the file's statistics prove that every row lies in the slice. If they do not, the rows are read.
func within(columns map[string]duck.Range, work engine.Work) bool {
	c, found := timeColumn(work)
	is, known := columns[c.Name]
	if !found || !known || is.Nulls != "0" {
		return false
	}
	layout, zoned := "2006-01-02 15:04:05", false
	switch c.Type {
	case "DATE":
		layout = "2006-01-02"
	case "TIMESTAMP":
	case "TIMESTAMP WITH TIME ZONE":
		layout, zoned = layout+"-07", true
	default:
		return false
	}

	first, err1 := time.Parse(layout, is.Min)
	last, err2 := time.Parse(layout, is.Max)
	if err1 != nil || err2 != nil { // infinity, or a year that Go does not read
		return false
	}
	start, end := work.Slice.Start, work.Slice.End
	if !zoned {
		start, end = wall(start, work.Query.TimeZone), wall(end, work.Query.TimeZone)
	}
	return !first.Before(start) && last.Before(end)
}

// wall is the civil reading of a bound, as an instant in UTC.
func wall(t time.Time, zone string) time.Time {
	t = hindcast.Civil(t, zone)
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// filled reports whether the file's statistics prove that the columns hold no NULL.
func filled(columns map[string]duck.Range, names []string) bool {
	for _, name := range names {
		if columns[name].Nulls != "0" {
			return false
		}
	}
	return true
}
