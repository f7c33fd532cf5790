package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
)

// replaced is what it costs to replace a slice again and again, in a target of one kind.
type replaced struct {
	name    string
	suffix  string // of CREATE TABLE
	seconds []float64
	locked  []float64 // seconds in which nobody else could write into the target, or read it
	wal     []float64 // bytes
	dead    float64   // rows, at the end
}

const swapColumns = "i AS line_id, " + narrowColumns

// swaps replaces a slice of a table, with a primary key and two indexes, and the same of a partitioned one.
func (b *bench) swaps(ctx context.Context) error {
	return hosted(ctx, b.dir, func(h *host) error {
		d := h.postgres()
		rows := b.size(2_000_000, 100_000)
		d.run(scramble)
		d.makeTable("swap_2021_01", swapColumns, 0, rows)
		say("swap: a slice of %d rows, a primary key and two indexes, replaced three times", rows)

		plain := &replaced{name: "deleted"}
		parted := &replaced{name: "exchanged", suffix: " PARTITION BY RANGE (usage_date)"}
		for _, r := range []*replaced{plain, parted} {
			d.run("CREATE TABLE "+r.name+" (LIKE swap_2021_01)"+r.suffix, "ALTER TABLE "+r.name+" ADD PRIMARY KEY (usage_date, line_id)",
				"CREATE INDEX ON "+r.name+" (account_id)", "CREATE INDEX ON "+r.name+" (sku_id, usage_date)")
		}
		d.run("ALTER TABLE deleted SET (autovacuum_enabled = false)",
			"CREATE TABLE january PARTITION OF exchanged FOR VALUES FROM ('2021-01-01') TO ('2021-02-01') WITH (autovacuum_enabled = false)")

		for i := range 4 { // the first fills them
			for _, r := range []*replaced{plain, parted} {
				if err := b.replace(d, r, rows, i > 0); err != nil {
					return err
				}
			}
		}
		d.compareReplaced(b, plain, parted)
		return b.frozen(d, rows)
	})
}

// replace runs a pipeline that loads the slice once more.
func (b *bench) replace(d *database, r *replaced, rows int, counts bool) error {
	file := filepath.Join(b.dir, "swap-"+r.name, "swap.yml")
	if err := writeSwap(file, d.url, r.name); err != nil {
		return err
	}
	o, locked, wal, err := b.watchedRun(d, file, r.name)
	if err != nil {
		return err
	}
	if n := o.rows(); n != int64(rows) {
		return fmt.Errorf("hindcast loaded %d rows of %d", n, rows)
	}
	if err := d.compare("swap_2021_01", r.name); err != nil || !counts {
		return err
	}

	r.seconds = append(r.seconds, o.whole(hindcast.StepLoad))
	r.locked = append(r.locked, locked)
	r.wal = append(r.wal, wal)
	say("  %s: %.2f s, %.3f s of it locked, %.0f MB of WAL", r.name, o.whole(hindcast.StepLoad), locked, r.wal[len(r.wal)-1]/1e6)
	return nil
}

// watchedRun runs a pipeline, and says for how many seconds nobody else could write into its target, or read it, and how many bytes of WAL the
// server wrote.
func (b *bench) watchedRun(d *database, file, target string) (o *observed, locked, wal float64, err error) {
	const written = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
	d.run("CHECKPOINT")
	begun := d.number(written)
	stop := d.watchLock(target)
	o, err = b.hindcastRun(d.ctx, file, "--force")
	locked = stop()
	return o, locked, d.number(written) - begun, err
}

func writeSwap(file, url, target string) error {
	text := fmt.Sprintf("pipeline: %s\nwarehouse: %q\nlake: ./lake\nhistory: {from: 2021-01-01, to: 2021-02-01, every: 1 month}\n"+
		"facts: {rows: {table: \"swap_{yyyy}_{mm}\"}}\ntransform: {sql: swap.sql, dialect: duckdb}\ntarget: {table: %s, time: usage_date}\nrun: {memory: 4GB}\n", target, url, target)
	return writePipeline(file, text, "SELECT * FROM rows")
}

func (d *database) number(query string) float64 {
	n, err := strconv.ParseFloat(d.run(query)[0][0], 64)
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// watchLock looks every other millisecond whether somebody holds a lock on a table that keeps writers off, and returns what ends that
// and says for how many seconds it was held.
func (d *database) watchLock(table string) (stop func() float64) {
	conn := pgtest.Connect(d, d.url)
	quit := make(chan struct{})
	var held time.Duration
	var watching sync.WaitGroup
	watching.Go(func() {
		last := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-time.After(2 * time.Millisecond):
			}
			locks := pgtest.Query(d, conn, "SELECT count(*) FROM pg_locks WHERE relation = '"+table+"'::regclass AND granted AND mode IN ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')")
			now := time.Now()
			if locks[0][0] != "0" {
				held += now.Sub(last)
			}
			last = now
		}
	})
	return func() float64 {
		close(quit)
		watching.Wait()
		return held.Seconds()
	}
}

func (d *database) compareReplaced(b *bench, plain, parted *replaced) {
	for _, r := range []*replaced{plain, parted} {
		r.dead = d.number("SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relid IN (SELECT relid FROM pg_partition_tree('" + r.name + "') UNION SELECT '" + r.name + "'::regclass)")
	}
	b.ratio("a slice of a partitioned PostgreSQL target replaced, against DELETE and COPY: time", median(plain.seconds)/median(parted.seconds), 2,
		fmt.Sprintf("%.2f s against %.2f s", median(parted.seconds), median(plain.seconds)))
	b.most("share of it in which the target was locked", median(parted.locked)/median(parted.seconds), 0.01,
		fmt.Sprintf("%.3f s; with DELETE and COPY %.2f s", median(parted.locked), median(plain.locked)))
	b.most("its WAL, against that of DELETE and COPY", median(parted.wal)/median(plain.wal), 0.35,
		fmt.Sprintf("%.0f MB against %.0f MB", median(parted.wal)/1e6, median(plain.wal)/1e6))
	b.below("dead rows after three times", parted.dead, 1, "rows", fmt.Sprintf("%.0f with DELETE and COPY", plain.dead))
}

// frozen loads a partition without an index, against the server's own COPY of the same rows from a file into a table like it.
func (b *bench) frozen(d *database, rows int) error {
	file := filepath.Join(d.cluster.Dir, "swap.copy")
	d.run("COPY swap_2021_01 TO '" + file + "' (FORMAT binary)")
	defer func() { _ = os.Remove(file) }()

	var ours, theirs []float64
	for range b.size(5, 2) {
		d.run("DROP TABLE IF EXISTS bare", "CREATE TABLE bare (LIKE swap_2021_01) PARTITION BY RANGE (usage_date)", "DROP TABLE IF EXISTS copied", "CREATE TABLE copied (LIKE swap_2021_01)",
			"CREATE TABLE bare_january PARTITION OF bare FOR VALUES FROM ('2021-01-01') TO ('2021-02-01')", "CHECKPOINT")
		pipeline := filepath.Join(b.dir, "swap-bare", "swap.yml")
		if err := writeSwap(pipeline, d.url, "bare"); err != nil {
			return err
		}
		o, err := b.hindcastRun(d.ctx, pipeline, "--force")
		if err != nil {
			return err
		}
		if err := d.compare("swap_2021_01", "bare"); err != nil {
			return err
		}
		ours = append(ours, o.whole(hindcast.StepLoad))
		d.run("CHECKPOINT")
		theirs = append(theirs, d.timed("COPY copied FROM '"+file+"' (FORMAT binary)"))
		say("  without an index: hindcast %.2f s, the server's own COPY %.2f s", ours[len(ours)-1], theirs[len(theirs)-1])
	}
	b.ratio("into a new partition without an index, against a server-side binary COPY FROM a file", median(theirs)/median(ours), 0.95,
		fmt.Sprintf("%.2f s against %.2f s, of %d rows", median(ours), median(theirs), rows))
	return nil
}
