package redshift

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/awsquery"
	"github.com/hindcast/hindcast/internal/awsredshift"
	"github.com/hindcast/hindcast/internal/pause"
	"github.com/hindcast/hindcast/internal/pgclient"
)

// What the Data API allows, and how its sessions are kept. A session that nobody speaks in ends, and with it its transaction and its
// locks: it is short, so that those of a process that died are soon gone, and kept alive by statements while it is in use.
const (
	longestStatement = 100_000 // bytes; Amazon's documents say 100 KB
	keepAlive        = 45      // seconds after a statement
	beat             = 15 * time.Second
	waiting          = 10 // seconds of a call that waits for a statement
	starts           = time.Minute
	poll             = 250 * time.Millisecond
	resends          = 6 // of a call whose answer was lost
)

// dataAPI is a pool of sessions of the Data API. Each is one of the database's: settings, transactions and locks last from one
// statement to the next, as on a connection.
type dataAPI struct {
	aws   *awsquery.Client
	begin execution // what begins a session
	ready func(context.Context, *session) error
	slots chan struct{} // holds one for each session in use

	mutex sync.Mutex
	idle  []*apiSession // the latest used at the end
	ended bool
}

// execution is a call of ExecuteStatement.
type execution struct {
	SQL       string `json:"Sql"`
	Cluster   string `json:"ClusterIdentifier,omitempty"`
	Workgroup string `json:"WorkgroupName,omitempty"`
	Database  string `json:",omitempty"`
	User      string `json:"DbUser,omitempty"`
	Secret    string `json:"SecretArn,omitempty"`
	KeepAlive int    `json:"SessionKeepAliveSeconds,omitempty"`
	Session   string `json:"SessionId,omitempty"`
	Token     string `json:"ClientToken"`
	Name      string `json:"StatementName"`
}

// execState is what there is to know of one.
type execState struct {
	ID      string `json:"Id"`
	Session string `json:"SessionId"`
	Status  string
	Error   string
	Results bool  `json:"HasResultSet"`
	Rows    int64 `json:"ResultRows"`
}

func (s *execState) over() bool {
	return s.Status == "FINISHED" || s.Status == "FAILED" || s.Status == "ABORTED"
}

func (w *Owner) overDataAPI() links {
	n := w.account.named
	begin := execution{Database: n.Database, User: n.User, Secret: n.Secret, KeepAlive: keepAlive}
	if n.Kind == awsredshift.Grouped {
		begin.Workgroup = n.Name
	} else {
		begin.Cluster = n.Name
	}
	return &dataAPI{aws: w.account.aws, begin: begin, ready: w.prepareSession, slots: make(chan struct{}, w.address.most)}
}

func (d *dataAPI) get(ctx context.Context) (link, error) {
	select {
	case d.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := d.open(ctx)
	if err != nil {
		<-d.slots
		return nil, err
	}
	s.stop = make(chan struct{})
	go s.beats(s.stop)
	return s, nil
}

// open gives a session that is still there, or a new one.
func (d *dataAPI) open(ctx context.Context) (*apiSession, error) {
	d.mutex.Lock()
	if d.ended {
		d.mutex.Unlock()
		return nil, pgclient.ErrClosed
	}
	for len(d.idle) > 0 {
		s := d.idle[len(d.idle)-1]
		d.idle = d.idle[:len(d.idle)-1]
		d.mutex.Unlock()
		if s.lives(ctx) {
			return s, nil
		}
		d.mutex.Lock()
	}
	d.mutex.Unlock()

	s := &apiSession{api: d, running: newGate()}
	return s, d.ready(ctx, &session{s})
}

// fresh is how long a session is taken to be there without asking.
const fresh = time.Second

// lives reports whether a session is still there. One that has long been idle is not asked: it ends.
func (s *apiSession) lives(ctx context.Context) bool {
	if s.running.lock(ctx) != nil { // a last beat may hold it
		return false
	}
	idle := time.Since(s.used)
	s.running.unlock()
	if idle < fresh || idle > beat {
		return idle < fresh
	}
	_, err := s.statement(ctx, "SELECT 1")
	return err == nil
}

func (d *dataAPI) put(l link) {
	s, came := l.(*apiSession) // from this pool
	if !came {
		return
	}
	close(s.stop)
	s.rollback(context.Background()) // what whoever had it has left open
	keep := !s.broken.Load() && !s.open.Load()

	d.mutex.Lock()
	if keep && !d.ended {
		d.idle = append(d.idle, s)
	}
	d.mutex.Unlock()
	<-d.slots
}

// close forgets the sessions, in none of which there is a transaction. Each ends by itself within keepAlive seconds.
func (d *dataAPI) close() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.idle, d.ended = nil, true
	return nil
}

// apiSession is one session.
type apiSession struct {
	api  *dataAPI
	stop chan struct{} // ends the beats

	open   atomic.Bool // in a transaction
	broken atomic.Bool // nobody knows what it is doing

	running gate      // guards what follows, and is held while a statement runs: a session runs one at a time
	id      string    // "" before the first statement
	used    time.Time // when the last one ended
}

// beats keeps a session that somebody has alive while they are busy elsewhere.
func (s *apiSession) beats(stop chan struct{}) {
	tick := time.NewTicker(beat / 3)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if s.running.tryLock() { // otherwise a statement runs
			s.beat(stop)
			s.running.unlock()
		}
	}
}

// beat runs a statement if the session is in use and has been idle; the gate is held.
func (s *apiSession) beat(stop chan struct{}) {
	select {
	case <-stop: // since the tick
		return
	default:
	}
	if s.id == "" || s.broken.Load() || time.Since(s.used) < beat {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), keepAlive*time.Second)
	defer cancel()
	_, _ = s.execute(ctx, "SELECT 1") // a transaction that has failed refuses it, and the session lasts all the same
}

var errBroken = fmt.Errorf("the session is not usable: %w", pgconn.ErrConnClosed)

// statement runs one, and keeps account of the transaction. Nothing is sent for a context that has ended: a COMMIT least of all.
func (s *apiSession) statement(ctx context.Context, sql string) (*execState, error) {
	if err := s.running.lock(ctx); err != nil {
		return nil, err
	}
	defer s.running.unlock()
	if s.broken.Load() {
		return nil, errBroken
	}
	if len(sql) > longestStatement {
		return nil, &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassPermanent,
			Message: fmt.Sprintf("a statement of %d bytes is needed, and the Data API takes %d", len(sql), longestStatement),
			Next:    "connect with redshift+iam://, which has no such limit, or leave columns out with `columns:`"}
	}

	first, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	if strings.EqualFold(first, "BEGIN") {
		s.open.Store(true)
	}
	state, err := s.execute(ctx, sql)
	if _, refused := errors.AsType[*pgconn.PgError](err); strings.EqualFold(first, "ROLLBACK") && err == nil || strings.EqualFold(first, "COMMIT") && (err == nil || refused) {
		s.open.Store(false)
	}
	return state, err
}

// execute runs a statement to its end. A call whose answer is lost is made again with the same token, of which the Data API runs
// one statement only. What is cancelled here is cancelled there.
func (s *apiSession) execute(ctx context.Context, sql string) (*execState, error) {
	defer func() { s.used = time.Now() }()
	call := execution{Session: s.id}
	if s.id == "" {
		call = s.api.begin
	}
	call.SQL, call.Token, call.Name = sql, rand.Text(), "hindcast"

	state := &execState{}
	starting, cancel := context.WithTimeout(context.WithoutCancel(ctx), starts) // its id is needed to cancel it
	defer cancel()
	if err := s.api.call(starting, "ExecuteStatement", call, state); err != nil {
		return nil, s.failed(err)
	}
	if s.id == "" {
		s.id = state.Session
	}
	for !state.over() {
		if err := s.api.describe(ctx, state); err != nil {
			s.abandon(state.ID)
			return nil, s.failed(err)
		}
	}
	if state.Status == "FINISHED" {
		return state, nil
	}
	if state.Error == "" { // only a description has it
		if err := s.api.describe(ctx, state); err != nil {
			return nil, s.failed(err)
		}
	}
	err := refusalOf(state)
	if _, refused := errors.AsType[*pgconn.PgError](err); !refused {
		s.broken.Store(true)
	}
	return nil, err
}

// ofSession recognizes an answer to the effect that the session has ended.
var ofSession = regexp.MustCompile(`(?i)\bsession(id)?\b`)

// failed is the error of a call that the service, and not the cluster, failed: whether the statement ran is not known.
func (s *apiSession) failed(err error) error {
	switch code := awsquery.Code(err); code {
	case "ActiveStatementsExceededException", "ActiveSessionsExceededException":
		s.broken.Store(s.id != "")
		return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Cause: err,
			Message: "the Data API has as much to do as it takes: " + err.Error(), Next: "allow fewer sessions with max_connections=N in the URL under `warehouse:`"}
	case "ValidationException", "ResourceNotFoundException":
		if s.id != "" && ofSession.MatchString(err.Error()) {
			s.broken.Store(true)
			return fmt.Errorf("%w: %v", errBroken, err) //nolint:errorlint // what it was is not the user's matter
		}
	}
	s.broken.Store(true)
	return err
}

// abandon cancels a statement that nobody waits for any more, and its transaction.
func (s *apiSession) abandon(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), pgclient.CancelTimeout)
	defer cancel()
	_ = s.api.call(ctx, "CancelStatement", map[string]string{"Id": id}, nil)
	state := &execState{ID: id}
	for !state.over() {
		if s.api.describe(ctx, state) != nil {
			return
		}
	}
	if s.open.Load() {
		_ = s.api.call(ctx, "ExecuteStatement", execution{SQL: "ROLLBACK", Session: s.id, Token: rand.Text(), Name: "hindcast"}, nil)
	}
}

// describe waits some time for a statement.
func (d *dataAPI) describe(ctx context.Context, state *execState) error {
	asked := map[string]any{"Id": state.ID, "WaitTimeSeconds": waiting}
	err := d.call(ctx, "DescribeStatement", asked, state)
	if awsquery.Code(err) != "ActiveWaitingRequestsExceededException" {
		return err
	}
	if err := pause.For(ctx, poll); err != nil {
		return err
	}
	delete(asked, "WaitTimeSeconds")
	return d.call(ctx, "DescribeStatement", asked, state)
}

// call makes a call that may be made twice, until it is answered.
func (d *dataAPI) call(ctx context.Context, action string, in, out any) error {
	if out == nil {
		out = &struct{}{}
	}
	for n := 0; ; n++ {
		err := d.aws.JSON(ctx, dataService, action, in, out)
		if err == nil || n == resends || ctx.Err() != nil || hindcast.AsError(err).Class != hindcast.ClassTransient {
			return err
		}
		if pause.For(ctx, poll<<n) != nil {
			return err
		}
	}
}

var dataService = awsquery.Service{ID: "Redshift Data", Prefix: "redshift-data", Target: "RedshiftData"}

func (s *apiSession) ask(ctx context.Context, query string) ([]pgclient.Row, error) {
	state, err := s.statement(ctx, query)
	if err != nil || !state.Results {
		return nil, err
	}
	return s.api.results(ctx, state.ID)
}

func (s *apiSession) affected(ctx context.Context, statement string) (int64, error) {
	state, err := s.statement(ctx, statement)
	if err != nil {
		return 0, err
	}
	err = s.api.describe(ctx, state) // which has the number
	return state.Rows, err
}

func (s *apiSession) rollback(ctx context.Context) {
	if !s.open.Load() || s.broken.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pgclient.CancelTimeout)
	defer cancel()
	_, _ = s.statement(ctx, "ROLLBACK")
}

func (s *apiSession) closed() bool { return s.broken.Load() }

func (s *apiSession) discard() { s.broken.Store(true) }

func (s *apiSession) longest() int { return longestStatement }

// field is a value of a result.
type field struct {
	Null   bool     `json:"isNull"`
	Bool   *bool    `json:"booleanValue"`
	Long   *int64   `json:"longValue"`
	Double *float64 `json:"doubleValue"`
	Text   *string  `json:"stringValue"`
	Blob   *string  `json:"blobValue"`
}

// text is the value as the cluster spells it.
func (f field) text() *string {
	var text string
	switch {
	case f.Null:
		return nil
	case f.Text != nil:
		return f.Text
	case f.Long != nil:
		text = strconv.FormatInt(*f.Long, 10)
	case f.Bool != nil:
		text = map[bool]string{true: "t", false: "f"}[*f.Bool]
	case f.Double != nil:
		text = strconv.FormatFloat(*f.Double, 'g', -1, 64)
	default:
		return nil
	}
	return &text
}

func (d *dataAPI) results(ctx context.Context, id string) (rows []pgclient.Row, err error) {
	asked := map[string]string{"Id": id}
	for {
		var page struct {
			Records [][]field
			Next    string `json:"NextToken"`
		}
		if err := d.call(ctx, "GetStatementResult", asked, &page); err != nil {
			return nil, err
		}
		for _, record := range page.Records {
			row := make(pgclient.Row, len(record))
			for i, f := range record {
				row[i] = f.text()
			}
			rows = append(rows, row)
		}
		if page.Next == "" {
			return rows, nil
		}
		asked["NextToken"] = page.Next
	}
}

// saysState are SQLSTATEs by the words of errors: the Data API passes on the words alone.
var saysState = []struct{ words, state string }{
	{"cancelled on user's request", pgclient.Canceled}, {"canceling statement", pgclient.Canceled}, {"statement timeout", pgclient.Canceled}, {"permission denied", "42501"},
	{"must be owner", "42501"}, {"password authentication failed", "28000"}, {"too many connections", pgclient.TooMany}, {"connection limit", pgclient.TooMany},
	{"read-only transaction", "25006"}, {"transaction is read only", "25006"}, {"cannot insert a null", "23502"}, {"violates not-null", "23502"},
	{"division by zero", "22012"}, {"invalid input syntax", "22P02"}, {"terminating connection", "57P01"},
}

// saysWho is what an error of the cluster's begins with.
var saysWho = regexp.MustCompile(`^(ERROR|FATAL):\s*`)

// refusalOf is the cluster's error, as far as the Data API passes it on. Where it is not the cluster that speaks, nobody knows whether
// the statement was run.
func refusalOf(state *execState) error {
	text := strings.TrimSpace(state.Error)
	by := saysWho.FindStringSubmatch(text)
	if by == nil && state.Status == "FAILED" {
		return &hindcast.Error{Code: hindcast.EWarehouse, Class: hindcast.ClassTransient, Message: "the Data API lost the statement: " + firstLine(text),
			Next: "see whether the cluster was resized or restarted"}
	}
	message, detail, _ := strings.Cut(saysWho.ReplaceAllString(text, ""), "\n")
	e := &pgconn.PgError{Severity: "FATAL", Code: "XX000", Message: cmp.Or(strings.TrimSpace(message), "the statement was cancelled"),
		Detail: strings.TrimPrefix(strings.TrimSpace(detail), "Detail: ")}
	if state.Status == "ABORTED" {
		e.Code = pgclient.Canceled
		return e
	}

	e.Severity = by[1]
	lower := strings.ToLower(message)
	for _, s := range saysState {
		if strings.Contains(lower, s.words) {
			e.Code = s.state
			return e
		}
	}
	if !strings.Contains(lower, "does not exist") {
		return e
	}
	for what, state := range map[string]string{"relation": "42P01", "table": "42P01", "column": "42703", "database": "3D000", "role": "28000", "user": "28000"} {
		if strings.HasPrefix(lower, what) {
			e.Code = state
		}
	}
	return e
}
