package diff

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/view"
)

// rows adds rows that differ, if they are wanted, those first in which the first total that moved did so most.
func (c *comparison) rows(ctx context.Context, out *view.DiffSlice) error {
	most := c.wanted.Samples
	if c.wanted.Keys {
		most = mostKeys
	}
	if most == 0 || out.Same() {
		return nil
	}
	query, texts := c.changed(out.Totals)
	if !c.byKey {
		query, texts = c.whole(out.Totals)
	}
	list := "kind, n"
	for i := range texts {
		list += fmt.Sprintf(", CAST(%s AS VARCHAR)", texts[i])
	}
	query = "SELECT " + list + " FROM (" + query + fmt.Sprintf(") QUALIFY row_number() OVER (PARTITION BY kind ORDER BY moved DESC NULLS LAST, %s) <= %d",
		strings.Join(texts, ", "), most+1) + " ORDER BY kind, moved DESC NULLS LAST, " + strings.Join(texts, ", ")
	found, err := c.conn.QueryContext(ctx, query)
	if err != nil {
		return duck.Translate(err)
	}
	defer found.Close()

	of := map[string]int{}
	for found.Next() {
		row, err := c.scan(found, len(texts))
		if err != nil {
			return err
		}
		if of[row.Kind]++; of[row.Kind] > most {
			out.More = true
			continue
		}
		out.Rows = append(out.Rows, row)
	}
	return duck.Translate(found.Err())
}

// changed gives a row for each key that differs: both sides' values in turn.
func (c *comparison) changed(sums []view.DiffTotal) (query string, texts []string) {
	list := []string{"1 AS n", c.movement(sums, "a.", " - coalesce(b.%s, 0)") + " AS moved"}
	for i := range c.pairs {
		list = append(list, fmt.Sprintf("b.%[1]s AS b%[1]s, a.%[1]s AS a%[1]s", column(i)))
		texts = append(texts, "b"+column(i), "a"+column(i))
	}
	return "SELECT * FROM (" + c.joined(strings.Join(list, ", ")) + ") WHERE kind IS NOT NULL", texts
}

// whole gives a row for each whole row that was added or removed.
func (c *comparison) whole(sums []view.DiffTotal) (query string, texts []string) {
	list := []string{"CASE WHEN n > 0 THEN 'added' ELSE 'removed' END AS kind", "abs(n)::BIGINT AS n", c.movement(sums, "", "") + " AS moved"}
	for i := range c.pairs {
		list = append(list, column(i))
		texts = append(texts, column(i))
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM (" + c.grouped() + ")", texts
}

// movement orders rows: by how much the first total moved that is another one after than before. Of totals that are all the same
// it is the first.
func (c *comparison) movement(sums []view.DiffTotal, side, minus string) string {
	totals := c.totals()
	if len(totals) == 0 {
		return "0"
	}
	moved := max(0, slices.IndexFunc(sums, func(t view.DiffTotal) bool { return !same(t.Before, t.After) }))
	name := column(totals[moved])
	if minus != "" {
		minus = fmt.Sprintf(minus, name)
	}
	return "abs(CAST(coalesce(" + side + name + ", 0)" + minus + " AS DOUBLE))"
}

// scan reads a row that differs.
func (c *comparison) scan(found *sql.Rows, texts int) (view.DiffRow, error) {
	var row view.DiffRow
	values := make([]*string, texts)
	dest := []any{&row.Kind, &row.Times}
	for i := range values {
		dest = append(dest, &values[i])
	}
	if err := found.Scan(dest...); err != nil {
		return row, duck.Translate(err)
	}
	if c.byKey {
		row.Times = 0
	}
	for i, p := range c.pairs {
		v := view.DiffValue{Column: p.name}
		switch {
		case c.byKey:
			v.Before, v.After = values[2*i], values[2*i+1]
		case row.Kind == view.RowAdded:
			v.After = values[i]
		default:
			v.Before = values[i]
		}
		switch {
		case p.key && c.byKey:
			row.Key = append(row.Key, v)
		case row.Kind == view.RowChanged && same(v.Before, v.After):
		case row.Kind == view.RowChanged || c.wanted.Samples > 0 || !c.byKey:
			row.Values = append(row.Values, v)
		}
	}
	return row, nil
}

func same(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
