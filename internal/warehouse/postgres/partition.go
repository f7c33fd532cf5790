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
	"github.com/hindcast/hindcast/internal/warehouse"
)

// partition is the part of a target that holds one slice and nothing else.
type partition struct {
	parentOID string
	parent    pgclient.Name
	oid       string
	name      pgclient.Name
	bound     string // "FOR VALUES FROM (…) TO (…)"
}

// layout is how a target is partitioned, if it is: by which column, "" unless its ranges are of one column alone.
const layout = `
SELECT c.oid, n.nspname, c.relname, coalesce(a.attname, '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_partitioned_table p ON p.partrelid = c.oid
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0] AND p.partnatts = 1 AND p.partstrat = 'r'
WHERE c.oid = to_regclass($1)`

// boundBy finds the partition of a table that has this bound. Sessions spell it in UTC, and in ISO's order.
const boundBy = `
SELECT c.oid, n.nspname, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.inhparent = $1::oid AND pg_get_expr(c.relpartbound, c.oid) = $2`

// partitionOf finds the partition that is this slice of the target; nil if there is none.
func (l *load) partitionOf(ctx context.Context) (*partition, error) {
	c, found := l.Time()
	if !found || !rangeType(c.Type) {
		return nil, nil
	}

	rows, err := pgclient.Ask(ctx, l.conn, layout, pgclient.ParseName(l.Target.Table).SQL())
	if err != nil || len(rows) == 0 || !strings.EqualFold(rows[0].Text(3), c.Name) {
		return nil, err
	}

	p := &partition{parentOID: rows[0].Text(0), parent: pgclient.Name{Schema: rows[0].Text(1), Table: rows[0].Text(2)},
		bound: rangeBound(c.Type, warehouse.Wall(c.Type, l.Slice.Interval, l.TimeZone))}
	rows, err = pgclient.Ask(ctx, l.conn, boundBy, p.parentOID, p.bound)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	p.oid, p.name = rows[0].Text(0), pgclient.Name{Schema: rows[0].Text(1), Table: rows[0].Text(2)}
	return p, nil
}

// rangeType reports whether bounds of a column of that type, in DuckDB's spelling, are known to be spelled as rangeBound does.
func rangeType(typ string) bool { return slices.Contains([]string{"DATE", "TIMESTAMP", instant}, typ) }

// rangeBound is how PostgreSQL spells the bound of the partition that holds an interval, as warehouse.Wall gives it.
func rangeBound(typ string, in hindcast.Interval) string {
	spelled := func(text string) string { return text[strings.IndexByte(text, '\''):] } // without the type
	return "FOR VALUES FROM (" + spelled(bound(typ, in.Start)) + ") TO (" + spelled(bound(typ, in.End)) + ")"
}

// hindrances say why partitions ($2) of a table ($1) are not replaced by others: what would be lost, what nobody would be told, and
// which rights are lacking.
const hindrances = `
WITH parent AS (SELECT c.oid, c.relowner, p.partdefid FROM pg_class c JOIN pg_partitioned_table p ON p.partrelid = c.oid WHERE c.oid = $1::oid),
part AS (SELECT c.*, c.oid::regclass AS name FROM pg_class c WHERE c.oid = ANY ($2::oid[])),
tables AS (SELECT oid, relowner FROM parent UNION ALL SELECT oid, relowner FROM part),
index AS (SELECT i.*, c.relname, c.reloptions, k.oid AS constraint_oid FROM part JOIN pg_index i ON i.indrelid = part.oid JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')),
found(place, why) AS (
  SELECT 1, 'it is a partition itself' FROM parent JOIN pg_inherits i ON i.inhrelid = parent.oid
  UNION ALL SELECT 2, quote_ident(current_user) || ' does not own ' || oid::regclass FROM tables WHERE NOT pg_has_role(relowner, 'USAGE')
  UNION ALL SELECT 3, CASE WHEN mine THEN quote_ident(current_user) ELSE relowner::regrole::text END || ' may not create tables in schema ' || relnamespace::regnamespace
    FROM (SELECT *, NOT has_schema_privilege(relnamespace, 'CREATE') AS mine FROM part) part
    WHERE mine OR NOT has_schema_privilege(relowner, relnamespace, 'CREATE')
  UNION ALL SELECT 4, name || ' is ' || CASE relkind WHEN 'p' THEN 'partitioned again' WHEN 'f' THEN 'a foreign table' ELSE 'of another kind' END FROM part WHERE relkind <> 'r'
  UNION ALL SELECT 5, 'it has a default partition, ' || partdefid::regclass FROM parent WHERE partdefid <> 0
  UNION ALL SELECT 6, 'foreign key ' || quote_ident(conname) || ' of ' || conrelid::regclass || CASE WHEN confrelid IN (SELECT oid FROM tables) THEN ' refers to it' ELSE ' refers to ' || confrelid::regclass END
    FROM pg_constraint WHERE contype = 'f' AND (confrelid IN (SELECT oid FROM tables) OR conrelid IN (SELECT oid FROM tables))
  UNION ALL SELECT 7, 'the publication ' || quote_ident(pubname) || ' sends its rows' FROM pg_publication_tables
    WHERE to_regclass(format('%I.%I', schemaname, tablename))::oid IN (SELECT oid FROM tables)
  UNION ALL SELECT 8, 'trigger ' || quote_ident(g.tgname) || ' of ' || g.tgrelid::regclass FROM pg_trigger g
    WHERE g.tgrelid IN (SELECT oid FROM tables) AND NOT g.tgisinternal AND (g.tgtype & 44 <> 0 OR g.tgparentid = 0 AND g.tgrelid IN (SELECT oid FROM part))
  UNION ALL SELECT 9, 'rule ' || quote_ident(rulename) || ' of ' || ev_class::regclass FROM pg_rewrite WHERE ev_class IN (SELECT oid FROM tables)
  UNION ALL SELECT 10, 'row-level security of ' || name FROM part WHERE relrowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = part.oid)
  UNION ALL SELECT 11, 'the replica identity of ' || name FROM part WHERE relreplident <> 'd'
  UNION ALL SELECT 12, name || ' is ' || CASE WHEN relpersistence <> 'p' THEN 'not logged' WHEN reloftype <> 0 THEN 'a typed table' ELSE 'stored by ' || amname END
    FROM part LEFT JOIN pg_am am ON am.oid = relam WHERE relkind = 'r' AND (relpersistence <> 'p' OR reloftype <> 0 OR amname <> 'heap')
  UNION ALL SELECT 13, 'rights on column ' || quote_ident(attname) || ' of ' || name FROM part JOIN pg_attribute a ON a.attrelid = part.oid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  UNION ALL SELECT 14, 'identity column ' || quote_ident(a.attname) || ' of ' || name FROM part JOIN pg_attribute a ON a.attrelid = part.oid
    WHERE a.attidentity <> '' AND NOT EXISTS (SELECT FROM parent JOIN pg_attribute o ON o.attrelid = parent.oid WHERE o.attname = a.attname AND o.attidentity = a.attidentity)
  UNION ALL SELECT 15, 'the security label of ' || name FROM part JOIN pg_seclabel s ON s.objoid = part.oid AND s.classoid = 'pg_class'::regclass
  UNION ALL SELECT 16, 'index ' || quote_ident(relname) || ' of ' || indrelid::regclass FROM index
    WHERE NOT indisvalid OR indisclustered OR constraint_oid IS NOT NULL AND reloptions IS NOT NULL
      OR constraint_oid IS NULL AND ` + afterName + ` IS NULL
      OR EXISTS (SELECT FROM pg_description WHERE objoid = indexrelid AND classoid = 'pg_class'::regclass)
  UNION ALL SELECT 17, pg_describe_object(classid, objid, 0) || ', which names the partition ' || name FROM part JOIN pg_depend d ON
    (d.refclassid = 'pg_class'::regclass AND d.refobjid = part.oid OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT t.oid FROM pg_type t WHERE part.reltype IN (t.oid, t.typelem)))
    AND (d.deptype = 'n' AND d.classid <> 'pg_attrdef'::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.conrelid = part.oid)
      OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')))
SELECT why, count(*) FROM found GROUP BY place, why ORDER BY place, why COLLATE "C"`

// afterName is the definition of an index from USING on; NULL if it does not begin as expected.
const afterName = `(SELECT substr(def, length(head)) FROM (SELECT pg_get_indexdef(indexrelid) AS def, format('CREATE %sINDEX %I ON %s ',
      CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END, relname, (SELECT format('%I.%I', n.nspname, t.relname) FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.oid = indrelid)) AS head) said
      WHERE left(def, length(head)) = head)`

// hindered says why partitions of a table are not replaced by others, and of how many each reason is; none if they are.
func hindered(ctx context.Context, conn *pgconn.PgConn, parent string, partitions ...string) ([]pgclient.Row, error) {
	return pgclient.Ask(ctx, conn, hindrances, parent, pgclient.Array(partitions))
}

// likenesses are the statements that make a new table ($2, as SQL) like a partition ($1): before it is filled, and after.
// Its indexes come afterwards, in their own tablespaces.
const likenesses = `
WITH part AS (SELECT * FROM pg_class WHERE oid = $1::oid),
index AS (SELECT i.*, c.relname, coalesce(s.spcname, '') AS space, k.oid AS constraint_oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') WHERE i.indrelid = $1::oid),
option AS (SELECT '' AS prefix, o.* FROM part, unnest(reloptions) WITH ORDINALITY AS o(said, i)
  UNION ALL SELECT 'toast.', o.* FROM part JOIN pg_class t ON t.oid = part.reltoastrelid, unnest(t.reloptions) WITH ORDINALITY AS o(said, i)),
columns AS (SELECT * FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped)
SELECT filled, statement FROM (
  SELECT false AS filled, 1 AS place, 0::oid AS n, 'ALTER TABLE ' || $2 || ' SET (' || string_agg(prefix || split_part(said, '=', 1) || ' = ' || quote_literal(substr(said, strpos(said, '=') + 1)), ', ' ORDER BY prefix, i) || ')' AS statement
    FROM option HAVING count(*) > 0
  UNION ALL SELECT false, 2, 0, 'ALTER TABLE ' || $2 || ' OWNER TO ' || quote_ident(pg_get_userbyid(relowner)) FROM part WHERE pg_get_userbyid(relowner) <> current_user
  UNION ALL SELECT true, 3, indexrelid, 'SET LOCAL default_tablespace = ' || quote_literal(space) || '; ' || CASE WHEN constraint_oid IS NULL
    THEN 'CREATE ' || CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END || 'INDEX ON ' || $2 || ` + afterName + `
    ELSE 'ALTER TABLE ' || $2 || ' ADD ' || pg_get_constraintdef(constraint_oid) END FROM index
  UNION ALL SELECT true, 4, attnum::int::oid, 'ALTER TABLE ' || $2 || ' ALTER COLUMN ' || quote_ident(attname) || ' SET STATISTICS ' || attstattarget FROM columns WHERE attstattarget >= 0
  UNION ALL SELECT true, 5, attnum::int::oid, 'ALTER TABLE ' || $2 || ' ALTER COLUMN ' || quote_ident(attname) || ' SET (' || array_to_string(attoptions, ', ') || ')' FROM columns WHERE attoptions IS NOT NULL
  UNION ALL SELECT true, 6, attnum::int::oid, 'COMMENT ON COLUMN ' || $2 || '.' || quote_ident(attname) || ' IS ' || quote_literal(description)
    FROM columns JOIN pg_description d ON d.objoid = attrelid AND d.classoid = 'pg_class'::regclass AND d.objsubid = attnum
  UNION ALL SELECT true, 7, grantee, 'GRANT ' || string_agg(privilege_type, ', ' ORDER BY privilege_type) || ' ON ' || $2 || ' TO ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END ||
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END FROM part CROSS JOIN LATERAL aclexplode(relacl) WHERE grantee <> relowner GROUP BY grantee, is_grantable
) each ORDER BY filled, place, n`

// place says where a partition is stored and what is said of it, for the table that takes its place.
const place = `
SELECT coalesce((SELECT spcname FROM pg_tablespace WHERE oid = reltablespace), ''), obj_description(oid, 'pg_class') FROM pg_class WHERE oid = $1::oid`

// likeness is how a partition is, for one that takes its place.
type likeness struct {
	space         string  // the tablespace; "" is the database's
	comment       *string // on it
	before, after []string
}

// likeness reads it; table is the new one.
func (p *partition) likeness(ctx context.Context, conn *pgconn.PgConn, table pgclient.Name) (like likeness, err error) {
	rows, err := pgclient.Ask(ctx, conn, place, p.oid)
	if err != nil || len(rows) == 0 {
		return like, err
	}
	like.space, like.comment = rows[0].Text(0), rows[0][1]

	rows, err = pgclient.Ask(ctx, conn, likenesses, p.oid, table.SQL())
	for _, r := range rows {
		if r.Bool(0) {
			like.after = append(like.after, r.Text(1))
		} else {
			like.before = append(like.before, r.Text(1))
		}
	}
	return like, err
}

// create is the statement that makes the new table. Neither an index nor an identity: the former comes when it is filled, and with
// the latter it could not be attached. The condition has ATTACH read no row.
func (p *partition) create(table pgclient.Name, like *likeness, condition string, major int) string {
	including := "DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING STATISTICS"
	if major >= 14 {
		including += " INCLUDING COMPRESSION"
	}
	text := fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING %s, CONSTRAINT %s CHECK (%s))", table.SQL(), p.name.SQL(), including, sliceCheck, condition)
	if like.space != "" {
		text += " TABLESPACE " + sqltext.Identifier(like.space)
	}
	return text
}

// sliceCheck is the constraint by which PostgreSQL sees that all rows of a table belong into a partition. It is dropped once it is one.
const sliceCheck = "hindcast_slice"
