package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hindcast/hindcast"
	"github.com/hindcast/hindcast/internal/pgtest"
	"github.com/hindcast/hindcast/internal/s3test"
)

// harm is what the proxy currently does to requests. The zero harm does nothing.
type harm struct {
	mutex   sync.Mutex
	random  *rand.Rand
	left    int     // requests left in the current storm
	part    float64 // the share of them that fail
	flips   int     // answers with Parquet until one is damaged; 0 is none
	flipped string  // the key of that answer
	expired int     // requests left whose credentials have expired
}

// faults are what happens to requests in a storm. Answers to writes are lost more often than others: that is the worst
// case.
var faults = []s3test.Fault{s3test.Internal, s3test.SlowDown, s3test.Cut, s3test.Lose, s3test.Lose, s3test.Refuse}

// rule is the proxy's.
func (h *harm) rule(r s3test.Request) s3test.Fault {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.flips > 0 && r.Op == "GET" && strings.HasSuffix(r.Key, ".parquet") {
		if h.flips--; h.flips == 0 {
			h.flipped = r.Key
			return s3test.Flip
		}
	}

	if h.expired > 0 && r.Op != "HEAD" { // whose answer has no body that would say so
		h.expired--
		return s3test.Expired
	}
	if h.left == 0 {
		return s3test.None
	}

	h.left--
	if h.random.Float64() >= h.part {
		return s3test.None
	}

	return faults[h.random.IntN(len(faults))]
}

// storm makes some of the next requests fail, in all ways.
func (h *harm) storm(seed uint64, requests int, part float64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.random, h.left, h.part = rand.New(rand.NewPCG(seed, 1)), requests, part
}

// expire has the credentials of the next requests be out of date.
func (h *harm) expire(requests int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.expired = requests
}

// flip damages one bit of the nth answer with Parquet from here on.
func (h *harm) flip(n int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.flips, h.flipped = n, ""
}

// flippedIn is the key of the damaged answer; "" if there has been none.
func (h *harm) flippedIn() string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.flipped
}

// density is high: most of what is done to a remote site ends no process.
func (s *remote) density() float64 { return 0.85 }

func (s *remote) strikes() []strike {
	return []strike{{5, (*trial).stop}, {5, (*trial).second}, {35, (*trial).kill}, {10, s.restart}, {10, s.terminate("anything")}, {10, s.terminate("COPY")},
		{10, s.terminate("COMMIT")}, {15, s.storm}, {12, (*trial).usurp}}
}

func (s *remote) storm(c *trial, _ *running) *running {
	c.tally.other("S3 storms")
	s.harm.storm(c.random.Uint64(), 5+c.random.IntN(60), 0.1+0.3*c.random.Float64())
	return nil
}

// restart makes PostgreSQL crash, and come back.
func (s *remote) restart(c *trial, _ *running) *running {
	c.tally.other("PostgreSQL restarts")
	c.hungUp = true
	s.cluster().Restart(c, "immediate")
	return nil
}

// victim ends a session of the kind.
const victim = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND application_name LIKE 'hindcast%%' AND %s LIMIT 1"

// kinds are the sessions that may be ended.
var kinds = map[string]string{
	"anything": "true",
	"COPY":     "state = 'active' AND query ~ '^COPY'",
	"COMMIT":   "state = 'active' AND query ~ 'COMMIT;?\\s*$'",
}

// terminate ends a session of ours, if there is one of the kind within a while.
func (s *remote) terminate(kind string) func(*trial, *running) *running {
	return func(c *trial, p *running) *running {
		c.hungUp = true
		conn, err := pgconn.Connect(c.Context(), s.cluster().URL("postgres"))
		if err != nil {
			c.Fatal(err)
		}
		defer func() { _ = conn.Close(c.Context()) }()

		for end := time.Now().Add(c.world.span / 2); time.Now().Before(end) && !p.ended(); {
			if len(pgtest.Query(c, conn, fmt.Sprintf(victim, s.database, kinds[kind]))) > 0 {
				c.tally.other("sessions ended in " + kind)
				break
			}
		}

		return nil
	}
}

// pardons excuses a run that connects while the warehouse is down, which says so instead of waiting, and a run that
// could not renew its lease, which has to end because another may have taken it over.
func (s *remote) pardons(c *trial, code int, said string) (string, bool) {
	switch {
	case code == hindcast.ExitUsage && c.hungUp && strings.Contains(said, "E-WAREHOUSE"):
		return "ends before the first slice", true
	case code == hindcast.ExitFailed && strings.Contains(said, "E-LAKE  the lease could not be renewed"):
		return "leases not renewed", true
	}
	return "", false
}
