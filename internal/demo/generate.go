package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
)

// Generated is what Generate made.
type Generated struct {
	Tables int   // billing tables that now exist
	Reused int   // of these, those that an earlier Generate made
	Rows   int64 // in all of them
}

// attached is the name under which the generating instance sees the warehouse.
const attached = "warehouse"

// dimensions are made together, in one transaction.
const dimensions = "accounts"

// generation is one Generate in progress.
type generation struct {
	Options
	db   *sql.DB
	mark string // the comment by which a later Generate recognises its own tables

	mu   sync.Mutex
	done int
}

// Generate makes the billing tables and their dimensions in the DuckDB file. Tables that an earlier Generate made with
// the same rows and seed are kept, so it can be repeated, even after it was killed; E-USAGE if another table has one of
// these names. Each table appears whole or not at all.
//
// Values depend only on the options: not on threads, time, or (as far as MD5 and exact arithmetic do not change)
// DuckDB's version.
func Generate(ctx context.Context, o Options) (made Generated, err error) {
	if o, err = o.filled(); err != nil {
		return made, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o755); err != nil {
		return made, duck.Translate(err)
	}

	// Each table is made by one session on one thread, see fill: more threads for each would cost a third more CPU time
	// in waiting for one another.
	db, err := duck.Open(ctx, duck.Options{Threads: 1})
	if err != nil {
		return made, fmt.Errorf("opening DuckDB for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	g := &generation{Options: o, db: db, mark: o.mark()}
	wanted, err := g.prepare(ctx)
	if err != nil {
		return made, err
	}
	if err := g.fill(ctx, wanted); err != nil {
		return made, err
	}

	// Writes the log into the file, which is then complete by itself.
	for _, finish := range []string{"CHECKPOINT " + attached, "DETACH " + attached} {
		if _, err := db.ExecContext(ctx, finish); err != nil {
			return made, fmt.Errorf("closing the demo's warehouse: %w", duck.Translate(err))
		}
	}

	return Generated{Tables: o.Slices, Reused: o.Slices - len(wanted), Rows: int64(o.Slices) * int64(o.Rows)}, nil
}

// prepare attaches the warehouse, makes the dimensions and what the lines are drawn from, and returns the numbers of
// the slices whose tables are missing.
func (g *generation) prepare(ctx context.Context) ([]int, error) {
	conn, err := g.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()

	for _, set := range []string{
		"ATTACH " + duck.String(g.Path) + " AS " + attached + "",
		// Trying FSST on every text column takes a tenth of the time, to save a seventh of the file.
		"SET disabled_compression_methods = 'fsst'",
		"SET preserve_insertion_order = true",
		// The joins as written keep the lines in the order of their days; the optimizer's may not.
		"SET disabled_optimizers = 'join_order,build_side_probe_side'",
	} {
		if _, err := conn.ExecContext(ctx, set); err != nil {
			return nil, fmt.Errorf("opening the demo's warehouse: %w", duck.Translate(err))
		}
	}

	there, err := g.own(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := loadSample(ctx, conn); err != nil {
		return nil, err
	}
	if err := execute(ctx, conn, "world.sql"); err != nil {
		return nil, err
	}

	if !there[dimensions] {
		if err := g.makeDimensions(ctx, conn); err != nil {
			return nil, err
		}
	}

	var wanted []int
	for number := range g.Slices {
		if !there[TableName(number)] {
			wanted = append(wanted, number)
		}
	}

	return wanted, nil
}

// own returns which of the demo's tables exist, and refuses those that are not of this demo.
func (g *generation) own(ctx context.Context, conn *sql.Conn) (map[string]bool, error) {
	names := map[string]bool{dimensions: true, "skus": true}
	for number := range g.Slices {
		names[TableName(number)] = true
	}

	rows, err := conn.QueryContext(ctx, `SELECT table_name, coalesce(comment, '') FROM duckdb_tables() WHERE database_name = ?
		UNION ALL SELECT view_name, '' FROM duckdb_views() WHERE database_name = ? AND NOT internal ORDER BY ALL`, attached, attached)
	if err != nil {
		return nil, fmt.Errorf("listing the warehouse's tables: %w", duck.Translate(err))
	}
	defer func() { _ = rows.Close() }()

	there := map[string]bool{}
	for rows.Next() {
		var name, comment string
		if err := rows.Scan(&name, &comment); err != nil {
			return nil, fmt.Errorf("listing the warehouse's tables: %w", duck.Translate(err))
		}
		if names[name] && comment != g.mark {
			return nil, &hindcast.Error{Code: hindcast.EUsage, Class: hindcast.ClassPermanent,
				Message: fmt.Sprintf("table %s is already in %s and was not made by this demo", name, g.Path),
				Next:    "choose another folder, or give the --rows and --seed that it was made with"}
		}

		there[name] = names[name]
	}

	return there, duck.Translate(rows.Err())
}

// connect opens a session with the seed that every draw depends on.
func (g *generation) connect(ctx context.Context) (*sql.Conn, error) {
	conn, err := g.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening a session for the demo: %w", duck.Translate(err))
	}

	if _, err := conn.ExecContext(ctx, fmt.Sprintf("SET VARIABLE seed = %d", g.Seed)); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("setting the demo's seed: %w", duck.Translate(err))
	}

	return conn, nil
}

// fill makes the tables of these slices, one per core at a time: one table's lines come from one thread.
func (g *generation) fill(ctx context.Context, wanted []int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	g.done = g.Slices - len(wanted)
	g.Progress(g.done, g.Slices)
	next := make(chan int, len(wanted))
	for _, number := range wanted {
		next <- number
	}

	close(next)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 8, len(wanted)) {
		workers.Go(func() {
			if err := g.work(ctx, next); err != nil {
				cancel(err) // the first error is the cause; the others follow from it
			}
		})
	}

	workers.Wait()
	return duck.Translate(context.Cause(ctx))
}

func (g *generation) work(ctx context.Context, next <-chan int) error {
	conn, err := g.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	for number := range next {
		if err := g.makeBilling(ctx, conn, number); err != nil {
			return fmt.Errorf("making %s: %w", TableName(number), err)
		}

		g.mu.Lock()
		g.done++
		g.Progress(g.done, g.Slices)
		g.mu.Unlock()
	}

	return nil
}

func (g *generation) makeBilling(ctx context.Context, conn *sql.Conn, number int) error {
	from, to := sliceStart(number), sliceStart(number+1)
	for name, value := range map[string]string{
		"slice_start": duck.String(from.Format(time.DateOnly)), "slice_end": duck.String(to.Format(time.DateOnly)),
		"slice_key": duck.String(from.Format(time.DateOnly)), "slice_number": fmt.Sprint(number + 1), "rows": fmt.Sprint(g.Rows),
	} {
		if _, err := conn.ExecContext(ctx, "SET VARIABLE "+name+" = "+value); err != nil {
			return duck.Translate(err)
		}
	}

	if err := execute(ctx, conn, "slots.sql"); err != nil {
		return err
	}

	table := attached + "." + TableName(number)
	return g.transact(ctx, conn, []string{TableName(number)}, func() error {
		if err := execute(ctx, conn, "schema.sql", "{table}", table); err != nil {
			return err
		}
		return execute(ctx, conn, "billing.sql", "{table}", table)
	})
}

func (g *generation) makeDimensions(ctx context.Context, conn *sql.Conn) error {
	return g.transact(ctx, conn, []string{dimensions, "skus"}, func() error {
		return execute(ctx, conn, "dimensions.sql", "{warehouse}", attached)
	})
}

// transact makes tables and marks them as the demo's in one transaction.
func (g *generation) transact(ctx context.Context, conn *sql.Conn, tables []string, create func() error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return duck.Translate(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing

	if err := create(); err != nil {
		return err
	}

	for _, table := range tables {
		comment := "COMMENT ON TABLE " + attached + "." + duck.Name(table) + " IS " + duck.String(g.mark)
		if _, err := tx.ExecContext(ctx, comment); err != nil {
			return duck.Translate(err)
		}
	}

	return duck.Translate(tx.Commit())
}
