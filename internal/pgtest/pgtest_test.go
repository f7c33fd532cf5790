//go:build unix

package pgtest_test

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/hindcast/hindcast/internal/pgtest"
)

func TestDatabasesAreFresh(t *testing.T) {
	c := pgtest.Shared(t)
	one, two := c.Database(t), c.Database(t)
	c.Exec(t, one, "CREATE TABLE a (i int); INSERT INTO a VALUES (1), (NULL)")

	if rows := c.Exec(t, one, "SELECT i FROM a ORDER BY i"); len(rows) != 2 || rows[0][0] != "1" || rows[1][0] != "NULL" {
		t.Errorf("got %v", rows)
	}
	if rows := c.Exec(t, two, "SELECT to_regclass('a')"); rows[0][0] != "NULL" {
		t.Errorf("the second database has the first one's table: %v", rows)
	}
	if rows := c.Exec(t, c.TCP("postgres"), "SHOW fsync"); rows[0][0] != "on" {
		t.Errorf("fsync is %v", rows)
	}
}

func TestCopies(t *testing.T) {
	c := pgtest.Start(t, "")
	first := c.Database(t)
	c.Exec(t, first, "CREATE TABLE a AS SELECT 1 AS i")
	clone := c.Clone(t)
	for _, url := range []string{c.DatabaseFrom(t, "db1"), clone.URL("db1"), clone.DatabaseFrom(t, "db1")} {
		if rows := c.Exec(t, url, "INSERT INTO a VALUES (2); SELECT count(*) FROM a"); rows[0][0] != "2" {
			t.Errorf("%s has %v rows", url, rows)
		}
	}

	if rows := c.Exec(t, first, "SELECT count(*) FROM a"); rows[0][0] != "1" {
		t.Errorf("a copy's row is in the original: %v", rows)
	}
}

func TestTLS(t *testing.T) {
	c := pgtest.Shared(t)
	verified := strings.Replace(c.TCP("postgres"), "sslmode=disable", "sslmode=verify-full&sslrootcert="+c.Certificate(), 1)
	if rows := c.Exec(t, verified, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"); rows[0][0] != "t" {
		t.Errorf("got %v", rows)
	}
}

func TestACrashIsRecovered(t *testing.T) {
	var dir, address string
	t.Run("cluster", func(t *testing.T) {
		c := pgtest.Start(t, "", "max_connections=7")
		dir, address = c.Dir, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port))
		url := c.Database(t)
		c.Exec(t, url, "CREATE TABLE a (i int)")
		c.Restart(t, "immediate")

		if rows := c.Exec(t, url, "SHOW max_connections; SELECT count(*), current_setting('max_connections') FROM a"); rows[0][1] != "7" {
			t.Errorf("got %v", rows)
		}

		c.Stop(t, "fast")
		c.Resume(t)
	})

	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder outlived its test: %v", err)
	}

	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the server outlived its test")
	}
}
