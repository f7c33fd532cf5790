//go:build unix

package dataapi

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast/internal/redshifttest"
	"github.com/hindcast/hindcast/internal/redshifttest/control"
)

// request is what ExecuteStatement and BatchExecuteStatement take.
type request struct {
	SQL               string   `json:"Sql"`
	SQLs              []string `json:"Sqls"`
	ClusterIdentifier string
	WorkgroupName     string
	Database          string
	DbUser            string
	SecretArn         string
	SessionID         string `json:"SessionId"`
	KeepAlive         *int   `json:"SessionKeepAliveSeconds"`
	ClientToken       string
	StatementName     string
	WithEvent         bool
	ResultFormat      string
	ExecutionMode     string
	Wait              *int `json:"WaitTimeSeconds"`
}

// session is a connection. It ends when it has been idle for as long as it was asked to last.
type session struct {
	id    string
	conn  *pgconn.PgConn
	busy  bool
	keep  time.Duration
	timer *time.Timer // while it is idle
}

// end ends a session in which nothing runs; the mutex is held.
func (s *Server) end(id string) {
	is := s.sessions[id]
	delete(s.sessions, id)
	if is.timer != nil {
		is.timer.Stop()
	}
	if is.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = is.conn.Close(ctx)
	}
}

// part is one statement of those that were sent together.
type part struct {
	sql    string
	status string
	failed string
	result *pgconn.Result
	rows   int64
}

// statement is what one call runs.
type statement struct {
	id      string
	asked   request
	batch   bool
	parts   []part
	session *session
	made    time.Time
	done    chan struct{} // closed at its end

	// The mutex is over what follows.
	status string
	failed string
	pid    uint32
	halt   context.CancelFunc
	halted bool
}

func (s *Server) executeStatement(body []byte) (any, *refusal) {
	var in request
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	if in.SQL == "" || in.SQLs != nil || in.ExecutionMode != "" {
		return nil, invalid("Sql is required, and alone")
	}
	return s.submit(in, []string{in.SQL}, false)
}

func (s *Server) batchExecuteStatement(body []byte) (any, *refusal) {
	var in request
	if refused := decode(body, &in); refused != nil {
		return nil, refused
	}
	switch {
	case in.SQL != "" || len(in.SQLs) < 1 || len(in.SQLs) > mostBatched:
		return nil, invalid("Sqls must have 1 to %d members", mostBatched)
	case in.ExecutionMode != "" && in.ExecutionMode != "TRANSACTION" && in.ExecutionMode != "AUTO_COMMIT":
		return nil, invalid("ExecutionMode is not valid")
	}
	return s.submit(in, in.SQLs, true)
}

// check holds a request to the service's rules.
func (in *request) check(sqls []string) *refusal {
	bytes := 0
	for _, sql := range sqls {
		bytes += len(sql)
	}
	named := in.ClusterIdentifier + in.WorkgroupName + in.Database + in.DbUser + in.SecretArn
	switch {
	case bytes > longestSQL:
		return invalid("The statement is longer than %d bytes", longestSQL)
	case in.SessionID != "" && named != "":
		return invalid("SessionId cannot be used together with ClusterIdentifier, WorkgroupName, Database, DbUser or SecretArn")
	case in.SessionID == "" && (in.ClusterIdentifier == "") == (in.WorkgroupName == ""):
		return invalid("One of ClusterIdentifier and WorkgroupName is required")
	case in.SessionID == "" && in.Database == "":
		return invalid("Database is required")
	case in.DbUser != "" && (in.SecretArn != "" || in.WorkgroupName != ""):
		return invalid("DbUser cannot be used together with SecretArn or WorkgroupName")
	case in.KeepAlive != nil && (*in.KeepAlive < 0 || *in.KeepAlive > longestKeep):
		return invalid("SessionKeepAliveSeconds must be between 0 and %d", longestKeep)
	case in.Wait != nil && (*in.Wait < 1 || *in.Wait > longestWait):
		return invalid("WaitTimeSeconds must be between 1 and %d", longestWait)
	case len(in.ClientToken) > longestMark || len(in.StatementName) > longestName:
		return invalid("ClientToken or StatementName is too long")
	case in.ResultFormat != "" && in.ResultFormat != "JSON":
		return invalid("the stand-in has JSON only")
	}
	return nil
}

// submit starts what a call asks for. One token starts one statement.
func (s *Server) submit(in request, sqls []string, batch bool) (any, *refusal) {
	if refused := in.check(sqls); refused != nil {
		return nil, refused
	}
	s.mutex.Lock()
	st, known := s.tokens[in.ClientToken]
	if !known || in.ClientToken == "" {
		var refused *refusal
		if st, refused = s.start(in, sqls, batch); refused != nil {
			s.mutex.Unlock()
			return nil, refused
		}
	} else if strings.Join(sqls, ";") != strings.Join(st.sqls(), ";") {
		s.mutex.Unlock()
		return nil, invalid("the ClientToken was used for another statement")
	}
	s.mutex.Unlock()

	st.wait(in.Wait)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	out := st.named()
	out["Id"], out["CreatedAt"] = st.id, st.made.Unix()
	if in.Wait != nil {
		out["Status"], out["HasResultSet"] = st.status, st.hasResult()
	}
	return out, nil
}

func (st *statement) sqls() []string {
	list := make([]string, len(st.parts))
	for i, p := range st.parts {
		list[i] = p.sql
	}
	return list
}

// named are members of all answers about a statement.
func (st *statement) named() map[string]any {
	out := map[string]any{}
	for name, value := range map[string]string{"ClusterIdentifier": st.asked.ClusterIdentifier, "WorkgroupName": st.asked.WorkgroupName,
		"Database": st.asked.Database, "DbUser": st.asked.DbUser, "SecretArn": st.asked.SecretArn, "SessionId": st.session.id} {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

// start finds or makes the session, and has the statement run in it; the mutex is held.
func (s *Server) start(in request, sqls []string, batch bool) (*statement, *refusal) {
	st := &statement{id: newID(), asked: in, batch: batch, made: time.Now(), done: make(chan struct{}), status: "SUBMITTED"}
	for _, sql := range sqls {
		st.parts = append(st.parts, part{sql: sql, status: "SUBMITTED"})
	}

	var at string
	if in.SessionID != "" {
		st.session = s.sessions[in.SessionID]
		if st.session == nil || st.session.busy {
			return nil, invalid("Session is not available: %s", in.SessionID)
		}
	} else {
		var refused *refusal
		if at, refused = s.dsn(in); refused != nil {
			return nil, refused
		}
		st.session = &session{}
		if in.KeepAlive != nil && *in.KeepAlive > 0 {
			st.session.id = newID()
			s.sessions[st.session.id] = st.session
		}
	}
	if in.KeepAlive != nil {
		st.session.keep = seconds(*in.KeepAlive)
	}
	st.session.busy = true
	if st.session.timer != nil {
		st.session.timer.Stop()
	}

	ctx, halt := context.WithCancel(context.Background())
	st.halt = halt
	s.statements[st.id] = st
	if in.ClientToken != "" {
		s.tokens[in.ClientToken] = st
	}
	s.running.Go(func() { s.run(ctx, st, at) })
	return st, nil
}

// dsn is how the user of a request connects; the mutex is held.
func (s *Server) dsn(in request) (string, *refusal) {
	database := s.clusters[in.ClusterIdentifier]
	if in.WorkgroupName != "" {
		database = s.workgroups[in.WorkgroupName]
	}
	if database == nil {
		return "", invalid("Redshift endpoint doesn't exist in this region.")
	}

	user := Secret{User: control.Identity, Password: newID()}
	if in.SecretArn != "" {
		var known bool
		if user, known = s.secrets[in.SecretArn]; !known {
			return "", invalid("Secrets Manager can't find the specified secret.")
		}
	} else if err := lend(database, in.DbUser, &user); err != nil {
		return "", invalid("%v", err)
	}
	return "postgres://" + url.UserPassword(user.User, user.Password).String() + "@" + database.Address() + "/" + url.PathEscape(in.Database) + "?sslmode=require", nil
}

func lend(database *redshifttest.Server, named string, user *Secret) error {
	role, create := user.User, true
	if named != "" {
		user.User, role, create = "IAM:"+named, named, false
	}
	return database.Lend(user.User, role, user.Password, time.Minute, create)
}

// run runs a statement to its end.
func (s *Server) run(ctx context.Context, st *statement, dsn string) {
	defer st.halt()
	var err error
	if dsn != "" {
		st.session.conn, err = pgconn.Connect(ctx, dsn)
	}
	if err == nil {
		s.mutex.Lock()
		st.status, st.pid = "STARTED", st.session.conn.PID()
		s.mutex.Unlock()
		err = s.parts(ctx, st)
	}

	s.mutex.Lock()
	defer s.mutex.Unlock()
	defer close(st.done)
	st.status = "FINISHED"
	if err != nil {
		st.status, st.failed = "FAILED", words(err)
	}
	if st.halted && err != nil {
		st.status = "ABORTED"
	}
	s.rest(st.session)
}

// rest lets a session wait for its next statement, for as long as it was asked to; the mutex is held.
func (s *Server) rest(is *session) {
	is.busy = false
	if is.id == "" || is.conn == nil || is.conn.IsClosed() {
		if is.id != "" {
			delete(s.sessions, is.id)
		}
		if is.conn != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = is.conn.Close(ctx)
		}
		return
	}
	is.timer = time.AfterFunc(is.keep, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if s.sessions[is.id] == is && !is.busy {
			s.end(is.id)
		}
	})
}

// parts runs them one by one: as one transaction, unless each is to be its own.
func (s *Server) parts(ctx context.Context, st *statement) error {
	conn := st.session.conn
	together := st.batch && st.asked.ExecutionMode != "AUTO_COMMIT"
	if together {
		if _, err := conn.Exec(ctx, "BEGIN").ReadAll(); err != nil {
			return err
		}
	}

	var failed error
	for i := range st.parts {
		if failed != nil && together {
			st.parts[i].status = "ABORTED"
			continue
		}
		if err := s.part(ctx, st, i); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	switch {
	case together && failed != nil:
		_, _ = conn.Exec(ctx, "ROLLBACK").ReadAll()
	case together:
		_, failed = conn.Exec(ctx, "COMMIT").ReadAll()
	}
	return failed
}

// part runs one as a prepared statement, as the service does, and a prepared statement cannot hold several.
func (s *Server) part(ctx context.Context, st *statement, n int) error {
	result := st.session.conn.ExecParams(ctx, st.parts[n].sql, nil, nil, nil, nil).Read()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p := &st.parts[n]
	if result.Err != nil {
		p.status, p.failed = "FAILED", words(result.Err)
		return result.Err
	}
	p.status, p.result, p.rows = "FINISHED", result, result.CommandTag.RowsAffected()
	return nil
}

// words are an error as the service passes it on, without its SQLSTATE.
func words(err error) string {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err.Error()
	}
	text := server.Severity + ": " + server.Message
	if server.Detail != "" {
		text += "\n  Detail: " + server.Detail
	}
	return text
}

func (st *statement) wait(most *int) {
	if most == nil {
		return
	}
	select {
	case <-st.done:
	case <-time.After(seconds(*most)):
	}
}

func (p *part) hasResult() bool { return p.result != nil && len(p.result.FieldDescriptions) > 0 }

func (st *statement) hasResult() bool {
	for i := range st.parts {
		if st.parts[i].hasResult() {
			return true
		}
	}
	return false
}

// find finds a statement, or one of a batch, by an id such as …:2; the mutex is held.
func (s *Server) find(id string) (*statement, *part, *refusal) {
	first, which, sub := strings.Cut(id, ":")
	st := s.statements[first]
	if st == nil {
		return nil, nil, missing("Query does not exist.")
	}
	n := 1
	if sub {
		n, _ = strconv.Atoi(which) // 0 where it is not a number
	}
	if n < 1 || n > len(st.parts) || sub && !st.batch {
		return nil, nil, missing("Query does not exist.")
	}
	return st, &st.parts[n-1], nil
}
