//go:build unix

// Package redshifttest is a stand-in for Amazon Redshift in tests: a server of Redshift's protocol in front of the tests'
// PostgreSQL (pgtest), with UNLOAD and COPY of Parquet against the tests' S3 server (s3test). SQL runs in PostgreSQL; what
// PostgreSQL has and Redshift has not is refused, and faults can be asked for at any statement.
//
// It checks that a client connects, transacts, reads literals, unloads and loads as Amazon's documents say that Redshift does.
// It cannot tell how Redshift plans, distributes or queues, which errors an account gives, or how it reads what no document
// says: docs/reference/redshift-stand-in.md has what was taken from where, and what is unknown.
package redshifttest

import (
	"context"
	"crypto/tls"
	_ "embed" // catalog.sql
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// Role is the ARN of the role that the cluster has; any other is refused. It reads and writes S3 with Server.Keys.
const Role = "arn:aws:iam::123456789012:role/redshift-tests"

// Region is the cluster's.
const Region = s3test.Region

// serverVersion is what Redshift reports.
const serverVersion = "8.0.2"

// Fault is what happens at one statement.
type Fault int

// The faults.
const (
	None     Fault = iota
	Refuse         // the connection is closed, and the statement is never run
	Lose           // it is run, and the connection is closed instead of its answer
	Conflict       // error 1023, and the transaction is rolled back: what Redshift says at any statement, COMMIT too
	Cancel         // as if it was cancelled: an UNLOAD leaves its first file, and no manifest
)

// Statement is what a rule decides on.
type Statement struct {
	Text string // as the client sent it
	PID  uint32 // of the session: what pg_backend_pid() says
	Nth  int    // of this text over all sessions, from 1
}

// Server is a running stand-in with a database of its own. What is exported is set before a client connects.
type Server struct {
	Name     string      // of the database
	Endpoint string      // of S3
	Keys     s3test.Keys // what Role may do there
	Slices   int         // over which UNLOAD spreads its rows, 2 at first
	PartRows int         // rows after which a slice begins another file; 0 leaves it to MAXFILESIZE
	Empty    bool        // a slice that has none of an UNLOAD's rows writes a file as well, which no document rules out

	cluster  *pgtest.Cluster
	address  string
	tls      *tls.Config
	oids     map[uint32]uint32 // of Redshift's types, by PostgreSQL's
	queries  atomic.Int64      // query ids given so far
	sessions sync.WaitGroup
	closing  chan struct{}

	mutex    sync.Mutex   // over what follows
	listener net.Listener // nil while it is down
	users    map[string]string
	lent     map[string][]right // by login
	ahead    time.Duration      // of its clock
	clients  map[*session]bool
	live     map[uint32]*session // those of them that have begun
	rule     func(Statement) Fault
	seen     map[string]int
	log      []Statement
}

//go:embed catalog.sql
var catalog string

// firstQuery makes ids of queries look like Redshift's.
const firstQuery = 762949

// Start starts a stand-in with a fresh database, whose UNLOAD and COPY reach the S3 server. It ends with the test.
func Start(t testing.TB, s3 *s3test.Server) *Server {
	t.Helper()
	return StartOn(t, pgtest.Shared(t), s3)
}

// StartOn is Start before a PostgreSQL of the test's own.
func StartOn(t testing.TB, cluster *pgtest.Cluster, s3 *s3test.Server) *Server {
	t.Helper()
	s := newServer(t, cluster, cluster.Database(t))
	s.Endpoint, s.Keys, s.Slices = s3.Endpoint, s3.Keys, 2
	s.Exec(t, catalog)
	s.oids = s.readOIDs(t)
	s.start(t)
	return s
}

// Copy starts another stand-in, with a copy of the database, in which nobody may be connected. Faults, and what was lent, are not copied.
func (s *Server) Copy(t testing.TB) *Server {
	t.Helper()
	other := newServer(t, s.cluster, s.cluster.DatabaseFrom(t, s.Name))
	other.Endpoint, other.Keys, other.Slices, other.PartRows, other.Empty = s.Endpoint, s.Keys, s.Slices, s.PartRows, s.Empty
	other.oids = s.oids

	s.mutex.Lock()
	other.users = maps.Clone(s.users)
	s.mutex.Unlock()

	other.start(t)
	return other
}

// newServer is one before a database, which does not listen yet.
func newServer(t testing.TB, cluster *pgtest.Cluster, database string) *Server {
	t.Helper()
	config, err := pgconn.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}

	s := &Server{Name: config.Database, cluster: cluster, closing: make(chan struct{}), users: map[string]string{pgtest.User: pgtest.Password},
		lent: map[string][]right{}, clients: map[*session]bool{}, live: map[uint32]*session{}, seen: map[string]int{}}
	s.queries.Store(firstQuery)
	return s
}

// start has it listen until the test ends.
func (s *Server) start(t testing.TB) {
	t.Helper()
	// what sessions begin with, of roles that have nothing of their own
	s.Exec(t, "ALTER DATABASE "+s.Name+" SET TimeZone = 'UTC'; ALTER DATABASE "+s.Name+" SET DateStyle = 'ISO, MDY'")
	certificate, err := tls.LoadX509KeyPair(s.Certificate(), filepath.Join(s.cluster.Dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}

	s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if err := s.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.address = s.listener.Addr().String()
	t.Cleanup(s.stop)
}

// redshiftOIDs are the numbers of the types that PostgreSQL has none of, as redshift_connector lists them.
var redshiftOIDs = map[string]uint32{"super": 4000, "varbyte": 6551, "geometry": 3000, "geography": 3001, "hllsketch": 2935}

func (s *Server) readOIDs(t testing.TB) map[uint32]uint32 {
	t.Helper()
	out := map[uint32]uint32{}
	for _, row := range s.Exec(t, "SELECT typname, oid FROM pg_type WHERE typname IN ('super', 'varbyte', 'geometry', 'geography', 'hllsketch')") {
		oid, err := strconv.ParseUint(row[1], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		out[uint32(oid)] = redshiftOIDs[row[0]]
	}

	return out
}

func (s *Server) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}

	s.mutex.Lock()
	s.listener = listener
	s.mutex.Unlock()
	s.sessions.Go(func() { s.accept(listener) })
	return nil
}

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // closed
		}
		s.sessions.Go(func() { s.serve(conn) })
	}
}

// stop closes all connections and waits for their end: the database is dropped next.
func (s *Server) stop() {
	close(s.closing)
	s.Crash()
	s.sessions.Wait()
}

// Crash ends it as SIGKILL ends a server: every connection is closed, whatever it is busy with, and nobody can connect until Revive.
// What PostgreSQL is doing for them at this moment is done or not, COMMIT too.
func (s *Server) Crash() {
	s.mutex.Lock()
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
	}
	s.mutex.Unlock()
	s.Disconnect()
}

// Revive has it listen again after Crash, at the same address.
func (s *Server) Revive(t testing.TB) {
	t.Helper()
	var err error
	for end := time.Now().Add(reviving); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err = s.listen(s.address); err == nil { // somebody else may have had the port for a moment
			return
		}
	}
	t.Fatal(err)
}

// reviving is how long the address may be taken.
const reviving = 10 * time.Second

// Disconnect closes all connections of clients, as a restart of the cluster does.
func (s *Server) Disconnect() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for session := range s.clients {
		session.close()
	}
}

// Silenced returns what closes the connections that there are now, as keepalives close those of a machine that is gone.
func (s *Server) Silenced() (lapse func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	now := slices.Collect(maps.Keys(s.clients))
	return func() {
		for _, session := range now {
			session.close()
		}
	}
}

// Sessions is how many connections there are. One whose client has gone is there until its statement has ended.
func (s *Server) Sessions() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.clients)
}

// admit takes note of a session; false if the server has crashed meanwhile.
func (s *Server) admit(c *session) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.clients[c] = true
	return s.listener != nil
}

// leave forgets a session.
func (s *Server) leave(c *session) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.clients, c)
	delete(s.live, c.pid)
}

// Address is where it listens: 127.0.0.1:port.
func (s *Server) Address() string { return s.address }

// URL is the database's URL with a scheme ("redshift", "postgres") for the superuser. It offers TLS, with Certificate as
// its authority, and does not ask for it.
func (s *Server) URL(scheme string) string {
	return fmt.Sprintf("%s://%s@%s/%s", scheme, url.UserPassword(pgtest.User, pgtest.Password), s.Address(), s.Name)
}

// Certificate is the file of its certificate, for 127.0.0.1; it is its own authority.
func (s *Server) Certificate() string { return s.cluster.Certificate() }

// Backend is the URL of the PostgreSQL database behind it, for what a test prepares and asserts. SQL is PostgreSQL's there;
// the rules for tables hold there too.
func (s *Server) Backend() string { return s.cluster.URL(s.Name) }

// Exec runs statements in the PostgreSQL behind it, and returns the rows of the last one; NULL is "NULL".
func (s *Server) Exec(t testing.TB, statements string) [][]string {
	t.Helper()
	return s.cluster.Exec(t, s.Backend(), statements)
}

// User lets a user connect with a password, and creates it if it does not exist ("IAM:loader" too).
func (s *Server) User(t testing.TB, name, password string) {
	t.Helper()
	rows := s.Exec(t, "SELECT 1 FROM pg_roles WHERE rolname = '"+strings.ReplaceAll(name, "'", "''")+"'")
	if len(rows) == 0 {
		s.Exec(t, `CREATE ROLE "`+strings.ReplaceAll(name, `"`, `""`)+`" LOGIN`)
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.users[name] = password
}

// Rule has each statement that is executed from now on meet a fault. It is called by the session's own goroutine, so that a
// rule that waits makes the statement wait.
func (s *Server) Rule(rule func(Statement) Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.rule = rule
}

// Statements are all statements that were executed so far, in order.
func (s *Server) Statements() []Statement {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.log)
}

// meet notes a statement and says which fault it meets.
func (s *Server) meet(pid uint32, text string) Fault {
	s.mutex.Lock()
	s.seen[text]++
	statement := Statement{Text: text, PID: pid, Nth: s.seen[text]}
	s.log = append(s.log, statement)
	rule := s.rule
	s.mutex.Unlock()
	if rule == nil {
		return None
	}

	return rule(statement)
}

// right is a password with which a client becomes a role, until a time if there is one.
type right struct {
	password, role string
	until          time.Time
}

// Lend lets a client with this login become a role by a password for a while, by the server's clock. The role is made if that is asked
// for and it does not exist. A session lasts longer than the password that it began with.
func (s *Server) Lend(login, role, password string, lasts time.Duration, create bool) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.lent[login] = append(s.lent[login], right{password, role, time.Now().Add(s.ahead + lasts)})
	if !create {
		return nil
	}
	quoted := strings.ReplaceAll(role, `"`, `""`)
	return s.asAdmin(context.Background(), "DO $$ BEGIN CREATE ROLE \""+quoted+"\" LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
}

// asAdmin runs a statement in PostgreSQL, in a session of its own: no other is there when nobody is connected.
func (s *Server) asAdmin(ctx context.Context, statement string, args ...string) error {
	conn, err := pgconn.Connect(ctx, s.Backend())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.Background()) }()

	values := make([][]byte, len(args))
	for i, arg := range args {
		values[i] = []byte(arg)
	}
	return conn.ExecParams(ctx, statement, values, nil, nil, nil).Read().Err
}

// Advance moves the clock by which lent passwords expire.
func (s *Server) Advance(by time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ahead += by
}

// rights are those by which a client can connect now.
func (s *Server) rights(login string) []right {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var all []right
	if password, known := s.users[login]; known {
		all = append(all, right{password: password, role: login})
	}
	for _, r := range s.lent[login] {
		if time.Now().Add(s.ahead).Before(r.until) {
			all = append(all, r)
		}
	}
	return all
}

// loadError writes a row of STL_LOAD_ERRORS and SYS_LOAD_ERROR_DETAIL, outside of the transaction that failed.
func (s *Server) loadError(ctx context.Context, e *loadError) error {
	return s.asAdmin(ctx, "INSERT INTO redshift_load_errors SELECT 100, $1::bigint, $2::integer, $3::oid, now() AT TIME ZONE 'UTC', $4, 0, "+
		"$5, $6, $7, 0, $8::integer, $9", strconv.FormatInt(e.query, 10), strconv.Itoa(int(e.pid)), e.table, e.file, e.column, e.kind, e.length, strconv.Itoa(e.code), e.reason)
}

var errClosed = errors.New("the connection was closed")
