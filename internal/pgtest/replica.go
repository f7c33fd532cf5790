//go:build unix

package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Replica starts a read-only copy of the cluster that follows it. The test's end ends it.
func (c *Cluster) Replica(t testing.TB) *Cluster {
	t.Helper()
	return c.copied(t, "--write-recovery-conf")
}

// Clone starts a copy of the cluster that goes its own way. The test's end ends it.
func (c *Cluster) Clone(t testing.TB) *Cluster {
	t.Helper()
	return c.copied(t)
}

func (c *Cluster) copied(t testing.TB, options ...string) *Cluster {
	t.Helper()
	r := &Cluster{bin: c.bin, as: c.as, ended: make(chan error, 1)}
	r.count.Store(c.count.Load()) // of databases that it has as well
	if err := r.copyOf(c, options); err != nil {
		_ = os.RemoveAll(r.Dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.end(t)
	})
	return r
}

func (c *Cluster) copyOf(primary *Cluster, options []string) (err error) {
	if c.Dir, err = os.MkdirTemp("", "hcpg"); err != nil {
		return err
	}
	if who := c.as.Credential; who != nil {
		if err := os.Chown(c.Dir, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	if c.Port, err = freePort(); err != nil {
		return err
	}
	data := filepath.Join(c.Dir, "data")
	options = append(options, "-D", data, "-h", primary.Dir, "-p", strconv.Itoa(primary.Port), "-U", User, "-c", "fast", "--no-sync")
	if err := c.run("pg_basebackup", options...); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "\nport=%d\nunix_socket_directories='%s'\n", c.Port, c.Dir)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return c.keep()
}
