package duck

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pythontest"
)

// The statement for DuckDB 2.0 returns the columns that Copy reads, by name, and no others.
func TestCopyStatementOfDuckDB2(t *testing.T) {
	if got := copyStatement(Version, "SELECT 1", "x"); !strings.HasPrefix(got, "COPY (SELECT 1") || len("COPY (") != CopyPrefix {
		t.Errorf("ours: %s", got)
	}
	dir := t.TempDir()
	statement := copyStatement("v2.0.1", "SELECT DATE '2024-01-05' AS day, CAST(NULL AS INTEGER) AS n", filepath.Join(dir, "part-0.parquet"))
	said := pythontest.DuckDB2(t, dir, `
r = sql.execute(sys.argv[1])
names = [d[0] for d in r.description]
row = dict(zip(names, r.fetchone()))
day = row["column_statistics"]['"day"']
print(names, row["count"], row["file_size_bytes"] > 100, day["min"], day["max"], day["null_count"], row["column_statistics"]['"n"']["null_count"])`, statement)
	if want := "['count', 'file_size_bytes', 'column_statistics'] 1 True 2024-01-05 2024-01-05 0 1\n"; said != want {
		t.Errorf("got %swant %s", said, want)
	}
}
