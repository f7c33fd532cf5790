package redshift

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/parallel"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Unload has the cluster write the rows, and counts and sums them in the same transaction. What it wrote is then read here, once,
// and must have the same rows and sums.
func (w *Owner) Unload(ctx context.Context, u warehouse.Unload) (out warehouse.Unloaded, err error) {
	list, err := selected(u.Extract)
	if err != nil {
		return out, err
	}
	for _, c := range list {
		out.Columns = append(out.Columns, c.column)
	}
	out.Columns = u.Timed(out.Columns)
	if _, err := w.bucket(); err != nil {
		return out, err
	}

	folder, done := u.URL, func() {}
	if folder == "" {
		folder, done = w.asideFor(ctx, fmt.Sprintf("unload-%d-%s", time.Now().Unix(), rand.Text()))
	}
	defer done()
	folder = strings.TrimSuffix(folder, "/") + "/"

	err = w.with(ctx, func(s *session) error {
		defer s.rollback(ctx) // it has read only
		if err := s.run(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ"); err != nil {
			return err
		}
		if out.Sums, err = s.sums(ctx, u.Columns, source(u.Extract)); err != nil || out.Sums.Rows == 0 {
			return err // no rows make no file
		}
		if err := s.refuseAncient(ctx, u.Extract); err != nil {
			return err
		}
		return w.unload(ctx, s, "SELECT "+selectList(list)+" FROM "+source(u.Extract), folder, out.Sums.Rows)
	})
	if err != nil || out.Sums.Rows == 0 {
		return out, err
	}

	if u.Facts {
		out.Facts = plain(out.Columns)
	}
	if out.Files, err = w.take(ctx, folder, u.Dir, out.Columns, &out.Sums, out.Facts, u.URL != ""); err != nil {
		return warehouse.Unloaded{}, err
	}
	if u.URL == "" { // the objects are deleted
		for i := range out.Files {
			out.Files[i].ETag = ""
		}
	}
	err = out.Finish(u.Table)
	return out, err
}

// refuseAncient refuses times before the year 1, whose text the engines would not read, or not alike. Redshift keeps the least
// and the greatest value of each block of a column: the query reads next to nothing.
func (s *session) refuseAncient(ctx context.Context, x warehouse.Extract) error {
	for _, c := range x.Columns {
		h := hold(c.Source)
		if c.Text || h.typ != "TIMESTAMP" && h.typ != instant {
			continue
		}
		name := sqltext.Identifier(c.Name)
		from := source(x)
		if x.Time == "" {
			from += " WHERE true"
		}
		r, err := s.one(ctx, "SELECT count(*) FROM "+from+" AND "+name+" < "+bound(h.typ, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)))
		if err != nil {
			return err
		}
		if n := r.Number(0); n > 0 {
			return &hindcast.Error{Code: hindcast.EType, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("column %q of %s has %s before the year 1", c.Name, x.Table, numbers.Counted(n, "time")),
				Next:    "leave it out with `columns:`, or correct the rows in a view and use the view"}
		}
	}
	return nil
}

// asideFor is a folder of our own in the bucket, whose URL ends in a slash, and what deletes it.
func (w *Owner) asideFor(ctx context.Context, name string) (folder string, done func()) {
	prefix := w.options.Aside + name + "/"
	return w.url(prefix), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
		defer cancel()
		_ = w.store.DeleteAll(ctx, prefix) // what is left is swept by Prepare
	}
}

// unload runs UNLOAD in the session's transaction.
func (w *Owner) unload(ctx context.Context, s *session, query, folder string, rows int64) error {
	statement, err := w.unloadStatement(query, folder)
	if err != nil {
		return err
	}
	if err := s.run(ctx, statement); err != nil {
		return err
	}
	r, err := s.one(ctx, "SELECT pg_last_unload_count()")
	if err == nil && r.Number(0) != rows {
		err = inTransit("UNLOAD wrote %s, and there were %s in the same transaction", numbers.Counted(r.Number(0), "row"), numbers.Thousands(rows))
	}
	return err
}

func (w *Owner) unloadStatement(query, folder string) (string, error) {
	text, err := word(query)
	if err != nil {
		return "", err
	}
	to, err := word(folder + unloadPrefix)
	if err != nil {
		return "", err
	}
	role, err := w.role()
	if err != nil {
		return "", err
	}

	statement := "UNLOAD (" + text + ") TO " + to + " IAM_ROLE " + role + " FORMAT AS PARQUET MANIFEST VERBOSE"
	if n := w.options.MaxFile; n > 0 {
		statement += " MAXFILESIZE " + strconv.FormatInt(max(5, n>>20), 10) + " MB"
	}
	if w.options.Region != "" {
		region, err := word(w.options.Region)
		if err != nil {
			return "", err
		}
		statement += " REGION " + region
	}
	return statement, nil
}

// role is what follows IAM_ROLE.
func (w *Owner) role() (string, error) {
	if w.options.Role == "default" {
		return "default", nil
	}
	return word(w.options.Role)
}

// take brings what an UNLOAD wrote here, and holds it to the manifest and to what was counted and summed at the cluster. Objects that
// stay are what lasts: the files here are copies of them, and are not synced. Of facts those stay that hold for all values.
func (w *Owner) take(ctx context.Context, folder, dir string, columns []hindcast.Column, sums *hindcast.Sums, facts map[string]hindcast.Facts, stay bool) ([]hindcast.File, error) {
	m, err := w.unloaded(ctx, folder)
	if err != nil {
		return nil, err
	}
	objects, err := w.objects(ctx, folder, m)
	if err != nil {
		return nil, err
	}

	held := newTally(sums)
	held.facts = facts
	files := make([]hindcast.File, len(objects))
	err = parallel.Do(len(files), transfers, func(n int) (err error) {
		if files[n], err = w.fetch(ctx, objects[n], m.Entries[n].Meta.Rows, dir, !stay); err != nil {
			return err
		}
		return held.add(&files[n], columns)
	})
	if err != nil {
		return nil, err
	}
	if err := agree(columns, held.rows, held.totals, sums); err != nil {
		return nil, err
	}
	return w.filled(ctx, m, files)
}

// tally is what files hold together.
type tally struct {
	mutex  sync.Mutex
	rows   int64
	totals map[string]*big.Int
	facts  map[string]hindcast.Facts // that hold so far
}

// plain are text columns none of whose values is known yet.
func plain(columns []hindcast.Column) map[string]hindcast.Facts {
	facts := map[string]hindcast.Facts{}
	for _, c := range columns {
		if c.Type == "VARCHAR" {
			facts[c.Name] = hindcast.Facts{NoBlanks: true, ASCII: true}
		}
	}
	return facts
}

func newTally(sums *hindcast.Sums) *tally {
	t := &tally{totals: map[string]*big.Int{}}
	for name := range sums.Totals {
		t.totals[name] = new(big.Int)
	}
	return t
}

// add reads a file, which must have as many rows as the manifest says.
func (t *tally) add(f *hindcast.File, columns []hindcast.Column) error {
	own := map[string]*big.Int{}
	for name := range t.totals { // the map itself does not change
		own[name] = new(big.Int)
	}
	var facts map[string]hindcast.Facts
	if t.facts != nil {
		facts = plain(columns)
	}
	rows, err := contents(f.Path, columns, own, facts)
	if err != nil {
		return err
	}
	if rows != f.Rows {
		return inTransit("%s has %s, and the manifest says %s", f.Path, numbers.Counted(rows, "row"), numbers.Thousands(f.Rows))
	}

	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.rows += rows
	for name, total := range own {
		t.totals[name].Add(t.totals[name], total)
	}
	for name, f := range facts {
		t.facts[name] = hindcast.Facts{NoBlanks: f.NoBlanks && t.facts[name].NoBlanks, ASCII: f.ASCII && t.facts[name].ASCII}
	}
	return nil
}

// filled leaves out the files without rows, in the bucket too: the folder holds what its manifest lists and nothing else, for a program
// that reads all of it.
func (w *Owner) filled(ctx context.Context, m manifest, files []hindcast.File) (full []hindcast.File, err error) {
	for i, f := range files {
		if f.Rows > 0 {
			full = append(full, f)
			continue
		}
		key, err := w.key(m.Entries[i].URL)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(w.store.Delete(ctx, key), os.Remove(f.Path)); err != nil {
			return nil, fmt.Errorf("leaving out %s, which has no rows: %w", m.Entries[i].URL, err)
		}
	}
	return full, nil
}

// transfers is how many files are on their way at the same time.
const transfers = 8

// agree compares what files hold with what the cluster counted and summed.
func agree(columns []hindcast.Column, rows int64, totals map[string]*big.Int, sums *hindcast.Sums) error {
	if rows != sums.Rows {
		return inTransit("the files of the UNLOAD hold %s, and %s were counted in the same transaction", numbers.Counted(rows, "row"), numbers.Thousands(sums.Rows))
	}
	for _, c := range columns {
		said, summed := sums.Totals[c.Name]
		if !summed {
			continue
		}
		_, scale, _ := datatype.ParseDecimal(c.Type) // 0 of an integer
		if is := fixed(totals[c.Name], scale); is != said {
			return inTransit("column %q of the UNLOAD's files sums to %s, and to %s in the same transaction", c.Name, is, said)
		}
	}
	return nil
}

// fixed is an unscaled number with its point.
func fixed(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	if scale > 0 {
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// selection is how one column is unloaded.
type selection struct {
	expression string
	column     hindcast.Column
}

func selected(x warehouse.Extract) ([]selection, error) {
	list := make([]selection, len(x.Columns))
	for i, c := range x.Columns {
		var err error
		if list[i].expression, list[i].column, err = carry(x.Table, c); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func selectList(list []selection) string {
	out := make([]string, len(list))
	for i, s := range list {
		if out[i] = s.expression; s.expression != sqltext.Identifier(s.column.Name) {
			out[i] += " AS " + sqltext.Identifier(s.column.Name)
		}
	}
	return strings.Join(out, ", ")
}

// source is an extract's FROM clause.
func source(x warehouse.Extract) string {
	from := pgclient.ParseName(x.Table).SQL()
	if x.Time == "" {
		return from
	}
	i := slices.IndexFunc(x.Columns, func(c hindcast.Column) bool { return strings.EqualFold(c.Name, x.Time) })
	typ := "TIMESTAMP"
	if i >= 0 {
		held := x.Columns[i]
		held.Type = cmp.Or(hold(held.Source).typ, held.Type)
		typ = held.TimeType()
	}
	return from + " WHERE " + window(x.Time, typ, x.Window, x.TimeZone)
}

// window is the condition that a column, of the given type in DuckDB's spelling, lies in the interval.
func window(column, typ string, in hindcast.Interval, zone string) string {
	c := sqltext.Identifier(column)
	in = warehouse.Wall(typ, in, zone)
	return "(" + c + " >= " + bound(typ, in.Start) + " AND " + c + " < " + bound(typ, in.End) + ")"
}

// Sum counts an extract's rows, and sums the columns whose sums are exact, at the cluster.
func (w *Owner) Sum(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	return w.summed(ctx, x, false)
}

// Hash is Sum with a sum over hashes of all values, which the cluster computes.
func (w *Owner) Hash(ctx context.Context, x warehouse.Extract) (sums hindcast.Sums, err error) {
	return w.summed(ctx, x, true)
}

func (w *Owner) summed(ctx context.Context, x warehouse.Extract, content bool) (sums hindcast.Sums, err error) {
	err = w.reading(ctx, func(s *session) error {
		rows, err := s.ask(ctx, sumsQuery(x.Columns, source(x), content))
		if err == nil {
			sums = readSums(rows[0], x.Columns, content)
		}
		return err
	})
	return sums, err
}
