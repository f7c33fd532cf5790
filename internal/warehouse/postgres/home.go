package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

const (
	leaseTable  = "hindcast_lease"
	statusTable = "hindcast_status"
)

// makes is the DDL of our tables. A slice of a target has one row, whichever pipeline made it.
var makes = map[string]string{
	leaseTable: " (name text PRIMARY KEY, n bigint NOT NULL)",
	statusTable: ` (
  pipeline text NOT NULL, target text NOT NULL, slice text NOT NULL, slice_start timestamptz NOT NULL, slice_end timestamptz NOT NULL,
  run text NOT NULL, attempt integer NOT NULL, fingerprint text NOT NULL, parts jsonb NOT NULL,
  "rows" bigint NOT NULL, content text NOT NULL, totals jsonb NOT NULL, previous text NOT NULL, committed_at timestamptz NOT NULL,
  publication text,
  PRIMARY KEY (target, slice_start))`,
}

// home is where our tables are: where the search path has them, otherwise its first schema. Somebody may have dropped one.
type home struct {
	schema        string
	lease, status bool // which of them are there
	publication   bool // hindcast_status has that column: an earlier version made it without
	owned         bool // the role may add it
}

// columns selects warehouse.StatusColumns of the table as it stands: every run of an earlier version published its own rows.
func (h home) columns() string {
	if h.publication {
		return warehouse.StatusColumns
	}
	return strings.Replace(warehouse.StatusColumns, "publication", "run", 1)
}

func (h home) whole() bool { return h.lease && h.status }

// targets lists the targets that hindcast_status has, as it spells them. By its key one row is looked at for each.
func (h home) targets() string {
	status := h.table(statusTable)
	return "WITH RECURSIVE known(target) AS ((SELECT min(target) FROM " + status + ") UNION ALL SELECT (SELECT min(s.target) FROM " + status +
		" s WHERE s.target > known.target) FROM known WHERE known.target IS NOT NULL) SELECT target FROM known WHERE target IS NOT NULL"
}

func (h home) table(name string) string { return sqltext.Identifier(h.schema) + "." + name }

// gone are the tables that are not there.
func (h home) gone() (names []string) {
	if !h.lease {
		names = append(names, leaseTable)
	}
	if !h.status {
		names = append(names, statusTable)
	}
	return names
}

// missing is the DDL of what is not there.
func (h home) missing() (ddl []string) {
	for _, name := range h.gone() {
		ddl = append(ddl, "CREATE TABLE IF NOT EXISTS "+h.table(name)+makes[name])
	}
	return ddl
}

// mends are the statements by which another role puts back what is gone.
func (h home) mends(role string) string {
	var out strings.Builder
	for _, name := range h.gone() {
		out.WriteString("CREATE TABLE " + h.table(name) + " " + strings.Join(strings.Fields(makes[name]), " ") + "; GRANT SELECT, INSERT, UPDATE, DELETE ON " +
			h.table(name) + " TO " + role + "; ")
	}
	return strings.TrimSpace(out.String())
}

const findOurs = `
SELECT n.nspname, EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'hindcast_lease' AND c.relkind IN ('r', 'p')),
  EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'hindcast_status' AND c.relkind IN ('r', 'p')),
  EXISTS (SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = n.oid AND c.relname = 'hindcast_status'
    AND a.attname = 'publication' AND NOT a.attisdropped),
  EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = 'hindcast_status' AND pg_has_role(c.relowner, 'USAGE'))
FROM (SELECT coalesce(
  (SELECT c.relnamespace FROM pg_class c WHERE c.relname IN ('hindcast_lease', 'hindcast_status') AND c.relkind IN ('r', 'p')
    AND pg_table_is_visible(c.oid) ORDER BY c.relname = 'hindcast_status' DESC LIMIT 1),
  (SELECT oid FROM pg_namespace WHERE nspname = current_schema())) AS oid) found
LEFT JOIN pg_namespace n USING (oid)`

// ours finds our tables.
func (w *Owner) ours(ctx context.Context, conn *pgconn.PgConn) (home, error) {
	w.mutex.Lock()
	known := w.home
	w.mutex.Unlock()

	if known.whole() {
		return known, nil
	}

	rows, err := pgclient.Ask(ctx, conn, findOurs)
	if err != nil {
		return home{}, err
	}

	if rows[0][0] == nil {
		if err := mayCreate(ctx, conn, ""); err != nil {
			return home{}, err
		}
		return home{}, permanent("no schema of the role's search path was there", "run again")
	}

	h := home{schema: rows[0].Text(0), lease: rows[0].Bool(1), status: rows[0].Bool(2), publication: rows[0].Bool(3), owned: rows[0].Bool(4)}
	if h.whole() && conn.TxStatus() == pgclient.IdleStatus { // otherwise they may be rolled back
		w.mutex.Lock()
		w.home = h
		w.mutex.Unlock()
	}

	return h, nil
}

// widen adds the column that hindcast_status of an earlier version lacks, if the role may and nobody else uses the table
// just now: rows can do without until a later Prepare.
func (w *Owner) widen(ctx context.Context, conn *pgconn.PgConn) error {
	h, err := w.ours(ctx, conn)
	if err != nil || !h.status || h.publication || !h.owned {
		return err
	}

	err = pgclient.Transaction(ctx, conn, "BEGIN", func() error {
		return pgclient.Run(ctx, conn, "SET LOCAL lock_timeout = '1s'", "ALTER TABLE "+h.table(statusTable)+" ADD COLUMN IF NOT EXISTS publication text")
	})
	if pgclient.IsState(err, lockTimeout) {
		return nil
	}

	if err == nil {
		w.mutex.Lock()
		w.home = home{}
		w.mutex.Unlock()
	}

	return err
}

// mayKeep says what is behind an error of a statement about our tables: a right that is lacking, or a table that was
// dropped since they were found.
func (w *Owner) mayKeep(ctx context.Context, conn *pgconn.PgConn, h home, err error) error {
	switch {
	case pgclient.IsState(err, "42501"):
		return needs(currentRole(ctx, conn), toKeep(h.schema))
	case pgclient.IsState(err, "42P01"):
		return w.dropped(ctx, conn, err)
	}
	return err
}

// dropped is the error of a table of ours that is gone, or missing where all of them are there.
func (w *Owner) dropped(ctx context.Context, conn *pgconn.PgConn, missing error) error {
	w.mutex.Lock()
	w.home = home{}
	w.mutex.Unlock()

	h, err := w.ours(ctx, conn)
	if err != nil || h.whole() {
		return missing
	}

	e := &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Cause: missing,
		Message: strings.Join(h.gone(), " and ") + " was dropped", Next: "hindcast resume, which makes it again"}
	if mayCreate(ctx, conn, h.schema) != nil {
		e.Next = "as an owner: " + h.mends(currentRole(ctx, conn))
	}

	return e
}
