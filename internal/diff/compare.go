package diff

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/datatype"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/view"
)

// Side is the rows of a slice on one side: Parquet files that can be read here. None are no rows.
type Side struct {
	Files []string
	// columns are those of the files, as Parquet has them.
	columns []hindcast.Column
}

// Wanted says which rows are shown besides counts and totals.
type Wanted struct {
	Keys    bool // the keys of rows that differ, and what changed
	Samples int  // how many rows of each kind, with all their values
}

// mostKeys is how many rows of each kind are shown of a slice at most.
const mostKeys = 1000

// Compare compares the rows of both sides, by the key if both have its columns. With files on one side alone the other has no
// rows of the same columns.
func Compare(ctx context.Context, conn *sql.Conn, before, after Side, key []string, w Wanted) (view.DiffSlice, []view.DiffColumn, error) {
	var out view.DiffSlice
	for _, side := range []*Side{&before, &after} {
		if err := side.describe(ctx, conn); err != nil {
			return out, nil, err
		}
	}
	c := &comparison{conn: conn, wanted: w}
	differ := c.match(&before, &after, key)
	if err := c.views(ctx, before, after); err != nil {
		return out, nil, err
	}
	if err := c.count(ctx, &out); err != nil {
		return out, nil, err
	}
	if err := c.compare(ctx, &out); err != nil {
		return out, nil, err
	}
	err := c.rows(ctx, &out)
	return out, differ, err
}

// describe reads the names and types that Parquet has of the files' columns.
func (s *Side) describe(ctx context.Context, conn *sql.Conn) error {
	if len(s.Files) == 0 {
		return nil
	}
	rows, err := conn.QueryContext(ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet("+duck.Paths(s.Files)+
		", hive_partitioning=false, union_by_name=true))")
	if err != nil {
		return duck.Translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c hindcast.Column
		if err := rows.Scan(&c.Name, &c.Type); err != nil {
			return duck.Translate(err)
		}
		s.columns = append(s.columns, c)
	}
	return duck.Translate(rows.Err())
}

// pair is a column that both sides have, and the type that it is compared in.
type pair struct {
	name          string
	before, after string // as each side spells it
	typ           string
	key, total    bool // it is of the key; it is added up
}

// comparison is one slice's. In its views b and a the columns are c0, c1 …, in the order of the pairs.
type comparison struct {
	conn   *sql.Conn
	wanted Wanted
	pairs  []pair
	byKey  bool
	sides  []summed // before and after
}

// summed is how the totals of one side are added up.
type summed struct {
	view    string
	columns []string // of the view, by names that the other side's do not have: bc0, ac0 …
	sums    []string // of these
	dest    []any    // where the sums go
}

// match pairs the columns of both sides, and returns those that have no other or another type.
func (c *comparison) match(before, after *Side, key []string) []view.DiffColumn {
	if len(before.Files) == 0 {
		before.columns = after.columns
	}
	if len(after.Files) == 0 {
		after.columns = before.columns
	}
	keys := 0
	for _, is := range after.columns {
		was, there := named(before.columns, is.Name)
		if !there {
			continue
		}
		p := pair{name: is.Name, before: was.Name, after: is.Name, typ: common(was.Type, is.Type)}
		if p.key = slices.ContainsFunc(key, func(k string) bool { return strings.EqualFold(k, is.Name) }); p.key {
			keys++
		}
		p.total = !p.key && (datatype.Exact(p.typ) || floating(p.typ))
		c.pairs = append(c.pairs, p)
	}
	c.byKey = keys > 0 && keys == len(key)
	return unlike(before.columns, after.columns)
}

// common is the type that values of both types are compared in: one that holds both exactly, or their text.
func common(a, b string) string {
	if a == b {
		return a
	}
	if typ, ok := datatype.Common(a, b); ok {
		return typ
	}
	return "VARCHAR"
}

func floating(typ string) bool { return typ == "DOUBLE" || typ == "FLOAT" }

func (c *comparison) views(ctx context.Context, before, after Side) error {
	for _, side := range []struct {
		view string
		Side
		name func(pair) string
	}{
		{"b", before, func(p pair) string { return p.before }}, {"a", after, func(p pair) string { return p.after }},
	} {
		list := []string{"1 AS here"}
		for i, p := range c.pairs {
			list = append(list, fmt.Sprintf("CAST(%s AS %s) AS %s", duck.Name(side.name(p)), p.typ, column(i)))
		}
		query := "SELECT 1 AS here WHERE false"
		if len(side.columns) > 0 {
			query = "SELECT " + strings.Join(list, ", ") + " FROM (" + duck.FromParquet(side.columns, side.Files) + ")"
		}
		if _, err := c.conn.ExecContext(ctx, "CREATE OR REPLACE TEMP VIEW "+side.view+" AS "+query); err != nil {
			return duck.Translate(err)
		}
	}
	return nil
}

// column is the name of a pair's column in the views.
func column(pair int) string { return fmt.Sprintf("c%d", pair) }

// totals are the pairs that are added up, by their indices.
func (c *comparison) totals() (list []int) {
	for i, p := range c.pairs {
		if p.total {
			list = append(list, i)
		}
	}
	return list
}

// count counts the rows, which their files say, and finds the aggregates that add up the columns.
func (c *comparison) count(ctx context.Context, out *view.DiffSlice) error {
	for _, i := range c.totals() {
		out.Totals = append(out.Totals, view.DiffTotal{Column: c.pairs[i].name, Approximate: floating(c.pairs[i].typ)})
	}
	c.sides = []summed{{view: "b"}, {view: "a"}}
	for n, rows := range []*int64{&out.Before, &out.After} {
		side := &c.sides[n]
		if err := c.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+side.view).Scan(rows); err != nil {
			return duck.Translate(err)
		}
		var err error
		if side.sums, err = c.sums(ctx, side.view, out.Totals); err != nil {
			return err
		}
		for n, i := range c.totals() {
			side.columns = append(side.columns, fmt.Sprintf("%[1]s.%[2]s AS %[1]s%[2]s", side.view, column(i)))
			to := &out.Totals[n].Before
			if side.view == "a" {
				to = &out.Totals[n].After
			}
			side.dest = append(side.dest, to)
		}
	}
	return nil
}

// sums are aggregates that add up one side's columns, which have the view's name before theirs. Columns whose sum may have more
// than 38 digits are added up as floating-point numbers.
func (c *comparison) sums(ctx context.Context, from string, totals []view.DiffTotal) (list []string, err error) {
	var exact []hindcast.Column
	for _, i := range c.totals() {
		if typ := c.pairs[i].typ; datatype.Exact(typ) {
			exact = append(exact, hindcast.Column{Name: column(i), Type: typ})
		}
	}
	if exact, err = duck.Totalled(ctx, c.conn, exact, from); err != nil {
		return nil, err
	}
	for n, i := range c.totals() {
		name := from + column(i)
		if !slices.ContainsFunc(exact, func(e hindcast.Column) bool { return e.Name == column(i) }) {
			name, totals[n].Approximate = "CAST("+name+" AS DOUBLE)", true
		}
		list = append(list, "CAST(sum("+name+") AS VARCHAR)")
	}
	return list, nil
}

// compare counts the rows that differ, and adds up the columns of both sides. Where a key is in one row of each side at most, one
// reading of the rows does both. A key that is in several rows of both sides leads to more pairs than there are rows: then whole
// rows are compared, and each side is added up by itself.
func (c *comparison) compare(ctx context.Context, out *view.DiffSlice) error {
	if c.byKey {
		paired, err := c.pair(ctx, out)
		if err != nil {
			return err
		}
		if c.byKey = paired; paired {
			return nil
		}
		out.Changed, out.Note = 0, "a key is in several rows: whole rows are compared"
	}
	if err := c.addUp(ctx); err != nil {
		return err
	}
	return duck.Translate(c.conn.QueryRowContext(ctx, "SELECT coalesce(sum(n) FILTER (n > 0), 0)::BIGINT, coalesce(-sum(n) FILTER (n < 0), 0)::BIGINT FROM ("+
		c.grouped()+")").Scan(&out.Added, &out.Removed))
}

// pair compares by key, and reports whether each row was paired once.
func (c *comparison) pair(ctx context.Context, out *view.DiffSlice) (once bool, err error) {
	fits := !slices.ContainsFunc(c.totals(), func(i int) bool { return !duck.AlwaysAdds(c.pairs[i].typ) })
	var was, is int64
	found := []string{"count(*) FILTER (kind = 'added')", "count(*) FILTER (kind = 'removed')", "count(*) FILTER (kind = 'changed')", "count(was)", "count(is_now)"}
	list, dest := []string{"b.here AS was", "a.here AS is_now"}, []any{&out.Added, &out.Removed, &out.Changed, &was, &is}
	if fits {
		for _, side := range c.sides {
			list, found, dest = append(list, side.columns...), append(found, side.sums...), append(dest, side.dest...)
		}
	}
	if err := c.conn.QueryRowContext(ctx, "SELECT "+strings.Join(found, ", ")+" FROM ("+c.joined(strings.Join(list, ", "))+")").Scan(dest...); err != nil {
		return false, duck.Translate(err)
	}
	if once = was == out.Before && is == out.After; once && !fits {
		err = c.addUp(ctx)
	}
	out.ByKey = once
	return once, err
}

// addUp adds up each side by itself.
func (c *comparison) addUp(ctx context.Context) error {
	for _, side := range c.sides {
		if len(side.sums) == 0 {
			return nil
		}
		if err := c.conn.QueryRowContext(ctx, "SELECT "+strings.Join(side.sums, ", ")+" FROM (SELECT "+strings.Join(side.columns, ", ")+" FROM "+side.view+")").
			Scan(side.dest...); err != nil {
			return duck.Translate(err)
		}
	}
	return nil
}

// joined gives a row for each key of either side: its kind, NULL where nothing differs, and what else is asked for.
func (c *comparison) joined(list string) string {
	var on, differs []string
	for i, p := range c.pairs {
		if p.key {
			on = append(on, "b."+column(i)+" IS NOT DISTINCT FROM a."+column(i))
		} else {
			differs = append(differs, "b."+column(i)+" IS DISTINCT FROM a."+column(i))
		}
	}
	differs = append(differs, "false")
	return "SELECT CASE WHEN b.here IS NULL THEN 'added' WHEN a.here IS NULL THEN 'removed' WHEN " + strings.Join(differs, " OR ") +
		" THEN 'changed' END AS kind, " + list + " FROM b FULL JOIN a ON " + strings.Join(on, " AND ")
}

// grouped gives each different row with n, how often more it is there after than before.
func (c *comparison) grouped() string {
	names := []string{"here"}
	for i := range c.pairs {
		names = append(names, column(i))
	}
	list := strings.Join(names, ", ")
	return "SELECT " + list + ", sum(side) AS n FROM (SELECT -1 AS side, " + list + " FROM b UNION ALL SELECT 1 AS side, " + list +
		" FROM a) GROUP BY " + list + " HAVING sum(side) <> 0"
}
