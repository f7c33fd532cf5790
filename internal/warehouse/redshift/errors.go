package redshift

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgclient"
)

// canceled is the SQLSTATE of a statement that was cancelled, by us, by somebody, or by a limit of time.
const canceled = "57014"

// permanent is an error of the warehouse that will not heal.
func permanent(message, next string) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Message: message, Next: next}
}

// translate turns an error of Redshift, or of the connection to it, into ours. Nil and errors that are ours already stay as
// they are.
func (w *Owner) translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*hindcast.Error](err); ok {
		return err
	}

	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		e := ofServer(server, err)
		if connecting {
			e.Message = "cannot connect to " + w.place() + ": " + e.Message
		}
		return e
	}

	switch {
	case errors.Is(err, pgclient.ErrClosed), errors.Is(err, context.Canceled):
		return &hindcast.Error{Code: hindcast.EStopped, Class: hindcast.ClassCanceled, Message: "stopped", Cause: err}
	case connecting:
		return w.ofConnecting(err)
	case errors.Is(err, context.DeadlineExceeded):
		return &hindcast.Error{Code: hindcast.ETimeout, Class: hindcast.ClassTransient, Message: "it took too long", Cause: err,
			Next: "see what else the cluster is busy with: SELECT * FROM stv_recents WHERE status = 'Running';"}
	case pgclient.IsLost(err):
		return w.lost(err)
	}
	return err
}

func (w *Owner) lost(err error) *hindcast.Error {
	return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Cause: err,
		Message: "the connection to " + w.address() + " was lost", Next: "see whether the cluster was resized or restarted, and the network in between"}
}

func (w *Owner) address() string {
	return net.JoinHostPort(w.pool.Config.Host, fmt.Sprint(w.pool.Config.Port))
}

func (w *Owner) place() string {
	return fmt.Sprintf("%s (database %q)", w.address(), w.pool.Config.Database)
}

// ofConnecting says why a connection could not be made.
func (w *Owner) ofConnecting(err error) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Cause: err,
		Next: "see that the cluster is available, and that its security group lets this machine in"}
	reason := pgclient.Cause(err)
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		reason = "no such host"
		e.Class, e.Next = hindcast.ClassPermanent, "correct the host under `warehouse:`"
	}
	if next := pgclient.NextOfTLS(err); next != "" {
		e.Class, e.Next = hindcast.ClassPermanent, next
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		reason = bad.Err.Error() // without the calls that it came through
	}
	e.Message = "cannot connect to " + w.place() + ": " + reason
	return e
}

// verdict is what a server's error means here.
type verdict struct {
	code  hindcast.Code
	class hindcast.Class
	next  string
}

// texts recognize errors by their words: Redshift reports most of its own with the SQLSTATE XX000.
var texts = []struct {
	is *regexp.Regexp
	verdict
}{
	{regexp.MustCompile(`(?s)^1023\b|[Ss]erializable isolation violation|conflict with concurrent transaction`), verdict{hindcast.EWarehouse, hindcast.ClassTransient,
		"another transaction changed the same table; it heals by itself when tried again"}},
	{regexp.MustCompile(`(?i)value too long|longer than the length defined|numeric (data )?overflow|out of range|exceeds DDL length|string length exceeds`),
		verdict{hindcast.EOverflow, hindcast.ClassPermanent, "bound the value in the SQL, or widen the target's column"}},
	{regexp.MustCompile(`incompatible Parquet schema|Unmatched number of columns|\b1500[17]\b`), verdict{hindcast.ETarget, hindcast.ClassPermanent,
		"see how the target's columns have changed since the run was planned, and run again"}},
	{regexp.MustCompile(`(?i)not authorized to (assume|get credentials)|IAM role .*(not valid|not attached|cannot)|\bAccessDenied\b|S3ServiceException.*Access Denied`), verdict{hindcast.EPermission, hindcast.ClassPermanent,
		"attach the role of redshift.iam_role to the cluster, and let it read, write and list the lake's bucket"}},
	{regexp.MustCompile(`(?i)disk full|no space left`), verdict{hindcast.EDiskFull, hindcast.ClassResource, "free space on the cluster, or resize it"}},
}

// states are the SQLSTATEs that are distinguished, and classes of them by their first two characters.
var states = map[string]verdict{
	"28":    {hindcast.EPermission, hindcast.ClassPermanent, "correct user and password under `warehouse:`"},
	"3D000": {hindcast.EWarehouse, hindcast.ClassPermanent, "correct the database's name under `warehouse:`"},
	"53":    {hindcast.EWarehouse, hindcast.ClassTransient, "allow fewer connections with max_connections=N in the URL under `warehouse:`"},
	"57P":   {hindcast.EWarehouse, hindcast.ClassTransient, "the cluster was restarted or resized, or somebody ended the session"},
	"57014": {hindcast.EWarehouse, hindcast.ClassTransient, "somebody cancelled the statement, or a limit of time did: see statement_timeout and the rules of the WLM queue"},
	"40":    {hindcast.EWarehouse, hindcast.ClassTransient, "it may heal by itself"},
	"08":    {hindcast.EWarehouse, hindcast.ClassTransient, "check the network in between"},
	"25006": {hindcast.EWarehouse, hindcast.ClassPermanent, "the database lets nobody write"},
	"42501": {hindcast.EPermission, hindcast.ClassPermanent, "grant the user that right, then run again"},
	"42P01": {hindcast.ETableMissing, hindcast.ClassPermanent, "correct the table's name, or create it"},
	"42703": {hindcast.ESQLColumn, hindcast.ClassPermanent, "the table has changed since it was planned: run again"},
	"22":    {hindcast.EOverflow, hindcast.ClassPermanent, "correct the value in the SQL, or the type of the target's column"},
	"23502": {hindcast.ETarget, hindcast.ClassPermanent, "give the column a value in the SQL, or make a table whose column may be NULL"},
}

// ofServer gives an error that the server reported its code and next step.
func ofServer(server *pgconn.PgError, err error) *hindcast.Error {
	v := verdict{hindcast.EWarehouse, hindcast.ClassPermanent, server.Hint}
	for _, n := range []int{2, 3, 5} { // the exact state counts most
		if len(server.Code) == 5 {
			if found, ok := states[server.Code[:n]]; ok {
				v = found
			}
		}
	}
	for _, t := range texts {
		if t.is.MatchString(server.Message + "\n" + server.Detail) {
			v = t.verdict
			break
		}
	}

	e := &hindcast.Error{Code: v.code, Class: v.class, Message: firstLine(server.Message), Next: v.next, Cause: err}
	for line := range strings.Lines(server.Detail) { // Redshift draws a box of dashes around it
		if line = strings.TrimSpace(line); strings.Trim(line, "- ") != "" {
			e.Detail = append(e.Detail, line)
		}
	}
	if e.Message == "1023" {
		e.Message = "1023: serializable isolation violation"
	}
	return e
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(first)
}

// inTransit is the error of files between Redshift and the bucket.
func inTransit(format string, args ...any) error {
	return &hindcast.Error{Code: hindcast.EParquet, Class: hindcast.ClassTransient, Message: fmt.Sprintf(format, args...)}
}
