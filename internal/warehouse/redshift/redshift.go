// Package redshift is the warehouse driver for Amazon Redshift. It owns connections, transactions and SQL; rows go by way of the
// lake's bucket: UNLOAD writes Parquet there, and COPY reads it. What is moved when is the caller's responsibility. It runs in a
// child process, as every warehouse does: Open starts one and speaks to it, Serve is what runs inside.
package redshift

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/hosted"
	"github.com/hindcast/hindcast/internal/objstore"
	"github.com/hindcast/hindcast/internal/pgclient"
	"github.com/hindcast/hindcast/internal/warehouse"
)

// Options open a database as a warehouse.
type Options struct {
	URL      string   `json:"url"`       // may hold a password
	ReadOnly bool     `json:"read_only"` // for plan, init, verify and sql: nothing can be touched
	Session  []string `json:"session"`   // the user's SET statements, run in every session
	// Places says where each of those stands, for the E-HOOK of one that fails; there may be none.
	Places []hindcast.Place `json:"places,omitempty"`

	Role    string `json:"role"`     // by which Redshift reaches the bucket: "default", or ARNs with commas between
	Region  string `json:"region"`   // the bucket's, if that is not the cluster's; "" does not say it
	MaxFile int64  `json:"max_file"` // bytes of a file that UNLOAD writes; 0 leaves it to Redshift

	Spill string `json:"spill"` // the folder of files on their way to the bucket; "" is the system's
	Lake  string `json:"lake"`  // the bucket's URL; "" where only tables are looked at
	Aside string `json:"aside"` // the prefix in it, ending in "/", of what is on its way between bucket and tables
}

// Opener opens the lake's bucket.
type Opener func(ctx context.Context, url string) (objstore.Store, error)

// Owner is the warehouse inside its process. Its methods may be called in parallel.
type Owner struct {
	options Options
	pool    *pgclient.Pool
	version string
	store   objstore.Store // nil where only tables are looked at
}

var _ warehouse.Warehouse = (*Owner)(nil)

// closing is how long the connections may take to end.
const closing = 30 * time.Second

// Open starts the process that holds the connections, and proves that it can connect.
func Open(ctx context.Context, start child.Spec, o Options) (*hosted.Client, error) {
	return hosted.Open(ctx, start, o, closing)
}

// Serve is that process: it answers a client until its input ends.
func Serve(in io.Reader, out io.Writer, open Opener) error {
	return hosted.Serve(in, out, hosted.Driver{Open: func(ctx context.Context, options json.RawMessage) (warehouse.Warehouse, error) {
		var o Options
		if err := json.Unmarshal(options, &o); err != nil {
			return nil, fmt.Errorf("decoding the warehouse's options: %w", err)
		}

		w, err := NewOwner(ctx, o, open)
		if err != nil {
			return nil, err // and not an *Owner that is nil
		}
		return w, nil
	}})
}

// NewOwner connects, so that a URL that leads nowhere fails at once.
func NewOwner(ctx context.Context, o Options, open Opener) (*Owner, error) {
	config, most, err := configure(o.URL)
	if err != nil {
		return nil, err
	}

	w := &Owner{options: o}
	if o.Lake != "" {
		if w.store, err = open(ctx, o.Lake); err != nil {
			return nil, err
		}
	}

	path := config.RuntimeParams[searchPath]
	delete(config.RuntimeParams, searchPath)
	w.pool = pgclient.NewPool(config, most, pgconn.ConnectConfig, func(ctx context.Context, conn *pgconn.PgConn) error {
		return w.prepareSession(ctx, &session{conn}, path)
	})

	err = w.with(ctx, func(s *session) error {
		rows, err := s.ask(ctx, "SELECT version()")
		if err == nil {
			w.version = versionOf(rows[0].Text(0))
		}
		return err
	})
	if err != nil {
		_ = w.pool.Close()
		return nil, err
	}
	return w, nil
}

// Properties say what this Redshift can do.
func (w *Owner) Properties() warehouse.Properties {
	return warehouse.Properties{Name: "redshift", Version: w.version, Stages: true, Unloads: max(1, w.pool.Most-1)}
}

// Close ends all sessions.
func (w *Owner) Close() error { return w.pool.Close() }

// with runs f on a separate connection: see pgclient.Pool.Use. Errors are translated.
func (w *Owner) with(ctx context.Context, f func(*session) error) error {
	return w.translate(w.pool.Use(ctx, func(conn *pgconn.PgConn) error { return f(&session{conn}) }))
}

// reading is with for what reads only. Redshift has no setting that keeps a session from writing, only a
// transaction that may not.
func (w *Owner) reading(ctx context.Context, f func(*session) error) error {
	return w.with(ctx, func(s *session) error {
		if err := s.run(ctx, "BEGIN READ ONLY"); err != nil {
			return err
		}
		defer s.rollback(ctx)
		return f(s)
	})
}

// writing is with for what writes: not in a warehouse that was opened to read.
func (w *Owner) writing(ctx context.Context, f func(*session) error) error {
	if w.options.ReadOnly {
		return permanent("the warehouse was opened to read", "")
	}
	return w.with(ctx, f)
}

// bucket is the lake's, where there is one.
func (w *Owner) bucket() (objstore.Store, error) {
	if w.store == nil {
		return nil, &hindcast.Error{Code: hindcast.EValue, Class: hindcast.ClassPermanent,
			Message: "Redshift unloads to S3 and loads from there, and no lake in S3 is named", Next: "lake: s3://BUCKET/PREFIX"}
	}
	return w.store, nil
}
