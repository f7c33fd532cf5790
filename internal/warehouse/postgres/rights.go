package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/sqltext"
)

// right is one that the role lacks: what it is wanted for, and how a GRANT says it.
type right struct{ what, grant string }

// needs is the error of rights that the role lacks, with the statements that give all of them.
func needs(role string, lacking ...right) *hindcast.Error {
	var what, grants []string
	for _, r := range lacking {
		what = append(what, r.what)
		if grant := "GRANT " + r.grant + " TO " + role + ";"; !slices.Contains(grants, grant) {
			grants = append(grants, grant)
		}
	}

	return &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent,
		Message: "permission denied for " + strings.Join(slices.Compact(what), " and "),
		Next:    "as the owner or an administrator: " + strings.Join(grants, " ")}
}

// currentRole is the role's name for a statement.
func currentRole(ctx context.Context, conn *pgconn.PgConn) string {
	if rows, err := pgclient.Ask(ctx, conn, "SELECT quote_ident(current_user)"); err == nil && len(rows) == 1 {
		return rows[0].Text(0)
	}
	return "…"
}

// toRead are the rights that are lacking to read a table.
func (r *relation) toRead() (lacking []right) {
	if !r.usage {
		lacking = append(lacking, right{"reading " + r.found, "USAGE ON SCHEMA " + sqltext.Identifier(r.name.Schema)})
	}
	if !r.readable {
		lacking = append(lacking, right{"reading " + r.found, "SELECT ON " + r.name.SQL()})
	}
	return lacking
}

// toKeep is the right to use our tables, which another role may have made.
func toKeep(schema string) right {
	home := sqltext.Identifier(schema)
	return right{"using hindcast_status and hindcast_lease in schema " + schema,
		"SELECT, INSERT, UPDATE, DELETE ON " + home + ".hindcast_status, " + home + ".hindcast_lease"}
}

// mayCreate names what keeps the role from creating tables in a schema; "" is the one that the search path leads to.
func mayCreate(ctx context.Context, conn *pgconn.PgConn, schema string) error {
	o := &obstacles{conn: conn, role: currentRole(ctx, conn)}
	if err := o.create(ctx, schema); err != nil {
		return err
	}

	if found := o.all(); len(found) > 0 {
		return found[0]
	}

	return nil
}

// obstacles are what keeps a session from loading, as far as the catalogue shows.
type obstacles struct {
	conn    *pgconn.PgConn
	role    string            // for a statement
	found   []*hindcast.Error // each with what mends it
	lacking []right
}

// obstacles looks for what keeps this session from loading into a target that may not be there yet; f is what is there.
func (w *Owner) obstacles(ctx context.Context, conn *pgconn.PgConn, t hindcast.Target, f standing) ([]*hindcast.Error, error) {
	o := &obstacles{conn: conn, role: currentRole(ctx, conn)}
	if err := o.readOnly(ctx, w.address()); err != nil {
		return nil, err
	}

	var err error
	switch {
	case f.home.whole():
		err = o.keep(ctx, f.home.schema)
	case f.home.lease || f.home.status:
		err = o.putBack(ctx, f.home)
	default:
		err = o.create(ctx, "")
	}
	if err != nil {
		return nil, err
	}

	if len(f.target) > 0 {
		err = o.load(ctx, &f.target[0])
	} else {
		err = o.create(ctx, pgclient.ParseName(t.Table).Schema)
	}

	return o.all(), err
}

// all gives what was found, with one error for all rights that are lacking.
func (o *obstacles) all() []*hindcast.Error {
	if len(o.lacking) == 0 {
		return o.found
	}
	return append(o.found, needs(o.role, o.lacking...))
}

// readOnly looks whether the session can write. hindcast.read_only is what it could before we made it read-only.
func (o *obstacles) readOnly(ctx context.Context, address string) error {
	rows, err := pgclient.Ask(ctx, o.conn, "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on' "+
		"AND coalesce(current_setting('hindcast.read_only', true), '') <> 'off', quote_ident(current_database())")
	switch {
	case err != nil:
		return err
	case rows[0].Bool(0):
		o.found = append(o.found, permanent(address+" is a replica, which can only be read",
			"name the primary under `warehouse:`: a replica can be unloaded from, and not loaded into"))
	case rows[0].Bool(1):
		o.found = append(o.found, permanent("sessions of "+o.role+" can only read: the setting default_transaction_read_only of the role, the database or the server is on",
			fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET default_transaction_read_only = off; or in the pipeline file: "+
				`load: {session: ["SET default_transaction_read_only = off"]}`, o.role, rows[0].Text(2))))
	}
	return nil
}

// putBack looks whether the role can make the one of our tables again that was dropped.
func (o *obstacles) putBack(ctx context.Context, h home) error {
	if mayCreate(ctx, o.conn, h.schema) == nil {
		return nil
	}
	o.found = append(o.found, &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent,
		Message: h.gone()[0] + " was dropped, and " + o.role + " may not create tables in schema " + h.schema, Next: "as an owner: " + h.mends(o.role)})
	return nil
}

// keep looks at the rights to our tables, which another role may have made.
func (o *obstacles) keep(ctx context.Context, schema string) error {
	home, lacking := sqltext.Identifier(schema), toKeep(schema)
	status, lease := home+".hindcast_status", home+".hindcast_lease"
	if err := o.table(ctx, literal(status)+"::regclass", status, []string{"SELECT", "INSERT", "DELETE"}, lacking); err != nil {
		return err
	}
	return o.table(ctx, literal(lease)+"::regclass", lease, []string{"SELECT", "INSERT", "UPDATE"}, lacking)
}

// load looks at the rights to the target.
func (o *obstacles) load(ctx context.Context, target *relation) error {
	name := target.name.SQL()
	if !target.usage {
		o.lacking = append(o.lacking, right{"writing into " + name, "USAGE ON SCHEMA " + sqltext.Identifier(target.name.Schema)})
	}
	return o.table(ctx, target.oid+"::oid", name, []string{"SELECT", "INSERT", "DELETE"}, right{"writing into " + name, "SELECT, INSERT, DELETE ON " + name})
}

// table looks whether the role has some rights on a table, and all of its rows.
func (o *obstacles) table(ctx context.Context, oid, name string, rights []string, lacking right) error {
	has := make([]string, len(rights))
	for i, r := range rights {
		has[i] = "has_table_privilege(" + oid + ", " + literal(r) + ")"
	}

	rows, err := pgclient.Ask(ctx, o.conn, "SELECT "+strings.Join(has, " AND ")+", row_security_active("+oid+")")
	switch {
	case err != nil:
		return err
	case !rows[0].Bool(0):
		o.lacking = append(o.lacking, lacking)
	case rows[0].Bool(1):
		o.found = append(o.found, &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent,
			Message: "row-level security of " + name + " is on for this role: a slice could not be replaced whole",
			Next:    "as an administrator: ALTER ROLE " + o.role + " BYPASSRLS; or use the table's owner"})
	}
	return nil
}

// create looks whether tables can be created in a schema; "" is the one that the search path leads to.
func (o *obstacles) create(ctx context.Context, schema string) error {
	said := "the schema " + schema
	if schema == "" {
		rows, err := pgclient.Ask(ctx, o.conn, pathSchema)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			o.found = append(o.found, permanent("the role's search path is empty: there is nowhere to create tables in",
				"name a schema in the URL under `warehouse:`: ?search_path=SCHEMA"))
			return nil
		}
		schema = rows[0].Text(0)
		said = "the schema " + schema + " of the search path"
	}

	rows, err := pgclient.Ask(ctx, o.conn, "SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1", schema)
	grant := "USAGE, CREATE ON SCHEMA " + sqltext.Identifier(schema)
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		o.found = append(o.found, &hindcast.Error{Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Message: said + " is not there",
			Next: "correct its name, or as an administrator: CREATE SCHEMA " + sqltext.Identifier(schema) + "; GRANT " + grant + " TO " + o.role + ";"})
	case !rows[0].Bool(0):
		o.lacking = append(o.lacking, right{"creating tables in schema " + schema, grant})
	}
	return nil
}

// pathSchema is the schema of the search path where what has no schema is created. Where the role may not create it
// there it is the first of the path that is there, otherwise the first that is named.
const pathSchema = `
SELECT p.name
FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY said(entry, i)
CROSS JOIN LATERAL (SELECT CASE WHEN btrim(entry, ' "') = '$user' THEN current_user
  WHEN btrim(entry) LIKE '"%' THEN replace(btrim(entry, ' "'), '""', '"') ELSE lower(btrim(entry)) END) p(name)
LEFT JOIN pg_namespace n ON n.nspname = p.name
WHERE p.name <> ''
ORDER BY n.nspname = current_schema() AND has_schema_privilege(n.oid, 'CREATE') DESC NULLS LAST, n.oid IS NULL, entry LIKE '%$user%' AND n.oid IS NULL, i
LIMIT 1`
