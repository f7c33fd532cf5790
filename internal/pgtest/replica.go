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

// Replica starts a read-only copy of the cluster that follows it. It ends with the test. The cluster is stopped briefly
// and its files are copied: not every installation has pg_basebackup, which also refuses newer servers.
func (c *Cluster) Replica(t testing.TB) *Cluster {
	t.Helper()
	return c.copied(t, func(r *Cluster) error {
		return errors.Join(r.write("data/standby.signal", nil),
			r.set(fmt.Sprintf("primary_conninfo='host=%s port=%d user=%s'", c.Dir, c.Port, User)))
	})
}

// Clone starts an independent copy of the cluster. It ends with the test. The cluster is stopped briefly.
func (c *Cluster) Clone(t testing.TB) *Cluster {
	t.Helper()
	return c.copied(t, func(*Cluster) error { return nil })
}

func (c *Cluster) copied(t testing.TB, finish func(*Cluster) error) *Cluster {
	t.Helper()
	r := &Cluster{bin: c.bin, as: c.as, ended: make(chan error, 1)}
	r.count.Store(c.count.Load()) // of the databases that the copy also has
	c.Stop(t, "fast")
	err := r.copyOf(c)
	c.Resume(t)

	if err == nil {
		err = finish(r)
	}
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

func (c *Cluster) copyOf(other *Cluster) (err error) {
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
	if said, err := exec.Command("cp", "-a", filepath.Join(other.Dir, "data"), data).CombinedOutput(); err != nil {
		return fmt.Errorf("copying the cluster: %w: %s", err, said)
	}

	return c.set(fmt.Sprintf("port=%d", c.Port), fmt.Sprintf("unix_socket_directories='%s'", c.Dir))
}
