package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
)

// marks reads the statistics of tables, with their partitions and children. They are written a moment after a commit, by whoever
// committed, and begin again after a crash. TRUNCATE counts no rows: it gives a table another file.
const marks = `
WITH RECURSIVE wanted AS (` + byName + `),
tree AS (
  SELECT w.oid AS root, w.oid FROM (SELECT DISTINCT oid FROM wanted) w
  UNION
  SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
)
SELECT wanted.found, sum(pg_stat_get_tuples_inserted(tree.oid))::bigint, sum(pg_stat_get_tuples_updated(tree.oid))::bigint,
  sum(pg_stat_get_tuples_deleted(tree.oid))::bigint, CASE WHEN c.relkind = 'r' THEN coalesce(pg_relation_filenode(c.oid)::text, '') ELSE '' END
FROM wanted JOIN pg_class c USING (oid) JOIN tree ON tree.root = c.oid
WHERE c.relkind IN ('r', 'p') GROUP BY wanted.found, c.oid, c.relkind`

// Marks returns what the server's statistics count of each table.
func (w *Owner) Marks(ctx context.Context, tables []string) (map[string]hindcast.Mark, error) {
	found := map[string]hindcast.Mark{}
	err := w.with(ctx, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, marks, namesOf(tables)...)
		for _, r := range rows {
			found[r.Text(0)] = hindcast.Mark{Inserted: r.Number(1), Updated: r.Number(2), Deleted: r.Number(3), Stored: r.Text(4)}
		}
		return err
	})
	return found, err
}
