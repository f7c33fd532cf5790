package launch

import (
	"testing"

	"github.com/hindcast/hindcast"
)

// A run is resumed where the same database is named in another way, and nowhere else.
func TestDatabase(t *testing.T) {
	const planned = "postgres://etl:${PGPASSWORD}@db:5432/shop?search_path=mart&sslmode=require"
	for url, same := range map[string]bool{
		"postgres://etl:***@db:5432/shop?search_path=mart":                                true,
		"postgres://other@db:5432/shop?sslmode=verify-full&search_path=mart&user=x":       true,
		"postgres://db:5432/shop?max_connections=2&search_path=mart&connect_timeout=3":    true,
		"postgres://etl:${PGPASSWORD}@db:5433/shop?search_path=mart&sslmode=require":      false,
		"postgres://etl:${PGPASSWORD}@replica:5432/shop?search_path=mart&sslmode=require": false,
		"postgres://etl:${PGPASSWORD}@db:5432/shop2?search_path=mart&sslmode=require":     false,
		"postgres://etl:${PGPASSWORD}@db:5432/shop?search_path=raw&sslmode=require":       false,
		"duckdb:shop": false,
	} {
		if database(hindcast.Location{Written: url}) == database(hindcast.Location{Written: planned}) != same {
			t.Errorf("%s: want same %v", url, same)
		}
	}
}
