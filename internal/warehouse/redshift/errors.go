package redshift

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/pgclient"
)

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
		return pgclient.Unreached(err, w.place(), "see that the cluster is available, and that its security group lets this machine in")
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
		Message: "the connection to " + w.at() + " was lost", Next: "see whether the cluster was resized or restarted, and the network in between"}
}

func (w *Owner) place() string {
	return fmt.Sprintf("%s (database %q)", w.at(), w.address.named.Database)
}

// at is the address that is connected to.
func (w *Owner) at() string {
	if w.address.scheme == awsredshift.ByDataAPI {
		return "the Data API for " + w.address.named.Name
	}
	if w.address.url.Port() == "" {
		return net.JoinHostPort(w.address.url.Hostname(), awsredshift.DefaultPort)
	}
	return w.address.url.Host
}

// texts recognize errors by their words: Redshift reports most of its own with the SQLSTATE XX000.
var texts = []struct {
	is *regexp.Regexp
	pgclient.Verdict
}{
	{regexp.MustCompile(`(?s)^1023\b|[Ss]erializable isolation violation|conflict with concurrent transaction`), pgclient.Verdict{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient,
		Next: "another transaction changed the same table; it heals by itself when tried again"}},
	{regexp.MustCompile(`\bExpiredToken\b|(?i:token has expired)|\bSlowDown\b|(?i:reduce your request rate)|S3.*\bStatus 5\d\d\b|S3.*error code: 5\d\d\b|\bRequestTimeout\b|\bInternalError\b|\bS3CurlException\b`),
		pgclient.Verdict{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "S3 was busy, or the cluster's credentials for it ran out in the middle; it heals by itself when tried again"}},
	{regexp.MustCompile(`(?i)value too long|longer than the length defined|numeric (data )?overflow|out of range|exceeds DDL length|string length exceeds`),
		pgclient.Verdict{Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: "bound the value in the SQL, or widen the target's column"}},
	{regexp.MustCompile(`incompatible Parquet schema|Unmatched number of columns|\b1500[17]\b`), pgclient.Verdict{Code: hindcast.ETarget, Class: hindcast.ClassPermanent,
		Next: "see how the target's columns have changed since the run was planned, and run again"}},
	{regexp.MustCompile(`(?i)not authorized to (assume|get credentials)|IAM role .*(not valid|not attached|cannot)|\bAccessDenied\b|S3ServiceException.*Access Denied`), pgclient.Verdict{Code: hindcast.EPermission, Class: hindcast.ClassPermanent,
		Next: "attach the role of redshift.iam_role to the cluster, and let it read, write and list the lake's bucket"}},
	{regexp.MustCompile(`(?i)disk full|no space left`), pgclient.Verdict{Code: hindcast.EDiskFull, Class: hindcast.ClassResource, Next: "free space on the cluster, or resize it"}},
}

// states are the SQLSTATEs that are distinguished, and classes of them by their first two characters.
var states = pgclient.States{
	"28":    {Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Next: "correct user and password under `warehouse:`"},
	"3D000": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: "correct the database's name under `warehouse:`"},
	"53":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "allow fewer connections with max_connections=N in the URL under `warehouse:`"},
	"57P":   {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "the cluster was restarted or resized, or somebody ended the session"},
	"57014": {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "somebody cancelled the statement, or a limit of time did: see statement_timeout and the rules of the WLM queue"},
	"40":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "it may heal by itself"},
	"08":    {Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: "check the network in between"},
	"25006": {Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent, Next: "the database lets nobody write"},
	"42501": {Code: hindcast.EPermission, Class: hindcast.ClassPermanent, Next: "grant the user that right, then run again"},
	"42P01": {Code: hindcast.ETableMissing, Class: hindcast.ClassPermanent, Next: "correct the table's name, or create it"},
	"42703": {Code: hindcast.ESQLColumn, Class: hindcast.ClassPermanent, Next: "the table has changed since it was planned: run again"},
	"22":    {Code: hindcast.EOverflow, Class: hindcast.ClassPermanent, Next: "correct the value in the SQL, or the type of the target's column"},
	"23502": {Code: hindcast.ETarget, Class: hindcast.ClassPermanent, Next: "give the column a value in the SQL, or make a table whose column may be NULL"},
}

// ofServer gives an error that the server reported its code and next step.
func ofServer(server *pgconn.PgError, err error) *hindcast.Error {
	v := states.Of(server)
	for _, t := range texts {
		if t.is.MatchString(server.Message + "\n" + server.Detail) {
			v = t.Verdict
			break
		}
	}

	e := &hindcast.Error{Code: v.Code, Class: v.Class, Message: firstLine(server.Message), Next: v.Next, Cause: err}
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
