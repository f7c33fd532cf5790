// Package redshift is the warehouse driver for Amazon Redshift. It owns connections, transactions and SQL; rows go by way of the
// lake's bucket: UNLOAD writes Parquet there, and COPY reads it. What is moved when is the caller's responsibility. It runs in a
// child process, as every warehouse does: Open starts one and speaks to it, Serve is what runs inside.
package redshift

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsredshift"
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
	address *address
	links   links
	account *account // nil where the URL holds a password
	version string
	spoken  *spoken        // as soon as the first session is there
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
	a, err := read(o.URL)
	if err != nil {
		return nil, err
	}

	w := &Owner{options: o, address: a}
	if o.Lake != "" {
		if w.store, err = open(ctx, o.Lake); err != nil {
			return nil, err
		}
	}
	if w.links, err = w.reach(ctx); err != nil {
		return nil, err
	}

	err = w.with(ctx, func(s *session) error {
		r, err := s.one(ctx, "SELECT version()")
		if err == nil {
			w.version = versionOf(r.Text(0))
		}
		return err
	})
	if err != nil {
		_ = w.links.close()
		return nil, err
	}
	return w, nil
}

// reach makes the pool of connections that the URL asks for.
func (w *Owner) reach(ctx context.Context) (links, error) {
	if w.address.scheme == awsredshift.ByPassword {
		return w.overWire()
	}
	var err error
	if w.account, err = newAccount(ctx, w.address); err != nil {
		return nil, err
	}
	if w.address.named.Asks() {
		found, err := w.account.find(ctx)
		if err == nil {
			err = w.address.fits(found.Kind())
		}
		if err == nil {
			err = up(w.address.named.Name, found)
		}
		if err != nil {
			return nil, err
		}
		if w.address.url.Host == "" {
			w.address.lead(found)
		}
	}
	if w.address.scheme == awsredshift.ByDataAPI {
		return w.overDataAPI(), nil
	}
	return w.overWire()
}

func (w *Owner) overWire() (links, error) {
	config, err := w.address.configure()
	if err != nil {
		return nil, err
	}
	return wires{pgclient.NewPool(config, w.address.most, w.dial, func(ctx context.Context, conn *pgconn.PgConn) error {
		return w.prepareSession(ctx, &session{wire{conn}})
	})}, nil
}

// dial connects. Keys that are refused may have expired by the cluster's clock: it is tried again with others, once.
func (w *Owner) dial(ctx context.Context, config *pgconn.Config) (*pgconn.PgConn, error) {
	if w.account == nil {
		return pgconn.ConnectConfig(ctx, config)
	}
	var used keys
	for again := false; ; again = true {
		k, err := w.account.current(ctx, used)
		if err != nil {
			return nil, err
		}
		with := config.Copy()
		with.User, with.Password = k.user, k.password
		conn, err := pgconn.ConnectConfig(ctx, with)
		if err == nil {
			return conn, nil
		}

		server, answered := errors.AsType[*pgconn.PgError](err)
		refused := answered && strings.HasPrefix(server.Code, "28")
		switch {
		case refused && !again:
			used = k
		case refused:
			return nil, &hindcast.Error{Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Cause: err,
				Message: fmt.Sprintf("%s refuses the user %s with credentials that AWS gave a moment ago: %s", w.place(), k.user, firstLine(server.Message)),
				Next:    "see that the user is there and may connect to the database: SELECT usename FROM pg_user;"}
		case answered || ctx.Err() != nil:
			return nil, err
		default:
			return nil, w.unreachable(ctx, err)
		}
	}
}

// unreachable says what AWS knows of a cluster that nobody answers for.
func (w *Owner) unreachable(ctx context.Context, err error) error {
	if found, unknown := w.account.find(ctx); unknown == nil {
		if down := up(w.address.named.Name, found); down != nil {
			return down
		}
	}
	return err
}

// Properties say what this Redshift can do.
func (w *Owner) Properties() warehouse.Properties {
	return warehouse.Properties{Name: "redshift", Version: w.version, Stages: true, Unloads: max(1, w.address.most-1),
		Collation: w.spoken.collation, TimeZone: w.spoken.timeZone, DateStyle: w.spoken.dateStyle}
}

// Close ends all sessions.
func (w *Owner) Close() error { return w.links.close() }

// with runs f on a separate connection: see pgclient.Pool.Use. Errors are translated.
func (w *Owner) with(ctx context.Context, f func(*session) error) error {
	l, err := w.links.get(ctx)
	if err != nil {
		return w.translate(err)
	}

	err = f(&session{l})
	w.links.put(l)
	if pgclient.IsState(err, pgclient.Canceled) && ctx.Err() != nil { // it was our own cancelling
		err = ctx.Err()
	}
	return w.translate(err)
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
