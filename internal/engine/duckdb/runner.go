package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/child"
	"github.com/hindcast/hindcast/internal/duck"
	"github.com/hindcast/hindcast/internal/engine"
)

// Runner runs inside a worker process, one piece of work after another, in one DuckDB instance that sees Parquet files
// below the allowed folders and nothing else.
type Runner struct {
	mutex   sync.Mutex
	db      *sql.DB
	conn    *sql.Conn
	helpers *duck.Helpers
	limits  engine.Limits // as they are set now
	zone    string
	spent   bool              // after an error that leaves the instance useless
	time    string            // the macros of time, as they are now
	made    map[string]string // the views as they are now, by name in lower case: dimensions' stay from slice to slice
}

// RunnerOptions open a Runner.
type RunnerOptions struct {
	Allowed []string `json:"allowed"` // folders that hold inputs and results
	Spill   string   `json:"spill"`
	Memory  int64    `json:"memory"`
	Threads int      `json:"threads"`
}

// NewRunner opens the instance.
func NewRunner(ctx context.Context, o RunnerOptions) (*Runner, error) {
	allowed := o.Allowed
	if allowed == nil {
		allowed = []string{}
	}
	db, err := duck.Open(ctx, duck.Options{Memory: o.Memory, Threads: o.Threads, Spill: o.Spill, Allowed: allowed})
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, duck.Translate(err)
	}
	helpers, err := duck.NewHelpers(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Runner{db: db, conn: conn, helpers: helpers, limits: engine.Limits{Memory: o.Memory, Threads: o.Threads}, zone: "UTC", made: map[string]string{}}, nil
}

// Close frees the instance.
func (r *Runner) Close() error { return errors.Join(r.conn.Close(), r.db.Close()) }

func (r *Runner) exec(ctx context.Context, statement string) error {
	_, err := r.conn.ExecContext(ctx, statement)
	return duck.Translate(err)
}

// set brings the session to the work's limits, time zone and time, which are never inherited.
func (r *Runner) set(ctx context.Context, l engine.Limits, q engine.Query) error {
	if l.Memory > 0 && l.Memory != r.limits.Memory {
		if err := r.exec(ctx, fmt.Sprintf("SET memory_limit='%dB'", duck.MemoryLimit(l.Memory))); err != nil {
			return err
		}
		r.limits.Memory = l.Memory
	}

	if l.Threads > 0 && l.Threads != r.limits.Threads {
		if err := r.helpers.SetThreads(ctx, l.Threads); err != nil {
			return err
		}
		r.limits.Threads = l.Threads
	}

	if zone := q.TimeZone; zone != "" && zone != r.zone {
		if err := r.exec(ctx, "SET TimeZone="+duck.String(zone)); err != nil {
			return err
		}
		r.zone = zone
	}
	return r.clock(ctx, q)
}

// view gives the SQL a table: its rows in the window, or its own rows only.
func (r *Runner) view(ctx context.Context, t engine.Table, own bool) error {
	window := t.Window
	if own {
		window = t.Own
	}
	return r.makeView(ctx, t.Name, viewed(t, window, r.zone))
}

// viewed is the query of a table's view.
func viewed(t engine.Table, window hindcast.Interval, zone string) string {
	var query string
	switch {
	case len(t.Groups) > 0:
		var each []string
		for _, g := range t.Groups {
			if len(g.Files) > 0 {
				each = append(each, duck.As(t.Columns, g.Columns, duck.FromParquet(g.Columns, g.Files)))
			}
		}
		query = cmp.Or(strings.Join(each, " UNION ALL "), duck.FromParquet(t.Columns, nil))
	case len(t.Layouts) > 0:
		query = duck.FromUsersParquet(t.Columns, t.Layouts)
	default:
		query = duck.FromParquet(t.Columns, t.Files)
	}
	query = windowed(t, query, window, zone)
	if t.Sample > 0 {
		query = fmt.Sprintf("SELECT * FROM (%s) USING SAMPLE %g PERCENT (bernoulli)", query, t.Sample)
	}
	return query
}

// windowed cuts a query of the table's rows to those in the window.
func windowed(t engine.Table, query string, window hindcast.Interval, zone string) string {
	for _, c := range t.Columns {
		if t.Time != "" && c.Name == t.Time {
			query = "SELECT * FROM (" + query + ") WHERE " + duck.Window(c.Name, c.TimeType(), window, zone)
		}
	}
	return query
}

// makeView makes a view, unless the same one exists.
func (r *Runner) makeView(ctx context.Context, name, query string) error {
	key := strings.ToLower(name)
	if r.made[key] == query {
		return nil
	}
	delete(r.made, key)
	if err := r.exec(ctx, createView(name, query)); err != nil {
		return err
	}
	r.made[key] = query
	return nil
}

func createView(name, query string) string {
	return "CREATE OR REPLACE TEMP VIEW " + duck.Name(name) + " AS " + query
}

func (r *Runner) views(ctx context.Context, tables []engine.Table) error {
	for _, t := range tables {
		if err := r.view(ctx, t, false); err != nil {
			return fmt.Errorf("reading %s: %w", t.Name, err)
		}
	}
	return nil
}

// Run runs the work to its end: the SQL, its files made durable, then the checks over them.
func (r *Runner) Run(ctx context.Context, work engine.Work) (engine.Result, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err := r.set(ctx, work.Limits, work.Query); err != nil {
		return engine.Result{}, err
	}
	defer r.helpers.Call(!small(work))()
	if err := r.views(ctx, work.Query.Tables); err != nil {
		return engine.Result{}, r.blame(ctx, suspects(work.Query.Tables, err), err)
	}
	var err error
	if work.Columns, err = duck.Store("the result", work.Columns); err != nil {
		return engine.Result{}, err
	}
	staged, err := r.write(ctx, work)
	if err != nil {
		return engine.Result{}, r.blame(ctx, suspects(work.Query.Tables, err), err)
	}
	dropped := int64(0)
	if work.Target.Drop {
		if staged, dropped, err = r.drop(ctx, work, staged); err != nil {
			return engine.Result{}, err
		}
	}
	out := engine.Result{Files: staged.Files, Columns: work.Columns, Rows: staged.Rows(), Outside: dropped}
	for _, f := range staged.Files {
		out.Bytes += f.Bytes
	}
	if err := r.inspect(ctx, work, staged); err != nil {
		return engine.Result{}, r.blame(ctx, suspects(work.Query.Tables, err), err)
	}
	if out.In, err = r.counts(ctx, work.Query.Tables); err != nil {
		return engine.Result{}, r.blame(ctx, suspects(work.Query.Tables, err), err)
	}
	out.Memory = child.PeakMemory(os.Getpid())
	return out, nil
}

// manyBytes are, in Parquet, of more than one row group.
const manyBytes = 16 << 20

// small reports whether the work reads few rows, so that planning its statements is most of what they cost.
func small(work engine.Work) bool { return bytesOf(work.Query.Tables) <= manyBytes }

func bytesOf(tables []engine.Table) (n int64) {
	for _, t := range tables {
		n += t.Bytes
	}
	return n
}

// counts counts the rows of the tables that ask for it. Their time column has just been read.
func (r *Runner) counts(ctx context.Context, tables []engine.Table) (map[string]int64, error) {
	counted := map[string]int64{}
	for _, t := range tables {
		if !t.Count {
			continue
		}
		if err := r.view(ctx, t, false); err != nil { // the checks may have narrowed it
			return nil, err
		}
		var n int64
		if err := r.conn.QueryRowContext(ctx, "SELECT count(*) FROM "+duck.Name(t.Name)).Scan(&n); err != nil {
			return nil, duck.Translate(err)
		}
		counted[t.Name] = n
	}
	return counted, nil
}

// suspects are the files that may be behind an error: those of the user's own, and the lake's where DuckDB says so
// itself. Local copies of these may hold only some columns.
func suspects(tables []engine.Table, err error) []string {
	var files []string
	for _, t := range tables {
		if len(t.Layouts) > 0 || hindcast.AsError(err).Code == hindcast.EParquet {
			files = append(files, t.Files...)
			for _, g := range t.Groups {
				files = append(files, g.Files...)
			}
		}
	}
	return files
}

// write stages the SQL's rows with the bound types.
func (r *Runner) write(ctx context.Context, work engine.Work) (duck.Copied, error) {
	text, start, err := work.Query.Single()
	if err != nil {
		return duck.Copied{}, err
	}
	if err := os.MkdirAll(work.Dir, 0o700); err != nil {
		return duck.Copied{}, duck.Translate(err)
	}
	head, args := "SELECT "+duck.EncodeCast(work.Columns)+" FROM (", []any(nil)
	if small(work) {
		head, args = duck.Once(work.Columns)+head, []any{0}
	}
	copied := duck.Copy
	if work.Fleeting {
		copied = duck.CopyFleeting
	}
	staged, err := copied(ctx, r.conn, head+text+"\n) AS result", work.Dir, args...)
	return staged, place(err, work.Query, start-len(head)-duck.CopyPrefix)
}

// showing makes a table of what a statement such as DESCRIBE shows.
const showing = "FROM ("

// Query runs an ad hoc query.
func (r *Runner) Query(ctx context.Context, q engine.Query, limits engine.Limits, limit int) (engine.Rows, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err := r.set(ctx, limits, q); err != nil {
		return engine.Rows{}, err
	}
	defer r.helpers.Call(false)()
	text, start, err := q.Single()
	if err != nil {
		return engine.Rows{}, err
	}
	if q.Shows() {
		text, start = showing+text+")", start-len(showing)
	}
	if tree, err := r.parsed(ctx, text); err != nil {
		return engine.Rows{}, err
	} else if several(tree) && other(q) {
		return engine.Rows{}, q.NotSelect()
	}
	if err := r.alone(ctx, q, text); err != nil {
		return engine.Rows{}, err
	}
	if err := r.views(ctx, q.Tables); err != nil {
		return engine.Rows{}, err
	}
	columns, err := r.describe(ctx, text)
	if err != nil {
		return engine.Rows{}, bound(err, q, start)
	}
	head := "SELECT " + texts(columns) + " FROM ("
	tail := "\n)"
	if limit > 0 {
		tail += fmt.Sprintf(" LIMIT %d", limit+1)
	}
	values, err := r.values(ctx, head+text+tail, len(columns))
	if err != nil {
		return engine.Rows{}, place(err, q, start-len(head))
	}
	out := engine.Rows{Columns: columns, Values: values}
	if limit > 0 && len(values) > limit {
		out.Values, out.More = values[:limit], true
	}
	return out, nil
}

func texts(columns []hindcast.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "CAST(" + duck.Name(c.Name) + " AS VARCHAR)"
	}
	return strings.Join(list, ", ")
}

// values reads rows of n VARCHAR columns; nil is NULL.
func (r *Runner) values(ctx context.Context, query string, n int) ([][]*string, error) {
	rows, err := r.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, duck.Translate(err)
	}
	defer rows.Close()
	var all [][]*string
	for rows.Next() {
		row := make([]*string, n)
		dest := make([]any, n)
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, duck.Translate(err)
		}
		all = append(all, row)
	}
	return all, duck.Translate(rows.Err())
}
