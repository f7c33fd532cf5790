package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	rowsEach   = 100_000 // for which another connection pays off
	pagesEach  = 128     // of a range of pages at least: 1 MiB
	timesEach  = 8       // ranges of time for each connection, so that all end at about the same time
	rangesEach = 32      // ranges of pages for each connection
	tidRanges  = 14      // the first version that reads a range of pages without reading all before it
)

// divide finds conditions that divide the extract's rows, of which each row meets exactly one, and how many connections are to
// read them. If an index serves the time column they are ranges of time, since ranges of pages would not use the index;
// otherwise they are ranges of pages. One connection reads what is small, and views and foreign tables.
func (w *Owner) divide(ctx context.Context, conn *pgconn.PgConn, x warehouse.Extract) (conditions []string, most int, err error) {
	if w.threads() == 1 || w.pool.Most < 3 || w.alone.Load() {
		return nil, 1, nil
	}

	rows, err := pgclient.Ask(ctx, conn, "EXPLAIN (FORMAT JSON) SELECT "+selected(x)+" FROM "+source(x))
	if err != nil {
		return nil, 0, err
	}

	var explained []struct{ Plan planNode }
	if err := json.Unmarshal([]byte(rows[0].Text(0)), &explained); err != nil || len(explained) != 1 {
		return nil, 0, fmt.Errorf("reading the server's plan for %s: %w", x.Table, err)
	}

	root := explained[0].Plan
	most = min(w.threads(), w.pool.Most-1, int(root.Rows/rowsEach))
	if most < 2 {
		return nil, 1, nil
	}

	var by scans
	by.add(root)
	switch {
	case by.other:
		return nil, 1, nil
	case by.index > by.sequential && timeType(x) != "":
		return byTime(x, most*timesEach), most, nil
	}

	conditions, err = w.byPages(ctx, conn, x, most*rangesEach)
	return conditions, most, err
}

// planNode is what matters of a node of the server's plan.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Plan Rows"`
	Plans    []planNode `json:"Plans"`
}

// scans are the rows that a plan reads by an index, and from end to end; other says that it does more than reading a
// table and its partitions.
type scans struct {
	index, sequential float64
	other             bool
}

func (s *scans) add(n planNode) {
	switch n.Type {
	case "Index Scan", "Index Only Scan", "Bitmap Heap Scan":
		s.index += n.Rows
		return // a bitmap's own scans lie below
	case "Seq Scan":
		s.sequential += n.Rows
	case "Append", "Gather", "Gather Merge", "Result":
	default:
		s.other = true
	}

	for _, child := range n.Plans {
		s.add(child)
	}
}

// byTime divides the window.
func byTime(x warehouse.Extract, n int) []string {
	typ := timeType(x)
	var conditions []string
	for _, in := range cut(typ, warehouse.Wall(typ, x.Window, x.TimeZone), n) {
		conditions = append(conditions, window(x.Time, typ, in))
	}
	return conditions
}

// byPages divides a table by the pages that its rows lie in; the last range is open, for what was added meanwhile. In a
// partitioned table the ranges apply to each partition.
func (w *Owner) byPages(ctx context.Context, conn *pgconn.PgConn, x warehouse.Extract, n int) ([]string, error) {
	if w.version.major < tidRanges {
		return nil, nil
	}

	total, plain, err := pages(ctx, conn, pgclient.ParseName(x.Table).SQL())
	if err != nil || !plain {
		return nil, err
	}

	step := max(pagesEach, (total+int64(n)-1)/int64(n))
	var conditions []string
	for at := int64(0); at < total || at == 0; at += step {
		c := fmt.Sprintf("ctid >= '(%d,0)'", at)
		if at+step < total {
			c += fmt.Sprintf(" AND ctid < '(%d,0)'", at+step)
		}
		conditions = append(conditions, c)
	}

	return conditions, nil
}

// pages counts the pages of a table's largest partition, and reports whether all of its partitions are plain tables whose rows
// lie in pages. Where rows are hidden from the role, its policies come first and no range of pages is read by itself.
func pages(ctx context.Context, conn *pgconn.PgConn, table string) (int64, bool, error) {
	const query = `
WITH RECURSIVE tree(oid) AS (
  SELECT to_regclass($1)::oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
)
SELECT coalesce(max(CASE WHEN c.relkind <> 'p' THEN pg_relation_size(c.oid) END), 0) / current_setting('block_size')::bigint,
  bool_and(c.relkind = 'p' OR c.relkind IN ('r', 'm') AND a.amname = 'heap') AND NOT bool_or(row_security_active(c.oid))
FROM tree JOIN pg_class c USING (oid) LEFT JOIN pg_am a ON a.oid = c.relam`

	rows, err := pgclient.Ask(ctx, conn, query, table)
	if err != nil {
		return 0, false, err
	}

	return rows[0].Number(0), rows[0].Bool(1), nil
}
