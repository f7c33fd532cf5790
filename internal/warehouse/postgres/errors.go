package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/pgclient"
)

// permanent is an error of the warehouse that will not heal.
func permanent(message, next string) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

// translate turns an error of PostgreSQL, of the connection to it or of the file system into ours. Nil and errors
// that are ours already stay as they are.
func (w *Owner) translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*hindcast.Error](err); ok {
		return err
	}

	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		e := ofServer(server, err)
		if _, connecting := errors.AsType[*pgconn.ConnectError](err); connecting {
			strike(e, w.pool.Config.RuntimeParams)
			e.Next = cmp.Or(e.Next, nextParameter)
			e.Message = "cannot connect to " + w.place() + ": " + e.Message
		}
		return e
	}

	if e := ofContext(err); e != nil {
		return e
	}
	if e := w.ofConnecting(err); e != nil {
		return e
	}
	if pgclient.IsLost(err) {
		return w.lost(err)
	}

	return duck.Translate(err)
}

func ofContext(err error) *hindcast.Error {
	switch {
	case errors.Is(err, pgclient.ErrClosed), errors.Is(err, context.Canceled):
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient, Message: "it took too long", Cause: err,
			Next: "see what else the server is busy with: SELECT * FROM pg_stat_activity;"}
	}
	return nil
}

func (w *Owner) lost(err error) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Cause: err,
		Message: "the connection to " + w.address() + " was lost",
		Next:    "check the server's log, and the network in between"}
}

// address is where the server is, for people.
func (w *Owner) address() string {
	c := w.pool.Config
	network, address := pgconn.NetworkAddress(c.Host, c.Port)
	if network == "unix" {
		return "the socket " + address
	}
	return address
}

// place is address with the database.
func (w *Owner) place() string {
	c := w.pool.Config
	return fmt.Sprintf("%s (database %q)", w.address(), cmp.Or(c.Database, c.User))
}

// ofConnecting recognizes why a connection could not be made.
func (w *Owner) ofConnecting(err error) *hindcast.Error {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); !ok {
		return nil
	}
	return pgclient.Unreached(err, w.place(), "see that the server runs and listens there, and that nothing between bars the way")
}

const nextParameter = "correct the parameter in the URL under `warehouse:`"

const nextValue = "correct the value in the SQL, or the type of the target's column"

// states are the SQLSTATEs that are distinguished, and classes of them by their first two characters.
var states = pgclient.States{
	"28":    {Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Next: "correct user and password under `warehouse:` (PGPASSWORD, ~/.pgpass and service files are read too), and see pg_hba.conf on the server"},
	"3D000": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: "correct the database's name under `warehouse:`"},
	"53300": {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "allow fewer connections with max_connections=N in the URL under `warehouse:`, or more on the server"},
	"53100": {Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Next: "free space on the database server"},
	"53":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "the server is short of memory or of other resources: see its log"},
	"57P03": {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "the server is starting up or shutting down: wait for it"},
	"57P":   {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "the server was stopped, or ended the session: see its log"},
	"57014": {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "somebody cancelled the statement, or a limit of time did: see statement_timeout of the role and the database"},
	"55P03": {Code: hindcast.EWarehouseBusy, Class: hindcast.ClassTransient, Next: "wait until the other session ends, or end it; SET lock_timeout under load.session waits longer"},
	"40":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "it may heal by itself; on a replica raise max_standby_streaming_delay"},
	"08":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "check the server's log, and the network in between"},
	"25006": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: "name the primary under `warehouse:` if this is a replica, or set default_transaction_read_only to off"},
	"42501": {Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Next: "grant the role that right, then run again"},
	"42P01": {Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Next: "correct the table's name, or create it"},
	"42704": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: nextParameter},
	"22023": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: nextParameter},
	"42703": {Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Next: "the table has changed since it was planned: run again"},
	"22P02": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22P03": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"2200N": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22007": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22008": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22021": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22026": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: nextValue},
	"22P05": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: `take the \u0000 out in the SQL, or make the target's column json, which holds it`},
	"22003": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: "bound the value in the SQL, or widen the target's column with ALTER TABLE"},
	"22001": {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: "shorten the value in the SQL, or widen the target's column with ALTER TABLE"},
	"23502": {Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Next: "give the column a value in the SQL, or: ALTER TABLE … ALTER COLUMN … DROP NOT NULL"},
	"23505": {Code: hindcast.EKeyViolated, Class: hindcast.ClassCheck, Next: "see which rows the SQL gives twice, or which rows outside the slice have the key"},
	"23":    {Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Next: "correct the SQL, or the target's constraint"},
	"58":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "the server's own disk or files fail: see its log"},
	"XX":    {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: "the server says that its data is damaged, or that it has a fault: see its log"},
}

// copied is where in a COPY the server stopped.
var copied = regexp.MustCompile(`^COPY (\S+), line \d+, column ([^:]+)`)

// ofServer gives an error that the server reported its code and next step.
func ofServer(server *pgconn.PgError, err error) *hindcast.Error {
	v := states.Of(server)
	e := &hindcast.Error{Code: v.Code, Class: v.Class, Message: server.Message, Next: v.Next, Cause: err}
	if server.Detail != "" {
		e.Detail = append(e.Detail, server.Detail)
	}
	if server.ColumnName != "" && !strings.Contains(server.Message, server.ColumnName) {
		e.Message += fmt.Sprintf(" (column %q)", server.ColumnName)
	}

	for where := range strings.Lines(server.Where) {
		if where = strings.TrimSpace(where); !strings.HasPrefix(where, "COPY ") {
			continue
		}
		e.Detail = append(e.Detail, where) // the line and the column
		if m := copied.FindStringSubmatch(where); len(m) > 0 && !strings.Contains(e.Message, m[2]) {
			of := " of " + m[1]
			if strings.HasPrefix(m[1], staging) {
				of = ""
			}
			e.Message += fmt.Sprintf(" (column %q%s)", m[2], of)
		}
	}

	return e
}
