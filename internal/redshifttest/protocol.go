//go:build unix

package redshifttest

import (
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgproto3"
)

// handle serves one message of the client. PostgreSQL is asked for the answer to each before the next is read, so that the
// stand-in can act between any two.
func (c *session) handle(message pgproto3.FrontendMessage) error {
	switch m := message.(type) {
	case *pgproto3.Terminate:
		return errClosed
	case *pgproto3.Query:
		return c.simple(m.String)
	case *pgproto3.Sync:
		c.skip = false
		if err := c.sync(); err != nil {
			return err
		}
		return c.client.Flush()
	case *pgproto3.Flush:
		return c.client.Flush()
	}

	if c.skip {
		return nil
	}
	switch m := message.(type) {
	case *pgproto3.Parse:
		return c.parse(m)
	case *pgproto3.Bind:
		return c.bind(m)
	case *pgproto3.Describe:
		return c.describe(m)
	case *pgproto3.Execute:
		return c.execute(m)
	case *pgproto3.Close:
		return c.forget(m)
	}

	return c.fail(unsupported(fmt.Sprintf("a message %T is not supported", message)))
}

// manyRows are passed on before the rest is read.
const manyRows = 512

// send has a message go to the client, at the latest when the client asks for an answer.
func (c *session) send(message pgproto3.BackendMessage) {
	c.client.Send(message)
	if _, row := message.(*pgproto3.DataRow); row {
		if c.rows++; c.rows%manyRows == 0 {
			_ = c.client.Flush() // a client that has gone is noticed by the next read
		}
	}
}

// sync ends a series of messages, and with it a transaction of its own.
func (c *session) sync() error {
	c.server.Send(&pgproto3.Sync{})
	return c.relay(c.send)
}

// relay passes on what PostgreSQL answers until it is ready.
func (c *session) relay(send func(pgproto3.BackendMessage)) error {
	return c.converse(func(message pgproto3.BackendMessage) error {
		send(message)
		return nil
	})
}

// converse hands over what PostgreSQL answers until it is ready, to somebody who may answer in turn, as a COPY has to.
func (c *session) converse(hear func(pgproto3.BackendMessage) error) error {
	if err := c.server.Flush(); err != nil {
		return err
	}
	for {
		message, err := c.server.Receive()
		if err != nil {
			return err
		}
		if m, ok := message.(*pgproto3.ReadyForQuery); ok {
			c.status = m.TxStatus
			return hear(m)
		}
		if !c.translate(message) {
			continue
		}
		if err := hear(message); err != nil {
			return err
		}
	}
}

// translate makes a message of PostgreSQL one of Redshift. It reports whether Redshift would send it at all.
func (c *session) translate(message pgproto3.BackendMessage) bool {
	switch m := message.(type) {
	case *pgproto3.ParameterStatus:
		c.report(m)
		return false
	case *pgproto3.RowDescription:
		for i, field := range m.Fields {
			if oid, ours := c.oids[field.DataTypeOID]; ours {
				m.Fields[i].DataTypeOID = oid
			}
		}
	case *pgproto3.ParameterDescription:
		for i, oid := range m.ParameterOIDs {
			if theirs, ours := c.oids[oid]; ours {
				m.ParameterOIDs[i] = theirs
			}
		}
	case *pgproto3.ErrorResponse:
		m.SeverityUnlocalized = "" // since 9.6
		if m.Code == "40001" {     // of two that write the same rows
			*m = *conflict(c.pid).response()
		}
	case *pgproto3.NoticeResponse:
		m.SeverityUnlocalized = ""
	}

	return true
}

// ask sends a message, and passes on the answer up to the one that ends it.
func (c *session) ask(question pgproto3.FrontendMessage, send func(pgproto3.BackendMessage)) error {
	c.server.Send(question)
	c.server.Send(&pgproto3.Flush{})
	if err := c.server.Flush(); err != nil {
		return err
	}

	for {
		message, err := c.server.Receive()
		if err != nil {
			return err
		}
		if c.translate(message) {
			send(message)
		}

		switch message.(type) {
		case *pgproto3.ErrorResponse:
			c.skip = true
			return nil
		case *pgproto3.ParseComplete, *pgproto3.BindComplete, *pgproto3.CloseComplete, *pgproto3.RowDescription, *pgproto3.NoData,
			*pgproto3.CommandComplete, *pgproto3.EmptyQueryResponse, *pgproto3.PortalSuspended:
			return nil
		}
	}
}

// run runs a statement of the stand-in's own in the client's transaction, and returns its rows.
func (c *session) run(sql string) (rows [][][]byte, failed *pgproto3.ErrorResponse, err error) {
	c.server.Send(&pgproto3.Query{String: sql})
	err = c.relay(func(message pgproto3.BackendMessage) {
		switch m := message.(type) {
		case *pgproto3.DataRow:
			row := make([][]byte, len(m.Values))
			for i, value := range m.Values {
				if value != nil {
					row[i] = append([]byte{}, value...)
				}
			}
			rows = append(rows, row)
		case *pgproto3.ErrorResponse:
			failed = new(*m)
		}
	})

	return rows, failed, err
}

// fail refuses a statement. A transaction fails with it, and one that has failed is what the client hears of.
func (c *session) fail(f *failure) error {
	c.skip = true
	_, said, err := c.run("DO $$ BEGIN RAISE EXCEPTION 'refused'; END $$")
	if err != nil {
		return err
	}

	answer := f.response()
	if said != nil && said.Code == "25P02" {
		answer = said
	}
	c.send(answer)
	return nil
}

func (c *session) parse(m *pgproto3.Parse) error {
	tokens := divide(scan(m.Query))
	if len(tokens) > 1 {
		return c.fail(wrong("cannot insert multiple commands into a prepared statement"))
	}

	s := &statement{}
	if len(tokens) == 1 {
		s = understand(tokens[0], c.exact)
	}
	if s.refused != nil {
		return c.fail(s.refused)
	}

	c.prepared[m.Name] = s
	if s.ours() {
		c.send(&pgproto3.ParseComplete{})
		return nil
	}

	if s.counts && m.Name == "" { // a query of our own would forget the statement
		if err := c.tellCounts(); err != nil {
			return err
		}
	}
	question := &pgproto3.Parse{Name: m.Name, Query: s.sql, ParameterOIDs: c.theirs(m.ParameterOIDs)}
	return c.ask(question, c.send)
}

// theirs are the numbers that PostgreSQL has for types.
func (c *session) theirs(oids []uint32) []uint32 {
	out := make([]uint32, len(oids))
	for i, oid := range oids {
		out[i] = oid
		for postgres, redshift := range c.oids {
			if redshift == oid {
				out[i] = postgres
			}
		}
	}

	return out
}

func (c *session) bind(m *pgproto3.Bind) error {
	s := c.prepared[m.PreparedStatement]
	c.portals[m.DestinationPortal] = s
	if s != nil && s.ours() {
		c.send(&pgproto3.BindComplete{})
		return nil
	}
	if s != nil && s.counts && m.PreparedStatement != "" {
		if err := c.tellCounts(); err != nil {
			return err
		}
	}

	return c.ask(m, c.send)
}

// tellCounts has PostgreSQL know what the functions that ask for them return.
func (c *session) tellCounts() error {
	if c.status == 'E' {
		return nil
	}
	_, _, err := c.run(fmt.Sprintf("SELECT set_config('redshift.copy_count', '%d', false), set_config('redshift.unload_count', '%d', false), "+
		"set_config('redshift.copy_id', '%d', false), set_config('redshift.unload_id', '%d', false)", c.copied, c.unloaded, c.copyQuery, c.lastQuery))
	return err
}

func (c *session) describe(m *pgproto3.Describe) error {
	s := c.portals[m.Name]
	if m.ObjectType == 'S' {
		s = c.prepared[m.Name]
	}
	if s == nil || !s.ours() {
		return c.ask(m, c.send)
	}

	if m.ObjectType == 'S' {
		c.send(&pgproto3.ParameterDescription{})
	}
	if s.answer != nil {
		c.send(s.answer.columns())
	} else {
		c.send(&pgproto3.NoData{})
	}

	return nil
}

func (c *session) forget(m *pgproto3.Close) error {
	known := c.portals
	if m.ObjectType == 'S' {
		known = c.prepared
	}
	s := known[m.Name]
	delete(known, m.Name)
	if s != nil && s.ours() {
		c.send(&pgproto3.CloseComplete{})
		return nil
	}

	return c.ask(m, c.send)
}

// execute runs a portal.
func (c *session) execute(m *pgproto3.Execute) error {
	s := c.portals[m.Portal]
	if s == nil {
		return c.ask(m, c.send)
	}

	portal, rows := m.Portal, m.MaxRows // the message is overwritten by the next
	return c.perform(s, func(send func(pgproto3.BackendMessage)) error {
		if err := c.ask(&pgproto3.Execute{Portal: portal, MaxRows: rows}, send); err != nil || s.first != "TRUNCATE" {
			return err
		}
		return c.commitTruncate()
	})
}

// simple serves a text of statements.
func (c *session) simple(sql string) error {
	c.skip = false
	statements := divide(scan(sql))
	if len(statements) == 0 {
		c.send(&pgproto3.EmptyQueryResponse{})
	}

	own, err := c.beginOwn(statements)
	if err != nil {
		return err
	}
	for _, tokens := range statements {
		if err := c.one(understand(tokens, c.exact)); err != nil {
			return err
		}
		if c.skip {
			break
		}
	}

	if own && !c.skip {
		_, failed, err := c.run("COMMIT")
		if err != nil {
			return err
		}
		if failed != nil {
			c.send(failed)
		}
	} else if own {
		if _, _, err := c.run("ROLLBACK"); err != nil {
			return err
		}
	}

	c.skip = false
	c.send(&pgproto3.ReadyForQuery{TxStatus: c.status})
	return c.client.Flush()
}

// beginOwn begins a transaction for several statements that have none: they are one.
func (c *session) beginOwn(statements [][]token) (bool, error) {
	if len(statements) < 2 || c.status != 'I' {
		return false, nil
	}
	for _, tokens := range statements {
		switch solid(tokens)[0].up {
		case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "VACUUM":
			return false, nil
		}
	}

	_, failed, err := c.run("BEGIN")
	return failed == nil, err
}

// one runs one statement of a text.
func (c *session) one(s *statement) error {
	if s.refused != nil {
		return c.fail(s.refused)
	}
	if s.counts {
		if err := c.tellCounts(); err != nil {
			return err
		}
	}

	if s.answer != nil {
		c.send(s.answer.columns())
	}
	return c.perform(s, func(send func(pgproto3.BackendMessage)) error {
		c.server.Send(&pgproto3.Query{String: s.sql})
		err := c.relay(func(message pgproto3.BackendMessage) {
			switch message.(type) {
			case *pgproto3.ErrorResponse:
				c.skip = true
			case *pgproto3.ReadyForQuery:
				return
			}
			send(message)
		})
		if err != nil || s.first != "TRUNCATE" {
			return err
		}
		return c.commitTruncate()
	})
}

// commitTruncate commits the transaction of a TRUNCATE, as Redshift does.
func (c *session) commitTruncate() error {
	if c.skip || c.status != 'T' {
		return nil
	}
	_, _, err := c.run("COMMIT")
	return err
}

// perform carries a statement out, or the fault that it meets. pass has PostgreSQL do it.
func (c *session) perform(s *statement, pass func(send func(pgproto3.BackendMessage)) error) error {
	fault := c.meet(c.pid, s.text)
	send := c.send
	switch fault {
	case None:
	case Refuse:
		return errClosed
	case Conflict:
		return c.conflicted(s)
	case Cancel:
		if s.unload == nil {
			return c.fail(cancelled(c.queries.Add(1)))
		}
	case Lose:
		send = func(pgproto3.BackendMessage) {}
	}

	var err error
	switch {
	case s.answer != nil:
		s.answer.send(send)
	case s.unload != nil:
		err = c.unload(s.unload, fault == Cancel, send)
	case s.load != nil:
		err = c.load(s.load, send)
	default:
		err = pass(send)
	}

	if err == nil && !c.skip && s.exact != nil {
		c.exact = *s.exact
	}
	if err == nil && fault == Lose {
		return c.lost()
	}
	return err
}

// lost ends the connection after PostgreSQL has done the statement, also where its transaction ends only at Sync.
func (c *session) lost() error {
	c.server.Send(&pgproto3.Sync{})
	if err := c.relay(func(pgproto3.BackendMessage) {}); err != nil {
		return err
	}
	return errClosed
}

// conflicted fails with error 1023. The transaction ends if it was to be committed.
func (c *session) conflicted(s *statement) error {
	if s.first != "COMMIT" && s.first != "END" {
		return c.fail(conflict(c.pid))
	}
	if _, _, err := c.run("ROLLBACK"); err != nil {
		return err
	}
	c.skip = true
	c.send(conflict(c.pid).response())
	return nil
}

func cancelled(query int64) *failure {
	return &failure{code: "57014", message: "Query (" + strconv.FormatInt(query, 10) + ") cancelled on user's request"}
}

func (a *answer) columns() *pgproto3.RowDescription {
	return &pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte(a.column), DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1}}}
}

func (a *answer) send(send func(pgproto3.BackendMessage)) {
	send(&pgproto3.DataRow{Values: [][]byte{[]byte(a.value)}})
	send(&pgproto3.CommandComplete{CommandTag: []byte("SHOW")})
}
