package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/config"
)

// In libpq's keyword form a quoted value may hold anything.
func TestKeywordsInQuotes(t *testing.T) {
	for written, want := range map[string]string{
		`host=h password='it\'s a = b' dbname=s`: "it's a = b",
		`password = 'p' host=h`:                  "p",
		`password=''`:                            "",
		`password='a\\b'host=h`:                  `a\b`,
		`password='c\\d\'e'host=h`:               `c\d'e`,
		"host=h\n  password='two\nlines'":        "two\nlines",
	} {
		l, secrets, err := config.WarehouseURL(written, "/p", testEnv())
		if err != nil {
			t.Errorf("%s: %s", written, render(err))
			continue
		}

		if got := l.URL.Query().Get("password"); got != want {
			t.Errorf("%s: the password is %q, want %q", written, got, want)
		}
		if len(want) < 4 { // is not struck out of every word
			continue
		}
		if strings.Contains(l.Written, want) {
			t.Errorf("%s is shown as %s", written, l.Written)
		}
		if got := config.NewRedactor(secrets).String("x=" + want); got != "x=***" {
			t.Errorf("%q is not struck out: %s", want, got)
		}
	}
}

// A location that cannot be parsed is hidden as a whole, also in the excerpts of other mistakes, however it is written.
func TestUnreadableLocationsAreHidden(t *testing.T) {
	for _, value := range []string{
		"host=db password=ge heim dbname=x",
		"host=db password='geheim",
		"'host=db password=''geheim'",
		"\"host=db password='geheim\"",
		"host=db pasword=geheim",
		"host=db geheim=x",
		"u:geheim@db/shop",
		"postgres:u:geheim@db/shop",
		"postgres://u:ge heim@db/shop",
		"postgres://u:ge/heim@db:x/shop?password=geheim",
		"postgresql//u:geheim@db/shop",
		"host=db\n  password='geheim",
		"|\n  host=db password=geheim geheim",
		"\n  host=db password = geheim geheim",
	} {
		for _, text := range []string{
			"pipeline: x\nwarehouse: " + value + rest,
			"pipeline: x\nwarehouse: duckdb:w\nwarehouse: " + value + rest,
			"pipeline: x\nwarehouse: " + value + "\nlack: y" + rest,
			"pipeline: x\nwarehouse: " + value + "\nlake: [" + rest,
			"{pipeline: x, warehouse: " + value + ", lack: y}",
		} {
			_, err := decode(text)
			if err == nil {
				t.Errorf("accepted: %s", text)
				continue
			}

			if e := hindcast.AsError(err); strings.Contains(render(err), "heim") || strings.Contains(fmt.Sprint(e.Detail), "heim") {
				t.Errorf("%s\nshows the secret:\n%s", text, render(err))
			}
		}
	}
}

// A run is resumed where the same database is named differently, and nowhere else.
func TestDatabase(t *testing.T) {
	const planned = "postgres://etl:${PGPASSWORD}@db:5432/shop?search_path=mart&sslmode=require"
	for location, same := range map[string]bool{
		"postgres://etl:***@db:5432/shop?search_path=mart":                                true,
		"postgres://other@db:5432/shop?sslmode=verify-full&search_path=mart&user=x":       true,
		"postgresql://db:5432/shop?max_connections=2&search_path=mart&connect_timeout=3":  true,
		"host=db port=5432 dbname=shop search_path=mart password='a b'":                   true,
		"postgres:///?host=db&port=5432&dbname=shop&search_path=mart":                     true,
		"host=db port=5432 dbname=shop2 search_path=mart":                                 false,
		"postgres://etl:${PGPASSWORD}@db:5433/shop?search_path=mart&sslmode=require":      false,
		"postgres://etl:${PGPASSWORD}@replica:5432/shop?search_path=mart&sslmode=require": false,
		"postgres://etl:${PGPASSWORD}@db:5432/shop2?search_path=mart&sslmode=require":     false,
		"postgres://etl:${PGPASSWORD}@db:5432/shop?search_path=raw&sslmode=require":       false,
		"postgres://etl@db:5432/shop?search_path=mart&options=-csearch_path%3Draw":        false,
		"duckdb:shop": false,
	} {
		if (config.Database(location) == config.Database(planned)) != same {
			t.Errorf("%s: %s, want same %v", location, config.Database(location), same)
		}
	}
}
