//go:build unix

// Package pgtest runs a real PostgreSQL for tests: a throw-away cluster in a temporary folder, which is stopped and
// removed with the test process, however that ends. What is tested with it is the caller's responsibility.
package pgtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	_ "embed" // keeper.sh
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// User and Password are the superuser's. The password is only needed over TCP: the socket trusts everybody.
const (
	User     = "postgres"
	Password = "the-tests-own-password"
)

// Cluster is a running PostgreSQL.
type Cluster struct {
	Dir  string // its folder: the socket, the log as "log", and "data"
	Port int    // of TCP on 127.0.0.1, and in the socket's name

	bin   string
	as    *syscall.SysProcAttr
	alive io.WriteCloser // the keeper ends the cluster when this closes
	ended chan error     // the keeper's end
	count atomic.Int64   // of databases
}

//go:embed keeper.sh
var keeper string

var shared = sync.OnceValues(func() (*Cluster, error) { return start("", nil) })

// Shared returns the cluster that all tests of this binary share, started on first use. Tests that stop it, or need
// other settings, Start another.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Start starts a cluster with these settings ("max_connections=5"), of the version installed in bin ("" is the newest
// that is found). It ends with the test.
func Start(t testing.TB, bin string, settings ...string) *Cluster {
	t.Helper()
	c, err := start(bin, settings)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		c.end(t)
	})
	return c
}

// Database creates a fresh database and returns its URL over the unix socket; it is dropped when the test ends.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	return c.DatabaseFrom(t, "template1")
}

// DatabaseFrom creates a copy of a database that nobody uses, and returns its URL as Database does.
func (c *Cluster) DatabaseFrom(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("db%d", c.count.Add(1))
	c.Exec(t, c.URL("postgres"), "CREATE DATABASE "+name+" TEMPLATE "+template)

	t.Cleanup(func() {
		conn, err := pgconn.Connect(context.Background(), c.URL("postgres"))
		if err != nil {
			return // the test has stopped the cluster
		}
		defer func() { _ = conn.Close(context.Background()) }()

		if _, err := conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)").ReadAll(); err != nil {
			t.Error(err)
		}
	})

	return c.URL(name)
}

// URL is a database's URL over the unix socket.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&port=%d", User, database, url.QueryEscape(c.Dir), c.Port)
}

// TCP is a database's URL over TCP, with the password.
func (c *Cluster) TCP(database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", User, Password, c.Port, database)
}

// Connect connects; the connection is closed when the test ends.
func Connect(t testing.TB, dsn string) *pgconn.PgConn {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs statements in a new connection and returns the rows of the last one, as text; NULL is "NULL".
func (c *Cluster) Exec(t testing.TB, dsn, statements string) [][]string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()

	return Query(t, conn, statements)
}

// Query runs statements and returns the rows of the last one, as text; NULL is "NULL".
func Query(t testing.TB, conn *pgconn.PgConn, statements string) [][]string {
	t.Helper()
	results, err := conn.Exec(t.Context(), statements).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
	if len(results) == 0 {
		return nil
	}

	var rows [][]string
	for _, row := range results[len(results)-1].Rows {
		text := make([]string, len(row))
		for i, value := range row {
			text[i] = string(value)
			if value == nil {
				text[i] = "NULL"
			}
		}

		rows = append(rows, text)
	}

	return rows
}

// Restart restarts the server; mode is smart, fast or immediate (which leaves the rest to crash recovery).
func (c *Cluster) Restart(t testing.TB, mode string) {
	t.Helper()
	c.control(t, "restart", "-m", mode, "-l", filepath.Join(c.Dir, "log"))
}

// Stop stops the server; the folder stays until the test's end.
func (c *Cluster) Stop(t testing.TB, mode string) {
	t.Helper()
	c.control(t, "stop", "-m", mode)
}

// Resume starts the server again after Stop.
func (c *Cluster) Resume(t testing.TB) {
	t.Helper()
	c.control(t, "start", "-l", filepath.Join(c.Dir, "log"))
}

func (c *Cluster) control(t testing.TB, verb string, args ...string) {
	t.Helper()
	args = append([]string{verb, "-D", filepath.Join(c.Dir, "data"), "-s", "-w"}, args...)
	if err := c.run("pg_ctl", args...); err != nil {
		t.Fatal(err)
	}
}

// Log is what the server has logged.
func (c *Cluster) Log() string {
	text, err := os.ReadFile(filepath.Join(c.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Version is the server's major version.
func (c *Cluster) Version(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(c.Exec(t, c.URL("postgres"), "SHOW server_version_num")[0][0])
	if err != nil {
		t.Fatal(err)
	}
	return n / 10000
}

// Program is the path of one of PostgreSQL's programs.
func (c *Cluster) Program(name string) string { return filepath.Join(c.bin, name) }

// end makes the keeper stop the cluster, and waits until it has.
func (c *Cluster) end(t testing.TB) {
	_ = c.alive.Close()
	if err := <-c.ended; err != nil {
		t.Logf("stopping PostgreSQL: %v", err)
	}
}

func start(bin string, settings []string) (*Cluster, error) {
	var err error
	if bin == "" {
		if bin, err = findPrograms(); err != nil {
			return nil, err
		}
	}

	c := &Cluster{bin: bin, ended: make(chan error, 1)}
	if c.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if err = c.makeCluster(settings); err == nil {
		err = c.keep()
	}

	if err != nil {
		_ = os.RemoveAll(c.Dir)
		return nil, fmt.Errorf("starting a PostgreSQL for tests: %w", err)
	}

	return c, nil
}

// Folder is the environment variable that names the folder of another PostgreSQL's programs (initdb, pg_ctl, postgres).
const Folder = "HINDCAST_TEST_POSTGRES"

// findPrograms finds the folder of PostgreSQL's programs: the one that Folder names, in PATH, or where Debian puts
// them, the newest first.
func findPrograms() (string, error) {
	if dir := os.Getenv(Folder); dir != "" {
		return filepath.Abs(dir)
	}

	if path, err := exec.LookPath("postgres"); err == nil {
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}

	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", errors.New("these tests need PostgreSQL's server: not in PATH, nor under /usr/lib/postgresql. " +
			"Install it (Debian: apt-get install postgresql)")
	}

	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// unprivileged returns the user to run as: PostgreSQL refuses to run as root.
func unprivileged() (*syscall.SysProcAttr, error) {
	as := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return as, nil
	}

	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32)
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			return as, nil
		}
	}

	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody")
}

func (c *Cluster) makeCluster(settings []string) (err error) {
	if c.Dir, err = os.MkdirTemp("", "hcpg"); err != nil {
		return err
	}
	if err := errors.Join(c.Own(c.Dir), c.write("password", []byte(Password))); err != nil {
		return err
	}

	data := filepath.Join(c.Dir, "data")
	if err := c.run("initdb", "-D", data, "-U", User, "--pwfile", filepath.Join(c.Dir, "password"), "--auth-local=trust", "--auth-host=scram-sha-256",
		"-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}

	if c.Port, err = freePort(); err != nil {
		return err
	}
	if err := c.certify(); err != nil {
		return err
	}

	settings = append([]string{"ssl=on", "ssl_cert_file='" + c.Certificate() + "'", "ssl_key_file='" + c.Dir + "/server.key'",
		"listen_addresses='127.0.0.1'", "port=" + strconv.Itoa(c.Port),
		"unix_socket_directories='" + c.Dir + "'", "shared_buffers=64MB", "max_connections=50"}, settings...)
	return c.set(settings...)
}

// set adds settings to those that the server starts with; the last of repeated ones counts.
func (c *Cluster) set(settings ...string) error {
	file, err := os.OpenFile(filepath.Join(c.Dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString("\n" + strings.Join(settings, "\n") + "\n")
	return errors.Join(err, file.Close())
}

// Certificate is the file of the server's certificate, for 127.0.0.1; it is its own authority.
func (c *Cluster) Certificate() string { return filepath.Join(c.Dir, "server.crt") }

// certify makes the server's key and certificate.
func (c *Cluster) certify() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}

	certificate := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	signed, err := x509.CreateCertificate(rand.Reader, certificate, certificate, private.Public(), private)
	if err != nil {
		return err
	}

	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}

	return errors.Join(c.write("server.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})),
		c.write("server.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// write writes a file that only the server may read.
func (c *Cluster) write(name string, content []byte) error {
	path := filepath.Join(c.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return c.Own(path)
}

// Own gives a file or folder to the user that the server runs as.
func (c *Cluster) Own(path string) error {
	if who := c.as.Credential; who != nil {
		return os.Chown(path, int(who.Uid), int(who.Gid))
	}
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()

	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("no TCP address")
	}

	return addr.Port, nil
}

// keep starts the keeper, which starts the server and stops it when our end of its standard input is closed: by us, or
// by the kernel when this process dies.
func (c *Cluster) keep() error {
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", c.bin, c.Dir)
	cmd.SysProcAttr, cmd.Dir = c.as, c.Dir
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}

	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}

	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "ready\n" {
		_ = cmd.Wait()
		return fmt.Errorf("the server did not start:\n%s", c.Log())
	}

	c.alive = in
	go func() { c.ended <- cmd.Wait() }()
	return nil
}

func (c *Cluster) run(program string, args ...string) error {
	cmd := exec.Command(c.Program(program), args...)
	cmd.SysProcAttr, cmd.Dir = c.as, c.Dir
	var said bytes.Buffer
	log, err := os.CreateTemp("", "hcpg")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(log.Name()) }()

	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log // a file: the server that pg_ctl leaves running would hold a pipe open
	if err := cmd.Run(); err != nil {
		_, _ = log.Seek(0, io.SeekStart)
		_, _ = said.ReadFrom(log)
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(said.String()))
	}

	return nil
}
