package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/sqltext"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// relation is a table, view, materialised view or foreign table as the catalogue has it.
type relation struct {
	oid       string
	name      pgclient.Name // database left out
	found     string
	kind      string // pg_class.relkind: r(elation) p(artitioned) v(iew) m(aterialised view) f(oreign)
	visible   bool   // by its own name alone
	usage     bool   // of its schema
	readable  bool   // at least one of its columns
	rows      int64  // estimate, with partitions and children; -1 if unknown
	attribute []attribute
}

// attribute is a column as the catalogue has it.
type attribute struct {
	name                       string
	ref                        pgcopy.Ref
	typ                        pgcopy.Type
	notNull, preset, generated bool
	readable                   bool
	number                     int64  // pg_attribute.attnum, which no other column of the table ever has
	collation                  string // of its own, where that does not order by bytes
}

// relations reads what wanted, a query that gives (oid, found), names. What is found in a schema that the role has no right to
// is included: the caller knows what that means.
const relations = `
WITH RECURSIVE wanted AS (%s),
tree AS (
  SELECT w.oid AS root, w.oid FROM (SELECT DISTINCT oid FROM wanted) w
  UNION
  SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
),
estimate AS (
  SELECT root, CASE WHEN bool_or(n IS NULL) THEN -1 ELSE sum(n) END AS n FROM (
    SELECT tree.root, CASE
      WHEN c.relkind = 'p' THEN 0
      WHEN c.relkind = 'v' THEN NULL
      WHEN c.reltuples > 0 THEN c.reltuples::bigint
      WHEN pg_stat_get_live_tuples(c.oid) > 0 THEN pg_stat_get_live_tuples(c.oid) -- never analysed
      WHEN c.relkind IN ('r', 'm') AND c.relpages = 0 AND pg_relation_size(c.oid) = 0 THEN 0
      END AS n
    FROM tree JOIN pg_class c USING (oid)) each
  GROUP BY root
)
SELECT wanted.found, c.oid, n.nspname, c.relname, c.relkind, pg_table_is_visible(c.oid), has_schema_privilege(n.oid, 'USAGE'),
  has_any_column_privilege(c.oid, 'SELECT'), estimate.n
FROM wanted JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace JOIN estimate ON estimate.root = c.oid
ORDER BY n.nspname, c.relname`

const byName = `
SELECT c.oid, w.found
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w(database, schema, name, found)
JOIN pg_class c ON c.relname = w.name JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (w.database = '' OR w.database = current_database())
  AND CASE WHEN w.schema = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = w.schema END`

// usable leaves out what nobody would make a pipeline of: partitions, whose parent is there, and tables that hindcast made to become
// partitions, or has detached.
const usable = `
SELECT c.oid, '' AS found ` + theirs + ` AND ` + mayBeRead

const theirs = `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\_temp\_%'
  AND coalesce(obj_description(c.oid, 'pg_class'), '') NOT LIKE 'hindcast: %[hindcast %]'`

const mayBeRead = `(has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'))`

// unreadable counts the tables of each schema that the role may not read.
const unreadable = `
SELECT n.nspname, count(*), quote_ident(current_user) ` + theirs + ` AND NOT ` + mayBeRead + `
  AND c.relname NOT IN ('hindcast_status', 'hindcast_lease') GROUP BY 1 ORDER BY 1`

const attributes = `
SELECT a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull OR t.typnotnull,
  a.atthasdef AND a.attgenerated = '' OR a.attidentity <> '' OR t.typdefault IS NOT NULL, a.attgenerated <> '',
  has_column_privilege(a.attrelid, a.attnum, 'SELECT'), a.attnum,
  coalesce((SELECT collname FROM pg_collation co WHERE co.oid = a.attcollation AND collname NOT IN ('default', 'C', 'POSIX')), '')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

func readAttribute(r pgclient.Row) attribute {
	return attribute{name: r.Text(1), ref: pgcopy.Ref{OID: uint32(r.Number(2)), Mod: int32(r.Number(3))}, notNull: r.Bool(4),
		preset: r.Bool(5), generated: r.Bool(6), readable: r.Bool(7), number: r.Number(8), collation: r.Text(9)}
}

// find reads relations with their columns.
func (w *Owner) find(ctx context.Context, conn *pgconn.PgConn, wanted string, params ...string) ([]relation, error) {
	rows, err := pgclient.Ask(ctx, conn, fmt.Sprintf(relations, wanted), params...)
	if err != nil {
		return nil, err
	}

	list := make([]relation, len(rows))
	place := map[string][]int{}
	for i, r := range rows {
		list[i] = relation{found: r.Text(0), oid: r.Text(1), name: pgclient.Name{Schema: r.Text(2), Table: r.Text(3)}, kind: r.Text(4),
			visible: r.Bool(5), usage: r.Bool(6), readable: r.Bool(7), rows: r.Number(8)}
		place[list[i].oid] = append(place[list[i].oid], i)
	}

	oids := make([]string, 0, len(place))
	for oid := range place {
		oids = append(oids, oid)
	}

	rows, err = pgclient.Ask(ctx, conn, fmt.Sprintf(attributes, "$1::oid[]"), pgclient.Array(oids))
	if err != nil {
		return nil, err
	}

	for _, r := range rows {
		for _, i := range place[r.Text(0)] {
			list[i].attribute = append(list[i].attribute, readAttribute(r))
		}
	}

	return list, w.resolve(ctx, conn, list)
}

// findNames is find for names as a pipeline has them.
func (w *Owner) findNames(ctx context.Context, conn *pgconn.PgConn, names ...string) ([]relation, error) {
	return w.find(ctx, conn, byName, namesOf(names)...)
}

// namesOf are the parameters of byName.
func namesOf(names []string) []string {
	var databases, schemas, tables []string
	for _, text := range names {
		n := pgclient.ParseName(text)
		databases, schemas, tables = append(databases, n.Database), append(schemas, n.Schema), append(tables, n.Table)
	}
	return []string{pgclient.Array(databases), pgclient.Array(schemas), pgclient.Array(tables), pgclient.Array(names)}
}

// resolve fills the columns' types in. A type keeps its oid and what it is, so that each is read once.
func (w *Owner) resolve(ctx context.Context, conn *pgconn.PgConn, list []relation) error {
	var refs []pgcopy.Ref
	for i := range list {
		for _, a := range list[i].attribute {
			refs = append(refs, a.ref)
		}
	}

	types, err := w.typesOf(ctx, conn, refs)
	if err != nil {
		return err
	}

	for i := range list {
		for j := range list[i].attribute {
			a := &list[i].attribute[j]
			a.typ, types = types[0], types[1:]
		}
	}

	return nil
}

func (w *Owner) typesOf(ctx context.Context, conn *pgconn.PgConn, refs []pgcopy.Ref) ([]pgcopy.Type, error) {
	var unknown []pgcopy.Ref

	w.mutex.Lock()
	for _, r := range refs {
		if _, known := w.types[r]; !known && !slices.Contains(unknown, r) {
			unknown = append(unknown, r)
		}
	}
	w.mutex.Unlock()

	var found []pgcopy.Type
	if len(unknown) > 0 {
		var err error
		if found, err = pgcopy.Resolve(ctx, conn, unknown); err != nil {
			return nil, err
		}
	}

	w.mutex.Lock()
	defer w.mutex.Unlock()
	for i, r := range unknown {
		w.types[r] = found[i]
	}

	types := make([]pgcopy.Type, len(refs))
	for i, r := range refs {
		types[i] = w.types[r]
	}

	return types, nil
}

// Describe returns what is known of each of the tables that exists. A column that the role may not read is left out:
// it is as if it were not there. Of tables that it may not read at all the error names every GRANT.
func (w *Owner) Describe(ctx context.Context, names []string) (map[string]warehouse.Table, error) {
	tables := map[string]warehouse.Table{}
	err := w.with(ctx, func(conn *pgconn.PgConn) error {
		list, err := w.findNames(ctx, conn, names...)
		if err != nil {
			return err
		}

		var lacking []right
		for i := range list {
			lacking = append(lacking, list[i].toRead()...)
			t := describe(&list[i])
			t.Name = list[i].found
			tables[t.Name] = t
		}

		if len(lacking) > 0 {
			return needs(currentRole(ctx, conn), lacking...)
		}

		return lineage(ctx, conn, tables)
	})
	return tables, err
}

// lineages finds what tables are partitions and children of, and what views are over, at any depth.
const lineages = `
WITH RECURSIVE up(root, oid, shown) AS (
  SELECT w.oid, w.oid, false FROM unnest($1::oid[]) AS w(oid)
  UNION
  SELECT up.root, next.oid, up.shown OR next.shown FROM up CROSS JOIN LATERAL (
    SELECT i.inhparent AS oid, false AS shown FROM pg_inherits i WHERE i.inhrelid = up.oid AND NOT up.shown
    UNION ALL
    SELECT d.refobjid, true FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    WHERE r.ev_class = up.oid AND r.ev_type = '1') AS next
)
SELECT root, oid, shown FROM up WHERE oid <> root ORDER BY 1, 2, 3`

// lineage fills in what is known of tables besides their own columns.
func lineage(ctx context.Context, conn *pgconn.PgConn, tables map[string]warehouse.Table) error {
	var oids []string
	names := map[string][]string{}
	for name, t := range tables {
		oids = append(oids, t.ID)
		names[t.ID] = append(names[t.ID], name)
	}

	rows, err := pgclient.Ask(ctx, conn, lineages, pgclient.Array(oids))
	for _, r := range rows {
		for _, name := range names[r.Text(0)] {
			t := tables[name]
			if r.Bool(2) {
				t.Shows = append(t.Shows, r.Text(1))
			} else {
				t.Within = append(t.Within, r.Text(1))
			}
			tables[name] = t
		}
	}

	return err
}

// Tables lists all tables and views that the role may read.
func (w *Owner) Tables(ctx context.Context) ([]warehouse.Table, error) {
	var tables []warehouse.Table
	err := w.with(ctx, func(conn *pgconn.PgConn) error {
		list, err := w.find(ctx, conn, usable)
		if err != nil {
			return err
		}

		loaded, err := w.loaded(ctx, conn, list)
		for i := range list {
			t := describe(&list[i])
			t.Made = warehouse.Own(list[i].name.Table) || loaded[list[i].oid]
			t.Name = pgclient.Spell(list[i].name.Table)
			if !list[i].visible {
				t.Name = pgclient.Spell(list[i].name.Schema) + "." + t.Name
			}
			tables = append(tables, t)
		}

		return err
	})
	return tables, err
}

// loaded are the oids of the targets that Prepare has made, and of those that our status tables name, as far as the role may read these.
func (w *Owner) loaded(ctx context.Context, conn *pgconn.PgConn, list []relation) (map[string]bool, error) {
	oids := map[string]bool{}
	commented, err := pgclient.Ask(ctx, conn, "SELECT objoid FROM pg_description WHERE classoid = 'pg_class'::regclass AND objsubid = 0 AND description = $1", warehouse.Comment)
	if err != nil {
		return nil, err
	}
	for _, r := range commented {
		oids[r.Text(0)] = true
	}
	for i := range list {
		status := &list[i]
		if status.name.Table != statusTable || !slices.ContainsFunc(status.attribute, func(a attribute) bool { return a.name == "target" && a.readable }) {
			continue
		}

		rows, err := pgclient.Ask(ctx, conn, "SELECT DISTINCT target::text FROM "+status.name.SQL()+" WHERE target IS NOT NULL")
		if err != nil {
			return nil, err
		}

		var names []string
		for _, r := range rows {
			target := r.Text(0)
			if names = append(names, target); pgclient.ParseName(target).Schema == "" { // another role's search path may lead there
				names = append(names, sqltext.Identifier(status.name.Schema)+"."+target)
			}
		}

		found, err := pgclient.Ask(ctx, conn, byName, namesOf(names)...)
		if err != nil {
			return nil, err
		}

		for _, r := range found {
			oids[r.Text(0)] = true
		}
	}

	return oids, nil
}

// named lists tables and views by their names alone, partitions too: a pipeline may read each by itself.
const named = `
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname LIKE $1
  AND CASE WHEN $2 = '' THEN pg_table_is_visible(c.oid)
    ELSE n.nspname NOT LIKE 'pg\_temp\_%' AND ($3 = '' OR $3 = current_database()) END`

// Named lists the tables that a pattern could mean.
func (w *Owner) Named(ctx context.Context, pattern string) (list []string, err error) {
	n, p := pgclient.ParseName(pattern), pgclient.PatternOf(pattern)
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, named, p.Like(), n.Schema, n.Database)
		list = pgclient.Named(p, rows)
		return err
	})
	return list, err
}

// Hidden lists the tables that the role may not read, which count as missing.
func (w *Owner) Hidden(ctx context.Context) (told []string, err error) {
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, unreadable)
		for _, r := range rows {
			told = append(told, pgclient.Unreadable(r.Number(1), r.Text(0), r.Text(2)))
		}

		return err
	})
	return told, err
}

// bytesPerValue guesses what a value takes in Parquet, for estimates only (FOCUS billing rows: 3 to 7 bytes).
const bytesPerValue = 5

func describe(r *relation) warehouse.Table {
	t := warehouse.Table{ID: r.oid, Statement: r.name.SQL(), Rows: r.rows, Bytes: -1, View: r.kind != "r" && r.kind != "p"}
	if isSystem(r.name.Schema) {
		t.System = r.name.Schema
	}
	for _, a := range r.attribute {
		if a.readable {
			t.Columns = append(t.Columns, a.column())
		}
	}

	if t.Rows >= 0 {
		t.Bytes = t.Rows * int64(len(t.Columns)) * bytesPerValue
	}

	return t
}

// column is the attribute as the rest of hindcast sees it. A type that cannot be carried is left empty: Source names it.
func (a *attribute) column() hindcast.Column {
	c := hindcast.Column{Name: a.name, Source: a.typ.Name}
	if f, err := pgcopy.Carry(a.name, a.typ, false); err == nil {
		c = f.Column
		c.Stored = "" // an unload's own
	}

	c.NoText = !pgcopy.HasText(a.typ)
	c.Collation = a.collation
	c.NotNull, c.Default, c.Generated = a.notNull, a.preset, a.generated
	return c
}

// latest bounds what Bounds gives, in seconds since 1970: its microseconds fit an integer.
const latest = "9000000000000"

// Bounds finds the first and the last value of a time column. Seconds since 1970 are the civil reading of a column
// without a time zone, and the instant of one with it.
func (w *Owner) Bounds(ctx context.Context, table, column string) (first, last time.Time, err error) {
	c := sqltext.Identifier(column)
	query := fmt.Sprintf(`SELECT (least(extract(epoch FROM first), %[2]s) * 1000000)::bigint, (least(extract(epoch FROM last), %[2]s) * 1000000)::bigint
		FROM (SELECT min(%[1]s) AS first, max(%[1]s) AS last FROM %[3]s WHERE isfinite(%[1]s)) bounds WHERE first IS NOT NULL`,
		c, latest, pgclient.ParseName(table).SQL())

	err = w.reading(ctx, table, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, query)
		if err != nil {
			return err
		}

		for _, r := range rows {
			first, last = time.UnixMicro(r.Number(0)).UTC(), time.UnixMicro(r.Number(1)).UTC()
		}
		return nil
	})
	return first, last, err
}

// Spread counts the different values of columns in the table's first rows, by their texts: not every type can be compared.
func (w *Owner) Spread(ctx context.Context, table string, columns []string) (s warehouse.Spread, err error) {
	counts := []string{"count(*)"}
	for _, c := range columns {
		counts = append(counts, "count(DISTINCT "+sqltext.Identifier(c)+"::text)")
	}

	query := fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s LIMIT %d) sample", strings.Join(counts, ", "), quoted(columns), pgclient.ParseName(table).SQL(), warehouse.SpreadRows)

	err = w.reading(ctx, table, func(conn *pgconn.PgConn) error {
		rows, err := pgclient.Ask(ctx, conn, query)
		if err != nil {
			return err
		}

		s.Rows = rows[0].Number(0)
		for i := range columns {
			s.Distinct = append(s.Distinct, rows[0].Number(i+1))
		}

		return nil
	})
	return s, err
}

// quoted joins names for a select list.
func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = sqltext.Identifier(n)
	}
	return strings.Join(list, ", ")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
