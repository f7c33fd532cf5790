//go:build unix

package postgres_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/warehouse/postgres"
	"github.com/hindcast/hindcast/internal/warehouse/warehousetest"
)

// pooler speaks PostgreSQL's protocol to clients and gives them sessions of the server: one to each client, or one to each
// transaction, the one that was used last. If it pools statements it ends who begins a transaction.
type pooler struct {
	server     string // its socket
	startup    []byte
	sessions   bool
	statements bool
	mutex      sync.Mutex
	idle       []net.Conn
}

func (p *pooler) take() (net.Conn, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if n := len(p.idle); n > 0 {
		conn := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return conn, nil
	}
	conn, err := net.Dial("unix", p.server)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(p.startup); err != nil {
		return nil, err
	}
	_, err = answer(conn, io.Discard)
	return conn, err
}

func (p *pooler) give(conn net.Conn) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.idle = append(p.idle, conn)
}

func (p *pooler) rest() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.idle)
}

// frame reads one message with its head.
func frame(from io.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
	_, err := io.ReadFull(from, body)
	return append(head, body...), err
}

// answer passes messages on until the server is ready for the next, and gives the state of its transaction.
func answer(from io.Reader, to io.Writer) (byte, error) {
	for {
		message, err := frame(from)
		if err != nil {
			return 0, err
		}
		if _, err := to.Write(message); err != nil {
			return 0, err
		}
		if message[0] == 'Z' {
			return message[5], nil
		}
	}
}

func (p *pooler) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, client, int64(binary.BigEndian.Uint32(head))-4); err != nil {
		return
	}
	hello := []byte("R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x18server_version\x0013.1\x00K\x00\x00\x00\x0c\x00\x00\x00\x07\x00\x00\x00\x07Z\x00\x00\x00\x05I")
	if _, err := client.Write(hello); err != nil {
		return
	}
	var server net.Conn
	for {
		message, err := frame(client)
		if err != nil || message[0] == 'X' {
			return
		}
		if server == nil {
			if server, err = p.take(); err != nil {
				return
			}
		}
		if _, err := server.Write(message); err != nil {
			return
		}
		if message[0] != 'Q' && message[0] != 'S' {
			continue
		}
		var said bytes.Buffer
		state, err := answer(server, &said)
		if err != nil {
			return
		}
		if p.statements && state != 'I' {
			_ = server.Close()
			_, _ = client.Write([]byte("E\x00\x00\x00\x2fSFATAL\x00C08P01\x00Mno transaction blocks here\x00\x00"))
			return
		}
		if _, err := client.Write(said.Bytes()); err != nil {
			return
		}
		if state == 'I' && !p.sessions {
			p.give(server)
			server = nil
		}
	}
}

// A pooler that gives each transaction or statement another session is refused before anything is set in one; a pooler of sessions serves.
func TestPoolers(t *testing.T) {
	for _, pools := range []string{"transactions", "statements", "sessions"} {
		sessions := pools == "sessions"
		c, url := database(t, "CREATE TABLE source (n bigint)")
		name := warehousetest.Text(c.Exec(t, url, "SELECT current_database()"))
		startup := []byte("\x00\x00\x00\x00\x00\x03\x00\x00user\x00" + pgtest.User + "\x00database\x00" + name + "\x00\x00")
		binary.BigEndian.PutUint32(startup, uint32(len(startup)))
		p := &pooler{server: fmt.Sprintf("%s/.s.PGSQL.%d", c.Dir, c.Port), startup: startup, sessions: sessions, statements: pools == "statements"}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				client, err := listener.Accept()
				if err != nil {
					return
				}
				go p.serve(client)
			}
		}()

		pooled := fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", pgtest.User, listener.Addr(), name)
		w, err := postgres.NewOwner(t.Context(), postgres.Options{URL: pooled, ReadOnly: true})
		if sessions {
			if err != nil {
				t.Fatal(err)
			}
			if tables, err := w.Describe(t.Context(), []string{"source"}); err != nil || len(tables) != 1 {
				t.Errorf("%v, %v", tables, err)
			}
			_ = w.Close()
			continue
		}
		if e := hindcast.AsError(err); e == nil || e.Code != hindcast.EWarehouse || e.Class != hindcast.ClassPermanent || !strings.Contains(e.Next, "session") {
			t.Errorf("of %s: got %v", pools, err)
		}
		for p.rest() > 0 { // what was set would be found by the next client
			conn, _ := p.take()
			if _, err := conn.Write([]byte("Q\x00\x00\x00\x27SHOW default_transaction_read_only\x00")); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			if _, err := answer(conn, &said); err != nil || !strings.Contains(said.String(), "off") {
				t.Errorf("a session has %q, %v", said.String(), err)
			}
		}
	}
}
