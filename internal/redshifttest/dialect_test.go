//go:build unix

package redshifttest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pgtest"
)

// What PostgreSQL has and Redshift has not fails, in each way that a statement can come.
func TestRefusals(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int, v varchar(10))")
	for _, sql := range []string{
		"COPY a FROM STDIN", "COPY a TO STDOUT", "COPY a FROM 's3://b/k' IAM_ROLE 'x' CSV", "COPY a FROM 's3://b/k' IAM_ROLE 'x' FORMAT AS PARQUET MAXERROR 3",
		"INSERT INTO a VALUES (1, 'a') ON CONFLICT DO NOTHING", "INSERT INTO a VALUES (1, 'a') RETURNING i", "DELETE FROM a RETURNING *",
		"SELECT i FROM a FOR UPDATE SKIP LOCKED", "SELECT i FROM a FOR UPDATE", "LOCK a IN SHARE MODE", "LOCK a NOWAIT",
		"SAVEPOINT x", "RELEASE SAVEPOINT x", "ROLLBACK TO SAVEPOINT x", "ROLLBACK TO x",
		"SELECT pg_advisory_lock(1)", "SELECT pg_catalog.pg_try_advisory_xact_lock(1)", "SELECT txid_current()", "SELECT pg_current_xact_id()",
		"SELECT xmin FROM a", "SELECT a.ctid FROM a", "SELECT string_agg(v, ',') FROM a", "SELECT array_agg(i) FROM a", "SELECT hashtext(v) FROM a",
		"SELECT sha256(convert_to(v, 'UTF8')) FROM a", "SELECT pg_total_relation_size('a')", "SELECT clock_timestamp()", "SELECT pg_sleep(0)",
		"SELECT to_regclass('a')", "SELECT count(*) FILTER (WHERE i > 1) FROM a", "SELECT i FROM a WHERE i = ANY ('{1,2}')", "SELECT ARRAY[1, 2]",
		"SELECT * FROM (VALUES (1), (2)) v(i)", "VALUES (1)", "SELECT DISTINCT ON (i) * FROM a", "SELECT i IS DISTINCT FROM 1 FROM a",
		"SELECT * FROM a, LATERAL (SELECT 1) b", "SELECT '{}'::jsonb", "SELECT CAST('{}' AS json)", "SELECT v::uuid FROM a",
		"CREATE INDEX ON a (i)", "CREATE UNIQUE INDEX x ON a (i)", "CREATE SEQUENCE s", "CREATE UNLOGGED TABLE b (i int)", "DO $$ BEGIN END $$",
		"CREATE TABLE b (i int CHECK (i > 0))", "CREATE TABLE b (j jsonb)", "CREATE TABLE b (u uuid)", "CREATE TABLE b (i int[])", "CREATE TABLE b (c bytea)",
		"SET lock_timeout = 1", "SET standard_conforming_strings = on", "SHOW lock_timeout", "SELECT current_setting('lock_timeout')",
		"LISTEN x", "NOTIFY x", "UNLOAD ('SELECT 1 LIMIT 1') TO 's3://b/k' IAM_ROLE default PARQUET", "UNLOAD ('SELECT 1; SELECT 2') TO 's3://b/k' IAM_ROLE default PARQUET",
		"UNLOAD ('SELECT txid_current()') TO 's3://b/k' IAM_ROLE default PARQUET", "UNLOAD ('SELECT 1') TO 's3://b/k' PARQUET",
		"UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default PARQUET GZIP", "UNLOAD ('SELECT 1') TO 's3://b/k' IAM_ROLE default PARQUET CLEANPATH ALLOWOVERWRITE",
	} {
		if _, err := conn.Exec(t.Context(), sql).ReadAll(); err == nil {
			t.Errorf("%s: no error", sql)
		}
		if result := conn.ExecParams(t.Context(), sql, nil, nil, nil, nil).Read(); result.Err == nil {
			t.Errorf("%s: no error of a prepared statement", sql)
		}
	}

	pgtest.Query(t, conn, "BEGIN")
	refused(t, conn, "SAVEPOINT x")
	if conn.TxStatus() != 'E' {
		t.Errorf("the transaction is %c", conn.TxStatus())
	}
}

// What Redshift has and PostgreSQL has not.
func TestTables(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, `CREATE TABLE "Upper" (id bigint IDENTITY(10, 5) ENCODE az64, "K" int PRIMARY KEY SORTKEY, parent int REFERENCES other (k), v varchar, t text NOT NULL,
			m varchar(max), n decimal, doc super, bytes varbyte(16), place geometry, UNIQUE (t),
			CONSTRAINT f FOREIGN KEY (k, parent) REFERENCES public.other (k, parent)) BACKUP NO DISTSTYLE KEY DISTKEY ("K") INTERLEAVED SORTKEY (t, n);
		ALTER TABLE upper ALTER DISTSTYLE EVEN;
		CREATE TABLE copied DISTKEY(k) SORTKEY AUTO AS SELECT k, v FROM upper;
		INSERT INTO "UPPER" (k, t, doc, bytes) VALUES (1, 'a', json_parse('{"a": 1}'), 'ab'), (1, 'a', NULL, NULL)`)
	rows := pgtest.Query(t, conn, `SELECT column_name, data_type FROM svv_redshift_columns WHERE table_name = 'upper' ORDER BY ordinal_position`)
	want := "[[id bigint] [k integer] [parent integer] [v character varying(256)] [t character varying(256)] [m character varying(65535)] [n numeric(18,0)] " +
		"[doc super] [bytes varbyte(16)] [place geometry]]"
	if fmt.Sprint(rows) != want {
		t.Errorf("got  %v\nwant %s", rows, want)
	}
	if rows := pgtest.Query(t, conn, "SELECT id, k, json_serialize(doc) FROM upper ORDER BY id"); fmt.Sprint(rows) != `[[10 1 {"a": 1}] [15 1 NULL]]` {
		t.Errorf("got %v", rows)
	}
	if rows := pgtest.Query(t, conn, `SELECT "table", tbl_rows FROM svv_table_info ORDER BY 1`); fmt.Sprint(rows) != `[[upper 2]]` {
		t.Errorf("svv_table_info has %v", rows)
	}
	// What dbt-redshift asks for the columns of a table.
	if rows := pgtest.Query(t, conn, `SELECT count(*) FROM (SELECT columnname FROM svv_external_columns UNION ALL SELECT col_name FROM pg_get_late_binding_view_cols()
		cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int)) unbound`); rows[0][0] != "0" {
		t.Errorf("got %v", rows)
	}
	for _, view := range []string{"svv_columns", "svv_tables", "svv_redshift_tables", "svv_transactions", "stv_recents", "stv_slices", "stv_wlm_service_class_config", "pg_table_def"} {
		if rows := pgtest.Query(t, conn, "SELECT * FROM "+view); len(rows) == 0 {
			t.Errorf("%s is empty", view)
		}
	}
	result, err := conn.Exec(t.Context(), "SELECT doc, bytes FROM upper").ReadAll()
	if err != nil || result[0].FieldDescriptions[0].DataTypeOID != 4000 || result[0].FieldDescriptions[1].DataTypeOID != 6551 {
		t.Errorf("got %v, %v", result, err)
	}
	if said := refused(t, conn, s.unload("SELECT bytes FROM upper", "out/", "")); !strings.Contains(said.Message, "binary varying") {
		t.Errorf("got %v", said)
	}

	pgtest.Query(t, conn, "SET query_group TO 'loads'; SET wlm_query_slot_count TO 3; SET enable_result_cache_for_session TO off; SET statement_timeout TO 60000; SET TIME ZONE 'UTC'")
	if rows := pgtest.Query(t, conn, "SELECT current_setting('query_group'), current_setting('wlm_query_slot_count')"); fmt.Sprint(rows) != "[[loads 3]]" {
		t.Errorf("got %v", rows)
	}
	pgtest.Query(t, conn, `SET enable_case_sensitive_identifier TO true`)
	pgtest.Query(t, conn, `CREATE TABLE "Exact" ("K" int)`)
	pgtest.Query(t, conn, s.unload(`SELECT "K" FROM "Exact"`, "exact/", "")+`; RESET enable_case_sensitive_identifier`)
	if said := refused(t, conn, `SELECT "K" FROM "Exact"`); said.Code != "42P01" {
		t.Errorf("got %v", said)
	}
	if rows := pgtest.Query(t, conn, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SHOW transaction_isolation"); rows[0][0] != "repeatable read" {
		t.Errorf("got %v", rows)
	}
}

// Of two writers of a row the second meets a conflict, unless it has taken the lock before its snapshot.
func TestConflict(t *testing.T) {
	s := start(t)
	conn, other := s.connect(t), s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int); INSERT INTO a VALUES (1)")
	pgtest.Query(t, conn, "BEGIN; SELECT * FROM a")
	pgtest.Query(t, other, "UPDATE a SET i = 2")
	if said := refused(t, conn, "DELETE FROM a"); said.Message != "1023" || said.Code != "XX000" {
		t.Errorf("got %v", said)
	}

	pgtest.Query(t, conn, "ROLLBACK; BEGIN; LOCK a")
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		_, _ = other.Exec(t.Context(), "BEGIN; LOCK a; DELETE FROM a; COMMIT").ReadAll()
	}()
	pgtest.Query(t, conn, "UPDATE a SET i = 3; COMMIT")
	<-begun
	if rows := pgtest.Query(t, conn, "SELECT count(*) FROM a"); rows[0][0] != "0" {
		t.Errorf("got %v", rows)
	}
}
