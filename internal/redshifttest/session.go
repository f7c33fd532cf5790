//go:build unix

package redshifttest

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
)

// session is one client, and its connection to PostgreSQL.
type session struct {
	*Server
	conn   net.Conn
	client *pgproto3.Backend
	server *pgproto3.Frontend
	pid    uint32

	status   byte // of the transaction: 'I', 'T' or 'E'
	skip     bool // everything up to Sync, after an error
	exact    bool // enable_case_sensitive_identifier is on
	rows     int  // sent so far
	prepared map[string]*statement
	portals  map[string]*statement

	copied, unloaded     int64 // what pg_last_copy_count() and pg_last_unload_count() say
	copyQuery, lastQuery int64

	life   context.Context // until the connection ends
	end    context.CancelFunc
	cancel sync.Mutex         // over what follows
	conns  []net.Conn         // to close
	halt   context.CancelFunc // of the statement that runs
}

// serve serves one connection.
func (s *Server) serve(conn net.Conn) {
	c := &session{Server: s, conn: conn, prepared: map[string]*statement{}, portals: map[string]*statement{}}
	c.life, c.end = context.WithCancel(context.Background())
	c.owns(conn)
	defer s.leave(c)
	defer c.close()
	if !s.admit(c) {
		return
	}
	go func() { // a client that does not come further than its first bytes
		select {
		case <-s.closing:
			c.close()
		case <-c.life.Done():
		}
	}()

	if err := c.begin(); err != nil {
		return
	}

	for {
		message, err := c.client.Receive()
		if err == nil {
			err = c.handle(message)
		}
		if err != nil {
			return
		}
	}
}

// owns has a connection be closed with the session.
func (c *session) owns(conn net.Conn) {
	c.cancel.Lock()
	defer c.cancel.Unlock()
	c.conns = append(c.conns, conn)
}

func (c *session) close() {
	c.cancel.Lock()
	defer c.cancel.Unlock()
	c.end()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// begin negotiates TLS, authenticates, and connects to PostgreSQL.
func (c *session) begin() error {
	for {
		c.client = pgproto3.NewBackend(c.conn, c.conn)
		message, err := c.client.ReceiveStartupMessage()
		if err != nil {
			return err
		}

		switch m := message.(type) {
		case *pgproto3.SSLRequest:
			if _, err := c.conn.Write([]byte("S")); err != nil {
				return err
			}
			c.conn = tls.Server(c.conn, c.tls)
		case *pgproto3.GSSEncRequest:
			if _, err := c.conn.Write([]byte("N")); err != nil {
				return err
			}
		case *pgproto3.CancelRequest:
			c.pass(m)
			return errClosed
		case *pgproto3.StartupMessage:
			role, err := c.authenticate(m.Parameters["user"])
			if err != nil {
				return err
			}
			m.Parameters["user"] = role
			return c.connect(m)
		}
	}
}

// authenticate asks for the password by MD5, which all clients of Redshift know.
func (c *session) authenticate(user string) (role string, err error) {
	var salt [4]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return "", err
	}

	c.client.Send(&pgproto3.AuthenticationMD5Password{Salt: salt})
	if err := c.client.Flush(); err != nil {
		return "", err
	}

	message, err := c.client.Receive()
	if err != nil {
		return "", err
	}

	said, ok := message.(*pgproto3.PasswordMessage)
	if ok {
		for _, r := range c.rights(user) {
			if said.Password == "md5"+sum(sum(r.password+user)+string(salt[:])) {
				return r.role, nil
			}
		}
	}
	c.client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28000", Message: `password authentication failed for user "` + user + `"`})
	return "", errors.Join(errClosed, c.client.Flush())
}

func sum(text string) string {
	hash := md5.Sum([]byte(text))
	return hex.EncodeToString(hash[:])
}

// own are parameters of Redshift's start-up packet that PostgreSQL does not know.
var own = []string{"client_protocol_version", "driver_version", "os_version", "driver_discovery_version", "plugin_name", "idp_type", "provider_name",
	"replication"}

// connect opens the session of PostgreSQL, as Redshift would begin one.
func (c *session) connect(m *pgproto3.StartupMessage) error {
	socket := filepath.Join(c.cluster.Dir, ".s.PGSQL."+strconv.Itoa(c.cluster.Port))
	back, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	c.owns(back)

	parameters := map[string]string{}
	for name, value := range m.Parameters {
		if !slices.Contains(own, name) {
			parameters[name] = value
		}
	}
	for name, value := range map[string]string{"standard_conforming_strings": "off", "escape_string_warning": "off", "backslash_quote": "on",
		"default_transaction_isolation": "repeatable read"} {
		parameters[name] = value
	}

	c.server = pgproto3.NewFrontend(back, back)
	c.server.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: parameters})
	if err := c.server.Flush(); err != nil {
		return err
	}
	if m.ProtocolVersion != pgproto3.ProtocolVersion30 {
		c.client.Send(&pgproto3.NegotiateProtocolVersion{})
	}

	return c.greet()
}

// greet passes on what PostgreSQL says at the beginning.
func (c *session) greet() error {
	for {
		message, err := c.server.Receive()
		if err != nil {
			return err
		}

		switch m := message.(type) {
		case *pgproto3.AuthenticationOk:
			c.client.Send(m)
		case *pgproto3.ParameterStatus:
			c.report(m)
		case *pgproto3.BackendKeyData:
			c.register(m.ProcessID)
			c.client.Send(m)
		case *pgproto3.ErrorResponse:
			c.client.Send(m)
			return errors.Join(errClosed, c.client.Flush())
		case *pgproto3.ReadyForQuery:
			c.ready(m)
			return c.client.Flush()
		}
	}
}

// register makes a session known to those who cancel it.
func (c *session) register(pid uint32) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.pid = pid
	c.live[pid] = c
}

// reported are the parameters that Redshift reports; standard_conforming_strings is not among them.
var reported = []string{"server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization", "integer_datetimes", "DateStyle", "TimeZone"}

func (c *session) report(m *pgproto3.ParameterStatus) {
	if !slices.Contains(reported, m.Name) {
		return
	}
	if m.Name == "server_version" {
		m.Value = serverVersion
	}
	c.client.Send(m)
}

func (c *session) ready(m *pgproto3.ReadyForQuery) {
	c.status = m.TxStatus
	c.client.Send(m)
}

// pass passes a cancellation on to PostgreSQL, and to the statement that the stand-in itself is busy with.
func (c *session) pass(m *pgproto3.CancelRequest) {
	c.mutex.Lock()
	other := c.live[m.ProcessID]
	c.mutex.Unlock()
	if other == nil {
		return
	}

	other.cancel.Lock()
	if other.halt != nil {
		other.halt()
	}
	other.cancel.Unlock()

	socket := filepath.Join(c.cluster.Dir, ".s.PGSQL."+strconv.Itoa(c.cluster.Port))
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()

	request, err := m.Encode(nil)
	if err != nil {
		return
	}
	_, _ = conn.Write(request)
	_, _ = conn.Read(make([]byte, 1)) // PostgreSQL closes it when it has done it
}

// running is the context of a statement, until it ends or is cancelled.
func (c *session) running() (context.Context, func()) {
	ctx, stop := context.WithCancel(c.life)
	c.cancel.Lock()
	c.halt = stop
	c.cancel.Unlock()

	return ctx, func() {
		c.cancel.Lock()
		c.halt = nil
		c.cancel.Unlock()
		stop()
	}
}
