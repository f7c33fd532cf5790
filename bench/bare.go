package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the driver
)

// work is what bare DuckDB runs: with the same settings, tables and SQL as hindcast's worker.
type work struct {
	Settings []string `json:"settings"`
	Copies   []copied `json:"copies"`
	Database string   `json:"database"` // a file to insert the results into; "" inserts nowhere
}

// copied is one slice's COPY.
type copied struct {
	Views  []string `json:"views"`
	SQL    string   `json:"sql"`
	Path   string   `json:"path"`
	Unload bool     `json:"unload"` // its rows are not inserted
}

// bareRun runs the work in a separate process and returns its total time, and the seconds of each COPY.
func (b *bench) bareRun(ctx context.Context, w work) (wall float64, each []float64, err error) {
	s, each, err := b.bareProcess(ctx, w)
	return s.Wall.Seconds(), each, err
}

// bareProcess runs the work in a separate process and returns its time and CPU, and the seconds of each COPY.
func (b *bench) bareProcess(ctx context.Context, w work) (s spent, each []float64, err error) {
	began := time.Now()
	text, err := json.Marshal(w)
	if err != nil {
		return s, nil, err
	}

	file := filepath.Join(b.dir, "bare.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return s, nil, err
	}

	cmd := exec.CommandContext(ctx, b.self, "bare", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return s, nil, fmt.Errorf("running bare DuckDB: %w", err)
	}

	err = json.Unmarshal(out, &each)
	s.Wall, s.Seconds = time.Since(began), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return s, each, err
}

// bare is the process: one connection, the COPYs one after another, each followed by an fsync of file and folder.
func bare(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}

	var w work
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}

	ctx := context.Background()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // in memory

	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := execute(ctx, conn, w.Settings...); err != nil {
		return err
	}

	seconds := []float64{}
	for _, c := range w.Copies {
		began := time.Now()
		if err := execute(ctx, conn, append(c.Views, "COPY ("+c.SQL+") TO '"+c.Path+"' (FORMAT parquet, COMPRESSION snappy)")...); err != nil {
			return err
		}
		if err := syncFiles(c.Path, filepath.Dir(c.Path)); err != nil {
			return err
		}

		if w.Database != "" && !c.Unload {
			if err := insert(ctx, conn, c.Path, w.Database); err != nil {
				return err
			}
		}

		seconds = append(seconds, time.Since(began).Seconds())
	}

	return json.NewEncoder(os.Stdout).Encode(seconds)
}

// insert adds the rows of a file to a table of a database file, in one transaction.
func insert(ctx context.Context, conn *sql.Conn, path, database string) error {
	from := " SELECT * FROM read_parquet('" + path + "')"
	return execute(ctx, conn, "ATTACH IF NOT EXISTS '"+database+"' AS warehouse",
		"CREATE TABLE IF NOT EXISTS warehouse.result AS"+from+" LIMIT 0", "INSERT INTO warehouse.result"+from)
}

func execute(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w: %s", err, s)
		}
	}
	return nil
}

func syncFiles(paths ...string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// makeDatabase runs statements on a database file, in a session that ends with it.
func makeDatabase(ctx context.Context, path string, statements ...string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}

	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := execute(ctx, conn, statements...); err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}

	return db.Close()
}
