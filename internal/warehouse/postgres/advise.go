package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/numbers"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
)

const (
	indexedAbove = 10_000  // a target of more rows should have an index on its time
	bloatedAbove = 100_000 // more dead rows than this are mentioned
	partedAbove  = 1e6     // a target of more rows that is replaced again should have a partition for each slice
)

// leadingIndexes counts the indexes that begin with a column and hold every row.
const leadingIndexes = `
SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::oid AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL`

// foreignKeys are those that refer to a table, each once: where it is a partition, one that refers to its parent has a copy for it.
const foreignKeys = `
SELECT k.conrelid::regclass, k.conname, k.confdeltype FROM pg_constraint k WHERE k.contype = 'f' AND k.confrelid = $1::oid
  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.oid = k.conparentid AND o.confrelid = k.confrelid) ORDER BY 1, 2`

const deadRows = `
SELECT coalesce(sum(pg_stat_get_dead_tuples(relid)), 0), coalesce(sum(pg_stat_get_live_tuples(relid)), 0)
FROM (SELECT relid FROM pg_partition_tree($1::oid::regclass) UNION SELECT $1::oid) part`

// hidden names the tables of which the role sees only the rows that a policy shows it.
const hidden = `SELECT found, quote_ident(current_user) FROM (` + byName + `) named WHERE row_security_active(oid) ORDER BY found COLLATE "C"`

// Advise says which sources hide rows, what keeps a run from loading, and what of an existing target will make its loads
// slow, or reach further than the slice.
func (w *Owner) Advise(ctx context.Context, sources []string, target hindcast.Target) (advice []string, err error) {
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		if advice, err = adviseHidden(ctx, conn, sources); err != nil {
			return err
		}

		if target.Table == "" {
			return nil
		}
		there, err := w.standing(ctx, conn, target)
		if err != nil {
			return err
		}

		obstacles, err := w.obstacles(ctx, conn, target, there)
		if err != nil {
			return err
		}

		for _, o := range obstacles {
			advice = append(advice, o.Message+"; "+o.Next)
		}

		if len(there.target) == 0 {
			return nil
		}

		r := &there.target[0]
		for _, look := range []func(context.Context, *pgconn.PgConn, *relation, hindcast.Target) ([]string, error){
			adviseIndex, adviseForeignKeys, adviseDead, adviseTriggers, adviseReplica, w.adviseExchange} {
			found, err := look(ctx, conn, r, target)
			if err != nil {
				return err
			}
			advice = append(advice, found...)
		}

		return nil
	})
	return advice, err
}

func adviseHidden(ctx context.Context, conn *pgconn.PgConn, sources []string) ([]string, error) {
	rows, err := pgclient.Ask(ctx, conn, hidden, namesOf(sources)...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}

	tables := rows[0].Text(0)
	if more := len(rows) - 1; more > 0 {
		tables += fmt.Sprintf(" and %d more", more)
	}

	return []string{fmt.Sprintf("row-level security of %s is on for this role: rows that it does not show are left out; as an administrator: "+
		"ALTER ROLE %s BYPASSRLS;", tables, rows[0].Text(1))}, nil
}

func adviseIndex(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	a := r.column(t.Time)
	if a == nil || r.rows >= 0 && r.rows < indexedAbove {
		return nil, nil
	}

	rows, err := pgclient.Ask(ctx, conn, leadingIndexes, r.oid, a.name)
	if err != nil || rows[0].Number(0) > 0 {
		return nil, err
	}

	return []string{fmt.Sprintf("%s has no index on %s: every load reads all of it; CREATE INDEX ON %s (%s);", t.Table, a.name,
		r.name.SQL(), sqltext.Identifier(a.name))}, nil
}

func adviseForeignKeys(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	rows, err := pgclient.Ask(ctx, conn, foreignKeys, r.oid)
	var advice []string
	for _, k := range rows {
		text := "a load fails where its rows are referenced"
		switch k.Text(2) {
		case "c":
			text = "ON DELETE CASCADE: replacing a slice deletes the rows there that reference it"
		case "n", "d":
			text = "replacing a slice sets the references to it to NULL, or to their default"
		}
		advice = append(advice, fmt.Sprintf("%s references %s (%s): %s", k.Text(0), t.Table, k.Text(1), text))
	}

	return advice, err
}

func adviseDead(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	rows, err := pgclient.Ask(ctx, conn, deadRows, r.oid)
	if err != nil {
		return nil, err
	}

	dead, live := rows[0].Number(0), rows[0].Number(1)
	if dead < bloatedAbove || dead < live {
		return nil, nil
	}

	return []string{fmt.Sprintf("%s holds more dead rows (%d) than live ones (%d): VACUUM %s; and see that autovacuum keeps up", t.Table, dead, live,
		r.name.SQL())}, nil
}

func adviseTriggers(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	rows, err := pgclient.Ask(ctx, conn, fmt.Sprintf(betweens, r.oid))
	var names []string
	for _, b := range readBetweens(rows) {
		if !strings.HasPrefix(b.name, "foreign ") { // adviseForeignKeys says more about these
			names = append(names, b.name)
		}
	}

	if err != nil || len(names) == 0 {
		return nil, err
	}

	return []string{fmt.Sprintf("rows of %s that are replaced pass %s: a load that does not store what it sends is rolled back (load.triggers)", t.Table,
		strings.Join(names, ", "))}, nil
}

// published are a table and its partitions, as far as no row can be deleted from them: a publication sends deletes, and they
// have no replica identity by which a subscriber could find the row.
const published = `
SELECT c.oid::regclass, min(p.pubname) FROM (SELECT $1::oid UNION SELECT relid FROM pg_partition_tree($1::oid::regclass)) part(oid)
JOIN pg_class c USING (oid), pg_publication p JOIN pg_publication_tables t USING (pubname)
WHERE p.pubdelete AND c.relkind = 'r'
  AND to_regclass(format('%I.%I', t.schemaname, t.tablename))::oid IN (SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid))
  AND (c.relreplident = 'n' OR c.relreplident IN ('d', 'i') AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indimmediate AND i.indisvalid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))
GROUP BY 1 ORDER BY 1`

func adviseReplica(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	rows, err := pgclient.Ask(ctx, conn, published, r.oid)
	if err != nil || len(rows) == 0 {
		return nil, err
	}

	what := rows[0].Text(0)
	if more := len(rows) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more parts of %s", more, t.Table)
	}

	return []string{fmt.Sprintf("no slice can be replaced in %s: the publication %s sends deletes, and it has no replica identity; ALTER TABLE %s REPLICA IDENTITY FULL; "+
		"or give it a primary key", what, rows[0].Text(1), rows[0].Text(0))}, nil
}

// partitions are those of a table.
const partitions = "SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::oid"

// adviseExchange says why slices that are a partition each are not loaded into a table that takes the partition's place.
func (w *Owner) adviseExchange(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	if r.kind != "p" {
		return w.advisePartitions(ctx, conn, r, t)
	}
	said := "its slices are replaced by DELETE and COPY, and not by exchanging partitions: "
	rows, err := pgclient.Ask(ctx, conn, layout, r.name.SQL())
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if by := rows[0].Text(3); !strings.EqualFold(by, t.Time) {
		return []string{fmt.Sprintf("%s is partitioned, and %s%s alone is not what it is partitioned by", t.Table, said, t.Time)}, nil
	}

	rows, err = pgclient.Ask(ctx, conn, partitions, r.oid)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, part := range rows {
		list = append(list, part.Text(0))
	}
	why, err := hindered(ctx, conn, r.oid, list...)
	if err != nil || len(why) == 0 {
		return nil, err
	}
	text := why[0].Text(0)
	if more := len(why) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more reasons", more)
	}
	return []string{fmt.Sprintf("%s is partitioned by its time, and %s%s", t.Table, said, text)}, nil
}

// advisePartitions says that a large target whose slices are replaced again and again would do better with partitions.
func (w *Owner) advisePartitions(ctx context.Context, conn *pgconn.PgConn, r *relation, t hindcast.Target) ([]string, error) {
	if r.rows < partedAbove || r.column(t.Time) == nil {
		return nil, nil
	}
	home, err := w.ours(ctx, conn)
	if err != nil || !home.status {
		return nil, err
	}
	rows, err := pgclient.Ask(ctx, conn, "SELECT count(*) FROM "+home.table(statusTable)+" WHERE target = $1 AND previous <> ''", t.Table)
	if err != nil || rows[0].Number(0) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("%s has about %s, and each replaced slice leaves as many dead rows as it has: with a partition for each slice, PARTITION BY RANGE (%s), "+
		"they are exchanged instead (docs/guide/postgres.md)", t.Table, numbers.Counted(r.rows, "row"), sqltext.Identifier(r.column(t.Time).name))}, nil
}
