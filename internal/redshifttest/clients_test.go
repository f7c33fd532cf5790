//go:build unix

package redshifttest_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/pythontest"
	"github.com/hindcast/hindcast/internal/redshifttest"
)

// connector is Amazon's driver for Python at work: named statements, executed with Flush, over TLS, and again from its cache.
const connector = `
import decimal, os, redshift_connector
host, port, database, bucket, role = os.environ['HOST'], int(os.environ['PORT']), os.environ['DATABASE'], os.environ['BUCKET'], os.environ['ROLE']
conn = redshift_connector.connect(host=host, port=port, database=database, user=os.environ['DB_USER'], password=os.environ['DB_PASSWORD'], ssl=True, sslmode='verify-full')
cursor = conn.cursor()
cursor.execute('SELECT version()')
print('Redshift' in cursor.fetchone()[0])
cursor.execute('CREATE TABLE t (id int, name varchar(10), amount decimal(18,2), at timestamp, doc super) DISTSTYLE EVEN SORTKEY (id)')
cursor.execute("INSERT INTO t VALUES (%s, %s, %s, '2024-02-29 12:00:00', json_parse(%s))", (1, "it's", decimal.Decimal('1.50'), '{"a": [1, 2]}'))
conn.commit()
unload = "UNLOAD ('SELECT id, name, amount, at FROM t WHERE name <> ''x''') TO 's3://%s/%s/' IAM_ROLE '%s' FORMAT PARQUET MANIFEST"
for prefix in ('one', 'two'):
    cursor.execute(unload % (bucket, prefix, role))
    cursor.execute('SELECT pg_last_unload_count()')
    print(cursor.fetchone())
cursor.execute('CREATE TABLE u (id int, name varchar(10), amount decimal(18,2), at timestamp)')
copy = "COPY u FROM 's3://%s/one/manifest' IAM_ROLE '%s' FORMAT AS PARQUET MANIFEST" % (bucket, role)
for _ in range(2):
    cursor.execute(copy)
    cursor.execute('SELECT pg_last_copy_count()')
    print(cursor.fetchone())
conn.commit()
cursor.execute('SELECT * FROM u')
print(cursor.fetchall())
cursor.execute('SELECT doc FROM t')
print(cursor.fetchone(), cursor.description[0][1])
try:
    cursor.execute("COPY t FROM 's3://%s/one/manifest' IAM_ROLE '%s' FORMAT AS PARQUET MANIFEST" % (bucket, role))
except redshift_connector.error.ProgrammingError as e:
    print(e.args[0]['M'], 'code:      15007' in e.args[0]['D'])
conn.rollback()
cursor.execute('SELECT trim(error_message) FROM sys_load_error_detail')
print(cursor.fetchone()[0].split(', File name')[0])
# What awswrangler 3.17.1 sends for copy(mode='upsert', lock=True) and unload().
cursor.execute("SELECT true WHERE EXISTS (SELECT * FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'public' AND TABLE_NAME = 'w');")
print(cursor.fetchall())
cursor.execute('CREATE TABLE IF NOT EXISTS "public"."w" (\n"id" INTEGER,\n"name" VARCHAR(10),\n"amount" DECIMAL(18,2),\n"at" TIMESTAMP,\nPRIMARY KEY (id))\nDISTSTYLE KEY\nDISTKEY(id)\nCOMPOUND SORTKEY(id,at)')
keys = "ACCESS_KEY_ID '%s'\nSECRET_ACCESS_KEY '%s'\n" % (os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'])
for _ in range(2):
    cursor.execute('LOCK "public"."w";\n')
    cursor.execute('CREATE TEMPORARY TABLE temp_redshift_0 (LIKE "public"."w")')
    cursor.execute("COPY \"temp_redshift_0\" \nFROM 's3://%s/two/0000' %s\nFORMAT AS PARQUET" % (bucket, keys))
    cursor.execute('DELETE FROM "public"."w" USING "temp_redshift_0" WHERE "w".id = "temp_redshift_0".id')
    cursor.execute('INSERT INTO "public"."w" SELECT * FROM "temp_redshift_0"')
    cursor.execute('DROP TABLE IF EXISTS "temp_redshift_0"')
    conn.commit()
cursor.execute("UNLOAD ('SELECT * FROM w')\nTO 's3://%s/three/'\n%sALLOWOVERWRITE\nPARALLEL ON\nFORMAT PARQUET\nENCRYPTED\nREGION AS 'us-east-1'\nMAXFILESIZE AS 6.2 MB\nmanifest;" % (bucket, keys))
cursor.execute('SELECT count(*), pg_last_unload_count() FROM w')
print(cursor.fetchone())
try:
    cursor.execute('SELECT * FROM t FOR UPDATE SKIP LOCKED')
except redshift_connector.error.ProgrammingError as e:
    print(e.args[0]['M'])
conn.rollback()
`

func TestRedshiftConnector(t *testing.T) {
	s := start(t)
	host, port, err := net.SplitHostPort(s.Address())
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), pythontest.Python(t, "aws"), "-c", connector)
	command.Env = append(append(os.Environ(), s.s3.Env()...), "HOST="+host, "PORT="+port, "DATABASE="+s.Name, "BUCKET="+s.bucket, "ROLE="+redshifttest.Role,
		"DB_USER="+pgtest.User, "DB_PASSWORD="+pgtest.Password, "SSL_CERT_FILE="+s.Certificate())
	out, err := command.CombinedOutput()
	want := `True
[1]
[1]
[1]
[1]
([1, "it's", Decimal('1.50'), datetime.datetime(2024, 2, 29, 12, 0)], [1, "it's", Decimal('1.50'), datetime.datetime(2024, 2, 29, 12, 0)])
['{"a": [1, 2]}'] 4000
Spectrum Scan Error True
Unmatched number of columns between table and file. Table columns: 5, Data columns: 4
()
[1, 1]
syntax error at or near "SKIP"
`
	if err != nil || string(out) != want {
		t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, out, want)
	}
}

func TestPsql(t *testing.T) {
	s := start(t)
	program := pgtest.Shared(t).Program("psql")
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("psql"); err != nil {
			t.Fatal(err)
		}
	}

	script := "CREATE TABLE a (i int ENCODE az64 DISTKEY, v varchar(max));\nINSERT INTO a VALUES (1, 'x'), (2, NULL);\n" +
		s.unload("SELECT i, v FROM a", "out/", "MANIFEST VERBOSE") + ";\nBEGIN;\nLOCK a;\nDELETE FROM a;\n" + s.load("a", "out/manifest", "MANIFEST") +
		";\nCOMMIT;\nSELECT * FROM a ORDER BY i;\n\\copy a FROM STDIN\n"
	command := exec.CommandContext(t.Context(), program, "-X", "-At", "-v", "ON_ERROR_STOP=1", s.URL("postgres")+"?sslmode=verify-full&sslrootcert="+s.Certificate())
	command.Stdin = strings.NewReader(script)
	out, _ := command.CombinedOutput()
	want := `CREATE TABLE
INSERT 0 2
INFO:  UNLOAD completed, 2 record(s) unloaded successfully.
UNLOAD
BEGIN
LOCK TABLE
DELETE 2
INFO:  Load into table 'a' completed, 2 record(s) loaded successfully.
COPY
COMMIT
1|x
2|
ERROR:  LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)
`
	if got := string(out); !strings.HasPrefix(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
