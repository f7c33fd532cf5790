package duck_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pythontest"
)

// refusedFile opens the file, which must be refused permanently, and returns the error.
func refusedFile(t *testing.T, path string) *hindcast.Error {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Path: path, ReadOnly: true})
	if err == nil {
		_ = db.Close()
		t.Fatalf("%s can be read", path)
	}
	e := hindcast.AsError(err)
	if e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassPermanent {
		t.Errorf("%v, %s", e, e.Class)
	}
	return e
}

// statements returns the SQL after the prose of a next step, to be run verbatim.
func statements(t *testing.T, next, from string) string {
	t.Helper()
	i := strings.Index(next, from)
	if i < 0 {
		t.Fatalf("no %s in: %s", from, next)
	}
	return next[i:]
}

func rowsOf(t *testing.T, path, query string) string {
	t.Helper()
	db, err := duck.Open(t.Context(), duck.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var text string
	if err := db.QueryRow("SELECT CAST(list(x) AS VARCHAR) FROM (" + query + ") x").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// A DuckDB 2.0 file is refused with the version that wrote it, and the printed statements make a readable copy, even of
// a read-only file.
func TestAFileOfDuckDB2(t *testing.T) {
	dir, wares := t.TempDir(), t.TempDir()
	path := filepath.Join(wares, "it's one.duckdb")
	pythontest.DuckDB2(t, dir, `
c = duckdb.connect(sys.argv[1])
c.execute("CREATE TABLE sales AS SELECT DATE '2024-01-01' + CAST(i AS INTEGER) AS day, 1.5::DECIMAL(10,2) * i AS amount FROM range(3) r(i)")
c.execute("CREATE SCHEMA old; CREATE VIEW old.v AS SELECT sum(amount) AS s FROM sales")
c.close()`, path)
	for _, name := range []string{path, wares} {
		if err := os.Chmod(name, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(wares, 0o700) }) //nolint:gosec // a folder has to be entered to be removed
	e := refusedFile(t, path)
	if !strings.Contains(e.Message, path+" was written by DuckDB v2.0.1; hindcast reads the files of DuckDB v0.9.0 to "+duck.Version) || !strings.Contains(e.Next, "with DuckDB v2.0.1 opened without a file") {
		t.Errorf("%s\n%s", e.Message, e.Next)
	}
	pythontest.DuckDB2(t, dir, "sql.execute(sys.argv[1])", statements(t, e.Next, "ATTACH"))
	if got := rowsOf(t, filepath.Join(dir, "readable.duckdb"), "SELECT count(*) AS n, sum(amount) AS s, (SELECT s FROM old.v) AS v FROM sales"); got != "[{'n': 3, 's': 4.50, 'v': 4.50}]" {
		t.Errorf("the copy holds %s", got)
	}
}

// One type of 2.0 is copied and makes the copy unreadable: it is named, with the statement that fixes it.
func TestACopyOfDuckDB2WithATypeOfIts(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "readable.duckdb")
	pythontest.DuckDB2(t, dir, `
sql.execute("ATTACH 'readable.duckdb' AS readable (STORAGE_VERSION 'v1.5.0')")
sql.execute("CREATE TABLE readable.t AS SELECT '2024-01-01 00:00:00.123456789+00'::TIMESTAMPTZ_NS AS \"at\", 1 AS n")`)
	e := refusedFile(t, path)
	if !strings.Contains(e.Message, path+", written by DuckDB v2.0.1, has a column of a type that DuckDB "+duck.Version+" does not know: TIMESTAMPTZ_NS") {
		t.Errorf("%s", e.Message)
	}
	pythontest.DuckDB2(t, dir, `
c = duckdb.connect("readable.duckdb")
for statement, in c.execute(sys.argv[1]).fetchall():
  c.execute(statement)
c.close()`, statements(t, e.Next, "SELECT"))
	if got := rowsOf(t, path, "SELECT epoch_us(\"at\") % 1000000 AS u, n FROM t"); got != "[{'u': 123457, 'n': 1}]" {
		t.Errorf("the file holds %s", got)
	}
}

// The other type is refused by DuckDB 2.0 itself while copying; docs/reference/errors.md says how to fix it.
func TestACopyOfDuckDB2WithATuple(t *testing.T) {
	said := pythontest.DuckDB2(t, t.TempDir(), `
c = duckdb.connect("w.duckdb")
c.execute("CREATE TABLE t AS SELECT row(1, 'x') AS pair")
def copy(name):
  c.execute("ATTACH '" + name + "' AS readable (STORAGE_VERSION 'v1.5.0')")
  try:
    c.execute("COPY FROM DATABASE w TO readable")
  finally:
    c.execute("DETACH readable")
try:
  copy("no.duckdb")
  print("copied")
except Exception as e:
  print(e)
c.execute("ALTER TABLE t ALTER pair TYPE STRUCT(n INTEGER, s VARCHAR)")
copy("yes.duckdb")
print(c.execute("FROM t").fetchall())`)
	if !strings.Contains(said, "TUPLE columns are not supported in storage versions prior to v2.0.0") || !strings.Contains(said, "{'n': 1, 's': 'x'}") {
		t.Error(said)
	}
}
