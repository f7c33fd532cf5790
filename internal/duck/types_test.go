package duck_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// A folder above the lake may be named like a column: what hindcast wrote is what it reads. In the user's own files
// such folders give columns.
func TestFoldersNamedLikeColumns(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "region=eu")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := duck.Open(ctx, duck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	copied, err := duck.Copy(ctx, conn, "SELECT 'us' AS region", dir)
	if err != nil {
		t.Fatal(err)
	}
	columns := []hindcast.Column{{Name: "region", Type: "VARCHAR"}}
	for _, c := range []struct {
		query func([]hindcast.Column, []string) string
		want  string
	}{{duck.FromParquet, "us"}, {duck.FromUsersParquet, "eu"}} {
		var got string
		if err := conn.QueryRowContext(ctx, c.query(columns, []string{copied.Files[0].Path})).Scan(&got); err != nil || got != c.want {
			t.Errorf("region is %q, %v; want %q", got, err, c.want)
		}
	}
}
