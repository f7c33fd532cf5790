-- What Redshift has in its catalog and PostgreSQL has not, and the rules of Redshift's tables. Run once in each database.
SET allow_system_table_mods = on;

-- Types, each a type of its own, so that the catalog and results name them. They are read and written as the type behind them.
CREATE TYPE pg_catalog.super;
CREATE FUNCTION pg_catalog.super_in(cstring) RETURNS super LANGUAGE internal IMMUTABLE STRICT AS 'jsonb_in';
CREATE FUNCTION pg_catalog.super_out(super) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'jsonb_out';
CREATE TYPE pg_catalog.super (INPUT = super_in, OUTPUT = super_out, LIKE = jsonb);
CREATE CAST (super AS jsonb) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (jsonb AS super) WITHOUT FUNCTION AS IMPLICIT;

CREATE TYPE pg_catalog.varbyte;
CREATE FUNCTION pg_catalog.varbyte_in(cstring) RETURNS varbyte LANGUAGE internal IMMUTABLE STRICT AS 'byteain';
CREATE FUNCTION pg_catalog.varbyte_out(varbyte) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';
CREATE FUNCTION pg_catalog.varbyte_typmod_in(cstring[]) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodin';
CREATE FUNCTION pg_catalog.varbyte_typmod_out(integer) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varchartypmodout';
CREATE TYPE pg_catalog.varbyte (INPUT = varbyte_in, OUTPUT = varbyte_out, TYPMOD_IN = varbyte_typmod_in, TYPMOD_OUT = varbyte_typmod_out, LIKE = bytea);
CREATE CAST (varbyte AS bytea) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bytea AS varbyte) WITHOUT FUNCTION AS IMPLICIT;

CREATE TYPE pg_catalog.geometry;
CREATE FUNCTION pg_catalog.geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pg_catalog.geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pg_catalog.geometry (INPUT = geometry_in, OUTPUT = geometry_out, LIKE = text);

CREATE TYPE pg_catalog.geography;
CREATE FUNCTION pg_catalog.geography_in(cstring) RETURNS geography LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pg_catalog.geography_out(geography) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pg_catalog.geography (INPUT = geography_in, OUTPUT = geography_out, LIKE = text);

CREATE TYPE pg_catalog.hllsketch;
CREATE FUNCTION pg_catalog.hllsketch_in(cstring) RETURNS hllsketch LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION pg_catalog.hllsketch_out(hllsketch) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE pg_catalog.hllsketch (INPUT = hllsketch_in, OUTPUT = hllsketch_out, LIKE = text);

-- Functions.
CREATE FUNCTION pg_catalog.redshift_version() RETURNS text LANGUAGE sql STABLE AS
$$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.116000'::text $$;
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.copy_count', true), ''), '0')::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.unload_count', true), ''), '0')::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.copy_id', true), ''), '-1')::integer $$;
CREATE FUNCTION pg_catalog.pg_last_unload_id() RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.unload_id', true), ''), '-1')::integer $$;
CREATE FUNCTION pg_catalog.pg_last_query_id() RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT greatest(pg_last_copy_id(), pg_last_unload_id()) $$;
-- ALTER DATABASE … SET redshift."collation" = 'case_insensitive' is what CREATE DATABASE … COLLATE says to Redshift.
CREATE FUNCTION pg_catalog.db_collation() RETURNS varchar LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('redshift.collation', true), ''), 'case_sensitive') $$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql VOLATILE AS
$$ SELECT (date_trunc('second', statement_timestamp()) AT TIME ZONE 'UTC')::timestamp $$;
CREATE FUNCTION pg_catalog.nvl(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, $2) $$;
CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.strtol(text, integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS
$$
DECLARE
	total numeric := 0;
	digit integer;
BEGIN
	FOR i IN 1 .. length($1) LOOP
		digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substr($1, i, 1))) - 1;
		IF digit < 0 OR digit >= $2 THEN
			RAISE EXCEPTION 'The input % is not valid to be converted to base %', $1, $2;
		END IF;
		total := total * $2 + digit;
	END LOOP;
	RETURN total;
END
$$;
-- Redshift's is FNV-1a over a value's bytes: another hash of 64 bits does for whoever compares hashes of one server.
CREATE FUNCTION pg_catalog.fnv_hash(anyelement) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended($1::text, 0) $$;
CREATE FUNCTION pg_catalog.fnv_hash(anyelement, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT hashtextextended($1::text, $2) $$;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::jsonb::super $$;
CREATE FUNCTION pg_catalog.json_serialize(super) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1::jsonb::text $$;

-- What COPY could not load. The stand-in writes it, outside of the transaction that failed.
CREATE TABLE pg_catalog.redshift_load_errors (
	userid integer, query bigint, pid integer, tbl oid, started timestamp, file text, line bigint, colname text, coltype text,
	collength text, position integer, code integer, reason text
);
CREATE VIEW pg_catalog.stl_load_errors AS SELECT userid, 0 AS slice, tbl::bigint::integer AS tbl, started AS starttime, pid AS session,
	query::integer AS query, file::char(256) AS filename, line AS line_number, colname::char(127) AS colname, coltype::char(10) AS type,
	collength::char(10) AS col_length, position, ''::char(1024) AS raw_line, ''::char(1024) AS raw_field_value, code AS err_code,
	left(reason, 100)::char(100) AS err_reason, 0 AS is_partial, 0 AS start_offset, 0::bigint AS copy_job_id
	FROM redshift_load_errors;
CREATE VIEW pg_catalog.sys_load_error_detail AS SELECT userid AS user_id, query AS query_id, 0::bigint AS transaction_id, pid AS session_id,
	current_database()::char(64) AS database_name, tbl::bigint::integer AS table_id, started AS start_time, file::char(256) AS file_name,
	line AS line_number, colname::char(127) AS column_name, coltype::char(10) AS column_type, collength::char(10) AS column_length,
	position, code AS error_code, left(reason, 512)::char(512) AS error_message, 0::bigint AS copy_job_id
	FROM redshift_load_errors;

-- Tables and columns.
CREATE FUNCTION pg_catalog.redshift_rows(oid) RETURNS bigint LANGUAGE plpgsql STABLE AS
$$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s', $1::regclass) INTO n;
	RETURN n;
END
$$;
CREATE VIEW pg_catalog.svv_table_info AS SELECT current_database()::text AS database, n.nspname::text AS schema, c.oid::bigint::integer AS table_id,
	c.relname::text AS "table", 'Y'::text AS encoded, 'AUTO(ALL)'::text AS diststyle, 'AUTO(SORTKEY)'::text AS sortkey1,
	(SELECT coalesce(max(a.atttypmod - 4), 0) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.atttypid = 1043 AND a.atttypmod > 4)::integer AS max_varchar,
	''::char(32) AS sortkey1_enc, 0 AS sortkey_num, ceil(pg_table_size(c.oid) / 1048576.0)::bigint AS size, 0::numeric(10, 4) AS pct_used, 0::bigint AS empty,
	0::numeric(5, 2) AS unsorted, 0::numeric(5, 2) AS stats_off,
	redshift_rows(c.oid)::numeric(38, 0) AS tbl_rows,
	NULL::numeric(19, 2) AS skew_sortkey1, NULL::numeric(19, 2) AS skew_rows, c.reltuples::numeric(38, 0) AS estimated_visible_rows,
	NULL::text AS risk_event, NULL::numeric(12, 2) AS vacuum_sort_benefit, NULL::timestamp AS create_time
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' AND pg_table_size(c.oid) > 8192;
CREATE VIEW pg_catalog.svv_redshift_columns AS SELECT current_database()::varchar(128) AS database_name, n.nspname::varchar(128) AS schema_name,
	c.relname::varchar(128) AS table_name, a.attname::varchar(128) AS column_name, a.attnum::integer AS ordinal_position,
	format_type(a.atttypid, a.atttypmod)::varchar(128) AS data_type, pg_get_expr(d.adbin, d.adrelid)::varchar(4000) AS column_default,
	CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END::varchar(3) AS is_nullable, 'az64'::varchar(128) AS encoding, false AS distkey, 0 AS sortkey,
	NULL::varchar(128) AS column_acl, col_description(c.oid, a.attnum)::varchar(256) AS remarks
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%';
CREATE VIEW pg_catalog.svv_columns AS SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
	CASE WHEN data_type = 'USER-DEFINED' THEN udt_name::text ELSE data_type::text END AS data_type, character_maximum_length, numeric_precision,
	numeric_precision_radix, numeric_scale, datetime_precision, interval_type, interval_precision, NULL::text AS remarks
	FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema');
CREATE VIEW pg_catalog.svv_tables AS SELECT table_catalog, table_schema, table_name, table_type, NULL::text AS remarks
	FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema');
CREATE VIEW pg_catalog.svv_redshift_tables AS SELECT current_database()::varchar(128) AS database_name, table_schema::varchar(128) AS schema_name,
	table_name::varchar(128) AS table_name, CASE WHEN table_type = 'VIEW' THEN 'VIEW' ELSE 'TABLE' END::varchar(128) AS table_type,
	NULL::varchar(128) AS table_acl, NULL::varchar(128) AS remarks
	FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema');
CREATE VIEW pg_catalog.pg_table_def AS SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
	format_type(a.atttypid, a.atttypmod) AS type, 'az64'::char(32) AS encoding, false AS distkey, 0 AS sortkey, a.attnotnull AS "notnull"
	FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v') AND n.nspname NOT LIKE 'pg_toast%' AND pg_table_is_visible(c.oid);

-- There are no views without schema binding, and no external tables.
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS
$$ SELECT ''::name, ''::name, ''::name, ''::varchar, 0 WHERE false $$;
CREATE VIEW pg_catalog.svv_external_columns AS SELECT ''::text AS redshift_database_name, ''::text AS schemaname, ''::text AS tablename, ''::text AS columnname,
	''::text AS external_type, 0 AS columnnum, 0 AS part_key, ''::text AS is_nullable WHERE false;

-- The cluster: two slices, one queue of five slots.
CREATE VIEW pg_catalog.stv_slices AS SELECT 0 AS node, i AS slice, i AS localslice, 'D'::char(1) AS type FROM (SELECT 0 AS i UNION ALL SELECT 1) s;
CREATE VIEW pg_catalog.stv_wlm_service_class_config AS SELECT 6 AS service_class, 0 AS queueing_strategy, 5 AS num_query_tasks, 5 AS target_num_query_tasks,
	true AS evictable, 0::bigint AS eviction_threshold, 200 AS query_working_mem, 200 AS target_query_working_mem, 0 AS min_step_mem,
	'Default queue'::char(64) AS name, 0::bigint AS max_execution_time, false AS user_group_wild_card, false AS query_group_wild_card,
	'off'::char(20) AS concurrency_scaling, 'Normal'::char(20) AS query_priority;

CREATE VIEW pg_catalog.stv_recents AS SELECT usesysid::bigint::integer AS userid, 'Running'::char(20) AS status, query_start AT TIME ZONE 'UTC' AS starttime,
	extract(epoch FROM clock_timestamp() - query_start)::integer * 1000000 AS duration, usename::char(50) AS user_name, datname::char(50) AS db_name,
	query::char(600) AS query, pid FROM pg_stat_activity WHERE state = 'active' AND datname = current_database();
CREATE VIEW pg_catalog.svv_transactions AS SELECT a.usename::text AS txn_owner, a.datname::text AS txn_db, coalesce(l.transactionid::text::bigint, 0) AS xid, l.pid,
	a.xact_start AT TIME ZONE 'UTC' AS txn_start, l.mode::text AS lock_mode, CASE WHEN l.locktype = 'relation' THEN 'relation' ELSE 'transactionid' END AS lockable_object_type,
	l.relation::bigint::integer AS relation, l.granted FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE a.datname = current_database();

-- Tables hold Redshift's types, keys are not enforced, and a length that is not given is the default one.
CREATE FUNCTION pg_catalog.redshift_table() RETURNS event_trigger LANGUAGE plpgsql AS
$$
DECLARE
	command record;
	key record;
	attribute record;
BEGIN
	FOR command IN SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass AND object_type = 'table' LOOP
		FOR key IN SELECT conname, contype FROM pg_constraint WHERE conrelid = command.objid AND contype IN ('p', 'u', 'f', 'c', 'x') LOOP
			IF key.contype IN ('c', 'x') THEN
				RAISE EXCEPTION 'CHECK constraints are not supported.' USING ERRCODE = '0A000';
			END IF;
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', command.objid::regclass, key.conname);
		END LOOP;
		FOR attribute IN SELECT attname, atttypid, atttypmod, format_type(atttypid, atttypmod) AS named FROM pg_attribute
			WHERE attrelid = command.objid AND attnum > 0 AND NOT attisdropped LOOP
			IF attribute.atttypid NOT IN (16, 20, 21, 23, 25, 26, 700, 701, 1042, 1043, 1082, 1083, 1114, 1184, 1266, 1186, 1700,
				'super'::regtype, 'varbyte'::regtype, 'geometry'::regtype, 'geography'::regtype, 'hllsketch'::regtype) THEN
				RAISE EXCEPTION 'Column "%.%" has unsupported type "%".', command.objid::regclass, attribute.attname, attribute.named USING ERRCODE = '0A000';
			END IF;
			IF attribute.atttypid IN (25, 1043) AND attribute.atttypmod = -1 AND tg_tag = 'CREATE TABLE' THEN
				EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar(256)', command.objid::regclass, attribute.attname);
			ELSIF attribute.atttypid = 1700 AND attribute.atttypmod = -1 AND tg_tag = 'CREATE TABLE' THEN
				EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE numeric(18, 0)', command.objid::regclass, attribute.attname);
			END IF;
		END LOOP;
	END LOOP;
END
$$;
CREATE EVENT TRIGGER redshift_table ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'ALTER TABLE') EXECUTE FUNCTION redshift_table();

GRANT SELECT ON stl_load_errors, sys_load_error_detail, svv_table_info, svv_redshift_columns, svv_columns, svv_tables, svv_redshift_tables, pg_table_def, svv_external_columns,
	stv_slices, stv_wlm_service_class_config, stv_recents, svv_transactions TO PUBLIC;
