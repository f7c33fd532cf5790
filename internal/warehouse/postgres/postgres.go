// Package postgres is the warehouse driver for PostgreSQL, 13 and later. It owns connections, transactions, locks
// and SQL; how rows become Parquet and back is package pgcopy's, and what is moved when is the caller's responsibility. It
// runs in a child process, because DuckDB, which writes the Parquet, is in it: Open starts one and speaks to it, Serve is what
// runs inside.
package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/pgcopy"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Options open a database as a warehouse.
type Options struct {
	URL      string   `json:"url"`       // may hold a password
	ReadOnly bool     `json:"read_only"` // for plan, init, verify and sql: nothing can be touched
	Memory   int64    `json:"memory"`    // resident bytes for this process; 0 means no limit
	Threads  int      `json:"threads"`   // of DuckDB for one unload or load; 0 is its default
	Session  []string `json:"session"`   // the user's SET statements, run in every session
	// Places says where each of those stands, for the E-HOOK of one that fails; there may be none.
	Places []hindcast.Place `json:"places,omitempty"`
}

// Owner is the warehouse inside its process. Its methods may be called in parallel.
type Owner struct {
	options  Options
	pool     *pgclient.Pool
	version  version
	spoken   spoken
	database string // see Properties.Database
	reader   string // see Properties.Reader

	alone  atomic.Bool // the server shares no snapshot: one connection unloads
	pooled atomic.Bool // what answers is a pooler, of sessions

	mutex sync.Mutex // guards what follows
	types map[pgcopy.Ref]pgcopy.Type
	home  home            // once all of our tables are known to be there
	plain map[string]bool // targets that were seen not to be partitioned
}

var (
	_ warehouse.Warehouse = (*Owner)(nil)
	_ warehouse.Seeder    = (*Owner)(nil)
)

// NewOwner connects, so that a URL that leads nowhere fails at once.
func NewOwner(ctx context.Context, o Options) (*Owner, error) {
	config, most, err := configure(o.URL)
	if err != nil {
		return nil, err
	}

	w := &Owner{options: o, types: map[pgcopy.Ref]pgcopy.Type{}, plain: map[string]bool{}}
	w.pool = pgclient.NewPool(config, most, pgcopy.Connect, w.prepareSession)
	err = w.with(ctx, func(conn *pgconn.PgConn) error {
		if w.version, err = versionOf(conn); err == nil {
			w.database = databaseOf(ctx, conn)
			w.reader = readerOf(ctx, conn, w.database, config.RuntimeParams)
			w.spoken, err = spokenBy(ctx, conn)
		}
		return err
	})

	if err != nil {
		_ = w.pool.Close()
		return nil, err
	}

	return w, nil
}

// Properties say what this PostgreSQL can do.
func (w *Owner) Properties() warehouse.Properties {
	return warehouse.Properties{Name: "postgres", Version: w.version.text, Database: w.database, Reader: w.reader, Stages: true, Unloads: max(1, w.pool.Most-1),
		Collation: w.spoken.collation, TimeZone: w.spoken.timeZone, DateStyle: w.spoken.dateStyle}
}

// Close ends all sessions.
func (w *Owner) Close() error { return w.pool.Close() }

// with runs f on a separate connection: see pgclient.Pool.Use. Errors are translated.
func (w *Owner) with(ctx context.Context, f func(*pgconn.PgConn) error) error {
	return w.translate(w.pool.Use(ctx, f))
}

// databaseOf identifies a database by its cluster, whose replicas have the same identifier, and its own number; "" if the server
// does not say it.
func databaseOf(ctx context.Context, conn *pgconn.PgConn) string {
	r := conn.ExecParams(ctx, `SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()) || '/' || oid
		FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()`, nil, nil, nil, nil).Read()
	if r.Err != nil || len(r.Rows) != 1 {
		return ""
	}
	return "postgres:" + string(r.Rows[0][0])
}

// readerOf is the session's role and its search path, whether the server is a replica, which may lag behind, and the settings that the URL
// and the environment ask for: rows may be shown by any of them. It is "" if the server does not say it, or does not identify the
// database: one URL, as it is written, may be of several.
func readerOf(ctx context.Context, conn *pgconn.PgConn, database string, settings map[string]string) string {
	r := conn.ExecParams(ctx, `SELECT pg_catalog.concat_ws(' ', pg_catalog.quote_ident(session_user), pg_catalog.quote_ident(current_user),
		pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('search_path'))`, nil, nil, nil, nil).Read()
	if r.Err != nil || len(r.Rows) != 1 || database == "" {
		return ""
	}
	reader := string(r.Rows[0][0])
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if name != "application_name" {
			reader += fmt.Sprintf(" %q=%q", name, settings[name])
		}
	}
	return reader
}

// spoken is what the meaning of SQL depends on besides its text.
type spoken struct{ collation, timeZone, dateStyle string }

// settled asks for the database's order of texts, which other providers than libc keep elsewhere, and what a session of the role begins
// with, whatever this one has set. The collation is C only where the character types are C's as well.
const settled = `
SELECT CASE coalesce(of ->> 'datlocprovider', 'c')
    WHEN 'c' THEN CASE WHEN of ->> 'datcollate' = of ->> 'datctype' THEN of ->> 'datcollate' ELSE concat(of ->> 'datcollate', ', ctype ', of ->> 'datctype') END
    WHEN 'b' THEN of ->> 'datlocale'
    ELSE concat('ICU ', of ->> 'datlocale', of ->> 'daticulocale') END,
  (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'), (SELECT reset_val FROM pg_settings WHERE name = 'DateStyle')
FROM (SELECT to_jsonb(d) AS of FROM pg_database d WHERE datname = current_database()) database`

func spokenBy(ctx context.Context, conn *pgconn.PgConn) (is spoken, err error) {
	rows, err := pgclient.Ask(ctx, conn, settled)
	for _, r := range rows {
		is = spoken{r.Text(0), r.Text(1), r.Text(2)}
	}
	return is, err
}

// version is the server's.
type version struct {
	text  string // "15.18"
	major int
}

const oldest = 13

func versionOf(conn *pgconn.PgConn) (version, error) {
	v := version{text: conn.ParameterStatus("server_version")}
	if n, err := fmt.Sscanf(v.text, "%d", &v.major); n != 1 || err != nil || v.major < oldest {
		return v, permanent("the server is version "+v.text+" of PostgreSQL, or says so", "use PostgreSQL 13 or later")
	}

	for i, c := range v.text {
		if c == ' ' {
			v.text = v.text[:i] // "15.18 (Debian 15.18-0+deb12u1)"
			break
		}
	}

	return v, nil
}
