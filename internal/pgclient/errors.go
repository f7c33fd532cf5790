package pgclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
)

// IsLost reports whether an established connection was lost.
func IsLost(err error) bool {
	var number syscall.Errno
	var network net.Error
	return errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network) ||
		errors.As(err, &number) && (number == syscall.ECONNRESET || number == syscall.EPIPE || number == syscall.ETIMEDOUT)
}

// Cause is the first of the reasons why connecting failed, without what pgconn puts before it.
func Cause(err error) string {
	if c, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = c.Unwrap()
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok && len(several.Unwrap()) > 0 {
		err = several.Unwrap()[0]
	}

	for _, known := range []struct {
		is   bool
		text string
	}{
		{errors.Is(err, syscall.ECONNREFUSED), "connection refused"},
		{errors.Is(err, fs.ErrNotExist), "there is no such socket"},
		{errors.Is(err, context.DeadlineExceeded), "no answer"},
		{pgconn.Timeout(err), "no answer"},
		{IsLost(err) && errors.Is(err, io.EOF), "the server hung up"},
	} {
		if known.is {
			return known.text
		}
	}

	text := err.Error()
	if _, after, found := strings.Cut(text, "): "); found {
		text = after // "127.0.0.1:5432 (localhost): …"
	}

	return strings.ReplaceAll(text, "\n", " ")
}

// Unreached says why a connection to a place could not be made, and what to do about it: next, where the server does not answer.
func Unreached(err error, place, next string) *hindcast.Error {
	e := &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Next: next, Cause: err}
	reason := Cause(err)
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		reason = name.Err
		if name.IsNotFound {
			reason = "no such host"
			e.Class, e.Next = hindcast.ClassPermanent, "correct the host under `warehouse:`"
		}
	}

	if next := nextOfTLS(err); next != "" {
		e.Class, e.Next = hindcast.ClassPermanent, next
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		reason = bad.Err.Error() // without the calls that it came through
	}

	e.Message = "cannot connect to " + place + ": " + reason
	return e
}

// nextOfTLS says what to do where the TLS of a connection failed; "" where it did not.
func nextOfTLS(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError

	switch {
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return "the server has no TLS: turn it on there, or say sslmode=disable in the URL if the network can be trusted"
	case errors.As(err, &authority), errors.As(err, &invalid):
		return "name the authority that signed the server's certificate: sslrootcert=FILE in the URL"
	case errors.As(err, &host):
		return "write the host as the server's certificate names it, or say sslmode=verify-ca"
	case errors.As(err, &record), strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "tls error"):
		return "see what the server says of it in its log, and what sslmode, sslcert, sslkey and sslrootcert say in the URL"
	}
	return ""
}
