package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// patience is how long Prepare waits for sessions of this pipeline that load or prepare, before it ends them: whoever
// prepares has the pipeline's lease, so that they are of a process that lost it.
var patience = "10s"

// Prepare creates what is missing, checks the role's rights and raises the fence. Sessions that load or prepare are waited
// for, since they hold the fence's row; those of a machine that is gone, or that was stopped, are ended.
func (w *Owner) Prepare(ctx context.Context, pipeline string, t hindcast.Target, columns []hindcast.Column, claim warehouse.Claim) error {
	return w.with(ctx, func(conn *pgconn.PgConn) error {
		if err := w.widen(ctx, conn); err != nil {
			return err
		}

		err := w.prepare(ctx, conn, pipeline, t, columns, claim)
		if pgclient.IsState(err, lockTimeout) {
			if err := w.endOthers(ctx, conn, pipeline, claim.Fence); err != nil {
				return err
			}
			err = w.prepare(ctx, conn, pipeline, t, columns, claim)
		}

		if pgclient.IsState(err, lockTimeout) {
			return w.lockedBy(ctx, conn, []string{leaseTable}, barRaising, err)
		}
		if err != nil {
			return err
		}
		return sweep(ctx, conn, pipeline, func(left leftover) bool { return left.kind == markDetached || left.number < claim.Fence })
	})
}

func (w *Owner) prepare(ctx context.Context, conn *pgconn.PgConn, pipeline string, t hindcast.Target, columns []hindcast.Column, claim warehouse.Claim) error {
	return pgclient.Transaction(ctx, conn, "BEGIN", func() error {
		if err := pgclient.Run(ctx, conn, "SET LOCAL lock_timeout = '"+patience+"'", "SET LOCAL application_name = "+literal(sessionName(pipeline))); err != nil {
			return err
		}

		if err := w.create(ctx, conn, t, columns); err != nil {
			return err
		}

		home, err := w.ours(ctx, conn)
		if err != nil {
			return err
		}

		rows, err := pgclient.Ask(ctx, conn, "INSERT INTO "+home.table(leaseTable)+" AS l VALUES ($1, $2::bigint) "+
			"ON CONFLICT (name) DO UPDATE SET n = excluded.n WHERE l.n < excluded.n OR l.n = excluded.n AND NOT $3::boolean RETURNING n",
			warehouse.FenceName(pipeline), itoa(claim.Fence), strconv.FormatBool(claim.New))
		if err != nil || len(rows) > 0 {
			return err
		}

		highest, err := fenceOf(ctx, conn, home, pipeline)
		if err != nil {
			return err
		}
		return warehouse.CheckClaim(highest, claim)
	})
}

// create makes our tables and the target where they are not, one process at a time; where they are, nobody waits.
func (w *Owner) create(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, columns []hindcast.Column) error {
	f, err := w.standing(ctx, conn, t)
	if err != nil {
		return err
	}

	obstacles, err := w.obstacles(ctx, conn, t, f)
	if err != nil {
		return err
	}

	if len(obstacles) > 0 {
		return obstacles[0]
	}

	if !f.home.whole() || len(f.target) == 0 {
		if err := pgclient.Run(ctx, conn, "SELECT pg_advisory_xact_lock(hashtext('hindcast prepare'))"); err != nil {
			return err
		}
		if f, err = w.standing(ctx, conn, t); err != nil { // another process may have been faster
			return err
		}
	}

	if ddl := f.home.missing(); len(ddl) > 0 {
		if err := pgclient.Run(ctx, conn, ddl...); err != nil {
			return err
		}
	}

	if len(f.target) == 0 {
		if f.target, err = w.createTarget(ctx, conn, t, columns); err != nil {
			return err
		}
		if err := pgclient.Run(ctx, conn, "COMMENT ON TABLE "+f.target[0].name.SQL()+" IS "+literal(warehouse.Comment)); err != nil {
			return err
		}
	}

	return w.loadable(ctx, conn, &f.target[0], columns)
}

// loadable refuses a target that slices of these columns could not be loaded into.
func (w *Owner) loadable(ctx context.Context, conn *pgconn.PgConn, target *relation, columns []hindcast.Column) error {
	if err := w.replaceable(ctx, conn, target); err != nil {
		return err
	}
	if err := target.distinct(); err != nil {
		return err
	}

	_, err := receive(target, columns)
	return err
}

// Refuses says what Prepare would refuse of the target, by looking only.
func (w *Owner) Refuses(ctx context.Context, t hindcast.Target, columns []hindcast.Column) error {
	return w.with(ctx, func(conn *pgconn.PgConn) error {
		target, err := w.findNames(ctx, conn, t.Table)
		if err != nil {
			return err
		}

		if len(target) > 0 {
			return w.loadable(ctx, conn, &target[0], columns)
		}

		_, err = definitions(ctx, conn, t, columns)
		return err
	})
}

const (
	longestName = 63 // bytes: PostgreSQL cuts what is longer
	mostColumns = 1600
)

// system are the names of the columns that every table has already.
var system = []string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// definitions are the columns of a new target as CREATE TABLE has them. It refuses what could not be made, or would be made
// under another name.
func definitions(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, columns []hindcast.Column) ([]string, error) {
	refuse := func(next, format string, args ...any) error {
		return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Message: fmt.Sprintf(format, args...), Next: next}
	}

	table := pgclient.ParseName(t.Table)
	rows, err := pgclient.Ask(ctx, conn, "SELECT current_database()")
	switch {
	case err != nil:
		return nil, err
	case table.Database != "" && table.Database != rows[0].Text(0):
		return nil, refuse("write SCHEMA.TABLE, and the database in the URL under `warehouse:`",
			"%s would be a table of the database %q, and the warehouse is %q", t.Table, table.Database, rows[0].Text(0))
	case isSystem(table.Schema):
		return nil, warehouse.InSystem(t.Table, table.Schema)
	case table.Table == "" || len(table.Table) > longestName:
		return nil, refuse("give it another name", "%s is not a name that a table of PostgreSQL can have: it has 1 to %d bytes", t.Table, longestName)
	case len(columns) > mostColumns:
		return nil, refuse("leave some out of the SQL", "the new table %s would have %d columns, and PostgreSQL's have %d at most", t.Table, len(columns), mostColumns)
	}

	list := make([]string, len(columns))
	for i, c := range columns {
		if len(c.Name) > longestName || slices.Contains(system, c.Name) {
			return nil, refuse("give it another one in the SQL, with AS", "column %q of the new table %s has a name that PostgreSQL does not allow: "+
				"it is longer than %d bytes, or one of its own", c.Name, t.Table, longestName)
		}

		typ, err := typeIn(ctx, conn, t, c)
		if err != nil {
			return nil, err
		}

		list[i] = sqltext.Identifier(c.Name) + " " + typ
	}

	return list, nil
}

// standing is what is there of what a run loads into.
type standing struct {
	home   home
	target []relation // empty if it is not there
}

// standing looks for our tables, and for the target.
func (w *Owner) standing(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target) (f standing, err error) {
	if f.home, err = w.ours(ctx, conn); err == nil {
		f.target, err = w.findNames(ctx, conn, t.Table)
	}
	return f, err
}

// distinct refuses a target whose columns differ in case only: the lake, where replaced rows are kept, could not tell
// them apart.
func (r *relation) distinct() error {
	seen := map[string]string{}
	for _, a := range r.attribute {
		folded := strings.ToLower(a.name)
		if other, twice := seen[folded]; twice {
			return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("columns %q and %q of %s differ in case only", other, a.name, r.found), Next: "rename one of them"}
		}
		seen[folded] = a.name
	}

	return nil
}

// createTarget makes the target, with an index on its time: every load, and every look at a slice, is by it.
func (w *Owner) createTarget(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, columns []hindcast.Column) ([]relation, error) {
	list, err := definitions(ctx, conn, t, columns)
	if err != nil {
		return nil, err
	}

	time := ""
	for _, c := range columns {
		if strings.EqualFold(c.Name, t.Time) {
			time = c.Name
		}
	}

	table := pgclient.ParseName(t.Table)
	if err := pgclient.Run(ctx, conn, "CREATE TABLE "+table.SQL()+" ("+strings.Join(list, ", ")+")"); err != nil {
		return nil, err
	}
	if time != "" {
		if err := pgclient.Run(ctx, conn, "CREATE INDEX ON "+table.SQL()+" ("+sqltext.Identifier(time)+")"); err != nil {
			return nil, err
		}
	}

	made, err := w.findNames(ctx, conn, t.Table)
	if err != nil {
		return nil, err
	}

	lacking, err := pgclient.Ask(ctx, conn, published, made[0].oid)
	if err == nil && len(lacking) > 0 { // a publication of all tables has it already
		err = pgclient.Run(ctx, conn, "ALTER TABLE "+table.SQL()+" REPLICA IDENTITY FULL")
	}

	return made, err
}

// typeIn is the type of a new target's column: that of the source's column whose values it holds, if it has one that is there,
// otherwise the one for the result's type.
func typeIn(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, c hindcast.Column) (string, error) {
	if c.Source != "" {
		rows, err := pgclient.Ask(ctx, conn, "SELECT to_regtype($1) IS NOT NULL", c.Source)
		if err != nil || rows[0].Bool(0) {
			return c.Source, err
		}
	}

	typ, err := typeFor(c.Type)
	if err != nil {
		return "", &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("column %q of the new table %s would be %s, which PostgreSQL does not have", c.Name, t.Table, c.Type),
			Next:    "cast it in the SQL, or create the table yourself"}
	}

	return typ, nil
}

// replaceable refuses a target whose rows could not be replaced in one transaction of this database.
func (w *Owner) replaceable(ctx context.Context, conn *pgconn.PgConn, target *relation) error {
	if target.kind != "r" && target.kind != "p" {
		return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
			Message: target.found + " is not a table of this database: rows cannot be replaced in it", Next: "name a table, or one that does not exist yet"}
	}
	return w.atHome(ctx, conn, target)
}

// foreignParts are a table's partitions and children that lie behind a foreign server.
const foreignParts = `
WITH RECURSIVE tree(oid) AS (SELECT $1::oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid)
SELECT c.oid::regclass FROM tree JOIN pg_class c USING (oid) WHERE c.relkind = 'f' ORDER BY 1`

// atHome refuses a target some rows of which lie elsewhere: another server commits by itself, before or after this one, so that
// a slice could be left half replaced.
func (w *Owner) atHome(ctx context.Context, conn *pgconn.PgConn, target *relation) error {
	parts, err := pgclient.Ask(ctx, conn, foreignParts, target.oid)
	if err != nil || len(parts) == 0 {
		return err
	}
	return &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
		Message: "the part " + parts[0].Text(0) + " of " + target.found + " is a foreign table: a slice could not be replaced whole",
		Next:    "load into a table whose parts are all in this database"}
}

// receive says how each staged column goes into the target's.
func receive(target *relation, columns []hindcast.Column) ([]pgcopy.Field, error) {
	fields := make([]pgcopy.Field, len(columns))
	for i, c := range columns {
		a := target.column(c.Name)
		if a == nil {
			return nil, &hindcast.Error{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("%s has no column %q", target.found, c.Name), Next: "it was there when the run was planned: add it, or run again"}
		}

		c.Name = a.name
		f, err := pgcopy.Receive(c, a.typ)
		if err != nil {
			return nil, err
		}

		fields[i] = f
	}
	return fields, nil
}

// column finds a column by its exact name, otherwise by one that differs in case only.
func (r *relation) column(name string) *attribute {
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for i := range r.attribute {
			if same(r.attribute[i].name, name) {
				return &r.attribute[i]
			}
		}
	}

	return nil
}

// Fence returns the pipeline's fence.
func (w *Owner) Fence(ctx context.Context, pipeline string) (n int64, err error) {
	err = w.reading(ctx, "hindcast_lease", func(conn *pgconn.PgConn) error {
		home, err := w.ours(ctx, conn)
		if err != nil || !home.lease {
			return err
		}

		n, err = fenceOf(ctx, conn, home, pipeline)
		return w.mayKeep(ctx, conn, home, err)
	})
	return n, err
}

func fenceOf(ctx context.Context, conn *pgconn.PgConn, home home, pipeline string) (int64, error) {
	rows, err := pgclient.Ask(ctx, conn, "SELECT coalesce(max(n), 0) FROM "+home.table(leaseTable)+" WHERE name = $1", warehouse.FenceName(pipeline))
	if err != nil {
		return 0, err
	}
	return rows[0].Number(0), nil
}

// sessionName is what a session is called while it loads or prepares: for people, and so that Prepare finds those of its
// pipeline. PostgreSQL cuts names at 63 bytes and changes what is not ASCII, hence the hash.
func sessionName(pipeline string) string {
	sum := sha256.Sum256([]byte(pipeline))

	shown := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, pipeline)

	return "hindcast " + shown[:min(len(shown), 30)] + " " + hex.EncodeToString(sum[:6])
}

// endOthers ends the sessions that load or prepare for this pipeline, unless the fence says that we are the one who lost it.
func (w *Owner) endOthers(ctx context.Context, conn *pgconn.PgConn, pipeline string, fence int64) error {
	home, err := w.ours(ctx, conn)
	if err != nil {
		return err
	}

	if home.lease { // otherwise one of them is just making it
		highest, err := fenceOf(ctx, conn, home, pipeline)
		if err != nil {
			return err
		}
		if err := warehouse.CheckFence(highest, fence); err != nil {
			return err
		}
	}

	_, err = pgclient.Ask(ctx, conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "+
		"AND application_name = $1 AND pid <> pg_backend_pid()", sessionName(pipeline))
	return err
}

// isSystem reports whether a schema is PostgreSQL's own: nobody else's can begin with pg_.
func isSystem(schema string) bool {
	return schema == "information_schema" || strings.HasPrefix(schema, "pg_")
}
