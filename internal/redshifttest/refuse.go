package redshifttest

import (
	"slices"
	"strings"
)

// lacking is what PostgreSQL has and Redshift does not, as key words and symbols in a row; "^" is the statement's beginning
// and "$" a parameter or a literal. docs/reference/redshift-stand-in.md says which page each is from.
var lacking = []struct{ code, message string }{
	{"^ SAVEPOINT", `SQL command "SAVEPOINT" not supported.`},
	{"^ RELEASE", `SQL command "RELEASE SAVEPOINT" not supported.`},
	{"^ ROLLBACK TO", `SQL command "ROLLBACK TO SAVEPOINT" not supported.`},
	{"^ ROLLBACK WORK TO", `SQL command "ROLLBACK TO SAVEPOINT" not supported.`},
	{"^ ROLLBACK TRANSACTION TO", `SQL command "ROLLBACK TO SAVEPOINT" not supported.`},
	{"^ LISTEN", `SQL command "LISTEN" not supported.`},
	{"^ UNLISTEN", `SQL command "UNLISTEN" not supported.`},
	{"^ NOTIFY", `SQL command "NOTIFY" not supported.`},
	{"^ DO", `syntax error at or near "DO"`},
	{"^ VALUES", `VALUES lists used as constant tables are not supported.`},
	{"( VALUES", `VALUES lists used as constant tables are not supported.`},
	{"^ CREATE INDEX", `SQL command "CREATE INDEX" not supported on Redshift tables.`},
	{"^ CREATE UNIQUE INDEX", `SQL command "CREATE INDEX" not supported on Redshift tables.`},
	{"^ CREATE TRIGGER", `SQL command "CREATE TRIGGER" not supported on Redshift tables.`},
	{"^ CREATE RULE", `SQL command "CREATE RULE" not supported on Redshift tables.`},
	{"^ CREATE SEQUENCE", `SQL command "CREATE SEQUENCE" not supported on Redshift tables.`},
	{"^ CREATE DOMAIN", `SQL command "CREATE DOMAIN" not supported on Redshift tables.`},
	{"^ CREATE TYPE", `SQL command "CREATE TYPE" not supported on Redshift tables.`},
	{"^ CREATE EXTENSION", `SQL command "CREATE EXTENSION" not supported on Redshift tables.`},
	{"^ CREATE TABLESPACE", `SQL command "CREATE TABLESPACE" not supported on Redshift tables.`},
	{"^ CREATE UNLOGGED", `syntax error at or near "UNLOGGED"`},
	{"ON CONFLICT", `syntax error at or near "CONFLICT"`},
	{"RETURNING", `syntax error at or near "RETURNING"`},
	{"SKIP LOCKED", `syntax error at or near "SKIP"`},
	{"FOR UPDATE", `SELECT FOR UPDATE is not supported.`},
	{"FOR SHARE", `SELECT FOR SHARE is not supported.`},
	{"NOWAIT", `syntax error at or near "NOWAIT"`},
	{"LATERAL", `syntax error at or near "LATERAL"`},
	{"DISTINCT ON", `SELECT DISTINCT ON is not supported.`},
	{"DISTINCT FROM", `IS DISTINCT FROM is not supported.`},
	{"FILTER ( WHERE", `syntax error at or near "FILTER"`},
	{"ARRAY [", `array constructors are not supported.`},
	{"ANY ( $", `arrays are not supported.`},
	{"ALL ( $", `arrays are not supported.`},
	{"INHERITS (", `table inheritance is not supported.`},
	{"EXCLUDE USING", `exclusion constraints are not supported.`},
	{"NOT DEFERRABLE", `syntax error at or near "DEFERRABLE"`},
	{"TABLESAMPLE", `syntax error at or near "TABLESAMPLE"`},
}

// unknownFunctions are functions of PostgreSQL that Redshift does not have.
var unknownFunctions = words(`
	pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock
	pg_advisory_xact_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
	txid_current txid_current_if_assigned txid_current_snapshot txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status
	txid_visible_in_snapshot pg_current_xact_id pg_current_xact_id_if_assigned pg_current_snapshot pg_snapshot_xmin pg_snapshot_xmax
	pg_xact_status pg_export_snapshot pg_is_in_recovery pg_current_wal_lsn pg_last_wal_replay_lsn
	string_agg array_agg every xmlagg corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
	regr_sxy regr_syy json_agg jsonb_agg json_object_agg jsonb_object_agg bit_xor mode percentile_agg
	clock_timestamp statement_timestamp transaction_timestamp justify_days justify_hours justify_interval pg_sleep make_date make_time
	make_timestamp make_timestamptz make_interval date_bin
	div setseed width_bucket generate_subscripts scale min_scale trim_scale
	bit_length overlay convert_from convert_to encode format quote_nullable regexp_matches regexp_match regexp_split_to_array
	regexp_split_to_table string_to_table concat_ws starts_with sha224 sha256 sha384 sha512 hashtext hashtextextended gen_random_uuid
	unnest array_length array_to_string string_to_array array_append array_position cardinality
	to_json to_jsonb row_to_json json_build_object json_build_array jsonb_build_object jsonb_build_array jsonb_set jsonb_each jsonb_typeof
	pg_size_pretty pg_column_size pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size
	pg_relation_filepath to_regclass to_regtype pg_blocking_pids pg_safe_snapshot_blocking_pids pg_postmaster_start_time
	pg_conf_load_time pg_my_temp_schema pg_trigger_depth inet_client_addr inet_client_port inet_server_addr inet_server_port
	pg_read_file pg_ls_dir lo_import lo_export nextval currval setval lastval num_nonnulls num_nulls`)

// unknownTypes are types of PostgreSQL that Redshift does not have.
var unknownTypes = words(`json jsonb uuid bytea xml money inet cidr macaddr hstore tsvector tsquery int4range int8range numrange tsrange
	tstzrange daterange bit varbit serial bigserial smallserial txid_snapshot pg_lsn xid8`)

var systemColumns = words(`xmin xmax cmin cmax ctid tableoid`)

// settings are those of Redshift, and whether PostgreSQL has one of the same name and sense.
var settings = map[string]bool{
	"SEARCH_PATH": true, "STATEMENT_TIMEOUT": true, "TIMEZONE": true, "DATESTYLE": true, "CLIENT_ENCODING": true, "EXTRA_FLOAT_DIGITS": true,
	"APPLICATION_NAME": true, "TRANSACTION_ISOLATION": true, "SERVER_VERSION": true, "SESSION_AUTHORIZATION": true,
	"QUERY_GROUP": false, "WLM_QUERY_SLOT_COUNT": false, "ENABLE_RESULT_CACHE_FOR_SESSION": false, "ENABLE_CASE_SENSITIVE_IDENTIFIER": false,
	"ENABLE_CASE_SENSITIVE_SUPER_ATTRIBUTE": false, "DESCRIBE_FIELD_NAME_IN_UPPERCASE": false, "DOWNCASE_DELIMITED_IDENTIFIER": false,
	"MAX_CONCURRENCY_SCALING_CLUSTERS": false, "MAX_CURSOR_RESULT_SET_SIZE": false, "ANALYZE_THRESHOLD_PERCENT": false,
	"MV_ENABLE_AQMV_FOR_SESSION": false, "CAST_SUPER_NULL_ON_ERROR": false, "NAVIGATE_SUPER_NULL_ON_ERROR": false,
	"PARSE_SUPER_NULL_ON_ERROR": false, "JSON_SERIALIZATION_ENABLE": false, "JSON_SERIALIZATION_PARSE_NESTED_STRINGS": false,
	"ENABLE_NUMERIC_ROUNDING": false, "ENABLE_VACUUM_BOOST": false, "ERROR_ON_NONDETERMINISTIC_UPDATE": false,
	"SPECTRUM_QUERY_MAXERROR": false, "STORED_PROC_LOG_MIN_MESSAGES": false, "DEFAULT_GEOMETRY_ENCODING": false,
	"SPECTRUM_ENABLE_PSEUDO_COLUMNS": false, "INTERVAL_FORBID_COMPOSITE_LITERALS": false, "PG_FEDERATION_REPEATABLE_READ": false,
}

func words(list string) map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		set[strings.ToUpper(name)] = true
	}
	return set
}

// refuse says what of a statement Redshift does not have.
func refuse(code []token) *failure {
	for _, l := range lacking {
		if matches(code, strings.Fields(l.code)) {
			return unsupported(l.message)
		}
	}

	if f := refuseWords(code); f != nil {
		return f
	}

	switch code[0].up {
	case "LOCK":
		if mentions(code, "MODE") {
			return wrong(`syntax error at or near "IN"`)
		}
	case "SET", "SHOW", "RESET":
		return refuseSetting(code)
	}

	return nil
}

func refuseWords(code []token) *failure {
	for i, t := range code {
		if t.kind != word {
			continue
		}
		before, after := at(code, i-1), at(code, i+1)
		switch {
		case unknownFunctions[t.up] && after.is("("):
			return &failure{code: "42883", message: "function " + strings.ToLower(t.raw) + "() does not exist",
				hint: "No function matches the given name and argument types. You may need to add explicit type casts."}
		case systemColumns[t.up] && !after.is("("):
			return &failure{code: "42703", message: `column "` + strings.ToLower(t.raw) + `" does not exist`}
		case unknownTypes[t.up] && (before.is("::") || before.is("AS") && after.is(")")):
			return &failure{code: "42704", message: `type "` + strings.ToLower(t.raw) + `" does not exist`}
		case (t.is("CURRENT_SETTING") || t.is("SET_CONFIG")) && after.is("(") && at(code, i+2).kind == text:
			if f := refuseName(at(code, i+2).value()); f != nil {
				return f
			}
		}
	}

	return nil
}

func refuseSetting(code []token) *failure {
	i := 1
	for at(code, i).is("LOCAL") || at(code, i).is("SESSION") && code[0].is("SET") && !at(code, i+1).is("AUTHORIZATION") && !at(code, i+1).is("CHARACTERISTICS") {
		i++
	}
	name := at(code, i)
	if slices.Contains([]string{"SESSION", "TRANSACTION", "TIME", "ALL"}, name.up) {
		return nil
	}

	return refuseName(name.value())
}

func refuseName(name string) *failure {
	if _, ok := settings[strings.ToUpper(name)]; ok {
		return nil
	}
	return &failure{code: "42704", message: `unrecognized configuration parameter "` + strings.ToLower(name) + `"`}
}

func at(code []token, i int) token {
	if i < 0 || i >= len(code) {
		return token{kind: space}
	}
	return code[i]
}

// matches reports whether a statement has these tokens in a row.
func matches(code []token, pattern []string) bool {
	if pattern[0] == "^" {
		return begins(code, pattern[1:])
	}

	for i := range code {
		if begins(code[i:], pattern) {
			return true
		}
	}

	return false
}

func begins(code []token, pattern []string) bool {
	for i, p := range pattern {
		t := at(code, i)
		if p == "$" && (t.kind == param || t.kind == text) || t.is(p) {
			continue
		}
		return false
	}

	return true
}
