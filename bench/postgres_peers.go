package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// postgresPeers are other programs that move tables.
type postgresPeers struct{ python, sling, script string }

// postgresPeers installs them. Without them there is nothing to compare with, so a failure is an error.
func (b *bench) postgresPeers(ctx context.Context) (*postgresPeers, error) {
	bin, err := installPeers(ctx, "postgres-peers", "bench/requirements-postgres.txt")
	if err != nil {
		return nil, fmt.Errorf("installing the peers: %w", err)
	}

	found, err := filepath.Glob(filepath.Join(filepath.Dir(bin), "lib", "python3*", "site-packages", "sling_linux_amd64", "bin", "sling-linux-amd64"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("the package of sling holds no program (%w)", err)
	}

	return &postgresPeers{filepath.Join(bin, "python3"), found[0], "bench/peer.py"}, os.Chmod(found[0], 0o755)
}

// move has every peer move the table, the slow one only in the first round.
func (p *postgresPeers) move(d *database, m *moved, dir string, first bool, note func(of map[string][]float64, who string, seconds float64)) error {
	parquet, csv := filepath.Join(dir, "peer.parquet"), filepath.Join(dir, "peer.csv")
	for _, step := range []struct {
		of   map[string][]float64
		who  string
		move func() (float64, error)
	}{
		{m.out, extension, func() (float64, error) { return p.python3(d.ctx, d.url, "extension-out", m.table, parquet) }},
		{m.in, extension, func() (float64, error) {
			return d.into(m, func() (float64, error) { return p.python3(d.ctx, d.url, "extension-in", "moved", parquet) })
		}},
		{m.out, connectorx, func() (float64, error) {
			return p.python3(d.ctx, d.cluster.TCP("postgres"), "connectorx-out", m.table, filepath.Join(dir, "connectorx.parquet"))
		}},
		{m.out, nowhere, func() (float64, error) { return d.timed("COPY " + m.table + " TO '/dev/null' (FORMAT binary)"), nil }},
		{m.in, copyFrom, func() (float64, error) { return d.copyFrom(m) }},
		{m.out, sling, func() (float64, error) {
			return p.slingRun(d.ctx, "--src-conn", d.cluster.TCP("postgres"), "--src-stream", "public."+m.table, "--tgt-object", "file://"+csv)
		}},
		{m.in, sling, func() (float64, error) {
			return p.slingRun(d.ctx, "--src-stream", "file://"+csv, "--tgt-conn", d.cluster.TCP("postgres"), "--tgt-object", "public.slung", "--mode", "full-refresh")
		}},
	} {
		if step.who == sling && !first {
			continue
		}
		seconds, err := step.move()
		if err != nil {
			return fmt.Errorf("%s, %s: %w", step.who, m.table, err)
		}
		note(step.of, step.who, seconds)
	}

	d.run("DROP TABLE IF EXISTS slung")
	return nil
}

// into fills an empty table like the source's.
func (d *database) into(m *moved, fill func() (float64, error)) (float64, error) {
	d.run("DROP TABLE IF EXISTS moved", "CREATE TABLE moved (LIKE "+m.table+")", "CHECKPOINT")
	seconds, err := fill()
	if err != nil {
		return 0, err
	}
	return seconds, d.compare(m.table, "moved")
}

// copyFrom has the server read its own file.
func (d *database) copyFrom(m *moved) (float64, error) {
	file := filepath.Join(d.cluster.Dir, m.table+".copy")
	d.run("COPY " + m.table + " TO '" + file + "' (FORMAT binary)")
	defer func() { _ = os.Remove(file) }() // the server's folder is removed with the server
	return d.into(m, func() (float64, error) { return d.timed("COPY moved FROM '" + file + "' (FORMAT binary)"), nil })
}

// python3 runs one of peer.py's ways and returns the seconds that it took, without Python's start-up.
func (p *postgresPeers) python3(ctx context.Context, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, p.python, append([]string{p.script}, args...)...)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, lastLine(problems.String()))
	}

	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// slingRun runs sling and returns its total time.
func (p *postgresPeers) slingRun(ctx context.Context, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, p.sling, append([]string{"run"}, args...)...)
	cmd.Env = append(os.Environ(), "SLING_DISABLE_TELEMETRY=TRUE")
	began := time.Now()

	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, lastLine(string(out)))
	}

	return time.Since(began).Seconds(), nil
}
