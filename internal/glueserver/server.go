// Package glueserver serves the Glue API on one machine: AWSGlue's JSON 1.1 with jobs, runs, tags and the Data Catalog, and as much
// of CloudWatch Logs and IAM as clients of Glue ask the same address for. Jobs and runs are package jobs', and what a run
// executes is a Runner's.
package glueserver

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hindcast/hindcast/internal/glueserver/catalog"
	"github.com/hindcast/hindcast/internal/glueserver/jobs"
	"github.com/hindcast/hindcast/internal/glueserver/ledger"
)

// Options open a server.
type Options struct {
	State    string // the folder that jobs, runs and tables are kept in: one server has it
	Runner   jobs.Runner
	Limits   jobs.Limits
	Parallel int              // how many scripts run at the same time; at least 1
	Keys     *Keys            // that requests must be signed with; nil takes every request that this machine's own programs send
	Now      func() time.Time // nil is time.Now
	Minute   time.Duration    // how long a minute of a Timeout takes; 0 is a minute
}

// Server answers requests until it is closed. Safe for parallel use.
type Server struct {
	options    Options
	ledger     *ledger.Ledger
	book       *jobs.Book
	catalog    *catalog.Catalog
	operations map[string]operation
}

var _ http.Handler = (*Server)(nil)

// Open opens the folder, and takes up the runs that an earlier server left.
func Open(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{options: o}
	var writing sync.Mutex // one at a time writes into the ledger
	s.book = jobs.New(writer{s}, &writing, jobs.Options{Runner: o.Runner, Limits: o.Limits, Parallel: o.Parallel, Now: o.Now, Minute: o.Minute})
	s.catalog = catalog.New(writer{s}, &writing, o.Now)
	l, err := ledger.Open(o.State, func(c ledger.Change) error { return errors.Join(s.book.Load(c), s.catalog.Load(c)) })
	if err != nil {
		return nil, err
	}
	s.ledger = l
	s.operations = s.table()
	if err := s.book.Go(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// writer is the ledger, which is opened after those that write into it were made.
type writer struct{ *Server }

func (w writer) Write(changes ...ledger.Change) error { return w.ledger.Write(changes...) }

// Close ends the server and leaves its runs as they are: their scripts go on, and the next server takes them up.
func (s *Server) Close() error {
	s.book.Close()
	return s.ledger.Close()
}
