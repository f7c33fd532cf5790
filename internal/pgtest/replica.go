//go:build unix

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Replica starts a read-only copy of the cluster that follows it. The test's end ends it. The cluster is stopped meanwhile,
// and its files copied: pg_basebackup is not beside every server's programs, and refuses servers newer than itself.
func (c *Cluster) Replica(t testing.TB) *Cluster {
	t.Helper()
	r := &Cluster{bin: c.bin, as: c.as, ended: make(chan error, 1)}
	c.Stop(t, "fast")
	err := r.copyOf(c)
	c.Resume(t)
	if err == nil {
		err = r.keep()
	}
	if err != nil {
		_ = os.RemoveAll(r.Dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.end(t)
	})
	return r
}

func (c *Cluster) copyOf(primary *Cluster) (err error) {
	if c.Dir, err = os.MkdirTemp("", "hcpg"); err != nil {
		return err
	}
	if err := c.Own(c.Dir); err != nil {
		return err
	}
	if c.Port, err = freePort(); err != nil {
		return err
	}
	data := filepath.Join(c.Dir, "data")
	if said, err := exec.Command("cp", "-a", filepath.Join(primary.Dir, "data"), data).CombinedOutput(); err != nil {
		return fmt.Errorf("copying the cluster: %w: %s", err, said)
	}
	if err := c.write("data/standby.signal", nil); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "\nport=%d\nunix_socket_directories='%s'\nprimary_conninfo='host=%s port=%d user=%s'\n",
		c.Port, c.Dir, primary.Dir, primary.Port, User)
	return errors.Join(err, file.Close())
}
