//go:build unix

package redshifttest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// stand is a stand-in with a bucket.
type stand struct {
	*redshifttest.Server
	s3     *s3test.Server
	bucket string
}

func start(t *testing.T) *stand {
	t.Helper()
	t.Parallel()
	s3 := s3test.Start(t)
	return &stand{Server: redshifttest.Start(t, s3), s3: s3, bucket: s3.Bucket(t)}
}

func (s *stand) connect(t *testing.T) *pgconn.PgConn {
	t.Helper()
	return pgtest.Connect(t, s.URL("postgres")+"?sslmode=verify-full&sslrootcert="+s.Certificate())
}

func (s *stand) keys(t *testing.T, prefix string) (keys []string) {
	t.Helper()
	out, err := s.s3.Client().ListObjectsV2(t.Context(), &awss3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range out.Contents {
		keys = append(keys, *object.Key)
	}
	return keys
}

func (s *stand) get(t *testing.T, key string) []byte {
	t.Helper()
	out, err := s.s3.Client().GetObject(t.Context(), &awss3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (s *stand) put(t *testing.T, key, body string) {
	t.Helper()
	if _, err := s.s3.Client().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &s.bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
}

// unload is the text of an UNLOAD to a prefix of the bucket.
func (s *stand) unload(query, prefix, options string) string {
	return fmt.Sprintf("UNLOAD ('%s') TO 's3://%s/%s' IAM_ROLE '%s' FORMAT AS PARQUET %s",
		strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(query), s.bucket, prefix, redshifttest.Role, options)
}

func (s *stand) load(table, from, options string) string {
	return fmt.Sprintf("COPY %s FROM 's3://%s/%s' IAM_ROLE '%s' FORMAT AS PARQUET %s", table, s.bucket, from, redshifttest.Role, options)
}

// refused runs statements that must fail, and returns the error.
func refused(t *testing.T, conn *pgconn.PgConn, statements string) *pgconn.PgError {
	t.Helper()
	_, err := conn.Exec(t.Context(), statements).ReadAll()
	said := new(pgconn.PgError)
	if !errors.As(err, &said) {
		t.Fatalf("%s: got %v", statements, err)
	}
	return said
}

func TestGreeting(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	if got := conn.ParameterStatus("server_version"); got != "8.0.2" {
		t.Errorf("server_version is %q", got)
	}
	if got := conn.ParameterStatus("standard_conforming_strings"); got != "" {
		t.Errorf("standard_conforming_strings is reported: %q", got)
	}
	if rows := pgtest.Query(t, conn, "SELECT version()"); !strings.Contains(rows[0][0], "Redshift 1.0.") {
		t.Errorf("version() is %q", rows)
	}
	if said := refused(t, conn, "SHOW standard_conforming_strings"); said.Code != "42704" {
		t.Errorf("got %v", said)
	}
	if rows := pgtest.Query(t, conn, `SHOW server_version; SELECT 'it\'s', 'a\\b', pg_backend_pid() > 0, "Upper" FROM (SELECT 1 AS "UPPER") q`); !slices.Equal(rows[0], []string{"it's", `a\b`, "t", "1"}) {
		t.Errorf("got %q", rows)
	}

	s.User(t, "IAM:loader", "secret")
	if rows := pgtest.Query(t, pgtest.Connect(t, strings.Replace(s.URL("postgres"), "postgres:"+pgtest.Password, "IAM%3Aloader:secret", 1)), "SELECT current_user"); rows[0][0] != "IAM:loader" {
		t.Errorf("got %v", rows)
	}
	if _, err := pgconn.Connect(t.Context(), strings.Replace(s.URL("postgres"), pgtest.Password, "another", 1)); err == nil || !strings.Contains(err.Error(), "password authentication failed") {
		t.Errorf("got %v", err)
	}
}

const source = `CREATE TABLE source (b bool, i2 smallint, i4 int, i8 bigint, f4 real, f8 float8, n numeric(18,2), big decimal(38,4), c char(3), v varchar(20),
		d date, ts timestamp, tz timestamptz) DISTSTYLE KEY DISTKEY (i4) COMPOUND SORTKEY (d, ts);
	INSERT INTO source VALUES (true, -1, 2, 9007199254740993, 0.5, -0.1, -12345.67, 1234567890123456789012345678901234.5678, 'ab', 'it''s \\ "q"', '1969-12-31',
		'1969-12-31 23:59:59.999999', '2024-03-10 00:00:00.000001+00'), (NULL, NULL, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
		(false, 32767, 4, -1, 'NaN', 'Infinity', 0, 0, 'xyz', 'ümlaut', '2024-02-29', '2000-01-01', '1500-01-01 12:00:00+00');`

// What was unloaded is loaded again by COPY with UNLOAD's own manifest.
func TestRoundTrip(t *testing.T) {
	s := start(t)
	s.PartRows = 1
	conn := s.connect(t)
	pgtest.Query(t, conn, source+"CREATE TABLE target (LIKE source)")
	pgtest.Query(t, conn, s.unload("SELECT * FROM source WHERE v IS NULL OR v <> 'not' || '\\\\' ORDER BY i4", "out/", "MANIFEST VERBOSE"))
	want := []string{"out/0000_part_00.parquet", "out/0000_part_01.parquet", "out/0001_part_00.parquet", "out/manifest"}
	if got := s.keys(t, "out/"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if rows := pgtest.Query(t, conn, "SELECT pg_last_unload_count()"); rows[0][0] != "3" {
		t.Errorf("pg_last_unload_count() is %v", rows)
	}

	pgtest.Query(t, conn, s.load("target", "out/manifest", "MANIFEST"))
	if rows := pgtest.Query(t, conn, "SELECT pg_last_copy_count()"); rows[0][0] != "3" {
		t.Errorf("pg_last_copy_count() is %v", rows)
	}
	rows, loaded := pgtest.Query(t, conn, "SELECT * FROM source ORDER BY i4"), pgtest.Query(t, conn, "SELECT * FROM target ORDER BY i4")
	if fmt.Sprint(rows) != fmt.Sprint(loaded) {
		t.Errorf("unloaded\n%q\nloaded\n%q", rows, loaded)
	}
}

func TestManifest(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, source)
	pgtest.Query(t, conn, s.unload("SELECT i4, v, n, sum(i8) OVER () AS total FROM source", "out/", "MANIFEST VERBOSE PARALLEL OFF"))
	var got struct {
		Entries []struct {
			URL  string
			Meta struct {
				Length  int `json:"content_length"`
				Records int `json:"record_count"`
			}
		}
		Schema struct {
			Elements []struct {
				Name string
				Type map[string]any
			}
		}
		Meta   map[string]int
		Author map[string]string
	}
	if err := json.Unmarshal(s.get(t, "out/manifest"), &got); err != nil {
		t.Fatal(err)
	}

	size := len(s.get(t, "out/000.parquet"))
	if len(got.Entries) != 1 || got.Entries[0].URL != "s3://"+s.bucket+"/out/000.parquet" || got.Entries[0].Meta.Length != size || got.Entries[0].Meta.Records != 3 {
		t.Errorf("got %+v, of %d bytes", got.Entries, size)
	}
	if got.Meta["record_count"] != 3 || got.Meta["content_length"] != size || got.Author["name"] != "Amazon Redshift" {
		t.Errorf("got %v, %v", got.Meta, got.Author)
	}
	elements := fmt.Sprint(got.Schema.Elements)
	if want := "[{i4 map[base:integer]} {v map[base:character varying max_length:20]} {n map[base:numeric precision:18 scale:2]} {total map[base:numeric precision:38 scale:0]}]"; elements != want {
		t.Errorf("got %s", elements)
	}
}

func TestUnloadDestination(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	s.put(t, "out/old", "x")
	if said := refused(t, conn, s.unload("SELECT 1 AS one", "out/", "MANIFEST")); !strings.Contains(said.Message, "not empty") {
		t.Errorf("got %v", said)
	}
	pgtest.Query(t, conn, s.unload("SELECT 1 AS one", "out/", "MANIFEST ALLOWOVERWRITE"))
	if got := s.keys(t, "out/"); !slices.Equal(got, []string{"out/0000_part_00.parquet", "out/manifest", "out/old"}) {
		t.Errorf("got %v", got)
	}
	pgtest.Query(t, conn, s.unload("SELECT 1 AS one FROM (SELECT 1) q WHERE false", "out/", "MANIFEST VERBOSE CLEANPATH"))
	if got := s.keys(t, "out/"); len(got) > 0 {
		t.Errorf("an empty result has %v", got)
	}

	s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
		if strings.HasPrefix(st.Text, "UNLOAD") {
			return redshifttest.Cancel
		}
		return redshifttest.None
	})
	if said := refused(t, conn, s.unload("SELECT 1 AS one UNION ALL SELECT 2", "out/", "MANIFEST")); said.Code != "57014" {
		t.Errorf("got %v", said)
	}
	if got := s.keys(t, "out/"); !slices.Equal(got, []string{"out/0000_part_00.parquet"}) {
		t.Errorf("a cancelled UNLOAD leaves %v", got)
	}
}

// UNLOAD and COPY are part of the client's transaction, and see its snapshot.
func TestTransaction(t *testing.T) {
	s := start(t)
	conn, other := s.connect(t), s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int); INSERT INTO a VALUES (1)")
	pgtest.Query(t, conn, "BEGIN; SELECT count(*) FROM a")
	pgtest.Query(t, other, "INSERT INTO a VALUES (2)")
	pgtest.Query(t, conn, s.unload("SELECT i FROM a", "out/", ""))
	pgtest.Query(t, conn, s.load("a", "out/", ""))
	if rows := pgtest.Query(t, conn, "SELECT count(*), sum(i) FROM a"); rows[0][0] != "2" || rows[0][1] != "2" {
		t.Errorf("got %v", rows)
	}
	pgtest.Query(t, conn, "ROLLBACK")
	if rows := pgtest.Query(t, conn, "SELECT count(*), sum(i) FROM a"); rows[0][0] != "2" || rows[0][1] != "3" {
		t.Errorf("got %v", rows)
	}

	pgtest.Query(t, conn, "BEGIN; TRUNCATE a")
	if conn.TxStatus() != 'I' {
		t.Errorf("TRUNCATE leaves the transaction %c", conn.TxStatus())
	}
	refused(t, conn, "BEGIN; "+s.load("a", "none/", ""))
	if conn.TxStatus() != 'E' {
		t.Errorf("a COPY that failed leaves the transaction %c", conn.TxStatus())
	}
	if said := refused(t, conn, s.load("a", "out/", "")); said.Code != "25P02" {
		t.Errorf("got %v", said)
	}
}

func TestFaults(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE a (i int)")
	commits := func(fault redshifttest.Fault) {
		s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
			if st.Text == "COMMIT" {
				return fault
			}
			return redshifttest.None
		})
	}

	commits(redshifttest.Conflict)
	said := refused(t, conn, "BEGIN; LOCK a; INSERT INTO a VALUES (1); COMMIT")
	if said.Code != "XX000" || said.Message != "1023" || !strings.HasPrefix(said.Detail, "Serializable isolation violation on table") || conn.TxStatus() != 'I' {
		t.Errorf("got %v, transaction %c", said, conn.TxStatus())
	}
	for _, c := range []struct {
		fault redshifttest.Fault
		rows  string
	}{{redshifttest.Refuse, "0"}, {redshifttest.Lose, "1"}} {
		commits(c.fault)
		if _, err := s.connect(t).Exec(t.Context(), "BEGIN; INSERT INTO a VALUES (1); COMMIT").ReadAll(); err == nil || errors.As(err, new(*pgconn.PgError)) {
			t.Errorf("fault %d: got %v", c.fault, err)
		}
		if rows := s.Exec(t, "SELECT count(*) FROM a"); rows[0][0] != c.rows {
			t.Errorf("fault %d: got %v rows", c.fault, rows)
		}
	}
}

// A cancelled statement ends, whoever is busy with it.
func TestCancellation(t *testing.T) {
	s := start(t)
	conn, other := s.connect(t), s.connect(t)
	pgtest.Query(t, other, "CREATE TABLE a (i int); BEGIN; LOCK a")
	begun := make(chan struct{})
	s.Rule(func(st redshifttest.Statement) redshifttest.Fault {
		if strings.HasPrefix(st.Text, "UNLOAD") {
			close(begun)
		}
		return redshifttest.None
	})

	ended := make(chan error)
	go func() {
		_, err := conn.Exec(context.Background(), s.unload("SELECT i FROM a", "out/", "MANIFEST")).ReadAll()
		ended <- err
	}()
	<-begun
	for { // until it waits for the lock
		if rows := s.Exec(t, fmt.Sprintf("SELECT 1 FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'", conn.PID())); len(rows) == 1 {
			break
		}
	}
	if err := conn.CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	said := new(pgconn.PgError)
	if err := <-ended; !errors.As(err, &said) || said.Code != "57014" {
		t.Errorf("got %v", err)
	}
}

// A crash cuts every connection and lets nobody in until the server is back at its address. What was not committed is not there.
func TestCrash(t *testing.T) {
	s := start(t)
	conn := s.connect(t)
	pgtest.Query(t, conn, "CREATE TABLE kept (n bigint); BEGIN; INSERT INTO kept VALUES (1)")
	if n := s.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}

	at := s.Address()
	s.Crash()
	if _, err := conn.Exec(t.Context(), "COMMIT").ReadAll(); err == nil {
		t.Error("the connection is still there")
	}
	if other, err := pgconn.Connect(t.Context(), s.URL("postgres")); err == nil {
		t.Error("somebody can connect")
		_ = other.Close(t.Context())
	}

	s.Revive(t)
	if s.Address() != at {
		t.Errorf("it is at %s, and was at %s", s.Address(), at)
	}
	if rows := pgtest.Query(t, s.connect(t), "SELECT n FROM kept"); len(rows) > 0 {
		t.Errorf("got %v", rows)
	}
}

// A copy has what the database had, and shares nothing with it.
func TestCopy(t *testing.T) {
	s := start(t)
	s.Exec(t, "CREATE TABLE kept (s super); INSERT INTO kept VALUES ('1')")
	other := s.Copy(t)
	other.Exec(t, "DELETE FROM kept")
	conn := pgtest.Connect(t, other.URL("postgres"))
	for _, query := range []string{"SELECT s FROM kept", "UNLOAD ('SELECT * FROM kept') TO 's3://" + s.bucket + "/a/' IAM_ROLE '" + redshifttest.Role + "' FORMAT AS PARQUET"} {
		if rows := pgtest.Query(t, conn, query); len(rows) > 0 {
			t.Errorf("got %v", rows)
		}
	}
	if rows := s.Exec(t, "SELECT s FROM kept"); len(rows) != 1 {
		t.Errorf("the first has %v", rows)
	}
}
