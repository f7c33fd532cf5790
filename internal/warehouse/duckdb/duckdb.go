// Package duckdb is the warehouse driver for a DuckDB file. One child process owns the file (only one process
// can); Open starts it and speaks to it, Serve is what runs inside it. What is moved when
// is the caller's responsibility; what all users of DuckDB share is in package duck.
package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Options open a DuckDB file as a warehouse.
type Options struct {
	Path     string   `json:"path"`
	ReadOnly bool     `json:"read_only"` // for plan, init, verify and sql: nothing can be touched
	Memory   int64    `json:"memory"`    // resident bytes for the owner's process; 0 is DuckDB's default
	Spill    string   `json:"spill"`
	Session  []string `json:"session"`
	TimeZone string   `json:"time_zone"`
}

// Owner is the warehouse inside the process that owns the file.
type Owner struct {
	db      *sql.DB
	helpers *duck.Helpers
	version string
	plain   bool            // when it was opened, tables were all that could be read
	loading sync.Mutex      // loads go one after another: two that fill an empty range would both commit
	targets map[string]bool // that hindcast_status has, as it spells them; nil until somebody asks. Loading guards it
}

var _ warehouse.Warehouse = (*Owner)(nil)

// patience is how long a file that another process holds is tried again: a killed supervisor's owner may take
// a moment to die.
const patience = 3 * time.Second

// smallFile is up to how many bytes a file is read by one thread where it is only read. Whoever waits for a second one spins: over a history of
// 100,000 slices in 20 MB that was a third of what the process took, and no answer came sooner. Rows that compress well may be many all the
// same, and a view, or what a session attaches, may be over large files elsewhere.
const (
	smallFile = 64 << 20
	smallRows = 2_000_000 // of all its tables
)

// look finds out whether tables are all that can be read: there is no view, and no session that may attach something. A small file of
// nothing else, which is only read, is read by one thread.
func (w *Owner) look(ctx context.Context, o Options, small bool) error {
	if len(o.Session) > 0 {
		return nil
	}
	var views bool
	if err := w.db.QueryRowContext(ctx, "SELECT EXISTS (FROM duckdb_views() WHERE NOT internal)").Scan(&views); err != nil {
		return err
	}
	w.plain = !views
	if views || !o.ReadOnly || !small {
		return nil
	}

	var rows int64
	err := w.db.QueryRowContext(ctx, "SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables()").Scan(&rows)
	if err != nil || rows > smallRows {
		return err
	}
	_, err = w.db.ExecContext(ctx, "SET threads = 1")
	return err
}

// NewOwner opens the file, which must exist: a warehouse is never created by mistake.
func NewOwner(ctx context.Context, o Options) (*Owner, error) {
	info, err := os.Stat(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent,
			Message: "there is no database at " + o.Path, Next: "correct `warehouse:` in the pipeline file"}
	}
	small := err == nil && info.Size() < smallFile
	db, err := openPatiently(ctx, o)
	if err != nil {
		return nil, err
	}
	w := &Owner{db: db}
	err = db.QueryRowContext(ctx, "SELECT version()").Scan(&w.version)
	if err == nil {
		err = w.look(ctx, o, small)
	}
	if err == nil {
		w.helpers, err = duck.NewHelpers(ctx, db)
	}
	if err == nil && len(o.Session) > 0 {
		err = w.helpers.Keep(ctx)
	}
	if err != nil {
		_ = db.Close()
		return nil, duck.Translate(err)
	}
	return w, nil
}

func openPatiently(ctx context.Context, o Options) (*sql.DB, error) {
	deadline := time.Now().Add(patience)
	for {
		db, err := duck.Open(ctx, duck.Options{Path: o.Path, ReadOnly: o.ReadOnly, Memory: o.Memory,
			Spill: o.Spill, TimeZone: o.TimeZone, Session: o.Session})
		if err == nil || hindcast.AsError(err).Code != hindcast.EWarehouseBusy || time.Now().After(deadline) {
			return db, err
		}
		if err := pause.For(ctx, 50*time.Millisecond); err != nil {
			return nil, duck.Translate(err)
		}
	}
}

// Properties say what DuckDB can do.
func (w *Owner) Properties() warehouse.Properties {
	return warehouse.Properties{Name: "duckdb", Version: w.version, Reader: reader()}
}

// reader is the machine: another one's file at the same path is another database.
func reader() string {
	host, _ := os.Hostname() // unless it says who it is, nothing is known
	return host
}

// Close closes the file, which writes its log into it.
func (w *Owner) Close() error { return duck.Translate(w.db.Close()) }

// withConn runs f on a separate connection. Errors are translated.
func (w *Owner) withConn(ctx context.Context, f func(*sql.Conn) error) error {
	return w.withSession(ctx, f, (*sql.Conn).Close)
}

// onceOnly ends a connection for good: nobody else may find what was done to its session.
func onceOnly(conn *sql.Conn) error {
	if err := conn.Raw(func(any) error { return driver.ErrBadConn }); err != nil && !errors.Is(err, driver.ErrBadConn) {
		return err
	}
	return nil // by telling the pool that the connection is bad, which closes it
}

func (w *Owner) withSession(ctx context.Context, f, end func(*sql.Conn) error) error {
	return w.alone(ctx, func(conn *sql.Conn) error {
		defer w.helpers.Call(false)()
		return f(conn)
	}, end)
}

// alone is withSession for statements that call helpers where they want them.
func (w *Owner) alone(ctx context.Context, f, end func(*sql.Conn) error) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return duck.Translate(err)
	}
	err = f(conn)
	if closing := end(conn); err == nil {
		err = closing
	}
	return duck.Translate(err)
}

// inTransaction runs f in a transaction: committed if f succeeds, rolled back otherwise.
func (w *Owner) inTransaction(ctx context.Context, f func(*sql.Conn) error) error {
	return w.withConn(ctx, transaction(ctx, f))
}

func transaction(ctx context.Context, f func(*sql.Conn) error) func(*sql.Conn) error {
	return func(conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, "BEGIN TRANSACTION"); err != nil {
			return err
		}
		if err := f(conn); err != nil {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return err
		}
		_, err := conn.ExecContext(ctx, "COMMIT")
		return err
	}
}

func execAll(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w", duck.Translate(err))
		}
	}
	return nil
}
